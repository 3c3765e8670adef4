//! What is asked of charges and of the usage and prices that they are made of: a charge that adds up in itself may still be of what
//! nobody used, or at a price that no plan has.
//!
//! All hours of all months would be too many for a night. Months are looked at whole in the night after they were closed, and again
//! one in thirty each night: so each of them once in thirty nights.

use super::items::items_of_closed_months;
use crate::billing::self_audit::Check;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        code: "usage",
        rules: "I2, I8, I12",
        // What the hours say today, shared among what was on a plan, is what the newest charges say was used. Hours that changed
        // after it was looked at last are corrected with the next month; those of a trial, and later ones, never.
        sql: "WITH months AS MATERIALIZED (
                  SELECT periods.id, periods.account_id, periods.from_at, periods.until_at, periods.rated_at
                       , CASE WHEN trials.from_at < LEAST(trials.until_at, trials.ended_at) THEN trials.from_at END AS trial_from
                       , LEAST(trials.until_at, trials.ended_at) AS trial_until
                       , GREATEST(periods.rated_at, following.rated_at) AS looked_at
                    FROM billing_periods periods
                    LEFT JOIN trials ON trials.account_id = periods.account_id
                    LEFT JOIN billing_periods following ON following.account_id = periods.account_id
                     AND following.seller_id = periods.seller_id
                     AND following.from_at = periods.until_at
                     AND following.state = 'closed'
                   WHERE periods.state = 'closed'
                     AND (periods.closed_at >= $3
                          OR (hashtext(periods.id::text) & 2147483647) % 30 = floor(extract(epoch FROM $3) / 86400)::bigint % 30)
              ), ours AS (
                  SELECT DISTINCT months.id, segments.environment_id
                    FROM months
                    JOIN environment_segments segments ON segments.account_id = months.account_id
                     AND segments.from_at < months.until_at
                     AND COALESCE(segments.until_at, 'infinity') > months.from_at
              ), stretches AS (
                  -- With their time at other customers: an hour is shared with them.
                  SELECT months.id AS period_id, segments.environment_id, segments.plan_version_id
                       , segments.account_id = months.account_id AS is_ours
                       , GREATEST(segments.from_at, months.from_at) AS from_at
                       , LEAST(COALESCE(segments.until_at, 'infinity'), months.until_at) AS until_at
                       , months.trial_from, months.trial_until
                    FROM ours
                    JOIN months ON months.id = ours.id
                    JOIN environment_segments segments ON segments.environment_id = ours.environment_id
                     AND segments.from_at < months.until_at
                     AND COALESCE(segments.until_at, 'infinity') > months.from_at
              ), cuts AS (
                  SELECT *
                       , CASE WHEN trial_from IS NULL THEN until_at ELSE LEAST(GREATEST(trial_from, from_at), until_at) END AS begins
                       , CASE WHEN trial_from IS NULL THEN until_at ELSE LEAST(GREATEST(trial_until, from_at), until_at) END AS ends
                    FROM stretches
              ), parts AS MATERIALIZED (
                  SELECT cuts.period_id, cuts.environment_id, cuts.plan_version_id, cuts.is_ours, part.is_trial, part.from_at, part.until_at
                       , date_trunc('hour', part.from_at + interval '59 minutes 59.999999 seconds', 'UTC') AS first
                       , date_trunc('hour', part.until_at, 'UTC') AS last
                    FROM cuts
                   CROSS JOIN LATERAL (VALUES (from_at, begins, false), (begins, ends, true), (ends, until_at, false))
                           AS part (from_at, until_at, is_trial)
                   WHERE part.from_at < part.until_at
              ), meters (meter) AS (
                  VALUES ('cpu'), ('database'), ('egress'), ('requests')
              ), whole AS (
                  SELECT parts.period_id, parts.environment_id, parts.plan_version_id, parts.is_trial, meters.meter, hours.quantity
                    FROM parts
                   CROSS JOIN meters
                   CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity
                                         FROM usage_hours
                                        WHERE environment_id = parts.environment_id
                                          AND meter = meters.meter
                                          AND hour >= parts.first
                                          AND hour < parts.last) AS hours
                   WHERE parts.is_ours
                     AND parts.first < parts.last
              ), bounds AS (
                  SELECT DISTINCT parts.period_id, parts.environment_id, date_trunc('hour', bound.at, 'UTC') AS hour
                    FROM parts
                   CROSS JOIN LATERAL (VALUES (parts.from_at), (parts.until_at)) AS bound (at)
                   WHERE date_trunc('hour', bound.at, 'UTC') <> bound.at
              ), touching AS (
                  SELECT parts.*, hours.meter, hours.hour, hours.quantity, lasts.micros
                       , sum(lasts.micros) OVER (PARTITION BY parts.period_id, parts.environment_id, hours.meter, hours.hour) AS of_all
                       , sum(lasts.micros) OVER (PARTITION BY parts.period_id, parts.environment_id, hours.meter, hours.hour
                                                     ORDER BY parts.from_at) AS reached
                    FROM bounds
                    JOIN usage_hours hours ON hours.environment_id = bounds.environment_id
                     AND hours.meter IN (SELECT meter FROM meters)
                     AND hours.hour = bounds.hour
                    JOIN parts ON parts.period_id = bounds.period_id
                     AND parts.environment_id = bounds.environment_id
                     AND parts.from_at < bounds.hour + interval '1 hour'
                     AND parts.until_at > bounds.hour
                   CROSS JOIN LATERAL (SELECT extract(epoch FROM LEAST(parts.until_at, bounds.hour + interval '1 hour')
                                                               - GREATEST(parts.from_at, bounds.hour)) * 1000000 AS micros) AS lasts
              ), used AS (
                  SELECT period_id, environment_id, plan_version_id, is_trial, meter, sum(quantity) AS raw
                    FROM (SELECT * FROM whole
                           UNION ALL
                          SELECT period_id, environment_id, plan_version_id, is_trial, meter
                               , div(quantity * reached, of_all) - div(quantity * (reached - micros), of_all)
                            FROM touching
                           WHERE is_ours) AS shares
                   GROUP BY 1, 2, 3, 4, 5
                  HAVING sum(quantity) > 0
              ), charged AS (
                  SELECT charges.of_period_id AS period_id, charges.environment_id, charges.plan_version_id
                       , charges.class = 'trial' AS is_trial, charges.meter
                       , (array_agg(charges.used_raw ORDER BY charges.revision DESC))[1] AS raw
                    FROM months
                    JOIN charges ON charges.account_id = months.account_id AND charges.of_period_id = months.id
                   WHERE charges.meter IS NOT NULL
                   GROUP BY 1, 2, 3, 4, 5
              )
              SELECT months.account_id
                   , items.meter || ' ' || written_at(months.from_at) || ' ' || items.environment_id
                   , items.used <> items.charged
                     AND NOT EXISTS (SELECT
                                       FROM usage_hours hours
                                      WHERE hours.environment_id = items.environment_id
                                        AND hours.meter = items.meter
                                        AND hours.hour >= months.from_at
                                        AND hours.hour < months.until_at
                                        AND hours.changed_at > CASE WHEN items.is_trial THEN months.rated_at ELSE months.looked_at END
                                                             - interval '1 hour')
                FROM (SELECT period_id, environment_id, is_trial, meter
                           , COALESCE(used.raw, 0) AS used, COALESCE(charged.raw, 0) AS charged
                        FROM used
                        FULL JOIN charged USING (period_id, environment_id, plan_version_id, is_trial, meter)) AS items
                JOIN months ON months.id = items.period_id",
    },
    Check {
        code: "prices",
        rules: "I9, I12",
        // Each price is the plan's, and as much was charged at it as lies between where it and the next one begin, in the part of
        // the month that an item lasted; as much is included as the plan says.
        sql: concat!(
            "WITH ",
            items_of_closed_months!(),
            ", meters (meter, step, scale) AS (
                  VALUES ('cpu', 360000, 10000), ('database', 360000000, 10000), ('egress', 100000, 10000), ('requests', 1, 1000)
              ), charged AS (
                  SELECT charges.account_id, charges.of_period_id AS period_id, charges.environment_id, charges.plan_version_id
                       , charges.class = 'trial' AS is_trial, charges.meter, charges.currency, charges.tier
                       , sum(charges.quantity) AS quantity
                       , min(charges.unit_price) AS lowest
                       , max(charges.unit_price) AS highest
                       , (array_agg(charges.used_raw ORDER BY charges.revision DESC))[1] AS used
                       , max(charges.revision) AS revision
                    FROM charges
                    JOIN billing_periods periods ON periods.id = charges.of_period_id AND periods.state = 'closed'
                   WHERE charges.meter IS NOT NULL
                   GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
              ), sums AS (
                  SELECT *
                       , sum(quantity) FILTER (WHERE tier > 0) OVER of_meter AS beyond
                       , first_value(used) OVER (of_meter ORDER BY revision DESC) AS newest_used
                    FROM charged
                  WINDOW of_meter AS (PARTITION BY period_id, environment_id, plan_version_id, is_trial, meter, currency)
              ), prices AS (
                  SELECT plan_version_id, meter, currency, from_quantity, unit_price
                       , row_number() OVER of_meter AS tier
                       , lead(from_quantity) OVER of_meter AS next_from
                    FROM (SELECT plan_version_id, meter, currency, 0 AS from_quantity, unit_price FROM plan_meters
                           UNION ALL
                          SELECT plan_version_id, meter, currency, from_quantity, unit_price FROM plan_tiers) AS prices
                  WINDOW of_meter AS (PARTITION BY plan_version_id, meter, currency ORDER BY from_quantity)
              )
              SELECT sums.account_id
                   , sums.meter || ' ' || sums.tier || ' ' || sums.environment_id
                   , CASE
                     WHEN sums.tier = 0 THEN
                         sums.highest <> 0
                         OR sums.quantity * meters.scale
                            <> div(LEAST(sums.newest_used, COALESCE(included.raw, sums.newest_used)), meters.step)
                     ELSE
                         prices.unit_price IS NULL
                         OR sums.lowest <> prices.unit_price
                         OR sums.highest <> prices.unit_price
                         OR sums.quantity * meters.scale
                            <> CASE sums.tier
                               WHEN 1 THEN LEAST(sums.beyond * meters.scale, COALESCE(reaches.until, sums.beyond * meters.scale))
                               ELSE GREATEST(LEAST(sums.beyond * meters.scale, COALESCE(reaches.until, sums.beyond * meters.scale)) - reaches.from, 0)
                               END
                     END
                FROM sums
                JOIN meters ON meters.meter = sums.meter
                LEFT JOIN items USING (period_id, environment_id, plan_version_id, is_trial)
                LEFT JOIN plan_meters terms ON (terms.plan_version_id, terms.meter, terms.currency)
                                             = (sums.plan_version_id, sums.meter, sums.currency)
                LEFT JOIN prices ON (prices.plan_version_id, prices.meter, prices.currency, prices.tier)
                                  = (sums.plan_version_id, sums.meter, sums.currency, sums.tier)
               CROSS JOIN LATERAL (SELECT div(terms.included * 10000 * COALESCE(items.active, 0) * meters.scale
                                              + 10000 * COALESCE(items.lasts, 1) - 1, 10000 * COALESCE(items.lasts, 1)) * meters.step AS raw) AS included
               CROSS JOIN LATERAL (SELECT div(prices.from_quantity * 10000 * COALESCE(items.active, 0) * meters.scale
                                              + 10000 * COALESCE(items.lasts, 1) - 1, 10000 * COALESCE(items.lasts, 1)) AS \"from\"
                                        , div(prices.next_from * 10000 * COALESCE(items.active, 0) * meters.scale
                                              + 10000 * COALESCE(items.lasts, 1) - 1, 10000 * COALESCE(items.lasts, 1)) AS until) AS reaches"
        ),
    },
];
