//! What the public is sent to, for noticing what is no longer there.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::RuntimeId;
use crate::db::StoreError;

/// Makes a task's one subject known.
pub async fn refresh(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO turns (task, subject, due_at) VALUES ($1, $2, $3) ON CONFLICT (task, subject) DO NOTHING",
        task,
        Uuid::nil(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A runtime that the public is sent to.
pub struct Serving {
    /// Which one.
    pub runtime: RuntimeId,
    /// Where.
    pub upstreams: Vec<String>,
}

/// Returns every runtime that the public is sent to.
pub async fn serving(db: &mut PgConnection) -> Result<Vec<Serving>, StoreError> {
    let rows = sqlx::query_as!(
        Serving,
        r#"
        SELECT runtimes.id AS "runtime: RuntimeId"
             , routes.upstreams
          FROM routes
          JOIN runtimes ON runtimes.environment_id = routes.environment_id AND runtimes.wanted <> 'gone'
         WHERE routes.state = 'serving'
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
