-- How many requests in a second an environment gets, where staff said so, and how many were turned away.

CREATE TABLE traffic_limits (
    environment_id       uuid PRIMARY KEY REFERENCES environments
    -- In the long run; a burst may be larger. Without a row it is the installation's own.
  , requests_per_second  integer NOT NULL CHECK (requests_per_second BETWEEN 1 AND 100000)
  , set_by               uuid NOT NULL REFERENCES staff
  , set_at               timestamptz NOT NULL
);
-- The proxies read it with the routes, whether a worker runs or not.
CREATE TRIGGER traffic_limits_are_announced AFTER INSERT OR UPDATE OR DELETE ON traffic_limits
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();

-- What a proxy process turned away since it started: cumulative, and only when it was more than before. Append-only.
CREATE TABLE traffic_refusals (
    environment_id  uuid NOT NULL
  , proxy_epoch     uuid NOT NULL
  , observed_at     timestamptz NOT NULL
    -- More than so many in a second.
  , limited         bigint NOT NULL CHECK (limited >= 0)
    -- More than a container works on at once, and too many or too long in the queue.
  , busy            bigint NOT NULL CHECK (busy >= 0)
  , PRIMARY KEY (environment_id, proxy_epoch, observed_at)
);
CREATE INDEX traffic_refusals_by_time ON traffic_refusals (observed_at);
