-- When a month's charges and drafts were written; and why a draft waits for somebody: {"reason": …, "problems": […]}.

ALTER TABLE billing_periods ADD COLUMN rated_at timestamptz;
ALTER TABLE documents ADD COLUMN held jsonb CHECK (held IS NULL OR state = 'draft');
