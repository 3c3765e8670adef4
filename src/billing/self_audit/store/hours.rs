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
              ), slices AS (
                  SELECT epochs.environment_id
                       , epochs.meter
                       , hour
                       , samples.quantity
                       , CASE samples.quality WHEN 'lower_bound' THEN 2 WHEN 'interpolated' THEN 1 ELSE 0 END AS doubt
                       , tstzrange(GREATEST(samples.from_at, hour), LEAST(samples.until_at, hour + interval '1 hour')) AS span
                       , extract(epoch FROM samples.until_at - samples.from_at) * 1000000 AS whole
                       , extract(epoch FROM hour - samples.from_at) * 1000000 AS before
                       , starts.first
                    FROM starts
                    JOIN meter_epochs epochs ON epochs.environment_id = starts.id AND epochs.last_observed_at >= starts.since
                    JOIN meter_samples samples ON samples.epoch_id = epochs.id AND samples.until_at >= starts.first
                   CROSS JOIN generate_series(
                         date_trunc('hour', samples.from_at, 'UTC')
                       , GREATEST(samples.until_at - interval '1 microsecond', samples.from_at)
                       , '1 hour') AS hour
              ), derived AS (
                  SELECT environment_id, meter, hour
                       , sum(CASE
                             WHEN whole = 0 THEN quantity
                             ELSE div(quantity * LEAST(before + 3600000000, whole), whole)
                                - div(quantity * GREATEST(before, 0), whole)
                             END) AS quantity
                       , max(doubt) AS doubt
                       , range_agg(span) AS spans
                    FROM slices
                   WHERE hour >= first
                   GROUP BY environment_id, meter, hour
              ), known AS (
                  SELECT environment_id, meter, hour, quantity
                       , CASE doubt WHEN 2 THEN 'lower_bound' WHEN 1 THEN 'interpolated' ELSE 'measured' END AS quality
                       , (SELECT COALESCE(floor(sum(extract(epoch FROM upper(span) - lower(span)))), 0) FROM unnest(spans) AS span) AS covered_seconds
                    FROM derived
              ), kept AS (
                  SELECT hours.environment_id, hours.meter, hours.hour, hours.quantity, hours.quality, hours.covered_seconds
                    FROM starts
                    JOIN usage_hours hours ON hours.environment_id = starts.id AND hours.hour >= starts.first
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
                   , hours.meter || ' ' || written_at(hours.hour) || ' ' || hours.environment_id
                   , hours.covered_seconds > GREATEST(ceil(extract(epoch FROM LEAST(hours.hour + interval '1 hour', lives.until_at + interval '5 minutes')
                                                                            - GREATEST(hours.hour, lives.from_at))), 0)
                FROM usage_hours hours
                JOIN lives ON lives.environment_id = hours.environment_id AND lives.meter = hours.meter
               WHERE hours.hour >= CASE (hashtext(hours.environment_id::text) & 2147483647) % 30
                                   WHEN floor(extract(epoch FROM $3) / 86400)::bigint % 30 THEN $3 - interval '31 days'
                                   ELSE $3
                                   END",
    },
];
