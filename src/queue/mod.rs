//! Things that happen once, such as mails: enqueued in the transaction that made them due, carried out by the worker.
//!
//! Knows no job: a job's payload belongs to the domain, its body to `jobs/`.

mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::base::ids::JobId;
use crate::db;

/// What is to be done once.
pub trait Job: Serialize + DeserializeOwned {
    /// The name in the table of jobs and in docs/jobs.md.
    const KIND: &'static str;
}

/// A worker that takes longer than this with a job has lost it to the next.
pub const LEASE: TimeDelta = TimeDelta::seconds(90);

/// After so many tries a job is given up, and shown to staff.
pub const MAX_ATTEMPTS: i32 = 12;

/// A job that a worker holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// The job.
    pub id: JobId,
    /// Its name.
    pub kind: String,
    /// What it needs to know.
    pub payload: serde_json::Value,
    /// How often it was tried, this time included.
    pub attempts: i32,
    /// Every write says that it still holds the job.
    token: Uuid,
}

impl Held {
    /// Reads what the job needs to know.
    pub fn read<J: Job>(&self) -> anyhow::Result<J> {
        serde_json::from_value(self.payload.clone()).with_context(|| format!("read the payload of a {} job", J::KIND))
    }
}

/// Enqueues a job that is due now. It exists when the transaction commits, and only then.
pub async fn enqueue<J: Job>(db: &mut PgConnection, job: &J, now: DateTime<Utc>) -> anyhow::Result<JobId> {
    enqueue_at(db, job, now, now).await
}

/// Enqueues a job that is due at `due_at`.
pub async fn enqueue_at<J: Job>(
    db: &mut PgConnection,
    job: &J,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<JobId> {
    let id = JobId::new(now);
    let payload = serde_json::to_value(job).with_context(|| format!("write the payload of a {} job", J::KIND))?;
    store::insert(db, id, J::KIND, &payload, (due_at, now)).await.context("enqueue a job")?;
    db::wake(db).await.context("wake the worker")?;
    Ok(id)
}

/// Takes the job that has been due the longest.
pub async fn take(pool: &PgPool, now: DateTime<Utc>) -> anyhow::Result<Option<Held>> {
    let mut db = store::connection(pool).await?;
    store::take(&mut db, Uuid::new_v4(), now, now + LEASE).await.context("take a job")
}

/// Notes that a job is done. Nothing happens when somebody else holds it by now.
pub async fn done(pool: &PgPool, held: &Held, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = store::connection(pool).await?;
    store::end(&mut db, held, "done", None, now).await.context("note that a job is done")
}

/// Notes that a job did not work: it is tried again later, or given up after too many tries.
pub async fn failed(pool: &PgPool, held: &Held, error: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = store::connection(pool).await?;
    if held.attempts >= MAX_ATTEMPTS {
        store::end(&mut db, held, "failed", Some(error), now).await.context("give a job up")
    } else {
        store::put_back(&mut db, held, error, now + pause(held.attempts)).await.context("put a job back")
    }
}

/// Gives a job up at once: no later try can work.
pub async fn give_up(pool: &PgPool, held: &Held, error: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = store::connection(pool).await?;
    store::end(&mut db, held, "failed", Some(error), now).await.context("give a job up")
}

/// Forgets jobs that were done long ago. Failed ones stay until staff looked at them.
pub async fn forget_done(pool: &PgPool, before: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = store::connection(pool).await?;
    store::delete_done(&mut db, before).await.context("forget done jobs")
}

/// How long to wait after the `attempts`th try: 5 s, doubling up to an hour. Twelve tries take a bit more than three hours.
#[must_use]
pub fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    TimeDelta::seconds((5_i64 << doublings).min(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stop_growing() {
        assert_eq!(pause(1), TimeDelta::seconds(5));
        assert_eq!(pause(2), TimeDelta::seconds(10));
        assert_eq!(pause(40), TimeDelta::hours(1));
        assert_eq!(pause(-1), TimeDelta::seconds(5));
    }
}
