-- Hosts, database servers, templates, runtimes, routes, turns and jobs: what the worker keeps true.

CREATE TABLE hosts (
    id                uuid PRIMARY KEY
  , name              text NOT NULL UNIQUE
    -- The Swarm's own id of the node.
  , node              text NOT NULL UNIQUE
    -- How the worker reaches its Docker API and how the proxy reaches published ports.
  , docker_endpoint   text NOT NULL
  , upstream_address  text NOT NULL
  , cpu_millis        integer NOT NULL CHECK (cpu_millis > 0)
  , memory_mb         integer NOT NULL CHECK (memory_mb > 0)
    -- How much more CPU than there is may be promised, in percent. Memory is never promised twice.
  , cpu_percent       integer NOT NULL DEFAULT 800 CHECK (cpu_percent >= 100)
    -- Kept for the host itself.
  , memory_kept_mb    integer NOT NULL DEFAULT 2048 CHECK (memory_kept_mb >= 0)
  , state             text NOT NULL CHECK (state IN ('active', 'cordoned', 'down'))
  , state_reason      text
  , seen_at           timestamptz
  , created_at        timestamptz NOT NULL
);

CREATE TABLE database_servers (
    id           uuid PRIMARY KEY
    -- Names a section of the configuration, where the platform role's address is. 'embedded' is the default one.
  , name         text NOT NULL UNIQUE
  , state        text NOT NULL CHECK (state IN ('active', 'full', 'down'))
  , created_at   timestamptz NOT NULL
);

-- A database that environments are cloned from. Nobody can connect to it once it is ready.
CREATE TABLE templates (
    id                  uuid PRIMARY KEY
  , database_server_id  uuid NOT NULL REFERENCES database_servers
  , image_id            uuid NOT NULL REFERENCES images
  , language            text NOT NULL
    -- Empty unless an application needs the country's chart of accounts.
  , country             text NOT NULL DEFAULT ''
    -- Sorted technical names.
  , modules             text[] NOT NULL
  , database_name       text NOT NULL UNIQUE
  , state               text NOT NULL CHECK (state IN ('wanted', 'ready', 'failed', 'retired'))
  , failure             text
  , built_in_ms         bigint
  , used_at             timestamptz NOT NULL
  , created_at          timestamptz NOT NULL
  , UNIQUE (database_server_id, image_id, language, country, modules)
);

-- One database, one login role and one service, all named after `code`. A spare until an environment claims it.
CREATE TABLE runtimes (
    id                  uuid PRIMARY KEY
    -- 20 random lower-case letters and digits: names of databases, roles and services must tell neighbours nothing.
  , code                text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9]{20}$')
  , environment_id      uuid REFERENCES environments
  , image_id            uuid NOT NULL REFERENCES images
  , template_id         uuid NOT NULL REFERENCES templates
  , database_server_id  uuid NOT NULL REFERENCES database_servers
  , host_id             uuid REFERENCES hosts
  , cpu_millis          integer NOT NULL
  , memory_mb           integer NOT NULL
  , wanted              text NOT NULL CHECK (wanted IN ('running', 'stopped', 'gone'))
    -- Part of the login role's name: a new generation fences an old container off the database.
  , login_generation    integer NOT NULL DEFAULT 1 CHECK (login_generation > 0)
    -- When the database was made the customer's own (company, user, address). NULL for a spare.
  , personalised_at     timestamptz
    -- Counts the restarts that were carried out, to compare with the environment's.
  , restarts_done       bigint NOT NULL DEFAULT 0
  , state               text NOT NULL CHECK (state IN ('building', 'ready', 'stopped', 'gone'))
  , created_at          timestamptz NOT NULL
  , claimed_at          timestamptz
  , gone_at             timestamptz
  , CHECK ((environment_id IS NULL) = (claimed_at IS NULL))
  , CHECK ((state = 'gone') = (gone_at IS NOT NULL))
);
-- An environment has one runtime at a time.
CREATE UNIQUE INDEX runtimes_one_each ON runtimes (environment_id) WHERE wanted <> 'gone';
CREATE INDEX runtimes_spare ON runtimes (template_id, state) WHERE environment_id IS NULL;
CREATE INDEX runtimes_alive ON runtimes (host_id) WHERE state <> 'gone';

-- Passwords of login roles, sealed with the worker's key. Only the worker's role may read this table.
CREATE TABLE runtime_secrets (
    runtime_id       uuid PRIMARY KEY REFERENCES runtimes ON DELETE CASCADE
  , password_sealed  bytea NOT NULL
);

-- Where the proxy sends a host name. Written by the worker only, except the benchmark's own rows.
CREATE TABLE routes (
    hostname        text PRIMARY KEY CHECK (hostname = lower(hostname))
  , environment_id  uuid NOT NULL REFERENCES environments
    -- 'serving' goes to the upstreams; the others get a page that says so.
  , state           text NOT NULL CHECK (state IN ('serving', 'starting', 'stopped', 'suspended'))
    -- address:port of each healthy container.
  , upstreams       text[] NOT NULL
    -- address:port for /websocket where Odoo has its own process for it; empty means the same upstreams.
  , websockets      text[] NOT NULL DEFAULT '{}'
  , language        text NOT NULL DEFAULT 'en'
  , updated_at      timestamptz NOT NULL
);
CREATE INDEX routes_by_environment ON routes (environment_id);

CREATE FUNCTION notify_routes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY routes;
    RETURN NULL;
END
$$;
CREATE TRIGGER routes_are_announced AFTER INSERT OR UPDATE OR DELETE ON routes
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();

-- What a proxy process counted since it started: cumulative, so a missing row loses nothing. Append-only.
CREATE TABLE traffic_samples (
    proxy_epoch     uuid NOT NULL
  , environment_id  uuid NOT NULL
  , seq             bigint NOT NULL CHECK (seq > 0)
  , observed_at     timestamptz NOT NULL
  , requests        bigint NOT NULL CHECK (requests >= 0)
  , egress_bytes    bigint NOT NULL CHECK (egress_bytes >= 0)
  , ingress_bytes   bigint NOT NULL CHECK (ingress_bytes >= 0)
  , errors          bigint NOT NULL CHECK (errors >= 0)
  , PRIMARY KEY (proxy_epoch, environment_id, seq)
);
CREATE INDEX traffic_samples_by_time ON traffic_samples (observed_at);

-- One row for each thing that a reconciler looks after: who holds it, when to look next, what went wrong.
CREATE TABLE turns (
    task          text NOT NULL
  , subject       uuid NOT NULL
  , due_at        timestamptz NOT NULL
    -- Who works on it now. Every write of a turn says WHERE lease_token = its own.
  , lease_token   uuid
  , leased_until  timestamptz
  , attempts      integer NOT NULL DEFAULT 0
    -- Since when it has not been as wanted; NULL when all is well.
  , unsettled_at  timestamptz
    -- What was seen, what was done, what it waits for: for the staff's pages.
  , status        jsonb NOT NULL DEFAULT '{}'
  , last_error    text
  , turned_at     timestamptz
  , PRIMARY KEY (task, subject)
  , CHECK ((lease_token IS NULL) = (leased_until IS NULL))
);
CREATE INDEX turns_due ON turns (due_at);

-- Things that happen once: mails, exports. Enqueued in the transaction that made them due.
CREATE TABLE jobs (
    id            uuid PRIMARY KEY
  , kind          text NOT NULL
  , payload       jsonb NOT NULL
  , state         text NOT NULL CHECK (state IN ('due', 'done', 'failed'))
  , due_at        timestamptz NOT NULL
  , attempts      integer NOT NULL DEFAULT 0
  , lease_token   uuid
  , leased_until  timestamptz
  , last_error    text
  , created_at    timestamptz NOT NULL
  , ended_at      timestamptz
);
CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'due';

-- Mails caught instead of sent, in development only.
CREATE TABLE caught_mails (
    id         uuid PRIMARY KEY
  , recipient  text NOT NULL
  , subject    text NOT NULL
  , text_body  text NOT NULL
  , html_body  text NOT NULL
  , caught_at  timestamptz NOT NULL
);
CREATE INDEX caught_mails_by_recipient ON caught_mails (recipient, caught_at DESC);
