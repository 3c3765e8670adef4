-- What a published plan version holds can be changed from no side: a row is neither taken away from one nor moved to one,
-- and a price does not slip in while its version is being published (the lock waits for that). Nor are tables of what is
-- kept for ever emptied at once, which no trigger for rows would see.

CREATE OR REPLACE FUNCTION refuse_published_plan_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_id uuid;
    new_id uuid;
    version_state text;
BEGIN
    IF TG_TABLE_NAME = 'plan_versions' THEN
        IF OLD.state = 'published' THEN
            RAISE EXCEPTION 'a published plan version never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSE
        IF TG_OP <> 'INSERT' THEN old_id := OLD.plan_version_id; END IF;
        IF TG_OP <> 'DELETE' THEN new_id := NEW.plan_version_id; END IF;
        FOR version_state IN
            SELECT state FROM plan_versions WHERE id IN (old_id, new_id) ORDER BY id FOR SHARE
        LOOP
            IF version_state = 'published' THEN
                RAISE EXCEPTION 'a published plan version never changes' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
        END LOOP;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;

CREATE FUNCTION refuse_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never emptied', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER plan_versions_are_not_emptied BEFORE TRUNCATE ON plan_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER plan_prices_are_not_emptied BEFORE TRUNCATE ON plan_prices
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER plan_meters_are_not_emptied BEFORE TRUNCATE ON plan_meters
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
