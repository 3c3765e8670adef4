-- What made counting and the month's end dear is taken out: an index that every sample moved an entry of and nothing asks, a look
-- for its source by each sample alone, all months gone through for the next one, all hours of a month read for those at its ends.

-- Sources are found by their environment. Without this index a cursor moves within its page.
DROP INDEX meter_epochs_by_time;
ALTER TABLE meter_epochs SET (fillfactor = 60);

-- Sources are never deleted and keep their ids, so that samples can be held against them together: one look for each statement.
CREATE TRIGGER meter_epochs_are_kept BEFORE DELETE ON meter_epochs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER meter_epochs_keep_their_ids BEFORE UPDATE OF id ON meter_epochs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER meter_epochs_are_not_emptied BEFORE TRUNCATE ON meter_epochs FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();

CREATE FUNCTION demand_sources_of_samples() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added LEFT JOIN meter_epochs ON meter_epochs.id = added.epoch_id WHERE meter_epochs.id IS NULL) THEN
        RAISE EXCEPTION 'a sample is of a source' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meter_samples_are_of_sources AFTER INSERT ON meter_samples
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION demand_sources_of_samples();
ALTER TABLE meter_samples DROP CONSTRAINT meter_samples_epoch_id_fkey;

-- Open months are asked for by account.
DROP INDEX billing_periods_open;
CREATE INDEX billing_periods_open ON billing_periods (account_id, until_at) WHERE state = 'open';

-- As before (freeze_exports), with its plan kept, and only those hours read that are of a day in which a span begins or ends.
CREATE OR REPLACE FUNCTION divide_charges(of_period uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    WITH whole AS (
        SELECT environment_id, plan_version_id, meter, class
             , min(from_at) AS from_at, max(until_at) AS until_at, sum(quantity) AS quantity
          FROM charges
         WHERE period_id = of_period AND of_period_id = of_period AND meter IS NOT NULL AND revision = 0
         GROUP BY environment_id, plan_version_id, meter, class
        HAVING min(quantity) >= 0 AND sum(quantity) > 0
    ), spans AS (
        SELECT w.environment_id, w.plan_version_id, w.meter, w.class
             , GREATEST(w.from_at, s.from_at) AS from_at, LEAST(w.until_at, s.until_at) AS until_at
          FROM whole w
          JOIN environment_segments s ON s.environment_id = w.environment_id AND s.plan_version_id = w.plan_version_id
               AND s.from_at < w.until_at AND COALESCE(s.until_at, 'infinity') > w.from_at
    ), used AS (
        -- Whole days, and the hours of those days in which a span begins or ends.
        SELECT p.environment_id, p.plan_version_id, p.meter, p.class, u.day, u.quantity * 3600 AS amount
          FROM spans p
          JOIN usage_days u ON u.environment_id = p.environment_id AND u.meter = p.meter
               AND u.day >= p.from_at AND u.day <= p.until_at - interval '24 hours'
        UNION ALL
        SELECT p.environment_id, p.plan_version_id, p.meter, p.class, cut.day
             , u.quantity * extract(epoch FROM LEAST(u.hour + interval '1 hour', p.until_at) - GREATEST(u.hour, p.from_at))
          FROM spans p
         CROSS JOIN LATERAL (
            SELECT date_trunc('day', p.from_at, 'UTC') AS day WHERE date_trunc('day', p.from_at, 'UTC') < p.from_at
             UNION
            SELECT date_trunc('day', p.until_at, 'UTC') WHERE date_trunc('day', p.until_at, 'UTC') < p.until_at
          ) AS cut
          JOIN usage_hours u ON u.environment_id = p.environment_id AND u.meter = p.meter
               AND u.hour >= cut.day AND u.hour < cut.day + interval '24 hours'
               AND u.hour > p.from_at - interval '1 hour' AND u.hour < p.until_at
    ), days AS (
        SELECT environment_id, plan_version_id, meter, class, day, sum(amount) AS amount
          FROM used
         GROUP BY environment_id, plan_version_id, meter, class, day
        HAVING sum(amount) > 0
    ), shares AS (
        SELECT d.environment_id, d.plan_version_id, d.meter, d.class, d.day
             , trunc(w.quantity * sum(d.amount) OVER (of_meter ORDER BY d.day) / sum(d.amount) OVER of_meter, 4) AS until_quantity
          FROM days d
          JOIN whole w USING (environment_id, plan_version_id, meter, class)
        WINDOW of_meter AS (PARTITION BY d.environment_id, d.plan_version_id, d.meter, d.class)
    ), steps AS MATERIALIZED (
        SELECT *, COALESCE(lag(until_quantity) OVER (PARTITION BY environment_id, plan_version_id, meter, class ORDER BY day), 0)
                  AS from_quantity
          FROM shares
    ), tiers AS MATERIALIZED (
        SELECT c.id, c.environment_id, c.plan_version_id, c.meter, c.class, c.quantity
             , COALESCE(sum(c.quantity) OVER (
                   PARTITION BY c.environment_id, c.plan_version_id, c.meter, c.class ORDER BY c.tier, c.id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS below
          FROM charges c
         WHERE c.period_id = of_period AND c.of_period_id = of_period AND c.meter IS NOT NULL AND c.revision = 0
    ), parts AS (
        SELECT t.id, (s.day AT TIME ZONE 'UTC')::date AS day
             , LEAST(s.until_quantity, t.below + t.quantity) - GREATEST(s.from_quantity, t.below) AS quantity
          FROM tiers t
          JOIN steps s USING (environment_id, plan_version_id, meter, class)
         WHERE s.until_quantity > t.below AND s.from_quantity < t.below + t.quantity
    )
    INSERT INTO charge_days (charge_id, days, quantities)
    SELECT id, array_agg(day ORDER BY day), array_agg(quantity ORDER BY day)
      FROM parts
     WHERE quantity > 0
     GROUP BY id;
END
$$;
