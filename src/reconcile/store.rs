//! The `turns` table: what is due, who works on it, what came of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::StoreError;

use super::lease::{LEASE_FOR, Lease};

/// The subject of a task that looks after one thing only.
pub const ONLY_SUBJECT: Uuid = Uuid::nil();

/// Makes the one subject of a task known.
pub async fn make_known(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO turns (task, subject, due_at) VALUES ($1, $2, $3) ON CONFLICT (task, subject) DO NOTHING",
        task,
        ONLY_SUBJECT,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a task's only subject due when something was written into the books since it was last looked at.
pub async fn hurry_after_payment(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $3
             , marker = books.seq::text
          FROM (SELECT sum(last_seq) AS seq FROM journal_counters) AS books
         WHERE task = $1
           AND subject = $2
           AND marker <> books.seq::text
        "#,
        task,
        ONLY_SUBJECT,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the lease of up to `limit` due subjects of a task, the longest waiting first.
///
/// A lease whose holder gave no sign of life is taken over.
pub async fn claim(
    db: &mut PgConnection,
    task: &'static str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Lease>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH due AS (
            SELECT subject
              FROM turns
             WHERE task = $1
               AND due_at <= $3
               AND (leased_until IS NULL OR leased_until <= $3)
             ORDER BY due_at
             LIMIT $2
               FOR UPDATE SKIP LOCKED
        )
        UPDATE turns
           SET lease_token = gen_random_uuid()
             , leased_until = $4
          FROM due
         WHERE turns.task = $1
           AND turns.subject = due.subject
        RETURNING turns.subject
                , turns.lease_token AS "token!"
                , turns.marker
                , turns.attempts
                , turns.unsettled_at
        "#,
        task,
        limit,
        now,
        now + LEASE_FOR,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            task,
            subject: row.subject,
            token: row.token,
            marker: row.marker,
            attempts: row.attempts,
            unsettled_at: row.unsettled_at,
            began_at: now,
        })
        .collect())
}

/// Returns when the next subject of a task can be taken, as far as is known now.
pub async fn next_due(db: &mut PgConnection, task: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next = sqlx::query_scalar!(
        "SELECT min(greatest(due_at, coalesce(leased_until, due_at))) FROM turns WHERE task = $1",
        task
    )
    .fetch_one(db)
    .await?;
    Ok(next)
}

/// Tells whether the lease is still held, and keeps it from being taken until the transaction ends.
pub async fn is_held(db: &mut PgConnection, task: &str, subject: Uuid, token: Uuid) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM turns WHERE task = $1 AND subject = $2 AND lease_token = $3 FOR UPDATE"#,
        task,
        subject,
        token
    )
    .fetch_optional(db)
    .await?;
    Ok(held.is_some())
}

/// Makes the lease last longer; tells whether it is still held.
pub async fn renew(
    db: &mut PgConnection,
    task: &str,
    subject: Uuid,
    token: Uuid,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE turns SET leased_until = $4 WHERE task = $1 AND subject = $2 AND lease_token = $3",
        task,
        subject,
        token,
        until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What is written when a turn ends without a failure.
pub struct Ended {
    /// When to look again.
    pub due_at: DateTime<Utc>,
    /// Whether all is as wanted.
    pub is_settled: bool,
    /// When it ended.
    pub now: DateTime<Utc>,
}

/// Gives the lease back. When something else is wanted than at the turn's beginning, the subject is due at once.
pub async fn release(db: &mut PgConnection, lease: &Lease, ended: &Ended) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET lease_token = NULL
             , leased_until = NULL
             , attempts = 0
             , last_error = NULL
             , turned_at = $6::timestamptz
             , due_at = CASE WHEN marker = $4 THEN $5 ELSE $6::timestamptz END
             , unsettled_at = CASE WHEN $7 THEN NULL ELSE coalesce(unsettled_at, $8::timestamptz) END
         WHERE task = $1
           AND subject = $2
           AND lease_token = $3
        "#,
        lease.task,
        lease.subject,
        lease.token,
        lease.marker,
        ended.due_at,
        ended.now,
        ended.is_settled,
        lease.began_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the lease back after a failure; the next try is later each time.
pub async fn release_failed(
    db: &mut PgConnection,
    lease: &Lease,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
    error: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET lease_token = NULL
             , leased_until = NULL
             , attempts = attempts + 1
             , last_error = $6
             , turned_at = $5::timestamptz
             , due_at = CASE WHEN marker = $7 THEN $4 ELSE $5::timestamptz END
             , unsettled_at = coalesce(unsettled_at, $8)
         WHERE task = $1
           AND subject = $2
           AND lease_token = $3
        "#,
        lease.task,
        lease.subject,
        lease.token,
        due_at,
        now,
        error,
        lease.marker,
        lease.began_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a subject that needs no more turns; when something new is wanted meanwhile, it stays and is due at once.
pub async fn forget(db: &mut PgConnection, lease: &Lease, now: DateTime<Utc>) -> Result<(), StoreError> {
    let gone = sqlx::query!(
        "DELETE FROM turns WHERE task = $1 AND subject = $2 AND lease_token = $3 AND marker = $4",
        lease.task,
        lease.subject,
        lease.token,
        lease.marker
    )
    .execute(&mut *db)
    .await?;
    if gone.rows_affected() == 0 {
        release(db, lease, &Ended { due_at: now, is_settled: false, now }).await?;
    }
    Ok(())
}

/// Makes everything due that was tried in vain: what was in the way has gone. Returns how much that is.
pub async fn hasten_failed(db: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done =
        sqlx::query!("UPDATE turns SET due_at = $1 WHERE attempts > 0 AND due_at > $1 AND lease_token IS NULL", now)
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}

/// Makes one subject due at once, and known if it was not.
pub async fn nudge(db: &mut PgConnection, task: &str, subject: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        VALUES ($1, $2, $3, gen_random_uuid()::text)
            ON CONFLICT (task, subject)
            DO UPDATE SET due_at = least(turns.due_at, excluded.due_at)
                        , marker = excluded.marker
        "#,
        task,
        subject,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps what was seen and done, for the staff's pages.
pub async fn report(db: &mut PgConnection, lease: &Lease, status: &serde_json::Value) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE turns SET status = $4 WHERE task = $1 AND subject = $2 AND lease_token = $3 AND status <> $4",
        lease.task,
        lease.subject,
        lease.token,
        status
    )
    .execute(db)
    .await?;
    Ok(())
}
