//! How many containers are wanted, and the rules about it.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Month, Rule, Standing};
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// How an environment stands, whose ever it is.
pub async fn find_of_any_account(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Option<Standing>> {
    let row = sqlx::query!(
        r#"
        SELECT environments.id           AS "id: EnvironmentId"
             , environments.account_id   AS "account: AccountId"
             , environments.replicas
             , environments.scaled_at
             , environments.status
             , environments.wanted
             , environments.plan_version_id AS "plan_version: PlanVersionId"
             , plan_versions.max_replicas
             , coalesce((SELECT max(cardinality(routes.upstreams))
                           FROM routes
                          WHERE routes.environment_id = environments.id
                            AND routes.state = 'serving'), 0) AS "serving!"
             , EXISTS (SELECT FROM suspensions
                        WHERE suspensions.account_id = environments.account_id
                          AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                          AND suspensions.lifted_at IS NULL) AS "is_suspended!"
             , scaling_rules.is_on                AS "is_on?"
             , scaling_rules.minimum              AS "minimum?"
             , scaling_rules.maximum              AS "maximum?"
             , scaling_rules.target_percent       AS "target_percent?"
             , scaling_rules.queue_percent        AS "queue_percent?"
             , scaling_rules.window_seconds       AS "window_seconds?"
             , scaling_rules.pause_more_seconds   AS "pause_more_seconds?"
             , scaling_rules.pause_fewer_seconds  AS "pause_fewer_seconds?"
             , scaling_rules.budget_minor         AS "budget_minor?"
             , scaling_rules.currency             AS "currency?"
             , scaling_months.began_at            AS "began_at?"
             , scaling_months.container_seconds   AS "container_seconds?"
          FROM environments
          JOIN plan_versions ON plan_versions.id = environments.plan_version_id
          LEFT JOIN scaling_rules ON scaling_rules.environment_id = environments.id
          LEFT JOIN scaling_months ON scaling_months.environment_id = environments.id
         WHERE environments.id = $1
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(None) };
    let rule =
        row.is_on.zip(row.minimum).zip(row.maximum).zip(row.currency).map(|(((is_on, minimum), maximum), code)| {
            let usual = Rule::usual(row.max_replicas);
            let seconds = |seconds: Option<i32>, usual: TimeDelta| {
                seconds.map_or(usual, |seconds| TimeDelta::seconds(i64::from(seconds)))
            };
            let currency: Currency = code.parse()?;
            anyhow::Ok(Rule {
                is_on,
                minimum,
                maximum,
                target_percent: row.target_percent.unwrap_or(usual.target_percent),
                queue_percent: row.queue_percent.unwrap_or(usual.queue_percent),
                window: seconds(row.window_seconds, usual.window),
                pause_more: seconds(row.pause_more_seconds, usual.pause_more),
                pause_fewer: seconds(row.pause_fewer_seconds, usual.pause_fewer),
                budget: row.budget_minor.map(|minor| Money::new(minor, currency)),
            })
        });
    let month = row.began_at.zip(row.container_seconds);
    Ok(Some(Standing {
        id: row.id,
        account: row.account,
        replicas: row.replicas,
        scaled_at: row.scaled_at,
        plan_version: row.plan_version,
        most: row.max_replicas,
        serving: row.serving,
        is_running: row.wanted == "running" && row.status == "running" && !row.is_suspended,
        is_going: row.wanted == "deleted" || row.status == "deleted",
        is_suspended: row.is_suspended,
        rule: rule.transpose()?,
        month: month.map(|(began_at, container_seconds)| Month { began_at, container_seconds }),
    }))
}

/// Locks an environment until the transaction ends, then reads how it stands.
pub async fn lock_of_any_account(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Option<Standing>> {
    sqlx::query!("SELECT 1 AS one FROM environments WHERE id = $1 FOR UPDATE", id as EnvironmentId)
        .fetch_optional(&mut *db)
        .await
        .map_err(StoreError::from)?;
    find_of_any_account(db, id).await
}

/// The environment that has a name.
pub async fn named(db: &mut PgConnection, subdomain: &str) -> Result<Option<EnvironmentId>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"SELECT environment_id AS "id: EnvironmentId" FROM subdomains WHERE name = $1"#,
        subdomain
    )
    .fetch_optional(db)
    .await?;
    Ok(found.flatten())
}

/// Wants another number of containers; a new generation.
pub async fn set_replicas(
    db: &mut PgConnection,
    id: EnvironmentId,
    replicas: i32,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environments
           SET replicas = $2
             , scaled_at = $3
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
        "#,
        id as EnvironmentId,
        replicas,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a number the least of the environment's rule. Returns whether there is one that is on and it was not so already.
pub async fn set_minimum(db: &mut PgConnection, id: EnvironmentId, minimum: i32) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE scaling_rules
           SET minimum = $2
             , maximum = greatest(maximum, $2)
         WHERE environment_id = $1
           AND is_on
           AND minimum <> $2
        "#,
        id as EnvironmentId,
        minimum
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes an environment's rule.
pub async fn put_rule(
    db: &mut PgConnection,
    id: EnvironmentId,
    (rule, currency): (&Rule, Currency),
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let seconds = |time: TimeDelta| i32::try_from(time.num_seconds()).unwrap_or(i32::MAX);
    sqlx::query!(
        r#"
        INSERT INTO scaling_rules
             ( environment_id, is_on, since, minimum, maximum, target_percent, queue_percent, window_seconds
             , pause_more_seconds, pause_fewer_seconds, budget_minor, currency, set_by, set_at )
        VALUES ($1, $2, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (environment_id)
            DO UPDATE SET is_on = excluded.is_on
                        , since = CASE WHEN scaling_rules.is_on = excluded.is_on
                                       THEN scaling_rules.since
                                       ELSE excluded.since
                                  END
                        , minimum = excluded.minimum
                        , maximum = excluded.maximum
                        , target_percent = excluded.target_percent
                        , queue_percent = excluded.queue_percent
                        , window_seconds = excluded.window_seconds
                        , pause_more_seconds = excluded.pause_more_seconds
                        , pause_fewer_seconds = excluded.pause_fewer_seconds
                        , budget_minor = excluded.budget_minor
                        , currency = excluded.currency
                        , set_by = excluded.set_by
                        , set_at = excluded.set_at
        "#,
        id as EnvironmentId,
        rule.is_on,
        rule.minimum,
        rule.maximum,
        rule.target_percent,
        rule.queue_percent,
        seconds(rule.window),
        seconds(rule.pause_more),
        seconds(rule.pause_fewer),
        rule.budget.map(|budget| budget.minor),
        currency.code(),
        by,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
