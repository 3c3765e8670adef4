//! What is asked of what was measured, since the night before: all of it would be billions of rows.

use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "counters",
        rules: "I1",
        // Each sample adds what lies between it and the one before; the newest one is where the source stands.
        sql: "SELECT environments.account_id
                   , epochs.meter || ' ' || epochs.source
                   , COALESCE(seen.is_wrong
                              OR seen.last_seq <> epochs.last_seq
                              OR seen.last_value <> epochs.last_value
                              OR seen.samples <> seen.last_seq - seen.first_seq + 1, false)
                FROM meter_epochs epochs
                JOIN environments ON environments.id = epochs.environment_id
               CROSS JOIN LATERAL (
                  SELECT count(*) AS samples
                       , min(seq) AS first_seq
                       , max(seq) AS last_seq
                       , max(value) FILTER (WHERE after IS NULL) AS last_value
                       , bool_or(quantity <> CASE
                                 WHEN before IS NULL THEN quantity
                                 WHEN epochs.meter IN ('cpu', 'egress', 'requests') THEN value - before
                                 ELSE div(before * extract(epoch FROM until_at - from_at) * 1000000, 1000000)
                                 END) AS is_wrong
                    FROM (SELECT *
                               , COALESCE(lag(value) OVER (ORDER BY seq), CASE seq WHEN 1 THEN epochs.base_value END) AS before
                               , lead(seq) OVER (ORDER BY seq) AS after
                            FROM meter_samples
                           WHERE epoch_id = epochs.id
                             AND until_at >= $3) AS samples
                ) AS seen
               WHERE epochs.last_observed_at >= $3
                 AND epochs.last_seq > 0",
    },
    Check {
        code: "batches",
        rules: "I3",
        sql: "SELECT NULL::uuid
                   , written_at(batches.taken_at)
                   , batches.received <> batches.accepted + batches.duplicate + batches.refused
                     OR batches.refused <> (SELECT count(*) FROM meter_refusals WHERE batch_id = batches.id)
                FROM meter_batches batches
               WHERE batches.taken_at >= $3",
    },
    Check {
        code: "coverage",
        rules: "I5",
        sql: "SELECT environments.account_id
                   , days.meter || ' ' || written_at(days.day) || ' ' || days.environment_id
                   , days.quantity IS DISTINCT FROM hours.quantity
                     OR hours.is_wrong
                FROM usage_days days
                JOIN environments ON environments.id = days.environment_id
               CROSS JOIN LATERAL (
                  SELECT sum(quantity) AS quantity
                       , bool_or(covered_seconds NOT BETWEEN 0 AND 3600 OR quantity < 0) AS is_wrong
                    FROM usage_hours
                   WHERE usage_hours.environment_id = days.environment_id
                     AND usage_hours.meter = days.meter
                     AND usage_hours.hour >= days.day
                     AND usage_hours.hour < days.day + interval '24 hours'
                ) AS hours
               WHERE days.day >= date_trunc('day', $3, 'UTC')",
    },
];
