-- What a customer is charged for, since when, by which of our companies: the ground of every invoice.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Our own companies: who sells. An account is sold to by the one that is at home with its currency.
CREATE TABLE sellers (
    id                 uuid PRIMARY KEY
    -- Stands in the numbers of its documents: `MA`, `FR`.
  , code               text NOT NULL UNIQUE CHECK (code ~ '^[A-Z]{2,6}$')
  , country            text NOT NULL CHECK (country IN ('FR', 'MA'))
  , currency           text NOT NULL UNIQUE CHECK (currency IN ('EUR', 'MAD'))
  , timezone           text NOT NULL
    -- Everything that has to stand on a document (docs/billing.md): {"legal_name": …, "address": {…}, "identifiers": {…}, "bank": {…}}.
  , details            jsonb NOT NULL DEFAULT '{}'
  , payment_days       integer NOT NULL DEFAULT 15 CHECK (payment_days BETWEEN 0 AND 60)
  , trial_days         integer NOT NULL DEFAULT 14 CHECK (trial_days BETWEEN 0 AND 90)
    -- Above this a transfer is entered by one of our people and confirmed by another.
  , four_eyes_minor    bigint NOT NULL DEFAULT 1000000 CHECK (four_eyes_minor >= 0)
  , created_at         timestamptz NOT NULL
);

-- Who the customer is on paper. Documents keep a copy: what changes here changes no old document.
CREATE TABLE billing_profiles (
    account_id       uuid PRIMARY KEY REFERENCES accounts
  , is_business      boolean NOT NULL DEFAULT true
  , legal_name       text NOT NULL CHECK (length(legal_name) BETWEEN 1 AND 400)
  , street           text NOT NULL DEFAULT '' CHECK (length(street) <= 400)
  , postcode         text NOT NULL DEFAULT '' CHECK (length(postcode) <= 20)
  , city             text NOT NULL DEFAULT '' CHECK (length(city) <= 200)
  , country          text NOT NULL CHECK (country ~ '^[A-Z]{2}$')
  , vat_number       text NOT NULL DEFAULT '' CHECK (length(vat_number) <= 20)
    -- A number that was checked is kept with when and with which answer; another number has to be checked anew.
  , vat_checked_at   timestamptz
  , vat_check        text NOT NULL DEFAULT ''
  , siren            text NOT NULL DEFAULT '' CHECK (siren ~ '^([0-9]{9})?$')
  , ice              text NOT NULL DEFAULT '' CHECK (ice ~ '^([0-9]{15})?$')
    -- Where documents are sent; empty: to the owners and those who may handle money.
  , email            text NOT NULL DEFAULT '' CHECK (length(email) <= 320)
  , purchase_order   text NOT NULL DEFAULT '' CHECK (length(purchase_order) <= 100)
  , language         text NOT NULL CHECK (language IN ('en', 'fr', 'ar'))
  , updated_at       timestamptz NOT NULL
  , CHECK ((vat_checked_at IS NULL) = (vat_check = ''))
);

-- Until then an account pays nothing. One row for each account that was given a trial.
CREATE TABLE trials (
    account_id   uuid PRIMARY KEY REFERENCES accounts
  , from_at      timestamptz NOT NULL
  , until_at     timestamptz NOT NULL CHECK (until_at > from_at)
  , reminded_at  timestamptz
  , ended_at     timestamptz
);

-- Since when an environment is charged on which plan: [from_at, until_at). Written by the database whenever the environment
-- changes, so that no way of changing one can forget it.
CREATE TABLE environment_segments (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid()
  , environment_id   uuid NOT NULL REFERENCES environments
  , account_id       uuid NOT NULL REFERENCES accounts
  , plan_version_id  uuid NOT NULL REFERENCES plan_versions
  , from_at          timestamptz NOT NULL
  , until_at         timestamptz CHECK (until_at > from_at)
  , EXCLUDE USING gist (environment_id WITH =, tstzrange(from_at, until_at) WITH &&)
);
CREATE INDEX environment_segments_by_account ON environment_segments (account_id, from_at);
CREATE UNIQUE INDEX environment_segments_one_open ON environment_segments (environment_id) WHERE until_at IS NULL;

-- When what is charged of it changed the last time: said by whoever changes the plan, or asks for its deletion, or takes that back.
ALTER TABLE environments ADD COLUMN charged_since timestamptz;
UPDATE environments SET charged_since = created_at;

-- With its owner's rights: nobody else writes segments.
CREATE FUNCTION write_environment_segments() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    at          timestamptz;
    open_from   timestamptz;
    was_charged boolean;
    is_charged  boolean := NEW.wanted <> 'deleted';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF is_charged THEN
            INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at)
            VALUES (NEW.id, NEW.account_id, NEW.plan_version_id, COALESCE(NEW.charged_since, NEW.created_at));
        END IF;
        RETURN NULL;
    END IF;
    was_charged := OLD.wanted <> 'deleted';
    IF was_charged = is_charged AND OLD.plan_version_id = NEW.plan_version_id AND OLD.account_id = NEW.account_id THEN
        RETURN NULL;
    END IF;
    -- Whoever did not say when means now.
    at := CASE WHEN NEW.charged_since IS DISTINCT FROM OLD.charged_since THEN NEW.charged_since ELSE now() END;
    SELECT from_at INTO open_from FROM environment_segments WHERE environment_id = NEW.id AND until_at IS NULL FOR UPDATE;
    IF open_from IS NOT NULL THEN
        IF at <= open_from THEN
            -- Changed twice in the same instant, or by a clock that stepped back: what lasted no time was never charged.
            at := open_from;
            DELETE FROM environment_segments WHERE environment_id = NEW.id AND until_at IS NULL;
        ELSE
            UPDATE environment_segments SET until_at = at WHERE environment_id = NEW.id AND until_at IS NULL;
        END IF;
    ELSE
        SELECT GREATEST(at, max(until_at)) INTO at FROM environment_segments WHERE environment_id = NEW.id;
    END IF;
    IF is_charged THEN
        INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at)
        VALUES (NEW.id, NEW.account_id, NEW.plan_version_id, at);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER environments_are_charged AFTER INSERT OR UPDATE OF plan_version_id, wanted, account_id ON environments
    FOR EACH ROW EXECUTE FUNCTION write_environment_segments();

-- What is there already is charged from the day on which charging begins, never for the time before.
INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at)
SELECT id, account_id, plan_version_id, now()
  FROM environments
 WHERE wanted <> 'deleted';

-- An account's months. Bounds are kept as instants: nothing moves when clocks or their rules change.
CREATE TABLE billing_periods (
    id          uuid PRIMARY KEY
  , account_id  uuid NOT NULL REFERENCES accounts
  , seller_id   uuid NOT NULL REFERENCES sellers
  , currency    text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , from_at     timestamptz NOT NULL
  , until_at    timestamptz NOT NULL CHECK (until_at > from_at)
  , state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed'))
  , closed_at   timestamptz CHECK ((state = 'closed') = (closed_at IS NOT NULL))
    -- Why a person has to look before it is closed: {"reason": …, …}.
  , parked      jsonb
  , created_at  timestamptz NOT NULL
  , UNIQUE (account_id, from_at)
  , UNIQUE (id, account_id)
  , EXCLUDE USING gist (account_id WITH =, tstzrange(from_at, until_at) WITH &&)
);
CREATE INDEX billing_periods_open ON billing_periods (until_at) WHERE state = 'open';

-- A plan's further prices: from so many units beyond what is included, each unit costs so much. The first price is
-- `plan_meters.unit_price`. An upper bound is the next one's lower bound, so that there is never a hole.
CREATE TABLE plan_tiers (
    plan_version_id  uuid NOT NULL
  , meter            text NOT NULL
  , currency         text NOT NULL
  , from_quantity    numeric(20, 4) NOT NULL CHECK (from_quantity > 0)
  , unit_price       numeric(12, 6) NOT NULL CHECK (unit_price >= 0)
  , PRIMARY KEY (plan_version_id, meter, currency, from_quantity)
  , FOREIGN KEY (plan_version_id, meter, currency) REFERENCES plan_meters
);
CREATE TRIGGER plan_tiers_are_immutable BEFORE INSERT OR UPDATE OR DELETE ON plan_tiers
    FOR EACH ROW EXECUTE FUNCTION refuse_published_plan_version();
CREATE TRIGGER plan_tiers_are_not_emptied BEFORE TRUNCATE ON plan_tiers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- What a closed period costs, and later knowledge about it. Never changed.
CREATE TABLE charges (
    id                  uuid PRIMARY KEY
  , account_id          uuid NOT NULL
    -- The period that it is billed in.
  , period_id           uuid NOT NULL
    -- The period that it speaks of: an earlier one, for a correction.
  , of_period_id        uuid NOT NULL
  , environment_id      uuid NOT NULL REFERENCES environments
  , plan_version_id     uuid NOT NULL REFERENCES plan_versions
  , class               text NOT NULL CHECK (class IN ('usual', 'correction', 'trial'))
    -- 0 when first charged; corrections count up.
  , revision            integer NOT NULL DEFAULT 0 CHECK ((revision > 0) = (class = 'correction'))
    -- NULL: the base price.
  , meter               text
    -- Which of the plan's prices, from 1; 0 is what is included; NULL with the base price.
  , tier                integer CHECK ((tier IS NULL) = (meter IS NULL))
  , from_at             timestamptz NOT NULL
  , until_at            timestamptz NOT NULL CHECK (until_at > from_at)
    -- All that was used, in raw units; of the base price: microseconds on the plan.
  , used_raw            numeric(38, 0) NOT NULL
    -- What remained of earlier periods and remains now, in raw units (docs/billing.md); on the last tier of a meter.
  , carry_in_raw        numeric(38, 0) NOT NULL DEFAULT 0
  , carry_out_raw       numeric(38, 0) NOT NULL DEFAULT 0
    -- In the meter's unit, four decimals; 1 of the base price.
  , quantity            numeric(24, 4) NOT NULL
  , unit_price          numeric(18, 6) NOT NULL CHECK (unit_price >= 0)
  , currency            text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
    -- Rounded half away from zero to the coin: what stands on the line.
  , net_minor           bigint NOT NULL
  , created_at          timestamptz NOT NULL
  , CHECK (net_minor = round(quantity * unit_price * 100))
  , FOREIGN KEY (period_id, account_id) REFERENCES billing_periods (id, account_id)
  , FOREIGN KEY (of_period_id, account_id) REFERENCES billing_periods (id, account_id)
);
CREATE UNIQUE INDEX charges_once ON charges
    (of_period_id, environment_id, plan_version_id, (class = 'trial'), COALESCE(meter, ''), COALESCE(tier, 0), revision);
CREATE INDEX charges_by_period ON charges (period_id);
CREATE INDEX charges_by_environment ON charges (environment_id, meter);
CREATE TRIGGER charges_are_final BEFORE UPDATE OR DELETE ON charges FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charges_are_not_emptied BEFORE TRUNCATE ON charges FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

CREATE FUNCTION keep_periods_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state = 'closed' THEN
        RAISE EXCEPTION 'a closed period never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.account_id, NEW.seller_id, NEW.currency, NEW.from_at, NEW.until_at) IS DISTINCT FROM
       (OLD.account_id, OLD.seller_id, OLD.currency, OLD.from_at, OLD.until_at) THEN
        RAISE EXCEPTION 'the bounds of a period never change' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER billing_periods_stay_closed BEFORE UPDATE OR DELETE ON billing_periods
    FOR EACH ROW EXECUTE FUNCTION keep_periods_closed();

-- A charge is written while the period that it is billed in is open, or not at all.
CREATE FUNCTION refuse_charge_of_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    period_state text;
BEGIN
    SELECT state INTO period_state FROM billing_periods WHERE id = NEW.period_id FOR SHARE;
    IF period_state <> 'open' THEN
        RAISE EXCEPTION 'a closed period takes no more charges' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER charges_are_of_open_periods BEFORE INSERT ON charges
    FOR EACH ROW EXECUTE FUNCTION refuse_charge_of_closed_period();
