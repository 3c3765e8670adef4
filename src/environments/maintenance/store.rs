//! Instances that are worked on. Of any account: whoever asks for a customer has looked before that it is the customer's.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// Returns whose environment it is.
pub async fn account(db: &mut PgConnection, id: EnvironmentId) -> Result<AccountId, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT account_id AS "account: AccountId" FROM environments WHERE id = $1"#,
        id as EnvironmentId
    )
    .fetch_one(db)
    .await?)
}

/// Writes down that it is worked on. False when it was already.
pub async fn insert(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO maintenances (environment_id, begun_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        id as EnvironmentId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns since when it is worked on; `None` when it is not.
pub async fn begun_at(db: &mut PgConnection, id: EnvironmentId) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT begun_at FROM maintenances WHERE environment_id = $1", id as EnvironmentId)
        .fetch_optional(db)
        .await?)
}

/// Forgets that it is worked on. False when it was not.
pub async fn delete(db: &mut PgConnection, id: EnvironmentId) -> Result<bool, StoreError> {
    let done =
        sqlx::query!("DELETE FROM maintenances WHERE environment_id = $1", id as EnvironmentId).execute(db).await?;
    Ok(done.rows_affected() > 0)
}
