-- When an hour was last derived to be more or less than before. The nightly look needs it: what changed after a month was rated is
-- corrected with the next one, and is no fault of its charges. NULL: before this was written down.

ALTER TABLE usage_hours ADD COLUMN changed_at timestamptz;
