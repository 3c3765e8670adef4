//! The work queue as staff see it: what is not as wanted, since when, why, and when it is tried again.

mod store;

use anyhow::Context;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StaffMember;
use crate::audit::{self, Actor};
use crate::base::ids::JobId;
use crate::db;
use crate::portal::Portal;

pub use store::{JobRow, TurnRow};

/// What is stuck or waiting, oldest trouble first.
pub async fn turns(db: &mut PgConnection) -> anyhow::Result<Vec<TurnRow>> {
    store::turns(db).await.context("list the turns")
}

/// Jobs that are due or were given up, oldest first.
pub async fn jobs(db: &mut PgConnection) -> anyhow::Result<Vec<JobRow>> {
    store::jobs(db).await.context("list the jobs")
}

/// Makes a turn due now. False when there is no such turn.
pub async fn retry_turn(portal: &Portal, by: &StaffMember, task: &str, subject: Uuid) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::make_turn_due(&mut tx, task, subject, now).await? {
        return Ok(false);
    }
    let entry = audit::Entry::new("turn.retried").detail(serde_json::json!({ "task": task, "subject": subject }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Gives a failed job another round of tries. False when it is not failed.
pub async fn retry_job(portal: &Portal, by: &StaffMember, job: JobId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::make_job_due(&mut tx, job, now).await? {
        return Ok(false);
    }
    let entry = audit::Entry::new("job.retried").detail(serde_json::json!({ "job": job }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}
