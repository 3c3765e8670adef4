-- Metering: what was counted, and usage by hour derived from it. Quantities are integers in the meter's raw unit.

-- One run of one counter, or one gauge: its numbers can be compared with each other. Counters begin anew in another one.
CREATE TABLE meter_epochs (
    id                uuid PRIMARY KEY
  , environment_id    uuid NOT NULL REFERENCES environments
  , meter             text NOT NULL CHECK (meter IN ('cpu', 'memory', 'database', 'egress', 'requests'))
    -- 'container:<id>', 'proxy:<epoch>' or 'database:<name>'.
  , source            text NOT NULL
  , opened_at         timestamptz NOT NULL
    -- A counter's value when it began to count for this environment: what was used before is not theirs.
  , base_value        bigint NOT NULL CHECK (base_value >= 0)
    -- The last sample that was accepted, changed in the transaction that accepted it.
  , last_seq          bigint NOT NULL DEFAULT 0
  , last_value        bigint NOT NULL CHECK (last_value >= 0)
  , last_observed_at  timestamptz NOT NULL
  , UNIQUE (environment_id, meter, source)
);
CREATE INDEX meter_epochs_by_time ON meter_epochs (last_observed_at);

-- What was accepted. Append-only.
CREATE TABLE meter_samples (
    epoch_id      uuid NOT NULL REFERENCES meter_epochs
  , seq           bigint NOT NULL CHECK (seq > 0)
    -- What the quantity is spread over: [from_at, until_at).
  , from_at       timestamptz NOT NULL
  , until_at      timestamptz NOT NULL CHECK (until_at >= from_at)
  , observed_at   timestamptz NOT NULL
  , value         bigint NOT NULL CHECK (value >= 0)
    -- Counters: the difference to the sample before. Gauges: the value before, times the seconds that it was held.
  , quantity      numeric(38, 0) NOT NULL CHECK (quantity >= 0)
  , quality       text NOT NULL CHECK (quality IN ('measured', 'interpolated', 'lower_bound'))
  , PRIMARY KEY (epoch_id, seq)
);
CREATE INDEX meter_samples_by_time ON meter_samples (epoch_id, until_at);
CREATE TRIGGER meter_samples_are_append_only BEFORE UPDATE OR DELETE ON meter_samples
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What came in together: every number that came in was accepted, known already, or refused.
CREATE TABLE meter_batches (
    id          uuid PRIMARY KEY
  , taken_at    timestamptz NOT NULL
  , received    integer NOT NULL
  , accepted    integer NOT NULL
  , duplicate   integer NOT NULL
  , refused     integer NOT NULL
  , CHECK (received = accepted + duplicate + refused)
);
CREATE INDEX meter_batches_by_time ON meter_batches (taken_at);

-- Numbers that cannot be right: looked at by people, never billed.
CREATE TABLE meter_refusals (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , batch_id        uuid NOT NULL REFERENCES meter_batches
  , environment_id  uuid NOT NULL REFERENCES environments
  , meter           text NOT NULL
  , source          text NOT NULL
  , observed_at     timestamptz NOT NULL
  , value           bigint NOT NULL
  , reason          text NOT NULL CHECK (reason IN ('went_back', 'negative'))
);

-- Hours whose usage must be derived again from the samples.
CREATE TABLE usage_due (
    environment_id  uuid NOT NULL REFERENCES environments
  , meter           text NOT NULL
  , hour            timestamptz NOT NULL
  , due_at          timestamptz NOT NULL
  , PRIMARY KEY (environment_id, meter, hour)
);
CREATE INDEX usage_due_by_time ON usage_due (due_at);

-- Usage by hour, derived from the samples alone: deriving it again gives the same rows.
CREATE TABLE usage_hours (
    environment_id   uuid NOT NULL REFERENCES environments
  , meter            text NOT NULL CHECK (meter IN ('cpu', 'memory', 'database', 'egress', 'requests'))
  , hour             timestamptz NOT NULL CHECK (date_trunc('hour', hour AT TIME ZONE 'UTC') = hour AT TIME ZONE 'UTC')
  , quantity         numeric(38, 0) NOT NULL CHECK (quantity >= 0)
    -- How much of the hour samples speak of.
  , covered_seconds  integer NOT NULL CHECK (covered_seconds BETWEEN 0 AND 3600)
  , quality          text NOT NULL CHECK (quality IN ('measured', 'interpolated', 'lower_bound'))
  , PRIMARY KEY (environment_id, meter, hour)
);
CREATE INDEX usage_hours_by_hour ON usage_hours (hour);

-- When each kind of look was last begun, so that several workers take one look each time.
CREATE TABLE meter_looks (
    kind       text PRIMARY KEY CHECK (kind IN ('engine', 'databases', 'usage'))
  , looked_at  timestamptz NOT NULL
);
