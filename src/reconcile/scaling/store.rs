//! What rules about the number of containers are followed by: what was used lately, and what was added this month.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use crate::base::ids::{EnvironmentId, PlanVersionId};
use crate::db::StoreError;
use crate::environments::scaling::rule::Load;

/// Makes due every environment whose rule was set since it was last looked at.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT 'scaling', scaling_rules.environment_id, $1, scaling_rules.set_at::text
          FROM scaling_rules
          JOIN environments ON environments.id = scaling_rules.environment_id
          LEFT JOIN turns ON turns.task = 'scaling' AND turns.subject = scaling_rules.environment_id
         WHERE scaling_rules.is_on
           AND environments.wanted <> 'deleted'
           AND environments.status <> 'deleted'
           AND (turns.subject IS NULL OR turns.marker <> scaling_rules.set_at::text)
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
                        , unsettled_at = NULL
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a rule's budget is counted by.
pub struct Terms {
    /// The account's calendar.
    pub zone: Tz,
    /// Since when the rule is on.
    pub since: DateTime<Utc>,
    /// Until when it was counted.
    pub counted_at: Option<DateTime<Utc>>,
    /// What a container costs.
    pub plan_version: PlanVersionId,
}

/// Returns them.
pub async fn terms(db: &mut PgConnection, id: EnvironmentId) -> Result<Terms, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT accounts.timezone
             , scaling_rules.since
             , scaling_months.counted_at     AS "counted_at?"
             , environments.plan_version_id  AS "plan_version: PlanVersionId"
          FROM environments
          JOIN accounts ON accounts.id = environments.account_id
          JOIN scaling_rules ON scaling_rules.environment_id = environments.id
          LEFT JOIN scaling_months ON scaling_months.environment_id = environments.id
         WHERE environments.id = $1
        "#,
        id as EnvironmentId
    )
    .fetch_one(db)
    .await?;
    let zone = row.timezone.parse().unwrap_or(Tz::UTC);
    Ok(Terms { zone, since: row.since, counted_at: row.counted_at, plan_version: row.plan_version })
}

/// What is added to the count of a month.
#[derive(Clone, Copy)]
pub struct Counted {
    /// The month's first instant; `None` when it does not matter, because nothing is added.
    pub began_at: Option<DateTime<Utc>>,
    /// Seconds of containers beyond the minimum.
    pub seconds: i64,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// What a month's count is.
pub struct Month {
    /// Seconds of containers beyond the minimum.
    pub container_seconds: i64,
    /// The budget that people were told is used up.
    pub told_minor: Option<i64>,
}

/// Adds to the month's count; another month begins with nothing.
pub async fn count(db: &mut PgConnection, id: EnvironmentId, counted: Counted) -> Result<Month, StoreError> {
    let row = sqlx::query!(
        r#"
        INSERT INTO scaling_months AS known (environment_id, began_at, counted_at, container_seconds)
        VALUES ($1, coalesce($2::timestamptz, $4::timestamptz), $4, $3)
            ON CONFLICT (environment_id)
            DO UPDATE SET began_at = coalesce($2, known.began_at)
                        , counted_at = $4
                        , container_seconds = $3 + CASE WHEN coalesce($2, known.began_at) = known.began_at
                                                        THEN known.container_seconds
                                                        ELSE 0
                                                   END
                        , told_minor = CASE WHEN coalesce($2, known.began_at) = known.began_at THEN known.told_minor END
        RETURNING container_seconds, told_minor
        "#,
        id as EnvironmentId,
        counted.began_at,
        counted.seconds,
        counted.until,
    )
    .fetch_one(db)
    .await?;
    Ok(Month { container_seconds: row.container_seconds, told_minor: row.told_minor })
}

/// Notes that people were told that a budget is used up.
pub async fn set_told(db: &mut PgConnection, id: EnvironmentId, minor: i64) -> Result<(), StoreError> {
    sqlx::query!("UPDATE scaling_months SET told_minor = $2 WHERE environment_id = $1", id as EnvironmentId, minor)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns what an environment used within a window that ends with the newest number; `None` when that is too old.
pub async fn load(
    db: &mut PgConnection,
    id: EnvironmentId,
    (window, heard_within): (TimeDelta, TimeDelta),
    now: DateTime<Utc>,
) -> Result<Option<Load>, StoreError> {
    let heard = sqlx::query!(
        r#"
        SELECT count(*)               AS "containers!"
             , max(last_observed_at)  AS newest
          FROM meter_epochs
         WHERE environment_id = $1
           AND meter = 'cpu'
           AND last_observed_at > $2
        "#,
        id as EnvironmentId,
        now - heard_within,
    )
    .fetch_one(&mut *db)
    .await?;
    let Some(newest) = heard.newest else { return Ok(None) };
    let used = sqlx::query!(
        r#"
        SELECT coalesce(sum(extract(epoch FROM parts.until_at - parts.from_at)), 0)::bigint AS "seconds!"
             , coalesce(sum(parts.quantity * extract(epoch FROM parts.until_at - parts.from_at) / parts.whole), 0)::bigint AS "micros!"
             , (SELECT plan_versions.cpu_millis
                  FROM environments
                  JOIN plan_versions ON plan_versions.id = environments.plan_version_id
                 WHERE environments.id = $1) AS "cpu_millis!"
          FROM (SELECT greatest(meter_samples.from_at, $2) AS from_at
                     , least(meter_samples.until_at, $3) AS until_at
                     , meter_samples.quantity
                     , extract(epoch FROM meter_samples.until_at - meter_samples.from_at) AS whole
                  FROM meter_epochs
                  JOIN meter_samples ON meter_samples.epoch_id = meter_epochs.id
                 WHERE meter_epochs.environment_id = $1
                   AND meter_epochs.meter = 'cpu'
                   AND meter_epochs.last_observed_at > $2
                   AND meter_samples.until_at > $2
                   AND meter_samples.from_at < $3
                   AND meter_samples.until_at > meter_samples.from_at) AS parts
        "#,
        id as EnvironmentId,
        newest - window,
        newest,
    )
    .fetch_one(&mut *db)
    .await?;
    let (requests, queued) = crowd(db, id, now - window).await?;
    Ok(Some(Load {
        containers: i32::try_from(heard.containers).unwrap_or(i32::MAX),
        container_seconds: used.seconds,
        used_micros: used.micros,
        cpu_millis: used.cpu_millis,
        requests,
        queued,
    }))
}

/// How many requests came since then, and how many of them waited for a place.
async fn crowd(db: &mut PgConnection, id: EnvironmentId, since: DateTime<Utc>) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT (SELECT coalesce(sum(meter_samples.quantity), 0)::bigint
                  FROM meter_epochs
                  JOIN meter_samples ON meter_samples.epoch_id = meter_epochs.id
                 WHERE meter_epochs.environment_id = $1
                   AND meter_epochs.meter = 'requests'
                   AND meter_epochs.last_observed_at > $2
                   AND meter_samples.until_at > $2) AS "sent!"
             , coalesce(sum(busy), 0)::bigint AS "busy!"
             , coalesce(sum(queued), 0)::bigint AS "queued!"
          FROM ( -- Numbers of one process only grow: what it counted before does not count.
                 SELECT max(busy) - coalesce(max(busy) FILTER (WHERE observed_at <= $2), 0) AS busy
                      , max(queued) - coalesce(max(queued) FILTER (WHERE observed_at <= $2), 0) AS queued
                   FROM traffic_refusals
                  WHERE environment_id = $1
                  GROUP BY proxy_epoch ) AS processes
        "#,
        id as EnvironmentId,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((row.sent + row.busy, row.queued))
}
