-- What keeps an environment from being as it is wanted, in the words of whoever refused: for staff. One row for each kind.

CREATE TABLE environment_troubles (
    environment_id  uuid NOT NULL REFERENCES environments ON DELETE CASCADE
    -- No machine has 'room'; the 'engine' cannot start it; the kernel ended it because it used more 'memory' than it may; it
    -- did not come up where a 'move' led it, or with an 'update'.
  , kind            text NOT NULL CHECK (kind IN ('room', 'engine', 'memory', 'move', 'update'))
  , explanation     text NOT NULL
  , began_at        timestamptz NOT NULL
  , seen_at         timestamptz NOT NULL
  , PRIMARY KEY (environment_id, kind)
);
