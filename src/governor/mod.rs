//! The governor: sees that what one tenant uses of a machine's processors is not taken from the others.
//!
//! It puts the sessions of each tenant's database into a control group, so that all of one tenant's together count as one against
//! each other tenant's, and lets those that have used much for some time give way. It needs root, and no login anywhere. Without it everything works, and one
//! tenant takes what it can. It never stops a process and sets no limit.

pub mod groups;
mod processes;
pub mod report;
pub mod rule;
pub mod sessions;
mod titles;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::clock::Clock;
use crate::tenant_db::DatabaseName;
use groups::Groups;
use report::Report;
use sessions::Sessions;

/// A session that has just begun is nobody's for this long.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How old a report may be before one must think that the governor has ended: some of these.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// What could not be done at all is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// What a governor looks after.
pub struct Governor {
    /// Whose.
    pub installation: String,
    /// The folder of the tenants' database server.
    pub server: PathBuf,
    /// The installation's folder, for the report; none where there is no installation.
    pub data: Option<PathBuf>,
    /// Tells when a report was written.
    pub clock: Clock,
}

impl Governor {
    /// Looks after everything until `stop`. A second one waits until the first has ended.
    pub async fn run(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let Some(_alone) = self.alone(stop).await? else { return Ok(()) };
        while !stop.is_cancelled() {
            if let Err(error) = self.govern(stop).await {
                let hint = if rustix::process::geteuid().is_root() { "" } else { " (only root may do that)" };
                let trouble = format!("{}{hint}", chain::of_any(&error));
                tracing::warn!(trouble, "one tenant may take processors from the others: there is no governing here");
                self.say(&Report { trouble: Some(trouble), ..self.nothing() });
                pause(TRY_AGAIN, stop).await;
            }
        }
        Ok(())
    }

    async fn govern(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut server = self.take_server()?;
        let groups = Groups::here(&self.installation)?;
        groups.prepare()?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let processors = f64::from(u32::try_from(processors).unwrap_or(u32::MAX));
        let mut sessions = Sessions::new(groups.clone(), self.server.clone(), processors);
        let (mut last, mut reported, mut said) = (Instant::now(), None::<Instant>, None);
        let mut heavy_before = BTreeSet::new();
        tracing::info!(installation = self.installation, "the governor looks after processors");
        while !stop.is_cancelled() {
            if server.is_none() {
                // It was only made now.
                server = self.take_server()?;
            }
            let now = Instant::now();
            let seconds = (now - last).as_secs_f64();
            last = now;
            let seen = sessions.look(seconds);
            if let Ok(seen) = &seen {
                tell(&heavy_before, &seen.heavy);
                heavy_before.clone_from(&seen.heavy);
            }
            let trouble = seen.as_ref().err().map(chain::of_any);
            if trouble != said
                && let Some(trouble) = &trouble
            {
                tracing::warn!(trouble, "the governor could not do everything");
            }
            if trouble != said || reported.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
                let seen = seen.unwrap_or_default();
                let sessions = seen.is_running.then_some(seen.sessions);
                let heavy_databases = seen.heavy.len();
                self.say(&Report { sessions, heavy_databases, trouble: trouble.clone(), ..self.nothing() });
                reported = Some(now);
            }
            said = trouble;
            pause(LOOK_EVERY.saturating_sub(now.elapsed()), stop).await;
        }
        groups.leave();
        Ok(())
    }

    /// Sees that no governor of another installation moves the same sessions: the kernel lets one of us have the lock of the server's
    /// folder, for as long as the process lives. `None` while there is no such folder.
    fn take_server(&self) -> anyhow::Result<Option<File>> {
        let folder = match File::open(&self.server) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            folder => folder.context("open the folder of the tenants' database server")?,
        };
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            Err(std::fs::TryLockError::WouldBlock) => {
                anyhow::bail!("another installation's governor looks after the server in {}", self.server.display())
            }
            Err(std::fs::TryLockError::Error(error)) => Err(error).context("take the lock of the server's folder"),
        }
    }

    fn nothing(&self) -> Report {
        Report { at: self.clock.now(), sessions: None, heavy_databases: 0, trouble: None }
    }

    /// A report that cannot be written is missed by `sayoo doctor`.
    fn say(&self, report: &Report) {
        if let Some(data) = &self.data
            && let Err(error) = report.write(data)
        {
            tracing::warn!(error = chain::of_any(&error), "the governor's report is not written");
        }
    }

    /// Waits until no other governor of this installation is at work; `None` when `stop` came first.
    async fn alone(&self, stop: &CancellationToken) -> anyhow::Result<Option<Option<File>>> {
        let Some(data) = &self.data else { return Ok(Some(None)) };
        let lock = File::create(data.join("governor.lock")).context("make the governor's lock")?;
        while !stop.is_cancelled() {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(Some(lock))),
                Err(std::fs::TryLockError::WouldBlock) => pause(LOOK_EVERY, stop).await,
                Err(std::fs::TryLockError::Error(error)) => return Err(error).context("take the governor's lock"),
            }
        }
        Ok(None)
    }
}

/// Tells whose sessions began to give way, and whose do not any more.
fn tell(before: &BTreeSet<DatabaseName>, now: &BTreeSet<DatabaseName>) {
    for database in now.difference(before) {
        tracing::info!(%database, "sessions of a tenant used much and give way to the others");
    }
    for database in before.difference(now) {
        tracing::info!(%database, "sessions of a tenant do not give way any more");
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = sleep(time) => {}
        () = stop.cancelled() => {}
    }
}
