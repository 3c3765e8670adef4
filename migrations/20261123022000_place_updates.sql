-- Updates choose a machine as every placement does, and say why.

ALTER TABLE placements
    DROP CONSTRAINT placements_cause_check
    -- 'made', 'started' again, 'updated' by a second container that found room there, moved off a machine that staff
    -- 'drained', or taken from one that was 'lost'.
  , ADD CONSTRAINT placements_cause_check CHECK (cause IN ('made', 'started', 'updated', 'drained', 'lost'));

ALTER TABLE environment_updates
    -- Why the second container is where it is: a sentence for staff.
    ADD COLUMN explanation text;
