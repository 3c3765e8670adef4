//! Removes what an accident left behind: services, roles and databases that belong to nothing alive.
//!
//! A thing is left over if and only if it carries our sign, nothing alive owns it, and two good looks in a row said so.
//! Rows are written before anything is made, so what is seen before the rows are read has its row. A database is dropped
//! only when its runtime's row says that it is gone: one that has no row at all is a person's business.

pub mod plan;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::engine::ServiceName;
use crate::tenant_db::{DatabaseName, RoleName};

use super::Site;
use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::store as turns;
use plan::{Remove, Suspects};

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Older than the longest building.
const TASKS_LEFT_AFTER: Duration = Duration::from_mins(20);

/// The task.
pub struct Leftovers {
    site: Arc<Site>,
}

impl Leftovers {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn remove(&self, lease: &Lease, what: &Remove, generations: &BTreeMap<&str, u64>) -> anyhow::Result<()> {
        let site = &self.site;
        lease.hold(&site.db, &site.clock).await?;
        tracing::info!(?what, "removes what was left over");
        match what {
            Remove::Service(name) => {
                let generation = generations.get(name.as_str()).copied().unwrap_or(0);
                site.engine.remove(&ServiceName::parse(name)?, generation).await.context("remove a service")
            }
            Remove::Database(name) => {
                site.tenants.drop_database(&DatabaseName::parse(name)?).await.context("drop a database")
            }
            Remove::Role(name) => {
                let role = RoleName::parse(name)?;
                match role.replica() {
                    Some((code, _)) => site.tenants.drop_member(&role, &DatabaseName::parse(code)?).await,
                    None => site.tenants.drop_role(&role).await,
                }
                .context("drop a role")
            }
        }
    }
}

impl Task for Leftovers {
    const NAME: &'static str = "leftovers";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_mins(2);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        // A look that fails ends the turn: nothing follows from it, and the suspects of the last look stay suspects.
        let services = site.engine.list().await.context("list the services")?;
        let inventory = site.tenants.list().await.context("list the databases")?;
        let mut db = site.db.acquire().await?;
        let owners = store::owners(&mut db).await?;
        let before: Suspects = store::suspects(&mut db, turns::ONLY_SUBJECT).await?;
        drop(db);
        let prefix = format!("{}-", site.installation);
        let seen = plan::Seen {
            services: services
                .iter()
                .map(|seen| seen.name.to_string())
                .filter(|name| name.starts_with(&prefix))
                .collect(),
            databases: inventory.databases.iter().map(ToString::to_string).collect(),
            roles: inventory.roles.iter().map(ToString::to_string).collect(),
        };
        let suspects = plan::suspects(&prefix, &seen, &owners);
        let generations = services.iter().map(|seen| (seen.name.as_str(), seen.generation)).collect();
        for what in plan::removals(&before, &suspects) {
            self.remove(lease, &what, &generations).await?;
        }
        site.engine.remove_leftover_tasks(TASKS_LEFT_AFTER).await.context("remove old tasks")?;
        let mut tx = lease.begin(&site.db).await?;
        turns::report(&mut tx, lease, &serde_json::to_value(&suspects)?).await?;
        tx.commit().await?;
        Ok(Outcome::Settled(LOOK_EVERY))
    }
}
