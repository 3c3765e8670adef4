//! What pages read: lines of graphs and totals, always of one account.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
use crate::metering::{Meter, Quality, rollup};

/// A part of a graph's line.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its beginning.
    pub at: DateTime<Utc>,
    /// What was used.
    pub quantity: Decimal,
    /// How many seconds samples speak of.
    pub seconds: Decimal,
}

/// Returns one meter of an account's environment in steps: from the samples, which are newer than the hours.
///
/// A sample belongs to the step that it ends in.
pub async fn list_steps(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    step: TimeDelta,
) -> Result<Vec<Step>, StoreError> {
    Ok(sqlx::query_as!(
        Step,
        r#"
        SELECT date_bin(make_interval(secs => $6::bigint), s.observed_at, $4) AS "at!"
             , sum(s.quantity) AS "quantity!"
             , sum(extract(epoch FROM s.until_at - s.from_at)) AS "seconds!"
          FROM environments v
          JOIN meter_epochs e ON e.environment_id = v.id AND e.meter = $3 AND e.last_observed_at >= $4
          JOIN meter_samples s ON s.epoch_id = e.id AND s.until_at >= $4 AND s.observed_at >= $4 AND s.observed_at < $5
         WHERE v.id = $1
           AND v.account_id = $2
         GROUP BY 1
         ORDER BY 1
        "#,
        environment as EnvironmentId,
        account as AccountId,
        meter.as_str(),
        from,
        until,
        step.num_seconds(),
    )
    .fetch_all(db)
    .await?)
}

/// Returns one meter of an account's environment in steps of whole hours, from the hours.
pub async fn list_steps_of_hours(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    step: TimeDelta,
) -> Result<Vec<Step>, StoreError> {
    Ok(sqlx::query_as!(
        Step,
        r#"
        SELECT date_bin(make_interval(secs => $6::bigint), u.hour, $4) AS "at!"
             , sum(u.quantity) AS "quantity!"
             , sum(u.covered_seconds::numeric) AS "seconds!"
          FROM environments v
          JOIN usage_hours u ON u.environment_id = v.id AND u.meter = $3 AND u.hour >= $4 AND u.hour < $5
         WHERE v.id = $1
           AND v.account_id = $2
         GROUP BY 1
         ORDER BY 1
        "#,
        environment as EnvironmentId,
        account as AccountId,
        meter.as_str(),
        from,
        until,
        step.num_seconds(),
    )
    .fetch_all(db)
    .await?)
}

/// Returns what each of some of an account's environments used, from one hour to another.
///
/// Whole days (UTC) are read as days, what is left of the period at both ends as hours. Each meter of each environment
/// is looked up by its key: read together, their whole history would be gone through.
pub async fn list_totals(
    db: &mut PgConnection,
    account: AccountId,
    environments: &[EnvironmentId],
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(EnvironmentId, Meter, Decimal)>, StoreError> {
    let (days_from, days_until) = rollup::whole_days(from, until);
    let rows = sqlx::query!(
        r#"
        SELECT v.id AS "environment: EnvironmentId"
             , named.meter AS "meter!"
             , total.quantity AS "quantity!"
          FROM environments v
         CROSS JOIN UNNEST($3::text[]) AS named (meter)
         CROSS JOIN LATERAL (
            SELECT sum(part.quantity) AS quantity
              FROM (
                SELECT quantity
                  FROM usage_days
                 WHERE environment_id = v.id AND meter = named.meter AND day >= $6 AND day < $7
                UNION ALL
                SELECT quantity
                  FROM usage_hours
                 WHERE environment_id = v.id AND meter = named.meter AND hour >= $4 AND hour < $6
                UNION ALL
                SELECT quantity
                  FROM usage_hours
                 WHERE environment_id = v.id AND meter = named.meter AND hour >= $7 AND hour < $5
              ) AS part
          ) AS total
         WHERE v.account_id = $1
           AND v.id = ANY($2)
           AND total.quantity IS NOT NULL
        "#,
        account as AccountId,
        &environments.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        &Meter::ALL.map(|meter| meter.as_str().to_owned()),
        from,
        until,
        days_from,
        days_until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.environment, Meter::from_word(&row.meter)?, row.quantity)))
        .collect())
}

/// How much of a period hours speak of.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The meter.
    pub meter: Meter,
    /// The seconds of it that samples speak of.
    pub covered_seconds: i64,
    /// The seconds of it between the first time that it was ready and its end.
    pub life_seconds: i64,
    /// The worst of its hours.
    pub quality: Option<Quality>,
}

/// Returns how much is known of each meter of an account's environment, from one hour to another.
///
/// Its life begins when its first source was opened, and ends with its last runtime.
pub async fn list_coverage(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Seen>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT named.meter AS "meter!"
             , coalesce(hours.covered_seconds, 0) AS "covered_seconds!"
             , CASE WHEN life.from_at IS NULL THEN 0
                    ELSE floor(extract(epoch FROM least($4, life.until_at) - greatest($3, life.from_at)))::bigint
               END AS "life_seconds!"
             , hours.quality
          FROM environments v
         CROSS JOIN UNNEST($5::text[]) AS named (meter)
         CROSS JOIN LATERAL (
            SELECT (SELECT min(opened_at) FROM meter_epochs WHERE environment_id = v.id AND meter = named.meter AND last_seq > 0) AS from_at
                 , CASE WHEN v.wanted = 'deleted'
                        THEN (SELECT max(coalesce(gone_at, 'infinity')) FROM runtimes WHERE environment_id = v.id)
                   END AS until_at
          ) AS life
         CROSS JOIN LATERAL (
            SELECT sum(covered_seconds)::bigint AS covered_seconds
                 , (ARRAY['measured', 'interpolated', 'lower_bound'])[max(array_position(ARRAY['measured', 'interpolated', 'lower_bound'], quality))] AS quality
              FROM usage_hours
             WHERE environment_id = v.id
               AND meter = named.meter
               AND hour >= $3
               AND hour < $4
          ) AS hours
         WHERE v.id = $1
           AND v.account_id = $2
        "#,
        environment as EnvironmentId,
        account as AccountId,
        from,
        until,
        &Meter::ALL.map(|meter| meter.as_str().to_owned()),
    )
    .fetch_all(db)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(Seen {
            meter: Meter::from_word(&row.meter)?,
            covered_seconds: row.covered_seconds,
            life_seconds: row.life_seconds.max(0),
            quality: row.quality.as_deref().and_then(Quality::from_word),
        })
    });
    Ok(known.collect())
}

/// Returns the newest number of one meter of an account's environment.
pub async fn last_value(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT e.last_value
          FROM environments v
          JOIN meter_epochs e ON e.environment_id = v.id
         WHERE v.id = $1
           AND v.account_id = $2
           AND e.meter = $3
         ORDER BY e.last_observed_at DESC
         LIMIT 1
        "#,
        environment as EnvironmentId,
        account as AccountId,
        meter.as_str(),
    )
    .fetch_optional(db)
    .await?)
}
