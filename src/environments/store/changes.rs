//! Changes of what a customer wants of an environment.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
use crate::environments::Wanted;

/// Changes what is wanted; a new generation.
pub async fn set_wanted(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let purge_after = match wanted {
        Wanted::Deleted { purge_after } => Some(purge_after),
        Wanted::Running | Wanted::Stopped => None,
    };
    sqlx::query!(
        r#"
        UPDATE environments
           SET wanted = $3
             , purge_after = $4
             , wanted_generation = wanted_generation + 1
               -- What is being deleted costs nothing from now on; taken back, it costs again.
             , charged_since = CASE WHEN (wanted = 'deleted') <> ($3 = 'deleted') THEN $5 ELSE charged_since END
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId,
        wanted.code(),
        purge_after,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks for one more restart.
pub async fn add_restart(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environments
           SET restarts = restarts + 1
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks for an environment to be woken, which tells the worker. Returns whether nobody had asked already.
pub async fn insert_wish(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO wake_requests (environment_id, source, requested_at)
        VALUES ($1, 'person', $2)
            ON CONFLICT DO NOTHING
        "#,
        id as EnvironmentId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whose an environment is, and whether it sleeps and is to run.
pub async fn sleeper_of_any_account(
    db: &mut PgConnection,
    id: EnvironmentId,
) -> Result<Option<(AccountId, bool)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT account_id AS "account: AccountId"
             , status = 'asleep' AND wanted = 'running' AS "is_asleep!"
          FROM environments
         WHERE id = $1
           FOR UPDATE
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.account, row.is_asleep)))
}

/// Changes the name; a new generation, because the address may have changed with it.
pub async fn set_name(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    name: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environments SET name = $3, wanted_generation = wanted_generation + 1 WHERE id = $1 AND account_id = $2",
        id as EnvironmentId,
        account as AccountId,
        name
    )
    .execute(db)
    .await?;
    Ok(())
}
