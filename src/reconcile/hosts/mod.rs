//! Watches machines, and containers that end by themselves.

pub mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::base::ids::RuntimeId;
use crate::{db, hosts};

use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::{Site, environments};

const NODES_EVERY: Duration = Duration::from_secs(10);
/// A customer whose container was killed waits about this long for the way to the next one.
const PULSE_EVERY: Duration = Duration::from_secs(1);

/// Writes down which machines there are and whether they are ready.
pub struct Nodes {
    site: Arc<Site>,
}

impl Nodes {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Nodes {
    const NAME: &'static str = "hosts";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(30);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let nodes = site.engine.nodes().await.context("list the machines")?;
        let mut tx = lease.begin(&site.db).await?;
        for node in &nodes {
            hosts::store::record(&mut tx, node, &site.docker, &site.upstream_address, site.clock.now()).await?;
        }
        tx.commit().await?;
        Ok(Outcome::Settled(NODES_EVERY))
    }
}

/// Notices, with one question for all, that a container to which the public is sent is no longer there.
pub struct Pulse {
    site: Arc<Site>,
}

impl Pulse {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Pulse {
    const NAME: &'static str = "pulse";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(30);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let mut db = site.db.acquire().await?;
        let serving = store::serving(&mut db).await?;
        drop(db);
        // An engine that does not answer says nothing about containers.
        let containers = site.engine.all_containers().await.context("list the containers")?;
        let alive: BTreeSet<String> = containers
            .values()
            .flatten()
            .filter(|seen| seen.state.is_alive())
            .filter_map(|seen| seen.address)
            .map(|address| address.to_string())
            .collect();
        let lost: Vec<RuntimeId> = serving
            .iter()
            .filter(|row| row.upstreams.iter().any(|upstream| !alive.contains(upstream)))
            .map(|row| row.runtime)
            .collect();
        if !lost.is_empty() {
            let mut tx = lease.begin(&site.db).await?;
            environments::store::hasten(&mut tx, &lost, site.clock.now()).await?;
            db::wake(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Settled(PULSE_EVERY))
    }
}
