-- Closing an account, and links that log in only the browser that asked for them.

ALTER TABLE accounts
    -- Until then the owner can take the closing back.
    ADD COLUMN closes_at timestamptz
  , ADD CONSTRAINT accounts_closing_has_a_day CHECK (state <> 'closing' OR closes_at IS NOT NULL);

ALTER TABLE mail_tokens
    -- SHA-256 of the visit that signed up: the link logs in that browser and no other.
    ADD COLUMN visit_hash bytea;
CREATE INDEX mail_tokens_expired ON mail_tokens (expires_at);
CREATE INDEX throttles_by_window ON throttles (window_at);
