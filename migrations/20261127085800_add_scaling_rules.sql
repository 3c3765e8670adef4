-- How many containers an environment runs in changes by hand, or by a rule that its people switch on.

ALTER TABLE environments
    -- When `replicas` last changed: a rule leaves it alone for a while after that.
    ADD COLUMN scaled_at  timestamptz;

CREATE TABLE scaling_rules (
    environment_id        uuid PRIMARY KEY REFERENCES environments
  , is_on                 boolean NOT NULL
    -- Since when it is on or off.
  , since                 timestamptz NOT NULL
  , minimum               integer NOT NULL CHECK (minimum BETWEEN 1 AND 16)
  , maximum               integer NOT NULL CHECK (maximum BETWEEN minimum AND 16)
    -- Of what the containers may use of the processor, on average of the window: more than that adds one.
  , target_percent        integer NOT NULL CHECK (target_percent BETWEEN 10 AND 95)
    -- Of the requests, those that waited for a place: more than that adds one.
  , queue_percent         integer NOT NULL CHECK (queue_percent BETWEEN 1 AND 100)
  , window_seconds        integer NOT NULL CHECK (window_seconds BETWEEN 120 AND 3600)
    -- What must have passed since the last change, by whomever.
  , pause_more_seconds    integer NOT NULL CHECK (pause_more_seconds BETWEEN 60 AND 86400)
  , pause_fewer_seconds   integer NOT NULL CHECK (pause_fewer_seconds BETWEEN 60 AND 86400)
    -- What it may add to a month's cost; NULL when only the maximum limits it.
  , budget_minor          bigint CHECK (budget_minor >= 0)
  , currency              text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , set_by                text NOT NULL
  , set_at                timestamptz NOT NULL
);

-- What each rule has added in the present month. The worker's.
CREATE TABLE scaling_months (
    environment_id      uuid PRIMARY KEY REFERENCES environments
    -- The month's first instant, as the account's calendar has it.
  , began_at            timestamptz NOT NULL
    -- Until when it is counted.
  , counted_at          timestamptz NOT NULL
    -- Seconds of containers beyond the rule's minimum.
  , container_seconds   bigint NOT NULL CHECK (container_seconds >= 0)
    -- The budget that people were told is used up.
  , told_minor          bigint
);

-- Requests that waited for a place at their container, and how long: cumulative, like the numbers beside them.
ALTER TABLE traffic_refusals
    ADD COLUMN queued     bigint NOT NULL DEFAULT 0 CHECK (queued >= 0)
  , ADD COLUMN queued_ms  bigint NOT NULL DEFAULT 0 CHECK (queued_ms >= 0);
