//! Takes due jobs and carries them out, until it is told to stop.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::JobError;
use crate::base::chain;
use crate::mail::transport::Mailer;
use crate::portal::Portal;
use crate::queue::{self, Held};
use crate::staff::limits;
use crate::{accounts, db};

/// How often the queue is looked at without being woken: for jobs that are due later, and for wake-ups that got lost.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often what is long over is deleted.
const TIDY_EVERY: TimeDelta = TimeDelta::hours(1);

/// How long done jobs, tries and links are kept.
const KEEP: TimeDelta = TimeDelta::days(30);

/// Shorter than the lease: a body that hangs is cut off before somebody else takes the job.
const BODY_LIMIT: Duration = Duration::from_secs(60);

/// Runs until `stop`. Several may run at once, in one process or many.
pub async fn run(portal: Portal, mailer: Mailer, stop: CancellationToken) {
    let mut tidied_at = None;
    let mut listener = db::Listener::new(&portal.db, db::Channel::Work);
    while !stop.is_cancelled() {
        match turn(&portal, &mailer).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!("the queue cannot be read: {}", chain::of_any(&error)),
        }
        let now = portal.clock.now();
        if tidied_at.is_none_or(|at| now - at > TIDY_EVERY) {
            tidied_at = Some(now);
            if let Err(error) = tidy(&portal).await {
                tracing::error!("what is long over cannot be deleted: {}", chain::of_any(&error));
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.wait(LOOK_EVERY) => {}
        }
    }
}

/// Carries out one job. Returns false when none is due.
pub async fn turn(portal: &Portal, mailer: &Mailer) -> anyhow::Result<bool> {
    let Some(held) = queue::take(&portal.db, portal.clock.now()).await? else { return Ok(false) };
    let outcome = tokio::time::timeout(BODY_LIMIT, super::run(portal, mailer, &held, portal.clock.now())).await;
    let outcome = outcome.unwrap_or_else(|_| Err(JobError::Retry(anyhow::anyhow!("the job took too long"))));
    end(portal, &held, outcome).await?;
    Ok(true)
}

async fn end(portal: &Portal, held: &Held, outcome: Result<(), JobError>) -> anyhow::Result<()> {
    let now = portal.clock.now();
    match outcome {
        Ok(()) => queue::done(&portal.db, held, now).await,
        Err(JobError::Retry(cause)) => {
            let cause = chain::of_any(&cause);
            tracing::warn!(job = %held.id, kind = held.kind, attempts = held.attempts, "a job did not work: {cause}");
            queue::failed(&portal.db, held, &cause, now).await
        }
        Err(JobError::GiveUp(cause)) => {
            let cause = chain::of_any(&cause);
            tracing::error!(job = %held.id, kind = held.kind, "a job was given up: {cause}");
            queue::give_up(&portal.db, held, &cause, now).await
        }
    }
}

async fn tidy(portal: &Portal) -> anyhow::Result<()> {
    let before = portal.clock.now() - KEEP;
    queue::forget_done(&portal.db, before).await?;
    accounts::forget_old(portal, before).await?;
    limits::forget_old(portal, before).await
}
