-- The record that proves a domain is looked for as long as the domain leads here, not only once.

ALTER TABLE domains
    -- Since when looks that were answered find none: two of them, some time apart, and the proof is lost.
    ADD COLUMN proof_missed_at timestamptz CHECK (proof_missed_at IS NULL OR state <> 'waiting')
    -- When it was lost, and the domain led nowhere from then on.
  , ADD COLUMN proof_lost_at timestamptz;
CREATE INDEX domains_by_name ON domains (hostname);
