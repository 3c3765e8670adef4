-- Those who are on a version of a plan are moved to a later one, from a month's beginning on: they are told at least 30 days
-- before, and each is moved once.

CREATE TABLE plan_moves (
    -- Where to.
    plan_version_id  uuid PRIMARY KEY REFERENCES plan_versions
  , from_version_id  uuid NOT NULL REFERENCES plan_versions CHECK (from_version_id <> plan_version_id)
    -- The first day of the month, by the clocks of whoever sells.
  , month            date NOT NULL CHECK (extract(day FROM month) = 1)
  , asked_by         text NOT NULL
  , asked_at         timestamptz NOT NULL
    -- When it was written down who is moved.
  , listed_at        timestamptz
  , withdrawn_at     timestamptz
  , CHECK (month - 29 > (asked_at AT TIME ZONE 'UTC')::date)
);

CREATE TABLE plan_move_environments (
    plan_version_id  uuid NOT NULL REFERENCES plan_moves
  , environment_id   uuid NOT NULL REFERENCES environments
    -- Whose it was when it was written down: those who were told.
  , account_id       uuid NOT NULL REFERENCES accounts
    -- The month's first instant at whoever sells to the account.
  , starts_at        timestamptz NOT NULL
  , told_at          timestamptz
    -- `asked`: it gets other limits, and is on the version when they are in force; `left`: it was on another version by then, or
    -- gone; `late`: it was not told in time, and stays where it is; `withdrawn`: the move was.
  , state            text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'asked', 'moved', 'left', 'late', 'withdrawn'))
  , look_at          timestamptz NOT NULL
  , ended_at         timestamptz CHECK ((ended_at IS NOT NULL) = (state NOT IN ('waiting', 'asked')))
  , PRIMARY KEY (plan_version_id, environment_id)
);
CREATE INDEX plan_move_environments_due ON plan_move_environments (look_at) WHERE ended_at IS NULL;
CREATE INDEX plan_move_environments_to_tell ON plan_move_environments (plan_version_id, account_id)
 WHERE told_at IS NULL AND ended_at IS NULL;
CREATE INDEX plan_move_environments_by_environment ON plan_move_environments (environment_id) WHERE ended_at IS NULL;
CREATE INDEX plan_move_environments_by_account ON plan_move_environments (account_id, plan_version_id);

-- What customers were told does not change: a move is only withdrawn, and what has ended has ended.
CREATE FUNCTION keep_plan_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (NEW.plan_version_id, NEW.from_version_id, NEW.month, NEW.asked_at)
          IS DISTINCT FROM (OLD.plan_version_id, OLD.from_version_id, OLD.month, OLD.asked_at)
       OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at) THEN
        RAISE EXCEPTION 'a move to another version is only withdrawn' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER plan_moves_stay BEFORE UPDATE OR DELETE ON plan_moves FOR EACH ROW EXECUTE FUNCTION keep_plan_moves();

CREATE FUNCTION keep_ended_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'what was moved is not moved again' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER plan_move_environments_end_once BEFORE UPDATE OR DELETE ON plan_move_environments
    FOR EACH ROW EXECUTE FUNCTION keep_ended_moves();
