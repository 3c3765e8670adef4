//! Builds each spare, offers it while it answers, and removes it once it is given up.

pub mod plan;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::ids::RuntimeId;
use crate::db::StoreError;

use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::runtimes::look::Look;
use super::runtimes::{self, Runtime, Seen, State, look, provide};
use super::{Site, probe};
use plan::{Next, Step, World};

/// A spare that does not answer after this long is thrown away: the pool begins another.
const HEALTHY_WITHIN: TimeDelta = TimeDelta::seconds(180);
/// How often a spare that is ready is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often one that starts is looked at: nobody waits for it.
const STARTING_EVERY: Duration = Duration::from_millis(500);

/// The task.
pub struct Spares {
    site: Arc<Site>,
}

impl Spares {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn take(&self, lease: &Lease, runtime: &Runtime, step: Step) -> anyhow::Result<()> {
        let site = &self.site;
        lease.hold(&site.db, &site.clock).await?;
        match step {
            Step::Provide(missing) => Box::pin(provide::provide(site, lease, runtime, missing)).await,
            Step::RemoveService => provide::remove_service(site, runtime).await,
            Step::DropDatabase => provide::drop_database(site, runtime).await,
            Step::Offer => {
                let mut tx = lease.begin(&site.db).await?;
                runtimes::store::set_ready(&mut tx, runtime.id).await?;
                crate::hosts::store::set_served(&mut tx, runtime.id, site.clock.now()).await?;
                Ok(tx.commit().await?)
            }
            Step::Withdraw => {
                let mut tx = lease.begin(&site.db).await?;
                store::set_building(&mut tx, runtime.id).await?;
                Ok(tx.commit().await?)
            }
            Step::Forget => {
                provide::drop_roles(site, runtime).await?;
                let mut tx = lease.begin(&site.db).await?;
                runtimes::store::set_gone(&mut tx, runtime.id, site.clock.now()).await?;
                Ok(tx.commit().await?)
            }
        }
    }
}

impl Task for Spares {
    const NAME: &'static str = "spares";
    const AT_ONCE: usize = 4;
    const LIMIT: Duration = Duration::from_mins(1);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let id: RuntimeId = lease.subject.to_string().parse()?;
        let mut db = self.site.db.acquire().await?;
        let is_wanted = store::is_wanted(&mut db, id).await?;
        let runtime = runtimes::store::find(&mut db, id).await?;
        drop(db);
        // Claimed, or nothing left of it: not a spare any more.
        let (Some(is_wanted), Some(runtime)) = (is_wanted, runtime) else { return Ok(Outcome::Over) };
        let look = Box::pin(look::at(&self.site, &runtime)).await?;
        let world = World {
            is_wanted,
            is_ready: runtime.state == State::Ready,
            database: look.database,
            has_role: look.has_role,
            service: look.service,
            answers: answers(&look, runtime.state != State::Ready).await,
        };
        match plan::next(world) {
            Next::Do(step) => {
                self.take(lease, &runtime, step).await.map_err(|error| error.context(format!("{step:?}")))?;
                Ok(if step == Step::Forget { Outcome::Over } else { Outcome::Again })
            }
            Next::WaitForContainer => {
                if self.site.clock.now() - lease.unsettled_since() > HEALTHY_WITHIN {
                    let mut tx = lease.begin(&self.site.db).await?;
                    store::give_up(&mut tx, runtime.id).await?;
                    tx.commit().await?;
                    tracing::warn!(runtime = %runtime.id, "a spare never answered and is thrown away");
                    return Ok(Outcome::Again);
                }
                Ok(Outcome::Soon(STARTING_EVERY))
            }
            Next::WaitForSight => Ok(Outcome::Later(Duration::from_secs(2))),
            Next::Settled => Ok(Outcome::Settled(LOOK_EVERY)),
        }
    }
}

async fn answers(look: &Look, is_new: bool) -> Seen<bool> {
    if !look.saw_containers {
        return Seen::Unknown;
    }
    for container in &look.containers {
        if let Some(address) = container.address.filter(|_| container.state.is_alive())
            && probe::is_ready(address, "localhost").await
        {
            if is_new {
                probe::warm_up(address).await;
            }
            return Seen::Known(true);
        }
    }
    Seen::Known(false)
}
