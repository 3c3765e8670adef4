-- Projects, their environments, and the names they are reached by: what customers want.

CREATE TABLE projects (
    id          uuid PRIMARY KEY
  , account_id  uuid NOT NULL REFERENCES accounts
  , name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100)
  , created_at  timestamptz NOT NULL
  , UNIQUE (id, account_id)
);
CREATE INDEX projects_by_account ON projects (account_id);

CREATE TABLE images (
    id            uuid PRIMARY KEY
  , reference     text NOT NULL
    -- The content: `sha256:…` of the image. Services are always created from this, never from a name that can move.
  , digest        text NOT NULL UNIQUE
  , odoo_version  text NOT NULL
  , state         text NOT NULL CHECK (state IN ('current', 'retired'))
  , created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX images_one_current ON images (odoo_version) WHERE state = 'current';

CREATE TABLE environments (
    id                 uuid PRIMARY KEY
  , account_id         uuid NOT NULL REFERENCES accounts
  , project_id         uuid NOT NULL
  , kind               text NOT NULL CHECK (kind IN ('development', 'test', 'production'))
  , name               text NOT NULL CHECK (length(name) BETWEEN 1 AND 100)
  , plan_version_id    uuid NOT NULL REFERENCES plan_versions
    -- What the customer wants. The worker makes it true.
  , wanted             text NOT NULL CHECK (wanted IN ('running', 'stopped', 'deleted'))
    -- Grows with every change of what is wanted; a worker with an older number is refused.
  , wanted_generation  bigint NOT NULL DEFAULT 1
    -- Grows with every restart that is asked for.
  , restarts           bigint NOT NULL DEFAULT 0
  , company            text NOT NULL CHECK (length(company) BETWEEN 1 AND 200)
  , language           text NOT NULL
  , country            text NOT NULL CHECK (country ~ '^[A-Z]{2}$')
  , currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$')
  , timezone           text NOT NULL
  , apps               text[] NOT NULL
    -- The Odoo user that the person who ordered becomes.
  , admin_email        text NOT NULL
  , admin_name         text NOT NULL
    -- A form is submitted once: the second time finds the first one's environment.
  , order_key          uuid NOT NULL
    -- What the worker last saw, for people. Written by the worker only.
  , status             text NOT NULL DEFAULT 'ordered' CHECK (status IN
        ('ordered', 'preparing', 'starting', 'running', 'stopping', 'stopped', 'suspended', 'failing', 'deleting', 'deleted'))
  , status_since       timestamptz NOT NULL
    -- A key of a translated sentence and its values, when the status needs a reason.
  , status_reason      jsonb
  , first_ready_at     timestamptz
  , ordered_by         uuid REFERENCES users ON DELETE SET NULL
  , created_at         timestamptz NOT NULL
    -- Set while `wanted` is 'deleted': until then the customer can undo it.
  , purge_after        timestamptz CHECK ((wanted = 'deleted') = (purge_after IS NOT NULL))
  , FOREIGN KEY (project_id, account_id) REFERENCES projects (id, account_id)
  , UNIQUE (account_id, order_key)
  , UNIQUE (id, account_id)
);
CREATE INDEX environments_by_account ON environments (account_id);
CREATE INDEX environments_by_project ON environments (project_id);

-- Every name below the instances' domain that is or was in use. A freed name rests before anyone else can have it.
CREATE TABLE subdomains (
    name            text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
  , environment_id  uuid REFERENCES environments
    -- The account that had it last: it alone may take it again during the rest.
  , account_id      uuid NOT NULL REFERENCES accounts
  , freed_at        timestamptz
  , free_after      timestamptz
  , CHECK ((environment_id IS NULL) = (freed_at IS NOT NULL AND free_after IS NOT NULL))
);
-- An environment has one name at a time.
CREATE UNIQUE INDEX subdomains_one_each ON subdomains (environment_id) WHERE environment_id IS NOT NULL;

-- A suspension by staff, of a whole account or of one environment. It ends when it is lifted; both ends keep their reason.
CREATE TABLE suspensions (
    id              uuid PRIMARY KEY
  , account_id      uuid NOT NULL REFERENCES accounts
  , environment_id  uuid
  , reason          text NOT NULL CHECK (length(reason) BETWEEN 3 AND 1000)
  , suspended_by    uuid NOT NULL REFERENCES staff
  , suspended_at    timestamptz NOT NULL
  , lifted_by       uuid REFERENCES staff
  , lifted_at       timestamptz
  , lifted_reason   text
  , FOREIGN KEY (environment_id, account_id) REFERENCES environments (id, account_id)
  , CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE UNIQUE INDEX suspensions_one_account ON suspensions (account_id) WHERE environment_id IS NULL AND lifted_at IS NULL;
CREATE UNIQUE INDEX suspensions_one_environment ON suspensions (environment_id) WHERE environment_id IS NOT NULL AND lifted_at IS NULL;

-- The history of an environment: steps of its creation, starts, stops, renames. Shown live and kept.
CREATE TABLE environment_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , environment_id  uuid NOT NULL REFERENCES environments ON DELETE CASCADE
  , at              timestamptz NOT NULL
    -- The key of a translated sentence, such as 'step.database.done' or 'stopped'.
  , kind            text NOT NULL
  , actor           text NOT NULL DEFAULT ''
  , detail          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX environment_events_by_environment ON environment_events (environment_id, id);

CREATE FUNCTION notify_environment_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('environment_events', NEW.environment_id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER environment_events_are_announced AFTER INSERT ON environment_events
    FOR EACH ROW EXECUTE FUNCTION notify_environment_event();

CREATE FUNCTION notify_environment_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('environment_events', NEW.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER environment_status_is_announced AFTER UPDATE OF status, status_reason ON environments
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.status_reason IS DISTINCT FROM NEW.status_reason)
    EXECUTE FUNCTION notify_environment_status();

-- Somebody is looking at an environment's log until then: the worker copies new lines meanwhile.
CREATE TABLE log_watches (
    environment_id  uuid PRIMARY KEY REFERENCES environments ON DELETE CASCADE
  , watched_until   timestamptz NOT NULL
);

CREATE TABLE log_lines (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
  , environment_id  uuid NOT NULL REFERENCES environments ON DELETE CASCADE
  , container       text NOT NULL
    -- The engine's own time of the line, in nanoseconds since 1970: with `container` it makes a line unique.
  , at_nanos        bigint NOT NULL
  , stream          text NOT NULL CHECK (stream IN ('out', 'err'))
  , line            text NOT NULL
  , UNIQUE (environment_id, container, at_nanos, stream, line)
);
CREATE INDEX log_lines_by_environment ON log_lines (environment_id, id);
