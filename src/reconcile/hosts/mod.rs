//! Watches machines, and containers that end by themselves.

pub mod certificates;
pub mod machines;
mod probing;
pub mod store;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::ids::{HostId, RuntimeId};
use crate::db::StoreError;
use crate::engine::{Daemon, Membership, NodeSeen};
use crate::hosts::preview::MOVES_AT_ONCE;
use crate::hosts::troubles::{self, Kind};
use crate::hosts::{HostState, Load, ReserveError, Wanted};
use crate::{db, hosts};

use super::driver::{Outcome, Task};
use super::lease::{Fenced, Lease};
use super::store::{hasten_failed, make_known};
use super::{Site, environments};

/// How often a Swarm of one is looked at.
const NODE_EVERY: Duration = Duration::from_secs(10);
/// How often a Swarm of several is looked at: the loss of a machine is noticed this late, at most.
const NODES_EVERY: Duration = Duration::from_secs(1);
/// How often a manager is asked that does not answer: whatever was wanted meanwhile waits for it.
const WATCHED_EVERY: TimeDelta = TimeDelta::seconds(4);
/// How long a manager that is back takes to hear of all machines again.
const TRUSTED_AFTER: TimeDelta = TimeDelta::seconds(30);
/// How long what did not come up on another machine is left where it serves.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(10);
/// A customer whose container was killed waits about this long for the way to the next one.
const PULSE_EVERY: Duration = Duration::from_secs(1);

/// Tells the engine of every machine's daemon. Each process does this for itself.
pub async fn attend(site: &Site) -> Result<(), StoreError> {
    let mut db = site.db.acquire().await.map_err(StoreError::from)?;
    let loads = hosts::store::list(&mut db).await?;
    drop(db);
    site.engine.attend(&daemons(&loads));
    Ok(())
}

fn daemons(loads: &[Load]) -> Vec<Daemon> {
    // One that has not joined has no container of ours.
    loads
        .iter()
        .filter(|load| load.host.state != HostState::Joining)
        .filter_map(|load| machines::daemon_of(&load.host))
        .collect()
}

/// Writes down which machines there are and whether they are ready; moves what must leave one.
pub struct Nodes {
    site: Arc<Site>,
    /// When the manager did not answer last.
    silent_at: Mutex<Option<DateTime<Utc>>>,
}

impl Nodes {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site, silent_at: Mutex::new(None) }
    }

    /// Asks the manager for its machines. One that hung has not heard of any of them meanwhile and calls all of them lost at
    /// first: what it says of a loss counts once it has been there again for a while.
    async fn ask(&self, lease: &Lease) -> anyhow::Result<(Vec<NodeSeen>, bool)> {
        let now = self.site.clock.now();
        let answer = self.site.engine.nodes().await.context("list the machines");
        let mut silent_at = self.silent_at.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.is_err() || lease.attempts > 0 {
            *silent_at = Some(now);
        }
        let is_trusted = silent_at.is_none_or(|at| now - at > TRUSTED_AFTER);
        Ok((answer?, is_trusted))
    }

    /// Gives this machine a row when it has none. Others are added by staff.
    async fn introduce(&self, lease: &Lease, nodes: &[NodeSeen]) -> anyhow::Result<()> {
        let site = &self.site;
        let Membership::Member(own) = site.engine.daemon().await.context("look at the manager")?.membership else {
            return Ok(());
        };
        let mut tx = lease.begin(&site.db).await?;
        for node in nodes.iter().filter(|node| node.node == own) {
            hosts::store::record(&mut tx, node, &site.docker, &site.upstream_address, site.clock.now()).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Begins what the loss or the emptying of a machine asks for.
    async fn evacuate(&self, tx: &mut Fenced, loads: &[Load]) -> anyhow::Result<bool> {
        let now = self.site.clock.now();
        store::cancel_moves(tx, now).await?;
        store::cancel_replica_moves(tx, now).await?;
        let mut has_changed = false;
        for host in loads.iter().map(|load| &load.host) {
            let is_lost = host.state == HostState::Down;
            if is_lost || matches!(host.wanted, Wanted::Empty | Wanted::Gone) {
                has_changed |= store::give_up_spares(tx, host.id).await?;
            }
            if is_lost {
                let here = store::environments_on(tx, host.id).await?;
                environments::store::hasten(tx, &here, now).await?;
                has_changed |= !here.is_empty();
            } else if host.wanted == Wanted::Empty {
                has_changed |= self.begin_moves(tx, host.id).await?;
            }
        }
        Ok(has_changed)
    }

    /// Begins as many moves off a host as may go on at once. Each is an update to the same image and size; a replica's is
    /// another one in its place.
    async fn begin_moves(&self, tx: &mut Fenced, host: HostId) -> anyhow::Result<bool> {
        let now = self.site.clock.now();
        let free = MOVES_AT_ONCE.saturating_sub(usize::try_from(store::moves(tx).await?)?);
        if free == 0 {
            return Ok(false);
        }
        let mut begun = Vec::new();
        for (runtime, environment) in store::movable(tx, host, now - AGAIN_AFTER).await? {
            if begun.len() >= free {
                break;
            }
            match hosts::take_room_elsewhere(tx, runtime).await {
                Ok(placement) => {
                    store::insert_move(tx, (runtime, host), &placement, now).await?;
                    troubles::settle(tx, environment, &[Kind::Room]).await?;
                    tracing::info!(%runtime, %host, to = %placement.host, "moves off a host that is emptied");
                    begun.push(runtime);
                }
                // A smaller one may find room; the rest waits until there is some. Staff read who waits.
                Err(ReserveError::NoRoom(why)) => {
                    troubles::note(tx, environment, Kind::Room, &why.to_string(), now).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        for (replica, runtime) in store::movable_replicas(tx, host, now).await? {
            if begun.len() >= free {
                break;
            }
            store::set_moving(tx, replica, now).await?;
            tracing::info!(%runtime, %host, %replica, "a replica moves off a host that is emptied");
            begun.push(runtime);
        }
        environments::store::hasten(tx, &begun, now).await?;
        Ok(!begun.is_empty())
    }
}

impl Task for Nodes {
    const NAME: &'static str = "hosts";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(30);
    const BACK_OFF_AT_MOST: TimeDelta = WATCHED_EVERY;

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        make_known(db, Self::NAME, now).await?;
        let loads = hosts::store::list(db).await?;
        self.site.engine.attend(&daemons(&loads));
        Ok(())
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let (nodes, is_trusted) = self.ask(lease).await?;
        let mut tx = lease.begin(&site.db).await?;
        // Locked as for a placement: an update that begins now either sees that its runtime moves or is seen itself.
        let before = hosts::store::lock_loads(&mut tx).await?;
        let is_known = |node: &str| before.iter().any(|load| load.host.node == node);
        if nodes.iter().any(|node| !is_known(&node.node)) {
            drop(tx);
            self.introduce(lease, &nodes).await?;
            tx = lease.begin(&site.db).await?;
            hosts::store::lock_loads(&mut tx).await?;
        }
        // A machine that is alone answers us, so it is there; and there would be nowhere to go.
        let is_alone = nodes.len() == 1;
        for node in &nodes {
            let seen = NodeSeen { is_lost: node.is_lost && !is_alone && is_trusted, ..node.clone() };
            hosts::store::note(&mut tx, &seen, site.clock.now()).await?;
        }
        // Removed by force there: nothing will ever be heard of it. A Swarm that knows none of ours is another one.
        if is_trusted && nodes.iter().any(|node| is_known(&node.node)) {
            let known: Vec<String> = nodes.iter().map(|node| node.node.clone()).collect();
            for host in hosts::store::note_missing(&mut tx, &known, site.clock.now()).await? {
                tracing::warn!(host, "the Swarm does not know a machine any more");
            }
        }
        let loads = hosts::store::list(&mut tx).await?;
        let mut returned = Vec::new();
        for load in &loads {
            let was_down = before.iter().any(|it| it.host.id == load.host.id && it.host.state == HostState::Down);
            match (was_down, load.host.state == HostState::Down) {
                (false, true) => {
                    tracing::warn!(host = load.host.name, runtimes = load.runtimes, "the Swarm has lost a machine");
                }
                (true, false) => returned.push(load.host.id),
                _ => {}
            }
        }
        store::look_now(&mut tx, machines::Machines::NAME, &returned, site.clock.now()).await?;
        let is_back = lease.attempts > 0 && hasten_failed(&mut tx, site.clock.now()).await? > 0;
        if self.evacuate(&mut tx, &loads).await? || is_back || !returned.is_empty() {
            db::wake(&mut tx).await?;
        }
        tx.commit().await?;
        site.engine.attend(&daemons(&loads));
        Ok(Outcome::Settled(if loads.len() > 1 { NODES_EVERY } else { NODE_EVERY }))
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
    const BACK_OFF_AT_MOST: TimeDelta = WATCHED_EVERY;

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let mut db = site.db.acquire().await?;
        let serving = store::serving(&mut db).await?;
        drop(db);
        // An engine that does not answer says nothing about containers.
        let containers = site.engine.all_containers().await.context("list the containers")?;
        // Each address with whose it is: another one's container at it is as good as none.
        let alive: BTreeSet<(&str, String)> = containers
            .found
            .iter()
            .filter_map(|(service, seen)| Some((service.code(&site.installation)?, seen)))
            .flat_map(|(code, seen)| seen.iter().map(move |seen| (code, seen)))
            .filter(|(_, seen)| seen.state.is_alive())
            .filter_map(|(code, seen)| Some((code, seen.address?.to_string())))
            .collect();
        // Nothing is known of what runs on a machine that did not answer.
        let is_unseen = |upstream: &str| {
            let address = upstream.parse::<std::net::SocketAddr>();
            address.is_ok_and(|address| containers.unseen.contains(&address.ip()))
        };
        let lost: Vec<RuntimeId> = serving
            .iter()
            .filter(|row| {
                let is_there = |upstream: &String| alive.contains(&(row.code.as_str(), upstream.clone()));
                row.upstreams.iter().any(|upstream| !is_there(upstream) && !is_unseen(upstream))
            })
            .map(|row| row.runtime)
            .collect();
        let silent: Vec<String> = containers.unseen.iter().map(ToString::to_string).collect();
        if !lost.is_empty() || !silent.is_empty() {
            let now = site.clock.now();
            let mut tx = lease.begin(&site.db).await?;
            environments::store::hasten(&mut tx, &lost, now).await?;
            store::look_soon(&mut tx, machines::Machines::NAME, &silent, now).await?;
            db::wake(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Settled(PULSE_EVERY))
    }
}
