-- Moving off a machine that is emptied is an update to the same image and size: its second service fails no request.

ALTER TABLE environment_updates
    -- The machine that is left; NULL for every other update. Such a one may go on while another update waits.
    ADD COLUMN leaves_host_id  uuid REFERENCES hosts ON DELETE SET NULL;
DROP INDEX environment_updates_one_open;
CREATE UNIQUE INDEX environment_updates_one_open
    ON environment_updates (environment_id) WHERE ended_at IS NULL AND leaves_host_id IS NULL;
CREATE UNIQUE INDEX environment_updates_one_move
    ON environment_updates (environment_id) WHERE ended_at IS NULL AND leaves_host_id IS NOT NULL;

-- Nobody writes this any more. What a worker of an older version began has its container at the new place already, and the
-- Swarm ends the old one. The column goes with a later version.
UPDATE runtimes SET leaving_host_id = NULL WHERE leaving_host_id IS NOT NULL;
ALTER TABLE runtimes
    DROP CONSTRAINT runtimes_leaving_host_id_fkey
  , ADD CONSTRAINT runtimes_leaving_host_id_fkey FOREIGN KEY (leaving_host_id) REFERENCES hosts ON DELETE SET NULL;
