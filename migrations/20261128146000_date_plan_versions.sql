-- A version may be published for a later day: until then the one before is sold, and staff may withdraw it. What is published
-- never changes: that it is withdrawn is said beside it.

-- NULL: from when it was published.
ALTER TABLE plan_versions ADD COLUMN valid_from timestamptz
    CHECK (valid_from IS NULL OR (published_at IS NOT NULL AND valid_from >= published_at));

CREATE TABLE plan_withdrawals (
    plan_version_id  uuid PRIMARY KEY REFERENCES plan_versions
  , withdrawn_at     timestamptz NOT NULL
  , withdrawn_by     text NOT NULL
);

-- What was sold is not withdrawn: somebody may have bought it.
CREATE FUNCTION refuse_withdrawal_of_sold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sold_from timestamptz;
BEGIN
    SELECT COALESCE(valid_from, published_at) INTO sold_from FROM plan_versions WHERE id = NEW.plan_version_id FOR SHARE;
    IF sold_from IS NULL OR sold_from <= NEW.withdrawn_at THEN
        RAISE EXCEPTION 'only a version that is not sold yet is withdrawn' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER plan_withdrawals_are_of_what_is_not_sold BEFORE INSERT ON plan_withdrawals
    FOR EACH ROW EXECUTE FUNCTION refuse_withdrawal_of_sold();
CREATE TRIGGER plan_withdrawals_are_final BEFORE UPDATE OR DELETE ON plan_withdrawals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_withdrawals_are_not_emptied BEFORE TRUNCATE ON plan_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

-- The version that each plan is sold in at an instant: what `plans::catalogue` says, for queries about many plans.
CREATE FUNCTION plan_versions_sold(at timestamptz)
RETURNS TABLE (plan_id uuid, plan_version_id uuid, cpu_millis integer, memory_mb integer) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (v.plan_id) v.plan_id, v.id, v.cpu_millis, v.memory_mb
      FROM plan_versions v
     WHERE v.state = 'published'
       AND COALESCE(v.valid_from, v.published_at) <= at
       AND NOT EXISTS (SELECT FROM plan_withdrawals w WHERE w.plan_version_id = v.id)
     ORDER BY v.plan_id, COALESCE(v.valid_from, v.published_at) DESC, v.version DESC
$$;

-- To PostgreSQL 'NaN' is above every number, so `>= 0` lets it in.
ALTER TABLE plan_meters ADD CHECK (included <> 'NaN' AND unit_price <> 'NaN');
ALTER TABLE plan_tiers ADD CHECK (from_quantity <> 'NaN' AND unit_price <> 'NaN');
