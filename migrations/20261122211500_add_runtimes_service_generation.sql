-- Grows with every change of a runtime's service (restart, other machine, other image): its containers carry it, so a new
-- one is told from an old one, and a worker with an older number is refused by the engine.
ALTER TABLE runtimes ADD COLUMN service_generation bigint NOT NULL DEFAULT 1 CHECK (service_generation > 0);
