-- Updates: another image or other limits for an environment that exists. The new container serves before the old one goes.

ALTER TABLE runtimes
    -- Which of the two names of a runtime's service is in use: during an update there is one of each.
    ADD COLUMN service_slot smallint NOT NULL DEFAULT 0 CHECK (service_slot IN (0, 1));

-- A new image brought to many environments, a few at a time. It pauses by itself at the first one that fails.
CREATE TABLE rollouts (
    id            uuid PRIMARY KEY
  , image_id      uuid NOT NULL REFERENCES images
    -- How many are updated at once, after the first one has succeeded alone.
  , at_once       integer NOT NULL CHECK (at_once BETWEEN 1 AND 20)
  , state         text NOT NULL CHECK (state IN ('running', 'paused', 'stopped', 'done'))
  , started_by    text NOT NULL
  , started_at    timestamptz NOT NULL
  , ended_at      timestamptz CHECK ((state IN ('stopped', 'done')) = (ended_at IS NOT NULL))
);

CREATE TABLE environment_updates (
    id               uuid PRIMARY KEY
  , environment_id   uuid NOT NULL REFERENCES environments
  , rollout_id       uuid REFERENCES rollouts
    -- What it is to become.
  , image_id         uuid NOT NULL REFERENCES images
  , plan_version_id  uuid REFERENCES plan_versions
    -- A second container's room, set aside while there are two: first the new one's, once that one serves the old one's.
  , host_id          uuid REFERENCES hosts
  , cpu_millis       integer NOT NULL CHECK (cpu_millis > 0)
  , memory_mb        integer NOT NULL CHECK (memory_mb > 0)
    -- waiting → starting → switched → done; starting → failing → failed; starting → withdrawing → waiting, when it is
    -- stopped meanwhile; waiting → cancelled.
  , state            text NOT NULL DEFAULT 'waiting' CHECK (state IN
        ('waiting', 'starting', 'switched', 'failing', 'withdrawing', 'done', 'failed', 'cancelled'))
    -- The generation of the new service.
  , generation       bigint
    -- The key of the sentence that says why it failed.
  , reason           text
  , asked_by         text NOT NULL
  , created_at       timestamptz NOT NULL
  , began_at         timestamptz
  , switched_at      timestamptz
  , ended_at         timestamptz CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX environment_updates_one_open ON environment_updates (environment_id) WHERE ended_at IS NULL;
CREATE INDEX environment_updates_by_rollout ON environment_updates (rollout_id, state) WHERE rollout_id IS NOT NULL;
CREATE INDEX environment_updates_room ON environment_updates (host_id) WHERE host_id IS NOT NULL;
CREATE INDEX environment_updates_by_environment ON environment_updates (environment_id, created_at DESC);
