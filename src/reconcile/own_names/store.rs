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

/// What came of the turn before.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Before {
    /// What was wanted.
    pub names: Vec<String>,
    /// How many times in a row there was no certificate.
    pub failures: u32,
}

/// Returns what came of the turn before; nothing when there was none.
pub async fn before(db: &mut PgConnection, subject: Uuid) -> Result<Before, StoreError> {
    let status = sqlx::query_scalar!("SELECT status FROM turns WHERE task = 'own-names' AND subject = $1", subject)
        .fetch_optional(db)
        .await?;
    Ok(status.and_then(|status| serde_json::from_value(status).ok()).unwrap_or_default())
}
