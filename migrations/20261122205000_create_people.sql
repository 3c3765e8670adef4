-- Accounts, the people in them, and Sayoo's own staff.

CREATE TABLE installation (
    -- One row: which installation this database belongs to.
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one)
  , id          uuid NOT NULL
  , created_at  timestamptz NOT NULL
);

CREATE TABLE accounts (
    id          uuid PRIMARY KEY
  , name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
  , currency    text NOT NULL CHECK (currency IN ('EUR', 'MAD'))
  , country     text NOT NULL CHECK (country ~ '^[A-Z]{2}$')
  , timezone    text NOT NULL
  , state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closing', 'closed'))
  , created_at  timestamptz NOT NULL
);

CREATE TABLE users (
    id             uuid PRIMARY KEY
  , email          text NOT NULL
    -- The e-mail as it is compared: NFKC, lower case.
  , email_key      text NOT NULL UNIQUE
  , name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
  , password_hash  text NOT NULL
  , locale         text NOT NULL CHECK (locale IN ('en', 'fr', 'ar'))
  , verified_at    timestamptz
  , created_at     timestamptz NOT NULL
);

CREATE TABLE members (
    account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE
  , user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE
  , role        text NOT NULL CHECK (role IN ('owner', 'developer', 'billing', 'member'))
  , created_at  timestamptz NOT NULL
  , PRIMARY KEY (account_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE sessions (
    id               uuid PRIMARY KEY
    -- SHA-256 of the cookie's value: a stolen table logs nobody in.
  , token_hash       bytea NOT NULL UNIQUE
  , user_id          uuid NOT NULL REFERENCES users ON DELETE CASCADE
  , account_id       uuid REFERENCES accounts ON DELETE CASCADE
  , created_at       timestamptz NOT NULL
  , seen_at          timestamptz NOT NULL
  , authenticated_at timestamptz NOT NULL
  , expires_at       timestamptz NOT NULL
  , user_agent       text NOT NULL
  , address          text NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Links sent by mail: each works once and for a short time.
CREATE TABLE mail_tokens (
    id          uuid PRIMARY KEY
  , kind        text NOT NULL CHECK (kind IN ('verify_email', 'reset_password', 'change_email', 'undo_email_change'))
  , user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE
  , token_hash  bytea NOT NULL UNIQUE
  , new_email   text
  , expires_at  timestamptz NOT NULL
  , used_at     timestamptz
  , created_at  timestamptz NOT NULL
);
CREATE INDEX mail_tokens_by_user ON mail_tokens (user_id, kind);

-- Failed tries that slow the next ones down. `subject` is a keyed hash of an address or an e-mail.
CREATE TABLE throttles (
    action    text NOT NULL
  , subject   bytea NOT NULL
  , window_at timestamptz NOT NULL
  , tries     integer NOT NULL
  , PRIMARY KEY (action, subject, window_at)
);

CREATE TABLE staff (
    id                uuid PRIMARY KEY
  , email             text NOT NULL
  , email_key         text NOT NULL UNIQUE
  , name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
  , password_hash     text NOT NULL
  , locale            text NOT NULL CHECK (locale IN ('en', 'fr', 'ar'))
    -- Sealed with the web role's key; the staff member cannot log in before it is confirmed.
  , totp_sealed       bytea NOT NULL
  , totp_confirmed_at timestamptz
    -- The last time step that was used: a code works once.
  , totp_last_step    bigint NOT NULL DEFAULT 0
  , state             text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled'))
  , created_at        timestamptz NOT NULL
);

CREATE TABLE staff_recovery_codes (
    staff_id   uuid NOT NULL REFERENCES staff ON DELETE CASCADE
  , code_hash  bytea NOT NULL
  , used_at    timestamptz
  , PRIMARY KEY (staff_id, code_hash)
);

CREATE TABLE staff_invitations (
    id          uuid PRIMARY KEY
  , token_hash  bytea NOT NULL UNIQUE
  , invited_by  uuid REFERENCES staff
  , expires_at  timestamptz NOT NULL
  , used_at     timestamptz
  , created_at  timestamptz NOT NULL
);

CREATE TABLE staff_sessions (
    id           uuid PRIMARY KEY
  , token_hash   bytea NOT NULL UNIQUE
  , staff_id     uuid NOT NULL REFERENCES staff ON DELETE CASCADE
    -- False between the password and the second factor.
  , is_complete  boolean NOT NULL
  , created_at   timestamptz NOT NULL
  , seen_at      timestamptz NOT NULL
  , expires_at   timestamptz NOT NULL
  , user_agent   text NOT NULL
  , address      text NOT NULL
);

-- What people and staff did. Rows are chained by hash, so an edited or missing row shows.
CREATE TABLE audit_log (
    seq             bigint PRIMARY KEY CHECK (seq > 0)
  , at              timestamptz NOT NULL
  , actor_kind      text NOT NULL CHECK (actor_kind IN ('user', 'staff', 'system'))
  , actor_id        uuid
  , actor_name      text NOT NULL
  , account_id      uuid
  , environment_id  uuid
  , action          text NOT NULL
  , detail          jsonb NOT NULL
  , address         text
  , previous_hash   bytea NOT NULL
  , hash            bytea NOT NULL
);
CREATE INDEX audit_log_by_account ON audit_log (account_id, seq DESC);
CREATE INDEX audit_log_by_environment ON audit_log (environment_id, seq DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
