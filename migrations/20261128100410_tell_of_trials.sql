-- When people were told that a trial has ended and what is charged since. (That one will end: `reminded_at`.)

ALTER TABLE trials ADD COLUMN converted_at timestamptz;
-- Of trials that were over before, nobody is told.
UPDATE trials SET converted_at = now(), reminded_at = COALESCE(reminded_at, now()) WHERE LEAST(until_at, ended_at) <= now();
CREATE INDEX trials_to_remind ON trials (until_at) WHERE reminded_at IS NULL;
CREATE INDEX trials_to_convert ON trials (LEAST(until_at, ended_at)) WHERE converted_at IS NULL;
