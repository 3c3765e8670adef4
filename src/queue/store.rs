//! The jobs table. The only SQL about jobs, except the staff's view of them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use uuid::Uuid;

use super::Held;
use crate::base::ids::JobId;
use crate::db::StoreError;

/// Takes a connection from the pool.
pub async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
    Ok(pool.acquire().await?)
}

/// Adds a job; `times` are when it is due and when it was made.
pub async fn insert(
    db: &mut PgConnection,
    id: JobId,
    kind: &str,
    payload: &serde_json::Value,
    times: (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO jobs (id, kind, payload, state, due_at, created_at) VALUES ($1, $2, $3, 'due', $4, $5)",
        id as JobId,
        kind,
        payload,
        times.0,
        times.1,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the job that has been due the longest and that nobody holds.
pub async fn take(
    db: &mut PgConnection,
    token: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Held>, StoreError> {
    Ok(sqlx::query_as!(
        Held,
        r#"
        UPDATE jobs
           SET lease_token = $1
             , leased_until = $3
             , attempts = attempts + 1
         WHERE id = (
                 SELECT id
                   FROM jobs
                  WHERE state = 'due'
                    AND due_at <= $2
                    AND (leased_until IS NULL OR leased_until <= $2)
                  ORDER BY due_at
                  LIMIT 1
                    FOR UPDATE SKIP LOCKED
               )
     RETURNING id AS "id: JobId"
             , kind
             , payload
             , attempts
             , lease_token AS "token!"
        "#,
        token,
        now,
        until,
    )
    .fetch_optional(db)
    .await?)
}

/// Ends a job that is still held.
pub async fn end(
    db: &mut PgConnection,
    held: &Held,
    state: &str,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE jobs
           SET state = $3
             , last_error = $4
             , ended_at = $5
             , lease_token = NULL
             , leased_until = NULL
         WHERE id = $1
           AND lease_token = $2
        "#,
        held.id as JobId,
        held.token,
        state,
        error,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a job that is still held back into the queue.
pub async fn put_back(
    db: &mut PgConnection,
    held: &Held,
    error: &str,
    due_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE jobs
           SET due_at = $3
             , last_error = $4
             , lease_token = NULL
             , leased_until = NULL
         WHERE id = $1
           AND lease_token = $2
        "#,
        held.id as JobId,
        held.token,
        due_at,
        error,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes jobs that were done before an instant.
pub async fn delete_done(db: &mut PgConnection, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM jobs WHERE state = 'done' AND ended_at < $1", before).execute(db).await?;
    Ok(())
}
