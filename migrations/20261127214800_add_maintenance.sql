-- An instance that is closed to the public while somebody works on it. Its containers and its route stay as they are.

CREATE TABLE maintenances (
    environment_id  uuid PRIMARY KEY REFERENCES environments
  , begun_at        timestamptz NOT NULL
);
-- The proxies read it with the routes, whether a worker runs or not.
CREATE TRIGGER maintenances_are_announced AFTER INSERT OR UPDATE OR DELETE ON maintenances
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();
