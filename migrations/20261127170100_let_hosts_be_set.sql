-- What staff set of a host, and how often it was lost lately.

ALTER TABLE hosts
    -- Another address at which staff want it reached; taken over by the worker once the same machine answers there.
    ADD COLUMN address_wanted  text
    -- The last three times that the Swarm gave it up: one that is lost again and again is not used at once.
  , ADD COLUMN lost_times      timestamptz[] NOT NULL DEFAULT '{}';
