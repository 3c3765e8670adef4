-- Replicas leave a machine that is emptied a few at a time, as first containers do; and staff may allow that an environment
-- runs in fewer containers meanwhile.

ALTER TABLE replicas
    -- When it came to be its turn to leave a machine that is emptied.
    ADD COLUMN moves_at  timestamptz;
ALTER TABLE hosts
    -- Whether what finds no other machine ends all the same when this one is emptied, as long as others of it serve.
    ADD COLUMN may_have_fewer  boolean NOT NULL DEFAULT false;
