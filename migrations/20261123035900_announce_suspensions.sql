-- A suspension closes an environment to the public by itself, whether a worker runs or not.

-- What staff closed: it alone, or all that its account has. The proxies read this with the routes; they have no business
-- with reasons and people.
CREATE VIEW suspended_environments AS
SELECT environments.id AS environment_id
  FROM suspensions
  JOIN environments ON environments.account_id = suspensions.account_id
 WHERE suspensions.lifted_at IS NULL
   AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id);

CREATE TRIGGER suspensions_are_announced AFTER INSERT OR UPDATE OR DELETE ON suspensions
    FOR EACH STATEMENT EXECUTE FUNCTION notify_routes();
