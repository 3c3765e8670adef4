//! What staff read of turns and jobs, and the two ways to hurry them. The only SQL of these pages.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{EnvironmentId, JobId};
use crate::db::StoreError;

/// A subject of a reconciler that is not as wanted, or was tried more than once.
#[derive(Clone, Debug)]
pub struct TurnRow {
    /// Which reconciler.
    pub task: String,
    /// What it looks after.
    pub subject: Uuid,
    /// The environment's name and id, when the subject is one.
    pub environment: Option<EnvironmentId>,
    /// See there.
    pub environment_name: Option<String>,
    /// Since when it has not been as wanted.
    pub unsettled_at: Option<DateTime<Utc>>,
    /// When it is looked at next.
    pub due_at: DateTime<Utc>,
    /// How often it was tried in vain.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What was seen and done.
    pub status: serde_json::Value,
    /// Whether a worker is at it.
    pub is_leased: bool,
}

/// Turns that are not settled.
pub async fn turns(db: &mut PgConnection) -> Result<Vec<TurnRow>, StoreError> {
    Ok(sqlx::query_as!(
        TurnRow,
        r#"
        SELECT turn.task
             , turn.subject
             , environments.id AS "environment?: EnvironmentId"
             , environments.name AS "environment_name?"
             , turn.unsettled_at
             , turn.due_at
             , turn.attempts
             , turn.last_error
             , turn.status
             , turn.lease_token IS NOT NULL AS "is_leased!"
          FROM turns AS turn
          LEFT JOIN environments ON environments.id = turn.subject
         WHERE turn.unsettled_at IS NOT NULL
            OR turn.attempts > 0
         ORDER BY turn.unsettled_at NULLS LAST
         LIMIT 200
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// A job that is not done.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// What kind.
    pub kind: String,
    /// `due` or `failed`.
    pub state: String,
    /// When it is tried next.
    pub due_at: DateTime<Utc>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Jobs that are due or failed.
pub async fn jobs(db: &mut PgConnection) -> Result<Vec<JobRow>, StoreError> {
    Ok(sqlx::query_as!(
        JobRow,
        r#"
        SELECT id AS "id: JobId"
             , kind
             , state
             , due_at
             , created_at
             , attempts
             , last_error
          FROM jobs
         WHERE state <> 'done'
         ORDER BY state DESC, created_at
         LIMIT 200
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// Makes a turn due at `now`.
pub async fn make_turn_due(
    db: &mut PgConnection,
    task: &str,
    subject: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query!("UPDATE turns SET due_at = $3, attempts = 0 WHERE task = $1 AND subject = $2", task, subject, now)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a failed job due at `now`.
pub async fn make_job_due(db: &mut PgConnection, job: JobId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'due', due_at = $2, attempts = 0, ended_at = NULL WHERE id = $1 AND state = 'failed'",
        job as JobId,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
