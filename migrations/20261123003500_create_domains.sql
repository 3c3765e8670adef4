-- Customers' own domains, the certificates that we get, and what a certificate authority asks us on the way.

CREATE TABLE domains (
    id              uuid PRIMARY KEY
  , account_id      uuid NOT NULL
  , environment_id  uuid NOT NULL
  , hostname        text NOT NULL CHECK (hostname ~ '^[a-z0-9-]+(\.[a-z0-9-]+)+$' AND length(hostname) <= 253)
    -- What a TXT record must say: random, one for each row, so that an old record proves nothing for somebody else.
  , token           text NOT NULL CHECK (length(token) >= 20)
    -- How far the worker has come: nothing proved, proved, and leading to the environment.
  , state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'proven', 'serving'))
  , proven_at       timestamptz CHECK ((state = 'waiting') = (proven_at IS NULL))
    -- What is in the way: the key of a translated sentence and its values.
  , problem         jsonb
  , looked_at       timestamptz
    -- How many times in a row a certificate could not be had, and until when no other try is made.
  , failures        integer NOT NULL DEFAULT 0
  , retry_at        timestamptz
    -- Written by the pages only: another look is asked for; it is to go.
  , looks_asked     bigint NOT NULL DEFAULT 0
  , looked_asked_at timestamptz
  , removed_at      timestamptz
  , created_at      timestamptz NOT NULL
  , FOREIGN KEY (environment_id, account_id) REFERENCES environments (id, account_id)
);
CREATE INDEX domains_by_environment ON domains (environment_id);
CREATE UNIQUE INDEX domains_once ON domains (environment_id, hostname) WHERE removed_at IS NULL;
-- Whoever has proved a name holds it until it is removed.
CREATE UNIQUE INDEX domains_one_holder ON domains (hostname) WHERE state <> 'waiting';

-- Certificates that the worker got. The private key is sealed with a key that only the worker and the proxy have.
CREATE TABLE certificates (
    -- What it is for: a host name, or `*.` and the instances' domain.
    hostname     text PRIMARY KEY
    -- Another one with each certificate.
  , id           uuid NOT NULL UNIQUE
  , chain_pem    text NOT NULL
  , key_sealed   bytea NOT NULL
  , not_before   timestamptz NOT NULL
  , not_after    timestamptz NOT NULL
    -- When the next one is ordered: a third of its life before its end, and a little earlier by chance.
  , renew_at     timestamptz NOT NULL CHECK (renew_at < not_after)
);

-- What the proxy answers when a certificate authority asks (ACME HTTP-01). Public by nature; gone after minutes.
CREATE TABLE acme_challenges (
    token       text PRIMARY KEY CHECK (token ~ '^[A-Za-z0-9_-]{1,200}$')
  , hostname    text NOT NULL
  , answer      text NOT NULL
  , expires_at  timestamptz NOT NULL
);

-- Our account at each certificate authority, sealed.
CREATE TABLE acme_accounts (
    directory           text PRIMARY KEY
  , credentials_sealed  bytea NOT NULL
  , created_at          timestamptz NOT NULL
);

CREATE FUNCTION notify_certificates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY certificates;
    RETURN NULL;
END
$$;
CREATE TRIGGER certificates_are_announced AFTER INSERT OR UPDATE OR DELETE ON certificates
    FOR EACH STATEMENT EXECUTE FUNCTION notify_certificates();
CREATE TRIGGER challenges_are_announced AFTER INSERT OR UPDATE OR DELETE ON acme_challenges
    FOR EACH STATEMENT EXECUTE FUNCTION notify_certificates();
-- A domain leads where its environment's route leads.
CREATE TRIGGER domains_are_announced AFTER UPDATE OF state, removed_at OR DELETE ON domains
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();
