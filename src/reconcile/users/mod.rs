//! Asks each Odoo's database once an hour who used it, as the tenant's own role, whether it runs or not.
//!
//! Wakes nobody. What does not answer is asked again in an hour, from where its last answer ended.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};

use crate::base::chain;
use crate::metering::users::{self, Due};
use crate::tenant_db::Activity;

use super::Site;
use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::runtimes;
use super::runtimes::provide;

/// How often it is asked which environments have not been asked for an hour.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Environments asked in one turn: few enough that all of them may keep silent until they are given up.
const IN_A_TURN: i64 = 32;
/// Databases asked at a time: the tenants' server has other work.
const AT_ONCE: usize = 8;

/// The task.
pub struct Users {
    site: Arc<Site>,
}

impl Users {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Users {
    const NAME: &'static str = "users";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(60);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let now = site.clock.now();
        let mut tx = lease.begin(&site.db).await?;
        let due = users::take_due(&mut tx, now, IN_A_TURN).await?;
        tx.commit().await?;
        let is_all = due.len() < usize::try_from(IN_A_TURN).unwrap_or(usize::MAX);
        let mut answers =
            stream::iter(due).map(|due| async move { (due, ask(site, due, now).await) }).buffer_unordered(AT_ONCE);
        while let Some((due, answer)) = answers.next().await {
            match answer {
                Ok(seen) => {
                    let mut tx = lease.begin(&site.db).await?;
                    users::keep(&mut tx, &due, &seen, now).await?;
                    tx.commit().await?;
                }
                // Its container may be stopped, its server busy, its tables another program's: all of that is the tenant's affair.
                Err(error) => {
                    tracing::debug!(environment = %due.environment, error = chain::of_any(&error), "who used it is not known");
                }
            }
        }
        Ok(if is_all { Outcome::Settled(LOOK_EVERY) } else { Outcome::Again })
    }
}

async fn ask(site: &Site, due: Due, now: DateTime<Utc>) -> anyhow::Result<Vec<Activity>> {
    let mut db = site.db.acquire().await.context("reach the control database")?;
    let runtime = runtimes::store::find(&mut db, due.runtime).await?.context("its runtime is gone")?;
    drop(db);
    let password = provide::password(site, due.runtime).await?;
    let (database, role) = (runtime.database()?, runtime.role()?);
    let seen = site.tenants.active_users(&database, &role, &password, (due.since(now), now)).await;
    seen.context("ask the tenant's database who used it")
}
