-- Sandboxes: a database of its own for each, in which an invented customer lives by a clock that our people move. Here stands only
-- what was wanted of each, how far it is, and what the worker saw in it: no document, entry or mail of one is ever in this database.

CREATE TABLE sandboxes (
    id             uuid PRIMARY KEY
  , name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 100)
    -- Where the invented customer lives, and in which currency it pays: by it, which of our companies sells.
  , country        text NOT NULL CHECK (country ~ '^[A-Z]{2}$')
  , currency       text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- One environment on each.
  , plan_versions  uuid[] NOT NULL CHECK (cardinality(plan_versions) BETWEEN 1 AND 5)
  , usage_profile  text NOT NULL CHECK (usage_profile IN ('idle', 'shop', 'busy'))
  , pays           text NOT NULL CHECK (pays IN ('in_time', 'late', 'never', 'card', 'declined'))
  , has_trial      boolean NOT NULL
  , budget_minor   bigint CHECK (budget_minor BETWEEN 100 AND 100000000000)
    -- Of the invented customer's mails.
  , language       text NOT NULL CHECK (language IN ('en', 'fr', 'ar'))
  , starts_at      timestamptz NOT NULL
  , made_by        uuid NOT NULL REFERENCES staff
  , made_at        timestamptz NOT NULL
    -- Until when our people want its clock to go, and where it is; NULL: its database is being made.
  , wanted_at      timestamptz NOT NULL CHECK (wanted_at >= starts_at AND wanted_at <= starts_at + interval '3653 days')
  , clock_at       timestamptz CHECK (clock_at >= starts_at AND clock_at <= wanted_at)
    -- When our people wanted something of it the last time: one that is left alone is dropped.
  , touched_at     timestamptz NOT NULL
    -- Its database is dropped, and then this row is.
  , removed_at     timestamptz
    -- Why the worker is not further; empty: nothing is wrong.
  , problem        text NOT NULL DEFAULT ''
    -- What happened in it so far, as pages show it.
  , report         jsonb
);

CREATE FUNCTION keep_sandbox_clocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.country, NEW.currency, NEW.plan_versions, NEW.usage_profile, NEW.pays, NEW.has_trial, NEW.budget_minor, NEW.starts_at)
       IS DISTINCT FROM
       (OLD.id, OLD.country, OLD.currency, OLD.plan_versions, OLD.usage_profile, OLD.pays, OLD.has_trial, OLD.budget_minor, OLD.starts_at) THEN
        RAISE EXCEPTION 'what a sandbox began with never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.wanted_at < OLD.wanted_at OR NEW.clock_at < OLD.clock_at OR (OLD.clock_at IS NOT NULL AND NEW.clock_at IS NULL) THEN
        RAISE EXCEPTION 'the clock of a sandbox never goes back' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.wanted_at > OLD.wanted_at AND OLD.clock_at IS DISTINCT FROM OLD.wanted_at THEN
        RAISE EXCEPTION 'a sandbox advances once at a time' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.removed_at IS NOT NULL AND (NEW.removed_at IS DISTINCT FROM OLD.removed_at OR NEW.wanted_at > OLD.wanted_at) THEN
        RAISE EXCEPTION 'a sandbox that was removed does not come back' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sandbox_clocks_are_kept BEFORE UPDATE ON sandboxes FOR EACH ROW EXECUTE FUNCTION keep_sandbox_clocks();

-- Whether the worker can make sandboxes, as it found: pages read it, because they do not have its address.
CREATE TABLE sandbox_server (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one)
  , state      text NOT NULL CHECK (state IN ('ready', 'missing', 'failing'))
  , problem    text NOT NULL DEFAULT ''
  , looked_at  timestamptz NOT NULL
);
