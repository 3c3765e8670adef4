-- Every container is placed for a reason that is kept: replicas too.

ALTER TABLE placements
    -- Which replica it was for; NULL for the runtime's own container.
    ADD COLUMN replica  integer
  , DROP CONSTRAINT placements_cause_check
    -- 'made', 'started' again, 'updated' by a second container that found room there, moved off a machine that staff
    -- 'drained', taken from one that was 'lost', or 'replicated': a further container.
  , ADD CONSTRAINT placements_cause_check CHECK (cause IN ('made', 'started', 'updated', 'drained', 'lost', 'replicated'))
  , ADD CONSTRAINT placements_replica_check CHECK ((cause = 'replicated') = (replica IS NOT NULL));
