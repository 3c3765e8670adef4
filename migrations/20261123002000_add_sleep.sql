-- Sleep: what nobody uses for as long as its plan allows gives its machine back; the next request wakes it.

ALTER TABLE environments
    DROP CONSTRAINT environments_status_check
  , ADD CONSTRAINT environments_status_check CHECK (status IN
        ( 'ordered', 'preparing', 'starting', 'running', 'asleep', 'waking', 'stopping', 'stopped', 'suspended', 'failing'
        , 'deleting', 'deleted' ));

ALTER TABLE routes
    DROP CONSTRAINT routes_state_check
    -- 'asleep' is woken by the first request; the others that do not serve get a page that says so.
  , ADD CONSTRAINT routes_state_check CHECK (state IN ('serving', 'starting', 'stopped', 'suspended', 'asleep'));

ALTER TABLE runtimes
    -- Since when it is to sleep: its service has no containers, and no memory is set aside for it.
    ADD COLUMN asleep_since timestamptz
    -- When something in its database is due (a scheduled action of Odoo), as it was when it fell asleep.
  , ADD COLUMN wakes_at timestamptz
    -- Once it was woken: the earliest time at which it may sleep again.
  , ADD COLUMN awake_until timestamptz;

-- What a proxy was in the middle of when it counted.
ALTER TABLE traffic_samples
    ADD COLUMN open_requests integer NOT NULL DEFAULT 0 CHECK (open_requests >= 0)
  , ADD COLUMN open_websockets integer NOT NULL DEFAULT 0 CHECK (open_websockets >= 0)
    -- Requests at containers to which the route does not lead any more.
  , ADD COLUMN leaving_requests integer NOT NULL DEFAULT 0 CHECK (leaving_requests >= 0);

-- When each environment was last used. Kept by a trigger, so that the proxy needs no right but to append samples.
CREATE TABLE environment_activity (
    environment_id  uuid PRIMARY KEY REFERENCES environments
    -- A proxy writes a sample only when something happened or something is open: every sample is a sign of life.
  , active_at       timestamptz NOT NULL
    -- When a request was last seen at a container that was to be left alone.
  , leaving_at      timestamptz
);

CREATE FUNCTION note_activity() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- In one order, so that two proxies never wait for each other.
    INSERT INTO environment_activity (environment_id, active_at, leaving_at)
    SELECT environments.id
         , max(samples.observed_at)
         , max(samples.observed_at) FILTER (WHERE samples.leaving_requests > 0)
      FROM new_samples AS samples
      JOIN environments ON environments.id = samples.environment_id
     GROUP BY environments.id
     ORDER BY environments.id
        ON CONFLICT (environment_id)
        DO UPDATE SET active_at = greatest(environment_activity.active_at, excluded.active_at)
                    , leaving_at = coalesce(excluded.leaving_at, environment_activity.leaving_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER traffic_is_activity AFTER INSERT ON traffic_samples REFERENCING NEW TABLE AS new_samples
    FOR EACH STATEMENT EXECUTE FUNCTION note_activity();

-- Somebody waits for an environment that sleeps. Appended by proxies, which have no other right here, and by the web
-- process; taken away by the worker in the transaction that wakes it, so that no wish is lost with a process.
CREATE TABLE wake_requests (
    environment_id  uuid PRIMARY KEY
    -- 'request': a visitor came. 'person': somebody pressed the button.
  , source          text NOT NULL CHECK (source IN ('request', 'person'))
  , requested_at    timestamptz NOT NULL
);

CREATE FUNCTION notify_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('work', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_requests_are_announced AFTER INSERT ON wake_requests
    FOR EACH STATEMENT EXECUTE FUNCTION notify_work();
