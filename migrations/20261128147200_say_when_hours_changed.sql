-- When an hour was last derived to be more or less than before. The nightly look needs it: what changed after a month was rated is
-- corrected with the next one, and is no fault of its charges. Of what is there already nobody knows it: it counts as changed now, so
-- that months before are not found wrong for what came late. (A default is not written into rows; later rows have none.)

ALTER TABLE usage_hours ADD COLUMN changed_at timestamptz DEFAULT now();
ALTER TABLE usage_hours ALTER COLUMN changed_at DROP DEFAULT;
