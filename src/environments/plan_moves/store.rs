//! Moves to later versions of plans, and what becomes of each environment.

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{Due, Move};
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::Currency;
use crate::db::StoreError;

/// Inserts a move.
pub async fn insert(
    db: &mut PgConnection,
    (from, version): (PlanVersionId, PlanVersionId),
    month: NaiveDate,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO plan_moves (plan_version_id, from_version_id, month, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5)",
        version as PlanVersionId,
        from as PlanVersionId,
        month,
        by,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The move to a version, with how far it is.
pub async fn find(db: &mut PgConnection, version: PlanVersionId) -> Result<Option<Move>, StoreError> {
    Ok(sqlx::query_as!(
        Move,
        r#"
        SELECT plan_moves.from_version_id AS "from: PlanVersionId"
             , plan_moves.month
             , plan_moves.withdrawn_at
             , count(it.environment_id) AS "all!"
             , count(it.told_at) AS "told!"
             , count(*) FILTER (WHERE it.state = 'moved') AS "moved!"
             , count(*) FILTER (WHERE it.state IN ('left', 'late', 'withdrawn')) AS "left!"
          FROM plan_moves
          LEFT JOIN plan_move_environments AS it ON it.plan_version_id = plan_moves.plan_version_id
         WHERE plan_moves.plan_version_id = $1
         GROUP BY plan_moves.plan_version_id
        "#,
        version as PlanVersionId
    )
    .fetch_optional(db)
    .await?)
}

/// Withdraws a move whose month has not begun anywhere: the earliest midnight is that of whoever sells furthest in the East.
pub async fn withdraw(db: &mut PgConnection, version: PlanVersionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE plan_moves
           SET withdrawn_at = $2
         WHERE plan_version_id = $1
           AND withdrawn_at IS NULL
           AND $2 < ALL (SELECT plan_moves.month::timestamp AT TIME ZONE zones.timezone
                           FROM (SELECT timezone FROM sellers UNION SELECT 'UTC') AS zones)
        "#,
        version as PlanVersionId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The next move of an account's environment that its people were told of.
pub async fn coming(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> Result<Option<(PlanVersionId, NaiveDate)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT it.plan_version_id AS "version: PlanVersionId"
             , plan_moves.month
          FROM plan_move_environments AS it
          JOIN plan_moves ON plan_moves.plan_version_id = it.plan_version_id
          JOIN environments ON environments.id = it.environment_id AND environments.account_id = it.account_id
         WHERE it.environment_id = $1
           AND it.account_id = $2
           AND it.told_at IS NOT NULL
           AND it.ended_at IS NULL
           AND plan_moves.withdrawn_at IS NULL
           AND environments.plan_version_id = plan_moves.from_version_id
         ORDER BY plan_moves.month
         LIMIT 1
        "#,
        environment as EnvironmentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.version, row.month)))
}

/// An environment that an account is told of.
pub struct Instance {
    pub name: String,
    pub month: NaiveDate,
    pub from: PlanVersionId,
    pub currency: Currency,
}

/// An account's environments that are still to be moved, by name.
pub async fn instances(
    db: &mut PgConnection,
    account: AccountId,
    version: PlanVersionId,
) -> anyhow::Result<Vec<Instance>> {
    let rows = sqlx::query!(
        r#"
        SELECT environments.name
             , plan_moves.month
             , plan_moves.from_version_id AS "from: PlanVersionId"
             , accounts.currency
          FROM plan_move_environments AS it
          JOIN plan_moves ON plan_moves.plan_version_id = it.plan_version_id
          JOIN environments ON environments.id = it.environment_id AND environments.account_id = it.account_id
          JOIN accounts ON accounts.id = it.account_id
         WHERE it.plan_version_id = $1
           AND it.account_id = $2
           AND it.ended_at IS NULL
           AND plan_moves.withdrawn_at IS NULL
           AND environments.plan_version_id = plan_moves.from_version_id
           AND environments.wanted <> 'deleted'
         ORDER BY environments.name, environments.id
        "#,
        version as PlanVersionId,
        account as AccountId
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let currency = row.currency.parse().context("an account's currency")?;
            Ok(Instance { name: row.name, month: row.month, from: row.from, currency })
        })
        .collect()
}

/// Takes a move whose environments are not written down yet.
pub async fn lock_to_list(db: &mut PgConnection) -> Result<Option<PlanVersionId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT plan_version_id AS "id: PlanVersionId"
          FROM plan_moves
         WHERE listed_at IS NULL
           AND withdrawn_at IS NULL
         ORDER BY asked_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED
        "#
    )
    .fetch_optional(db)
    .await?)
}

/// Writes down everything that is charged on the version that is left: each begins at midnight where its seller is.
pub async fn list(db: &mut PgConnection, version: PlanVersionId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO plan_move_environments (plan_version_id, environment_id, account_id, starts_at, look_at)
        SELECT plan_moves.plan_version_id, segments.environment_id, segments.account_id, starts.at, starts.at
          FROM plan_moves
          JOIN environment_segments AS segments
            ON segments.plan_version_id = plan_moves.from_version_id AND segments.until_at IS NULL
          JOIN accounts ON accounts.id = segments.account_id
          LEFT JOIN sellers ON sellers.currency = accounts.currency
         CROSS JOIN LATERAL (SELECT plan_moves.month::timestamp AT TIME ZONE COALESCE(sellers.timezone, 'UTC') AS at) AS starts
         WHERE plan_moves.plan_version_id = $1
            ON CONFLICT DO NOTHING
        "#,
        version as PlanVersionId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("UPDATE plan_moves SET listed_at = $2 WHERE plan_version_id = $1", version as PlanVersionId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes of an account's environments in a move that their people are told, of those that start late enough. Of two workers that
/// come to an account together the second one has nothing to tell.
pub async fn take_to_tell(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    starts_after: DateTime<Utc>,
) -> Result<Option<(PlanVersionId, AccountId, bool)>, StoreError> {
    let found = sqlx::query!(
        r#"
        SELECT it.plan_version_id AS "version: PlanVersionId"
             , it.account_id AS "account: AccountId"
          FROM plan_move_environments AS it
          JOIN plan_moves ON plan_moves.plan_version_id = it.plan_version_id
          JOIN accounts ON accounts.id = it.account_id
         WHERE it.told_at IS NULL
           AND it.ended_at IS NULL
           AND it.starts_at >= $1
           AND plan_moves.withdrawn_at IS NULL
         ORDER BY it.plan_version_id, it.account_id
         LIMIT 1
           FOR NO KEY UPDATE OF accounts SKIP LOCKED
        "#,
        starts_after
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let done = sqlx::query!(
        r#"
        UPDATE plan_move_environments
           SET told_at = $3
         WHERE plan_version_id = $1
           AND account_id = $2
           AND told_at IS NULL
           AND ended_at IS NULL
        "#,
        found.version as PlanVersionId,
        found.account as AccountId,
        now
    )
    .execute(db)
    .await?;
    Ok(Some((found.version, found.account, done.rows_affected() > 0)))
}

/// Ends an account's part of a move that was withdrawn. Returns whether its people had been told.
pub async fn take_withdrawn(
    db: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<(PlanVersionId, AccountId, bool)>, StoreError> {
    let found = sqlx::query!(
        r#"
        SELECT it.plan_version_id AS "version: PlanVersionId"
             , it.account_id AS "account: AccountId"
          FROM plan_move_environments AS it
          JOIN plan_moves ON plan_moves.plan_version_id = it.plan_version_id
          JOIN accounts ON accounts.id = it.account_id
         WHERE it.ended_at IS NULL
           AND plan_moves.withdrawn_at IS NOT NULL
         ORDER BY it.plan_version_id, it.account_id
         LIMIT 1
           FOR NO KEY UPDATE OF accounts SKIP LOCKED
        "#
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let told = sqlx::query_scalar!(
        r#"
        UPDATE plan_move_environments
           SET state = 'withdrawn'
             , ended_at = $3
         WHERE plan_version_id = $1
           AND account_id = $2
           AND ended_at IS NULL
        RETURNING told_at IS NOT NULL AS "was_told!"
        "#,
        found.version as PlanVersionId,
        found.account as AccountId,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(Some((found.version, found.account, told.contains(&true))))
}

/// Takes an environment whose month has begun: its move is not withdrawn any more.
pub async fn lock_due(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Option<Due>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT it.plan_version_id AS "version: PlanVersionId"
             , plan_moves.from_version_id AS "from: PlanVersionId"
             , it.environment_id AS "environment: EnvironmentId"
             , it.account_id AS "account: AccountId"
             , it.starts_at
             , it.told_at
             , it.state
          FROM plan_move_environments AS it
          JOIN plan_moves ON plan_moves.plan_version_id = it.plan_version_id
         WHERE it.ended_at IS NULL
           AND it.look_at <= $1
           AND plan_moves.withdrawn_at IS NULL
         ORDER BY it.look_at, it.environment_id
         LIMIT 1
           FOR UPDATE OF it SKIP LOCKED
        "#,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Due {
        version: row.version,
        from: row.from,
        environment: row.environment,
        account: row.account,
        starts_at: row.starts_at,
        told_at: row.told_at,
        is_asked: row.state == "asked",
    }))
}

/// Notes what became of an environment.
pub async fn end(db: &mut PgConnection, due: &Due, state: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE plan_move_environments
           SET state = $3
             , ended_at = $4
         WHERE plan_version_id = $1
           AND environment_id = $2
        "#,
        due.version as PlanVersionId,
        due.environment as EnvironmentId,
        state,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says when an environment is looked at again, and whether it was asked for other limits.
pub async fn put_off(
    db: &mut PgConnection,
    due: &Due,
    is_asked: bool,
    look_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE plan_move_environments
           SET state = CASE WHEN $3 THEN 'asked' ELSE 'waiting' END
             , look_at = $4
         WHERE plan_version_id = $1
           AND environment_id = $2
        "#,
        due.version as PlanVersionId,
        due.environment as EnvironmentId,
        is_asked,
        look_at
    )
    .execute(db)
    .await?;
    Ok(())
}
