-- Numbers of containers that a newer one has taken over from, and of clocks that are far off, are put aside for people.

-- When a generation of a service was first seen for an environment: an older one counts no more from then on.
CREATE TABLE meter_generations (
    environment_id  uuid NOT NULL REFERENCES environments
  , service         text NOT NULL
  , generation      bigint NOT NULL
  , seen_at         timestamptz NOT NULL
  , PRIMARY KEY (environment_id, service, generation)
);

ALTER TABLE meter_refusals DROP CONSTRAINT meter_refusals_reason_check;
ALTER TABLE meter_refusals ADD CONSTRAINT meter_refusals_reason_check
    CHECK (reason IN ('went_back', 'negative', 'fenced', 'too_late', 'too_early'));
CREATE INDEX meter_refusals_by_batch ON meter_refusals (batch_id);
