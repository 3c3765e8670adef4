-- What a month's charges follow from, kept with them; and what the nightly self-audit found.

-- The file that a month is computed again with (docs/billing.md): each part is a line of it, in gzip, about some environments.
-- One after the other they are the file.
CREATE TABLE period_proofs (
    period_id   uuid NOT NULL REFERENCES billing_periods
  , part        integer NOT NULL CHECK (part > 0)
  , content     bytea NOT NULL
  , sha256      bytea NOT NULL CHECK (sha256 = sha256(content))
  , created_at  timestamptz NOT NULL
  , PRIMARY KEY (period_id, part)
);
-- It is compressed already.
ALTER TABLE period_proofs ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TRIGGER period_proofs_are_kept BEFORE UPDATE OR DELETE ON period_proofs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER period_proofs_are_not_emptied BEFORE TRUNCATE ON period_proofs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
-- Written with the charges, while their period is open, or not at all.
CREATE TRIGGER period_proofs_are_of_open_periods BEFORE INSERT ON period_proofs
    FOR EACH ROW EXECUTE FUNCTION refuse_charge_of_closed_period();

-- A look through the books. Nightly ones have the night (UTC) that they are of: one for each.
CREATE TABLE self_audits (
    id        uuid PRIMARY KEY
  , night     date UNIQUE
    -- What was measured from then on was looked at; documents and books are looked at from the beginning.
  , since     timestamptz NOT NULL
  , began_at  timestamptz NOT NULL
  , ended_at  timestamptz
);
CREATE INDEX self_audits_by_end ON self_audits (ended_at) WHERE ended_at IS NOT NULL;

-- What each rule came to, and the first examples of what is wrong.
CREATE TABLE self_audit_checks (
    self_audit_id  uuid NOT NULL REFERENCES self_audits ON DELETE CASCADE
  , position       integer NOT NULL
  , code           text NOT NULL
  , looked_at      bigint NOT NULL CHECK (looked_at >= 0)
  , wrong          bigint NOT NULL CHECK (wrong BETWEEN 0 AND looked_at)
  , examples       text[] NOT NULL DEFAULT '{}'
  , millis         bigint NOT NULL
  , PRIMARY KEY (self_audit_id, code)
);

-- The same of each customer, of the newest look only.
CREATE TABLE self_audit_parts (
    self_audit_id  uuid NOT NULL REFERENCES self_audits ON DELETE CASCADE
  , code           text NOT NULL
    -- NULL: of no customer alone.
  , account_id     uuid REFERENCES accounts
  , looked_at      bigint NOT NULL
  , wrong          bigint NOT NULL
  , example        text
);
CREATE INDEX self_audit_parts_by_account ON self_audit_parts (account_id, self_audit_id);
CREATE INDEX self_audit_parts_wrong ON self_audit_parts (self_audit_id, code) WHERE wrong > 0;
