-- Who used an Odoo, by day: counted exactly, without keeping who it was.

-- What is known of each environment's sessions, and what makes its hashes its own.
CREATE TABLE user_looks (
    environment_id  uuid PRIMARY KEY REFERENCES environments
    -- Random, of this environment alone: the same person in two of them is two hashes. The worker's only.
  , salt            bytea NOT NULL DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    -- When its database was asked last, and until when its answers reach. A look that failed moves only the first one.
  , looked_at       timestamptz NOT NULL
  , read_until      timestamptz
);

CREATE TABLE user_days (
    environment_id  uuid NOT NULL REFERENCES environments
    -- UTC.
  , day             date NOT NULL
  , user_hash       bytea NOT NULL CHECK (octet_length(user_hash) = 32)
    -- Two instants at which the person was seen on that day: a period that begins or ends within the day asks both.
  , first_seen_at   timestamptz NOT NULL CHECK ((first_seen_at AT TIME ZONE 'UTC')::date = day)
  , last_seen_at    timestamptz NOT NULL CHECK ((last_seen_at AT TIME ZONE 'UTC')::date = day)
  , PRIMARY KEY (environment_id, day, user_hash)
  , CHECK (last_seen_at >= first_seen_at)
);
