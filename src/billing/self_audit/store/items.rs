//! What several rules ask with.

/// All time on a plan in a closed month, of each plan version, in the trial or not, in microseconds: the table expressions that end
/// with `items`.
macro_rules! items_of_closed_months {
    () => {
        "stretches AS (
                  SELECT periods.id AS period_id
                       , periods.account_id
                       , periods.currency
                       , extract(epoch FROM periods.until_at - periods.from_at) * 1000000 AS lasts
                       , segments.environment_id
                       , segments.plan_version_id
                       , GREATEST(segments.from_at, periods.from_at) AS from_at
                       , LEAST(COALESCE(segments.until_at, 'infinity'), periods.until_at) AS until_at
                       , trials.from_at AS trial_from
                       , LEAST(trials.until_at, trials.ended_at) AS trial_until
                    FROM billing_periods periods
                    JOIN environment_segments segments ON segments.account_id = periods.account_id
                     AND segments.from_at < periods.until_at
                     AND COALESCE(segments.until_at, 'infinity') > periods.from_at
                    LEFT JOIN trials ON trials.account_id = periods.account_id
                   WHERE periods.state = 'closed'
              ), parts AS (
                  SELECT *
                       , extract(epoch FROM until_at - from_at) * 1000000 AS whole
                       , CASE
                         WHEN trial_from IS NULL THEN 0
                         ELSE GREATEST(extract(epoch FROM LEAST(until_at, trial_until) - GREATEST(from_at, trial_from)), 0) * 1000000
                         END AS in_trial
                    FROM stretches
              ), items AS (
                  SELECT period_id, account_id, currency, lasts, environment_id, plan_version_id, is_trial, sum(active) AS active
                    FROM parts
                   CROSS JOIN LATERAL (VALUES (true, in_trial), (false, whole - in_trial)) AS part (is_trial, active)
                   WHERE active > 0
                   GROUP BY 1, 2, 3, 4, 5, 6, 7
              )"
    };
}

pub(super) use items_of_closed_months;
