//! Proves from inside a container on a machine what its daemon says of itself: see `hosts::probes`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::base::chain;
use crate::base::ids::RuntimeId;
use crate::base::secret::{Secret, new_code, new_token};
use crate::config::Mode;
use crate::engine::spec::{PIDS_LIMIT, TMP_BYTES};
use crate::engine::{Daemon, ServiceName, ServiceSpec};
use crate::hosts::probes::{self, Facts, Probes, Promise, Subject, Targets, Walls};
use crate::hosts::{self, Host, HostState, Load};
use crate::reconcile::Site;
use crate::tenant_db::{BUILDER_CONNECTIONS, DatabaseName, RoleName};

use super::store::Image;

/// Less than the time after which `leftovers` removes a service that belongs to nothing: it has no row.
const WITHIN: Duration = Duration::from_secs(25);
const CPU_MILLIS: i32 = 500;
const MEMORY_MB: i32 = 128;
/// The ports of Docker without and with certificates, of the Swarm's managers, and of its members.
const DOCKER: u16 = 2375;
const SWARM: [u16; 3] = [2376, 2377, 7946];
/// Where clouds tell a machine its own credentials.
const METADATA: &str = "169.254.169.254";
/// How many other instances' ports are tried.
const NEIGHBOURS: usize = 16;

/// Probes a machine of the Swarm. What cannot be tried is no finding: it is said, and tried again.
pub async fn probe(site: &Site, host: &Host, node: &str, daemon: &Daemon, image: &Image) -> Probes {
    let own = database(site, host).await;
    let found = look(site, node, daemon, image, own.as_ref()).await;
    if let Some(own) = own {
        own.remove(site).await;
    }
    let now = site.clock.now();
    match found {
        Ok((facts, walls)) => Probes::found(probes::judge(&facts, promise(walls)), now),
        Err(error) => {
            let failure = chain::of_any(&error);
            tracing::info!(host = host.name, failure, "a host could not be probed");
            host.probes.clone().failed(failure, now)
        }
    }
}

/// A database with a login of its own, confined as a tenant's: what an instance could do there is tried with it.
struct Own {
    name: DatabaseName,
    password: Secret<String>,
}

impl Own {
    fn words(&self, site: &Site) -> String {
        let host = probes::seen_from_inside(&site.server.host);
        let role = RoleName::builder(&self.name);
        format!("{host} {} {role} {} {}", site.server.port, self.password.expose(), self.name)
    }

    /// What stays by accident goes with the next probe, which has the same name.
    async fn remove(self, site: &Site) {
        if let Err(error) = site.tenants.drop_template(&self.name).await {
            tracing::warn!(error = chain::of(&error), "the probe's database could not be removed");
        }
    }
}

/// Makes it. Without one the rest is tried nevertheless.
async fn database(site: &Site, host: &Host) -> Option<Own> {
    let code: String = host.id.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let own = Own { name: DatabaseName::parse(&format!("probe_{code}")).ok()?, password: new_token() };
    match site.tenants.create_for_template(&own.name, &own.password).await {
        Ok(()) => Some(own),
        Err(error) => {
            tracing::info!(host = host.name, error = chain::of(&error), "there is no database for the probe");
            None
        }
    }
}

async fn look(
    site: &Site,
    node: &str,
    daemon: &Daemon,
    image: &Image,
    own: Option<&Own>,
) -> anyhow::Result<(Facts, Walls)> {
    let mut db = site.db.acquire().await?;
    let loads = hosts::store::list(&mut db).await?;
    drop(db);
    let mut spec = service(site, node, image, targets(site, &loads).await, site.clock.now())?;
    spec.env.extend(own.map(|own| ("SAYOO_PROBE_DATABASE".to_owned(), own.words(site))));
    let line = site.engine.first_line(daemon, &spec, WITHIN).await.context("run the probe")?;
    let facts = Facts::parse(&line).with_context(|| format!("read what the probe wrote: {line:.200}"))?;
    Ok((facts, walls(site, node, &loads)))
}

/// A lone machine has its firewall to itself, and a developer's may have none.
fn walls(site: &Site, node: &str, loads: &[Load]) -> Walls {
    let is_one_of_several = loads.iter().any(|load| load.host.node != node && load.host.state != HostState::Joining);
    if site.public.mode == Mode::Production && is_one_of_several { Walls::Needed } else { Walls::Advised }
}

/// The service in which the probe runs: confined as a tenant's is, since the engine is told the same.
fn service(
    site: &Site,
    node: &str,
    image: &Image,
    targets: Targets,
    now: DateTime<Utc>,
) -> anyhow::Result<ServiceSpec> {
    let program = ["/usr/bin/python3", "-I", "-S", "-c", probes::PROGRAM];
    Ok(ServiceSpec {
        installation: site.installation.clone(),
        name: ServiceName::of(&site.installation, &new_code(20))?,
        runtime: RuntimeId::new(now),
        generation: 1,
        image: image.pinned.as_ref().unwrap_or(&image.digest).clone(),
        user: None,
        command: Some(program.map(str::to_owned).to_vec()),
        args: Some(targets.into_args()),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        node: Some(node.to_owned()),
        replicas: 1,
        cpu_millis: CPU_MILLIS,
        memory_mb: MEMORY_MB,
        health: None,
        restarts: 0,
        stop_grace: Duration::from_secs(1),
    })
}

fn promise(walls: Walls) -> Promise {
    let bytes = |count: i64| u64::try_from(count).unwrap_or(0);
    Promise {
        processes: bytes(PIDS_LIMIT),
        memory: bytes(i64::from(MEMORY_MB) * 1024 * 1024),
        tmp: bytes(TMP_BYTES),
        cpu_millis: bytes(i64::from(CPU_MILLIS)),
        connections: u64::from(BUILDER_CONNECTIONS),
        walls,
    }
}

async fn targets(site: &Site, loads: &[Load]) -> Targets {
    let mut targets = Targets::default();
    targets.add(Subject::Tenants, &site.server.host, site.server.port);
    // The machine on which the probe runs, and every other one.
    for address in std::iter::once("127.0.0.1").chain(loads.iter().map(|load| load.host.upstream_address.as_str())) {
        targets.add(Subject::Docker, address, DOCKER);
        for port in SWARM {
            targets.add(Subject::Swarm, address, port);
        }
    }
    // Whoever reaches our registry fills its disk. One with a name is somebody else's, and may be reached by everybody.
    let is_address =
        |registry: &&str| registry.rsplit_once(':').is_some_and(|(host, _)| host.parse::<IpAddr>().is_ok());
    if let Some(registry) = site.registry.as_deref().filter(is_address) {
        targets.add_text(Subject::Swarm, registry);
    }
    // A machine for trying things has no credentials to lose, and stands in a network where nobody expects such a question.
    if site.public.is_https() {
        targets.add(Subject::Metadata, METADATA, 80);
    }
    targets.add_text(Subject::Control, &site.pages);
    let control = site.db.connect_options();
    // One that is reached by a socket, or is perhaps the tenants' server too, is not apart from it anyway.
    let is_own = ["127.0.0.1", "localhost", "::1"].contains(&control.get_host());
    let is_tenants = control.get_port() == site.server.port && (is_own || control.get_host() == site.server.host);
    if control.get_socket().is_none() && !control.get_host().starts_with('/') && !is_tenants {
        targets.add(Subject::Control, control.get_host(), control.get_port());
    }
    // Without an answer there is nothing to try.
    if let Ok(containers) = site.engine.all_containers().await {
        let addresses = containers.found.values().flatten().filter_map(|seen| seen.address);
        for address in addresses.take(NEIGHBOURS) {
            targets.add(Subject::Published, &address.ip().to_string(), address.port());
        }
    }
    targets
}
