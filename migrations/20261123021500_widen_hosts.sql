-- Several machines: what staff want of each, what its checks found, where each runtime is and why.

ALTER TABLE hosts
    -- Not known before the machine has joined the Swarm.
    ALTER COLUMN node DROP NOT NULL
  , DROP CONSTRAINT hosts_cpu_millis_check
  , DROP CONSTRAINT hosts_memory_mb_check
  , DROP CONSTRAINT hosts_state_check
  , ADD CONSTRAINT hosts_cpu_millis_check CHECK (cpu_millis >= 0)
  , ADD CONSTRAINT hosts_memory_mb_check CHECK (memory_mb >= 0)
    -- What the worker found. 'joining' has no node yet; 'down' was lost by the Swarm.
  , ADD CONSTRAINT hosts_state_check CHECK (state IN ('joining', 'active', 'cordoned', 'down'))
  , ADD CONSTRAINT hosts_node_check CHECK ((node IS NULL) <= (state = 'joining'))
    -- What staff want: 'closed' takes no new runtimes, 'empty' loses those it has, 'gone' leaves the Swarm.
  , ADD COLUMN wanted         text NOT NULL DEFAULT 'open' CHECK (wanted IN ('open', 'closed', 'empty', 'gone'))
  , ADD COLUMN wanted_reason  text NOT NULL DEFAULT ''
    -- What fails together: a rack, a room, a supplier. Empty when nobody said.
  , ADD COLUMN zone           text NOT NULL DEFAULT ''
    -- What is placed here: everything, production only, or everything else.
  , ADD COLUMN pool           text NOT NULL DEFAULT 'any' CHECK (pool IN ('any', 'production', 'test'))
    -- What the last checks of the machine found, for people.
  , ADD COLUMN findings       jsonb NOT NULL DEFAULT '[]'
  , ADD COLUMN checked_at     timestamptz
    -- When the Swarm gave it up, while it is 'down'.
  , ADD COLUMN lost_at        timestamptz;
CREATE UNIQUE INDEX hosts_one_endpoint ON hosts (docker_endpoint) WHERE docker_endpoint LIKE 'tcp://%';

ALTER TABLE runtimes
    -- The machine that it is about to leave: its memory stays promised there until the new container serves.
    ADD COLUMN leaving_host_id  uuid REFERENCES hosts
    -- By which name its machine gets the image; NULL means that the machine has it.
  , ADD COLUMN image_reference  text
    -- The password in `runtime_secrets` is newer than the login role's: until they agree no container is admitted.
  , ADD COLUMN is_rotating      boolean NOT NULL DEFAULT false;
CREATE INDEX runtimes_leaving ON runtimes (leaving_host_id) WHERE leaving_host_id IS NOT NULL;

-- The name by which every machine can get exactly this image from the registry: `…@sha256:…`.
ALTER TABLE images ADD COLUMN pinned text;

-- Why each runtime is, or was, where it is.
CREATE TABLE placements (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , runtime_id   uuid NOT NULL REFERENCES runtimes ON DELETE CASCADE
  , host_id      uuid NOT NULL REFERENCES hosts ON DELETE CASCADE
    -- 'made', 'started' again, moved off a machine that staff 'drained', or taken from one that was 'lost'.
  , cause        text NOT NULL CHECK (cause IN ('made', 'started', 'drained', 'lost'))
    -- A sentence for staff.
  , explanation  text NOT NULL
  , placed_at    timestamptz NOT NULL
    -- When it answered there: what the next move is expected to take.
  , served_at    timestamptz
);
CREATE INDEX placements_by_runtime ON placements (runtime_id, id DESC);
CREATE INDEX placements_by_host ON placements (host_id, id DESC);
