-- How many environments an account may have at once. Staff raise it for those who need more.
ALTER TABLE accounts ADD COLUMN environment_limit integer NOT NULL DEFAULT 25 CHECK (environment_limit >= 0);
-- The middle of the latest creation times is asked for by each page that waits.
CREATE INDEX environments_ready ON environments (created_at DESC) WHERE first_ready_at IS NOT NULL;
