-- Plans: what can be bought. A published version never changes; a new price is a new version.

CREATE TABLE plans (
    id          uuid PRIMARY KEY
  , code        text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9-]{1,30}$')
  , kind        text NOT NULL CHECK (kind IN ('development', 'test', 'production'))
  , position    integer NOT NULL
    -- Shown names and one-sentence descriptions by language: {"en": "…", "fr": "…", "ar": "…"}.
  , names       jsonb NOT NULL
  , summaries   jsonb NOT NULL
  , is_offered  boolean NOT NULL DEFAULT true
  , created_at  timestamptz NOT NULL
);

CREATE TABLE plan_versions (
    id                  uuid PRIMARY KEY
  , plan_id             uuid NOT NULL REFERENCES plans
  , version             integer NOT NULL CHECK (version > 0)
  , state               text NOT NULL CHECK (state IN ('draft', 'published'))
  , cpu_millis          integer NOT NULL CHECK (cpu_millis > 0)      -- thousandths of a core
  , memory_mb           integer NOT NULL CHECK (memory_mb >= 128)    -- MiB
  , storage_mb          integer NOT NULL CHECK (storage_mb > 0)      -- MiB of database
    -- Seconds of idleness before it sleeps; NULL when it never does.
  , sleep_after_seconds integer CHECK (sleep_after_seconds > 0)
  , max_replicas        integer NOT NULL DEFAULT 1 CHECK (max_replicas BETWEEN 1 AND 16)
  , daily_backups       integer NOT NULL CHECK (daily_backups >= 0)
  , weekly_backups      integer NOT NULL CHECK (weekly_backups >= 0)
  , monthly_backups     integer NOT NULL CHECK (monthly_backups >= 0)
  , published_at        timestamptz CHECK ((state = 'published') = (published_at IS NOT NULL))
  , created_at          timestamptz NOT NULL
  , UNIQUE (plan_id, version)
);

-- The base price per month, in every currency that is sold.
CREATE TABLE plan_prices (
    plan_version_id  uuid NOT NULL REFERENCES plan_versions
  , currency         text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , monthly_minor    bigint NOT NULL CHECK (monthly_minor >= 0)
  , PRIMARY KEY (plan_version_id, currency)
);

-- Included usage a month and the price of what goes beyond it.
CREATE TABLE plan_meters (
    plan_version_id  uuid NOT NULL REFERENCES plan_versions
  , meter            text NOT NULL
  , currency         text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- In the meter's pricing unit (core-hours, GB-hours, GB, thousand requests).
  , included         numeric(20, 4) NOT NULL CHECK (included >= 0)
  , unit_price       numeric(12, 6) NOT NULL CHECK (unit_price >= 0)
  , PRIMARY KEY (plan_version_id, meter, currency)
);

CREATE FUNCTION refuse_published_plan_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    version_state text;
    version_id uuid;
BEGIN
    IF TG_TABLE_NAME = 'plan_versions' THEN
        IF OLD.state = 'published' THEN
            RAISE EXCEPTION 'a published plan version never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSE
        version_id := CASE WHEN TG_OP = 'INSERT' THEN NEW.plan_version_id ELSE OLD.plan_version_id END;
        SELECT state INTO version_state FROM plan_versions WHERE id = version_id;
        IF version_state = 'published' THEN
            RAISE EXCEPTION 'a published plan version never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER plan_versions_are_immutable BEFORE UPDATE OR DELETE ON plan_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_published_plan_version();
CREATE TRIGGER plan_prices_are_immutable BEFORE INSERT OR UPDATE OR DELETE ON plan_prices
    FOR EACH ROW EXECUTE FUNCTION refuse_published_plan_version();
CREATE TRIGGER plan_meters_are_immutable BEFORE INSERT OR UPDATE OR DELETE ON plan_meters
    FOR EACH ROW EXECUTE FUNCTION refuse_published_plan_version();
