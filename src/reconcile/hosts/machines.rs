//! Takes machines into the Swarm, looks at them again and again, and lets them go.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::chain;
use crate::base::ids::HostId;
use crate::config::Mode;
use crate::db::StoreError;
use crate::engine::{self, Daemon, DaemonSeen, Membership};
use crate::hosts::checks::{self, Check, Subject};
use crate::hosts::probes::Probes;
use crate::hosts::{self, Host, HostState, Supply, Wanted, flapping};
use crate::staff::images;

use super::probing;
use super::store::{self, Image};
use crate::reconcile::Site;
use crate::reconcile::driver::{Outcome, Task};
use crate::reconcile::lease::Lease;

/// How often a machine without a fault is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often one with a fault is: somebody is mending it.
const FAULT_EVERY: Duration = Duration::from_secs(10);
/// How often one that joins is.
const JOINING_EVERY: Duration = Duration::from_secs(2);

/// Returns how a host's daemon is reached; `None` when its row holds no address.
#[must_use]
pub fn daemon_of(host: &Host) -> Option<Daemon> {
    Some(Daemon {
        node: host.node.clone(),
        endpoint: host.docker_endpoint.clone(),
        upstream_address: host.upstream_address.parse().ok()?,
        is_lost: host.state == HostState::Down,
    })
}

/// The task: one subject for each host.
pub struct Machines {
    site: Arc<Site>,
}

impl Machines {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn write_findings(&self, lease: &Lease, host: &Host, findings: &[Check]) -> anyhow::Result<bool> {
        let lost = flapping::complaint(&host.lost_times, self.site.clock.now());
        let said = [checks::complaint(findings), host.probes.complaint(), lost].into_iter().flatten();
        let said = said.collect::<Vec<_>>();
        let complaint = (!said.is_empty() && !self.is_for_trying(host)).then(|| said.join("; "));
        let mut tx = lease.begin(&self.site.db).await?;
        hosts::store::set_probes(&mut tx, host.id, &host.probes).await?;
        hosts::store::set_findings(&mut tx, host.id, findings, complaint.as_deref(), self.site.clock.now()).await?;
        tx.commit().await?;
        if let Some(complaint) = &complaint
            && host.state_reason.as_ref() != Some(complaint)
        {
            tracing::warn!(host = host.name, complaint, "a host is closed for new runtimes");
        }
        Ok(complaint.is_some())
    }

    /// On a developer's own machine Docker may be as it is: bin/up has asked.
    fn is_for_trying(&self, host: &Host) -> bool {
        self.site.public.mode == Mode::Development && host.is_reached_by_socket()
    }

    /// Looks at a machine's daemon; what keeps it from being seen is a finding too.
    async fn look(&self, host: &Host, daemon: &Daemon) -> (Option<DaemonSeen>, Vec<Check>) {
        match self.site.engine.daemon_of(daemon).await {
            Ok(seen) => {
                let findings = checks::judge(&seen, &host.upstream_address, self.site.clock.now());
                (Some(seen), findings)
            }
            Err(error) => (None, vec![Check::bad(Subject::Reach, chain::of(&error))]),
        }
    }

    /// Makes sure that the machine has the image, so that nobody waits for it.
    async fn fetch(&self, host: &Host, daemon: &Daemon, image: Option<&Image>) -> Check {
        let Some(pinned) = image.and_then(|image| image.pinned.as_deref()) else {
            // The machine that built it has it.
            return if host.docker_endpoint == self.site.docker {
                Check::good(Subject::Image, "")
            } else {
                Check::bad(Subject::Image, "no registry: set [odoo] registry and run `sayoo setup`")
            };
        };
        match self.site.engine.fetch_on(daemon, pinned).await {
            Ok(()) => Check::good(Subject::Image, pinned),
            Err(error) => Check::bad(Subject::Image, chain::of(&error)),
        }
    }

    /// Says what a machine in use has of the images that are needed. It closes only without the present one, which most new
    /// work runs; one that is on its way is no fault, and others are fetched meanwhile without keeping the checks.
    async fn supplied(&self, host: &Host, image: Option<&Image>) -> anyhow::Result<Check> {
        let mut db = self.site.db.acquire().await?;
        let rows = hosts::store::supplies_of(&mut db, host.id).await?;
        drop(db);
        let present = rows.iter().find(|row| image.is_some_and(|image| image.digest == row.digest));
        let lacks_present = present.is_some_and(|row| row.state == Supply::Lacking.as_str());
        let Some(image) = image.filter(|_| present.is_none() || lacks_present) else {
            return Ok(Check::good(Subject::Image, said_of(&rows)));
        };
        if image.pinned.is_none() && host.docker_endpoint != self.site.docker {
            return Ok(Check::bad(Subject::Image, "no registry: set [odoo] registry and run `sayoo setup`"));
        }
        Ok(Check { subject: Subject::Image, is_good: !lacks_present, is_advice: false, seen: said_of(&rows) })
    }

    /// Looks from inside a container, where it is time to or the daemon says something new of itself.
    async fn probe(
        &self,
        host: &Host,
        node: &str,
        daemon: &Daemon,
        findings: &[Check],
        image: Option<&Image>,
    ) -> Probes {
        let said = |all: &[Check]| {
            // The clock says something else each time, and images come and go.
            all.iter()
                .filter(|check| !matches!(check.subject, Subject::Clock | Subject::Image))
                .cloned()
                .collect::<Vec<_>>()
        };
        let is_new = !host.findings.is_empty() && said(&host.findings) != said(findings);
        match image {
            Some(image) if is_new || host.probes.is_due(self.site.clock.now()) => {
                probing::probe(&self.site, host, node, daemon, image).await
            }
            _ => host.probes.clone(),
        }
    }

    async fn take_in(&self, lease: &Lease, mut host: Host, daemon: &Daemon) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let (seen, mut findings) = self.look(&host, daemon).await;
        let Some(seen) = seen.filter(|_| !findings.iter().any(Check::closes)) else {
            self.write_findings(lease, &host, &findings).await?;
            return Ok(Outcome::Later(FAULT_EVERY));
        };
        let node = match &seen.membership {
            Membership::None => {
                lease.hold(&site.db, &site.clock).await?;
                match site.engine.join(daemon).await {
                    // A machine that is in already is found so at the next look.
                    Ok(()) | Err(engine::Error::Conflict(_) | engine::Error::Unreachable(_)) => {}
                    Err(error) => {
                        findings.push(Check::bad(Subject::Swarm, chain::of(&error)));
                        self.write_findings(lease, &host, &findings).await?;
                        return Ok(Outcome::Later(FAULT_EVERY));
                    }
                }
                return Ok(Outcome::Soon(JOINING_EVERY));
            }
            Membership::Unsettled => return Ok(Outcome::Soon(JOINING_EVERY)),
            Membership::Member(node) => node,
        };
        let nodes = site.engine.nodes().await.context("list the machines")?;
        let mut db = site.db.acquire().await?;
        let owner = self.owner(&mut db, &host, node).await?;
        let image = store::image(&mut db).await?;
        drop(db);
        let stranger = match owner {
            Some(other) => Some(format!("it is {other} already, at another address")),
            None => (!nodes.iter().any(|known| known.node == *node))
                .then(|| "it is in another Swarm: docker swarm leave".to_owned()),
        };
        if let Some(stranger) = stranger {
            findings.push(Check::bad(Subject::Swarm, stranger));
            self.write_findings(lease, &host, &findings).await?;
            return Ok(Outcome::Later(FAULT_EVERY));
        }
        if host.node != *node {
            // From now on it leaves the Swarm when it is removed, whatever keeps it from being used.
            let mut tx = lease.begin(&site.db).await?;
            hosts::store::set_node(&mut tx, host.id, node).await?;
            tx.commit().await?;
            host.node.clone_from(node);
        }
        let fetched = self.fetch(&host, daemon, image.as_ref()).await;
        let has_image = fetched.is_good;
        findings.push(fetched);
        if has_image {
            lease.hold(&site.db, &site.clock).await?;
            host.probes = self.probe(&host, node, daemon, &findings, image.as_ref()).await;
        }
        let is_faulty = self.write_findings(lease, &host, &findings).await?;
        if is_faulty || !has_image {
            return Ok(Outcome::Later(FAULT_EVERY));
        }
        self.label(&host).await.context("label the machine")?;
        let mut tx = lease.begin(&site.db).await?;
        hosts::store::set_joined(&mut tx, host.id, node, (seen.cpu_millis, seen.memory_mb)).await?;
        hosts::store::note_out_of_reach(&mut tx, site.clock.now()).await?;
        crate::db::wake(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(host = host.name, node, "a host has joined");
        super::attend(site).await?;
        Ok(Outcome::Again)
    }

    /// Returns the name of another host that is this node of the Swarm.
    async fn owner(&self, db: &mut PgConnection, host: &Host, node: &str) -> anyhow::Result<Option<String>> {
        let all = hosts::store::list(db).await?.into_iter().map(|load| load.host);
        Ok(all.filter(|other| other.id != host.id).find(|other| other.node == node).map(|other| other.name))
    }

    /// Writes zone and pool on the machine, for people who look at the Swarm with Docker's own tools.
    async fn label(&self, host: &Host) -> engine::Result<()> {
        let labels = [("sayoo.zone", host.zone.as_str()), ("sayoo.pool", host.pool.as_str())];
        self.site.engine.label(&host.node, &labels).await
    }

    /// Takes over the address that staff want, once it is this machine that answers there and publishes its ports. Until then
    /// it is reached where it was: returns what is in the way.
    async fn readdress(&self, lease: &Lease, host: &Host) -> anyhow::Result<Option<Result<(), Check>>> {
        let site = &self.site;
        let Some(wanted) = &host.address_wanted else { return Ok(None) };
        let address = wanted.parse().context("a host's address is no IP address")?;
        let endpoint =
            if host.is_reached_by_socket() { host.docker_endpoint.clone() } else { hosts::endpoint_at(address) };
        if host.state != HostState::Joining {
            let there = Host { upstream_address: wanted.clone(), docker_endpoint: endpoint.clone(), ..host.clone() };
            let daemon = daemon_of(&there).context("a host's address is no IP address")?;
            let fault = match site.engine.daemon_of(&daemon).await {
                Ok(seen) => checks::membership(&seen, &host.node)
                    .map(|check| check.seen)
                    .or_else(|| (seen.publishes_on != *wanted).then(|| format!("ip={}", seen.publishes_on))),
                Err(error) => Some(chain::of(&error)),
            };
            if let Some(fault) = fault {
                let seen = format!("{wanted}: {fault}");
                return Ok(Some(Err(Check::advice(Subject::Address, false, seen))));
            }
        }
        let mut tx = lease.begin(&site.db).await?;
        hosts::store::set_address(&mut tx, host.id, wanted, &endpoint).await?;
        crate::db::wake(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(host = host.name, address = %address, "a host is reached at another address");
        super::attend(site).await?;
        Ok(Some(Ok(())))
    }

    /// Lets a machine go, once nothing of ours is on it.
    async fn let_go(&self, lease: &Lease, host: &Host, daemon: &Daemon) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let mut db = site.db.acquire().await?;
        let runtimes = store::runtimes_on(&mut db, host.id).await?;
        drop(db);
        if runtimes > 0 {
            return Ok(Outcome::Later(JOINING_EVERY));
        }
        if let Some(node) = self.node_of(host, daemon).await? {
            lease.hold(&site.db, &site.clock).await?;
            let daemon = Daemon { node, ..daemon.clone() };
            site.engine.dismiss(&daemon).await.context("take the machine out of the Swarm")?;
        }
        let mut tx = lease.begin(&site.db).await?;
        hosts::store::delete(&mut tx, host.id).await?;
        tx.commit().await?;
        super::attend(site).await?;
        Ok(Outcome::Over)
    }
}

impl Machines {
    /// Returns the node that leaves with a host. One that never joined our Swarm is not ours to send away; one that was
    /// removed right after it had joined is asked.
    async fn node_of(&self, host: &Host, daemon: &Daemon) -> anyhow::Result<Option<String>> {
        if !host.node.is_empty() {
            return Ok(Some(host.node.clone()));
        }
        let Ok(DaemonSeen { membership: Membership::Member(node), .. }) = self.site.engine.daemon_of(daemon).await
        else {
            return Ok(None);
        };
        let mut db = self.site.db.acquire().await?;
        let owner = self.owner(&mut db, host, &node).await?;
        let nodes = self.site.engine.nodes().await.context("list the machines")?;
        let is_ours = owner.is_none() && nodes.iter().any(|known| known.node == node);
        Ok(is_ours.then_some(node))
    }
}

/// Says in one line what a machine has, what it fetches, and what it cannot get.
fn said_of(rows: &[hosts::store::SupplyRow]) -> String {
    let here = rows.iter().filter(|row| row.state == Supply::Here.as_str()).count();
    let mut said = vec![format!("{here} / {}", rows.len())];
    for row in rows.iter().filter(|row| row.state != Supply::Here.as_str()) {
        let (digest, since) = (images::short(&row.digest), row.since.format("%F %R UTC"));
        said.push(match &row.failure {
            Some(failure) => format!("{digest} lacking since {since}: {failure}"),
            None => format!("{digest} coming since {since}"),
        });
    }
    said.join("; ")
}

impl Task for Machines {
    const NAME: &'static str = "machines";
    const AT_ONCE: usize = 8;
    /// A host that joins fetches an image of two gigabytes.
    const LIMIT: Duration = Duration::from_mins(20);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh_machines(db, Self::NAME, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let id: HostId = lease.subject.to_string().parse()?;
        let mut db = site.db.acquire().await?;
        let host = hosts::store::find(&mut db, id).await?;
        let image = store::image(&mut db).await?;
        drop(db);
        let Some(mut host) = host else { return Ok(Outcome::Over) };
        let daemon = daemon_of(&host).context("a host's address is no IP address")?;
        if host.wanted == Wanted::Gone {
            return self.let_go(lease, &host, &daemon).await;
        }
        let in_the_way = match self.readdress(lease, &host).await? {
            Some(Ok(())) => return Ok(Outcome::Again),
            Some(Err(check)) => Some(check),
            None => None,
        };
        match host.state {
            HostState::Joining => self.take_in(lease, host, &daemon).await,
            // The Swarm says when it is back.
            HostState::Down => Ok(Outcome::Settled(FAULT_EVERY)),
            HostState::Active | HostState::Cordoned => {
                let (seen, mut findings) = self.look(&host, &daemon).await;
                findings.extend(in_the_way);
                if let Some(seen) = seen {
                    findings.extend(checks::membership(&seen, &host.node));
                    if let Err(error) = self.label(&host).await {
                        tracing::debug!(host = host.name, error = chain::of(&error), "its labels are as they were");
                    }
                    findings.push(self.supplied(&host, image.as_ref()).await?);
                    lease.hold(&site.db, &site.clock).await?;
                    host.probes = self.probe(&host, &host.node, &daemon, &findings, image.as_ref()).await;
                }
                let is_faulty = self.write_findings(lease, &host, &findings).await?;
                Ok(if is_faulty { Outcome::Later(FAULT_EVERY) } else { Outcome::Settled(LOOK_EVERY) })
            }
        }
    }
}
