-- Replicas: the further containers of an environment that runs in several. Each is on a machine of its own, has a login role
-- of its own, and is replaced rather than changed.

CREATE TABLE replicas (
    id                uuid PRIMARY KEY
  , runtime_id        uuid NOT NULL REFERENCES runtimes ON DELETE CASCADE
    -- Part of the names of its service and login role. Never used twice for one runtime.
  , number            integer NOT NULL CHECK (number > 0)
    -- Where it has room, and why there: a sentence for staff.
  , host_id           uuid NOT NULL REFERENCES hosts
  , explanation       text NOT NULL
    -- What it runs; another image, other limits or a restart make another replica.
  , image_id          uuid NOT NULL REFERENCES images
  , image_reference   text
  , cpu_millis        integer NOT NULL CHECK (cpu_millis > 0)
  , memory_mb         integer NOT NULL CHECK (memory_mb > 0)
  , restarts          bigint NOT NULL
    -- The generation of the role that owns everything in the database: its own role is a member of that one.
  , login_generation  integer NOT NULL
    -- starting → serving → leaving, then the row goes; starting → leaving when it never served.
  , state             text NOT NULL DEFAULT 'starting' CHECK (state IN ('starting', 'serving', 'leaving'))
    -- Where the public was sent last, when it was: for while its machine does not answer.
  , address           text
  , websocket         text
  , began_at          timestamptz NOT NULL
  , served_at         timestamptz
  , left_at           timestamptz CHECK ((state = 'leaving') = (left_at IS NOT NULL))
  , UNIQUE (runtime_id, number)
);
CREATE INDEX replicas_by_host ON replicas (host_id);

-- Passwords of their login roles, sealed with the worker's key. Only the worker's role may read this table.
CREATE TABLE replica_secrets (
    replica_id       uuid PRIMARY KEY REFERENCES replicas ON DELETE CASCADE
  , password_sealed  bytea NOT NULL
);

-- Why an environment runs in fewer containers than are wanted, and when the next try is made.
CREATE TABLE replica_troubles (
    runtime_id   uuid PRIMARY KEY REFERENCES runtimes ON DELETE CASCADE
    -- How many were wanted then: another wish is tried at once.
  , wanted       integer NOT NULL
    -- The key of the sentence for people.
  , reason       text NOT NULL
    -- A sentence for staff.
  , explanation  text NOT NULL
  , tries        integer NOT NULL DEFAULT 1
  , noted_at     timestamptz NOT NULL
  , retry_at     timestamptz NOT NULL
);

ALTER TABLE runtimes
    -- How many replicas it has ever had: the next one's number is one more.
    ADD COLUMN replicas_made integer NOT NULL DEFAULT 0;
