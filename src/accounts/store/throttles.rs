//! Tries, counted by window of time.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::db::StoreError;

/// Counts a try and returns how many there were in this window.
pub async fn count_try(
    db: &mut PgConnection,
    action: &str,
    subject: &[u8],
    window_at: DateTime<Utc>,
) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        INSERT INTO throttles (action, subject, window_at, tries)
        VALUES ($1, $2, $3, 1)
            ON CONFLICT (action, subject, window_at) DO UPDATE SET tries = throttles.tries + 1
     RETURNING tries
        "#,
        action,
        subject,
        window_at,
    )
    .fetch_one(db)
    .await?)
}

/// Forgets a subject's tries.
pub async fn forget_tries(db: &mut PgConnection, action: &str, subject: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM throttles WHERE action = $1 AND subject = $2", action, subject).execute(db).await?;
    Ok(())
}

/// Deletes what is over: tries and links of long ago, logins that ended before `ended`.
pub async fn delete_old(db: &mut PgConnection, before: DateTime<Utc>, ended: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM throttles WHERE window_at < $1", before).execute(&mut *db).await?;
    sqlx::query!("DELETE FROM mail_tokens WHERE expires_at < $1", before).execute(&mut *db).await?;
    sqlx::query!("DELETE FROM sessions WHERE expires_at < $1", ended).execute(db).await?;
    Ok(())
}
