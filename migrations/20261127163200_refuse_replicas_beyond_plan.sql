-- More containers than a plan allows are refused, whoever writes the number: a wish is never made smaller without a word.

UPDATE environments
   SET replicas = plan_versions.max_replicas
  FROM plan_versions
 WHERE plan_versions.id = environments.plan_version_id
   AND environments.replicas > plan_versions.max_replicas;

CREATE FUNCTION refuse_replicas_beyond_plan() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer;
BEGIN
    SELECT max_replicas INTO most FROM plan_versions WHERE id = NEW.plan_version_id;
    IF NEW.replicas > most THEN
        RAISE EXCEPTION 'the plan allows at most % containers, not %', most, NEW.replicas USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER replicas_are_within_plan BEFORE INSERT OR UPDATE OF replicas, plan_version_id ON environments
    FOR EACH ROW EXECUTE FUNCTION refuse_replicas_beyond_plan();
