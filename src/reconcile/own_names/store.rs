//! Turns of the installation's own names, and what came of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::StoreError;

/// Makes the subjects known.
pub async fn refresh(db: &mut PgConnection, subjects: &[Uuid], now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at)
        SELECT 'own-names', subject, $2
          FROM unnest($1::uuid[]) AS subject
            ON CONFLICT (task, subject) DO NOTHING
        "#,
        subjects,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how many times in a row there was no certificate.
pub async fn failures(db: &mut PgConnection, subject: Uuid) -> Result<u32, StoreError> {
    let failures = sqlx::query_scalar!(
        r#"SELECT (status->>'failures')::int AS failures FROM turns WHERE task = 'own-names' AND subject = $1"#,
        subject
    )
    .fetch_optional(db)
    .await?;
    Ok(failures.flatten().and_then(|failures| u32::try_from(failures).ok()).unwrap_or(0))
}
