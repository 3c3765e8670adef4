//! When environments were used, who wants them woken, and which of their runtimes sleep.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Use;
use crate::base::ids::{EnvironmentId, RuntimeId};
use crate::db::StoreError;

/// Returns what is known about the use of an environment.
pub async fn find_use(db: &mut PgConnection, id: EnvironmentId) -> Result<Use, StoreError> {
    let used = sqlx::query_as!(
        Use,
        r#"
        SELECT environment_activity.active_at AS "active_at?"
             , wake_requests.requested_at     AS "asked_at?"
             , wake_requests.source           AS "asked_by?"
          FROM environments
          LEFT JOIN environment_activity ON environment_activity.environment_id = environments.id
          LEFT JOIN wake_requests ON wake_requests.environment_id = environments.id
         WHERE environments.id = $1
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await?;
    Ok(used.unwrap_or_default())
}

/// Notes that a runtime is to sleep, and when it must be awake again.
pub async fn set_asleep(
    db: &mut PgConnection,
    id: RuntimeId,
    wakes_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET asleep_since = $3, wakes_at = $2, awake_until = NULL WHERE id = $1",
        id as RuntimeId,
        wakes_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a runtime is to run, and how long it stays awake at least.
pub async fn set_awake(db: &mut PgConnection, id: RuntimeId, until: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET asleep_since = NULL, wakes_at = NULL, awake_until = $2 WHERE id = $1",
        id as RuntimeId,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets about an environment's sleep: it was stopped, suspended or deleted, and begins anew when it runs again.
pub async fn forget(db: &mut PgConnection, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET asleep_since = NULL
             , wakes_at = NULL
             , awake_until = NULL
         WHERE environment_id = $1
           AND (asleep_since IS NOT NULL OR awake_until IS NOT NULL)
        "#,
        id as EnvironmentId
    )
    .execute(&mut *db)
    .await?;
    delete_wish(db, id).await
}

/// Notes that the wish to have an environment woken was heard.
pub async fn delete_wish(db: &mut PgConnection, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM wake_requests WHERE environment_id = $1", id as EnvironmentId).execute(db).await?;
    Ok(())
}
