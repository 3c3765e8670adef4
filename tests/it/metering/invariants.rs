//! What must hold of every installation, asked with SQL of its own: I1, I2, I3, I5 and I6 of the billing research. I4, that
//! batches may come again in any order, is a test.
//!
//! What compares hours with samples says nothing while an hour is due to be derived again.

use sqlx::PgPool;

/// Checks all of them.
pub async fn check(db: &PgPool) {
    for (invariant, statement) in INVARIANTS {
        let broken: Vec<String> = sqlx::query_scalar(*statement).fetch_all(db).await.unwrap();
        assert!(broken.is_empty(), "{invariant}: {broken:#?}");
    }
}

/// Each statement returns what breaks the rule.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "I1: what a counter added is its last number less its first",
        "SELECT format('%s: %s of %s', e.source, sum(s.quantity), e.last_value - e.base_value)
           FROM meter_epochs e JOIN meter_samples s ON s.epoch_id = e.id
          WHERE e.meter IN ('cpu', 'egress', 'requests')
          GROUP BY e.id HAVING sum(s.quantity) <> e.last_value - e.base_value",
    ),
    (
        "I2: hours add up to samples, when none is due",
        "SELECT format('%s %s: %s of %s', environment_id, meter, hours, samples)
           FROM (SELECT e.environment_id, e.meter, sum(s.quantity) AS samples
                   FROM meter_epochs e JOIN meter_samples s ON s.epoch_id = e.id GROUP BY 1, 2) AS sampled
           FULL JOIN (SELECT environment_id, meter, sum(quantity) AS hours FROM usage_hours GROUP BY 1, 2) AS derived
          USING (environment_id, meter)
          WHERE hours IS DISTINCT FROM samples AND NOT EXISTS (SELECT FROM usage_due)",
    ),
    (
        "I2: days add up to their hours",
        "SELECT format('%s %s %s: %s of %s', environment_id, meter, day, days.quantity, hours.quantity)
           FROM usage_days AS days
           FULL JOIN (SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS day
                           , sum(quantity) AS quantity
                        FROM usage_hours GROUP BY 1, 2, 3) AS hours
          USING (environment_id, meter, day)
          WHERE days.quantity IS DISTINCT FROM hours.quantity",
    ),
    (
        "I3: each number that came in was accepted, known or refused",
        "SELECT format('%s', id) FROM meter_batches b
          WHERE received <> accepted + duplicate + refused
             OR refused <> (SELECT count(*) FROM meter_refusals r WHERE r.batch_id = b.id)",
    ),
    (
        "I5: an hour is covered for at most an hour",
        "SELECT format('%s %s', meter, covered_seconds) FROM usage_hours WHERE covered_seconds NOT BETWEEN 0 AND 3600",
    ),
    (
        "I5: what is covered and what is not are the life of the instance, but for a part of a second in each hour",
        "SELECT format('%s %s: %s covered and %s not, of %s', environment_id, meter, covered, gaps, life)
           FROM (SELECT e.environment_id, e.meter, extract(epoch FROM max(s.until_at) - min(s.from_at)) AS life
                      , tstzmultirange(tstzrange(min(s.from_at), max(s.until_at))) - range_agg(tstzrange(s.from_at, s.until_at)) AS holes
                   FROM meter_epochs e JOIN meter_samples s ON s.epoch_id = e.id GROUP BY 1, 2) AS lives
           CROSS JOIN LATERAL (SELECT coalesce(sum(extract(epoch FROM upper(hole) - lower(hole))), 0) AS gaps
                                 FROM unnest(holes) AS hole) AS uncovered
           LEFT JOIN (SELECT environment_id, meter, sum(covered_seconds) AS covered, count(*) AS hours
                        FROM usage_hours GROUP BY 1, 2) AS derived USING (environment_id, meter)
          WHERE (life - gaps - covered BETWEEN 0 AND hours) IS NOT TRUE AND NOT EXISTS (SELECT FROM usage_due)",
    ),
    (
        "I6: another program derives the same hours: quantity, coverage and quality",
        "WITH parts AS (
             SELECT e.environment_id, e.meter, h.hour, s.quantity
                  , array_position(ARRAY['measured', 'interpolated', 'lower_bound'], s.quality) AS quality
                  , tstzrange(greatest(s.from_at, h.hour), least(s.until_at, h.hour + interval '1 hour')) AS span
                  , extract(epoch FROM least(s.until_at, h.hour + interval '1 hour') - s.from_at) AS until_then
                  , extract(epoch FROM greatest(s.from_at, h.hour) - s.from_at) AS from_then
                  , extract(epoch FROM s.until_at - s.from_at) AS whole
               FROM meter_epochs e JOIN meter_samples s ON s.epoch_id = e.id
               CROSS JOIN LATERAL generate_series(date_trunc('hour', s.from_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
                                                , greatest(s.from_at, s.until_at - interval '1 microsecond'), interval '1 hour') AS h (hour)
         ), added AS (
             SELECT environment_id, meter, hour
                  , sum(CASE WHEN whole = 0 THEN quantity
                             ELSE floor(quantity * until_then / whole) - floor(quantity * from_then / whole) END) AS quantity
                  , range_agg(span) AS spans
                  , (ARRAY['measured', 'interpolated', 'lower_bound'])[max(quality)] AS quality
               FROM parts GROUP BY 1, 2, 3
         ), derived AS (
             SELECT environment_id, meter, hour, quantity, quality
                  , (SELECT coalesce(floor(sum(extract(epoch FROM upper(span) - lower(span)))), 0)
                       FROM unnest(spans) AS span) AS covered_seconds
               FROM added
         )
         SELECT format('%s %s: %s %s %s of %s %s %s', meter, hour, u.quantity, u.covered_seconds, u.quality
                                                    , d.quantity, d.covered_seconds, d.quality)
           FROM derived d FULL JOIN usage_hours u USING (environment_id, meter, hour)
          WHERE (u.quantity, u.covered_seconds, u.quality) IS DISTINCT FROM (d.quantity, d.covered_seconds, d.quality)
            AND NOT EXISTS (SELECT FROM usage_due)",
    ),
];
