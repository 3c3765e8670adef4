//! What is asked of usage by hour: that it is what the samples say, and that nobody was measured for longer than they lived.
//!
//! Of everybody since the night before; of one environment in thirty, another one each night, for a month: so what was changed long
//! after it was measured is found within thirty nights. All of it every night would be a hundred and fifty million samples a month
//! for a thousand environments.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "hours",
        rules: "I2, I5, I6",
        // Every hour derived again from the samples, by another program: how much was used, for how long that is known, and how
        // surely. Hours that are to be derived still are left out.
        sql: "WITH looked AS (
                  SELECT id
                       , account_id
                       , CASE (hashtext(id::text) & 2147483647) % 30
                         WHEN floor(extract(epoch FROM $3) / 86400)::bigint % 30 THEN $3 - interval '31 days'
                         ELSE $3
                         END AS since
                    FROM environments
              ), starts AS MATERIALIZED (
                  SELECT id, account_id, since, date_trunc('hour', since, 'UTC') + interval '1 hour' AS first FROM looked
              ), samples AS (
                  SELECT epochs.environment_id
                       , epochs.meter
                       , starts.first
                       , samples.quantity
                       , samples.from_at
                       , samples.until_at
                       , CASE samples.quality WHEN 'lower_bound' THEN 2 WHEN 'interpolated' THEN 1 ELSE 0 END AS doubt
                       , date_bin('1 hour', samples.from_at, '2000-01-01T00:00:00Z') AS first_hour
                       , date_bin('1 hour', GREATEST(samples.until_at - interval '1 microsecond', samples.from_at), '2000-01-01T00:00:00Z') AS last_hour
                    FROM starts
                    JOIN meter_epochs epochs ON epochs.environment_id = starts.id AND epochs.last_observed_at >= starts.since
                   -- Looked up epoch by epoch: read together, the whole history would be gone through.
                   CROSS JOIN LATERAL (SELECT quantity, from_at, until_at, quality
                                         FROM meter_samples
                                        WHERE epoch_id = epochs.id
                                          AND until_at >= starts.first
                                       OFFSET 0) AS samples
              ), slices AS (
                  -- Nearly all of them lie within one hour.
                  SELECT environment_id, meter, first_hour AS hour, quantity, doubt, tstzrange(from_at, until_at) AS span
                    FROM samples
                   WHERE first_hour = last_hour
                     AND first_hour >= first
                   UNION ALL
                  SELECT environment_id, meter, hour
                       , div(quantity * LEAST(before + 3600000000, whole), whole) - div(quantity * GREATEST(before, 0), whole)
                       , doubt
                       , tstzrange(GREATEST(from_at, hour), LEAST(until_at, hour + interval '1 hour'))
                    FROM samples
                   CROSS JOIN generate_series(GREATEST(first_hour, first), last_hour, '1 hour') AS hour
                   CROSS JOIN LATERAL (SELECT extract(epoch FROM until_at - from_at) * 1000000 AS whole
                                            , extract(epoch FROM hour - from_at) * 1000000 AS before) AS lasts
                   WHERE first_hour < last_hour
              ), derived AS (
                  SELECT environment_id, meter, hour, sum(quantity) AS quantity, max(doubt) AS doubt, range_agg(span) AS spans
                    FROM slices
                   GROUP BY environment_id, meter, hour
              ), known AS (
                  SELECT environment_id, meter, hour, quantity
                       , CASE doubt WHEN 2 THEN 'lower_bound' WHEN 1 THEN 'interpolated' ELSE 'measured' END AS quality
                       , (SELECT COALESCE(floor(sum(extract(epoch FROM upper(span) - lower(span)))), 0) FROM unnest(spans) AS span) AS covered_seconds
                    FROM derived
              ), kept AS (
                  SELECT starts.id AS environment_id, meters.meter, hours.hour, hours.quantity, hours.quality, hours.covered_seconds
                    FROM starts
                   CROSS JOIN (VALUES ('cpu'), ('memory'), ('database'), ('egress'), ('requests')) AS meters (meter)
                   CROSS JOIN LATERAL (SELECT hour, quantity, quality, covered_seconds
                                         FROM usage_hours
                                        WHERE environment_id = starts.id
                                          AND meter = meters.meter
                                          AND hour >= starts.first
                                       OFFSET 0) AS hours
              )
              SELECT environments.account_id
                   , meter || ' ' || written_at(hour) || ' ' || environment_id
                   , (kept.quantity, kept.quality, kept.covered_seconds) IS DISTINCT FROM (known.quantity, known.quality, known.covered_seconds)
                FROM kept
                FULL JOIN known USING (environment_id, meter, hour)
                LEFT JOIN usage_due due USING (environment_id, meter, hour)
                JOIN environments ON environments.id = environment_id
               WHERE due.hour IS NULL",
    },
    Check {
        code: "life",
        rules: "I5",
        // What is covered is a part of the life of the instance, so that the rest of it is the gap. Its life begins when its first
        // source was opened and ends with its last runtime. Of what proxies count nothing is a gap: silence is a zero. Clocks of
        // machines may be five minutes off before their numbers are refused.
        sql: "WITH lives AS MATERIALIZED (
                  SELECT epochs.environment_id
                       , epochs.meter
                       , environments.account_id
                       , min(epochs.opened_at) - interval '5 minutes' AS from_at
                       , CASE WHEN environments.wanted = 'deleted'
                              THEN (SELECT max(COALESCE(gone_at, 'infinity')) FROM runtimes WHERE environment_id = environments.id)
                              ELSE 'infinity'
                         END AS until_at
                    FROM meter_epochs epochs
                    JOIN environments ON environments.id = epochs.environment_id
                   WHERE epochs.last_seq > 0
                     AND epochs.meter IN ('cpu', 'memory', 'database')
                   GROUP BY epochs.environment_id, epochs.meter, environments.id
              )
              SELECT lives.account_id
                   , lives.meter || ' ' || written_at(hours.hour) || ' ' || lives.environment_id
                   , hours.covered_seconds > GREATEST(ceil(extract(epoch FROM LEAST(hours.hour + interval '1 hour', lives.until_at + interval '5 minutes')
                                                                            - GREATEST(hours.hour, lives.from_at))), 0)
                FROM lives
               CROSS JOIN LATERAL (SELECT hour, covered_seconds
                                     FROM usage_hours
                                    WHERE environment_id = lives.environment_id
                                      AND meter = lives.meter
                                      AND hour >= CASE (hashtext(lives.environment_id::text) & 2147483647) % 30
                                                  WHEN floor(extract(epoch FROM $3) / 86400)::bigint % 30 THEN $3 - interval '31 days'
                                                  ELSE $3
                                                  END
                                   OFFSET 0) AS hours",
    },
];
