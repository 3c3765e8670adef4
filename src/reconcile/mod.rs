//! Makes true what is wanted: looks, decides, takes one idempotent step, and looks again.
//!
//! A reconciler never learns what changed, only that something did. Nothing is removed because it was not seen.

pub mod budgets;
pub mod domains;
pub mod driver;
pub mod dunning;
pub mod edge;
pub mod environments;
pub mod hosts;
pub mod images;
mod instance;
pub mod lease;
pub mod leftovers;
pub mod logs;
pub mod own_names;
pub mod pool;
mod probe;
pub mod runtimes;
pub mod sandboxes;
pub mod scaling;
pub mod sessions;
pub mod setup;
mod shows;
pub mod spares;
pub mod store;
pub mod templates;
pub mod users;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::base::crash;
use crate::base::seal::SealingKey;
use crate::config::{Config, Public};
use crate::db::Channel;
use crate::engine::Engine;
use crate::odoo::commands::{Front, Server};
use crate::tenant_db::TenantDb;

use driver::{Driver, Task};

/// Everything that a worker reaches.
#[derive(Clone)]
pub struct Site {
    /// The control database, with the worker's role.
    pub db: PgPool,
    /// The time.
    pub clock: Clock,
    /// The engine.
    pub engine: Engine,
    /// The tenants' database server.
    pub tenants: TenantDb,
    /// Opens tenants' passwords.
    pub key: SealingKey,
    /// The installation's name.
    pub installation: String,
    /// Addresses and mode.
    pub public: Arc<Public>,
    /// The tenants' database server, as containers see it.
    pub server: Server,
    /// What instances know of the portal.
    pub front: Front,
    /// Where the web process listens: nothing for containers.
    pub pages: String,
    /// What tenants' sessions may do.
    pub session_limits: sessions::plan::Limits,
    /// How many spares of each kind are kept.
    pub spares: u32,
    /// The engine's address, for a machine that is written down for the first time.
    pub docker: String,
    /// Where such a machine's published ports are reached.
    pub upstream_address: String,
    /// The registry from which machines get images, if there is one.
    pub registry: Option<String>,
}

impl Site {
    /// Puts together what the configuration says.
    pub fn new(config: &Config, db: PgPool, engine: Engine, tenants: TenantDb) -> anyhow::Result<Self> {
        let key_file = &config.worker.sso_public_key_file;
        let sso_public_key = std::fs::read_to_string(key_file)
            .with_context(|| format!("read {} (made by `sayoo setup`)", key_file.display()))?;
        Ok(Self {
            db,
            clock: Clock::System,
            engine,
            tenants,
            key: SealingKey::from_file(&config.worker.sealing_key_file)?,
            installation: config.installation.name.clone(),
            public: Arc::new(config.public.clone()),
            server: Server {
                host: config.tenants.host_for_containers.clone(),
                port: config.tenants.port_for_containers,
            },
            front: Front { url: config.public.portal_url.clone(), sso_public_key: sso_public_key.trim().to_owned() },
            pages: config.web.listen.clone(),
            session_limits: sessions::plan::Limits {
                idle: Duration::from_mins(config.tenants.idle_transaction_minutes),
                transaction: Duration::from_mins(config.tenants.transaction_minutes),
                temporary_bytes: i64::try_from(config.tenants.temporary_gb << 30).unwrap_or(i64::MAX),
            },
            spares: config.pool.spares,
            docker: config.worker.docker.clone(),
            upstream_address: config.worker.upstream_address.clone(),
            registry: config.odoo.registry.clone(),
        })
    }
}

/// Gives every task its turns until told to stop. The one list of what the worker keeps true.
pub async fn run(site: Arc<Site>, stop: CancellationToken) {
    // Until every machine's daemon is known, a container elsewhere would look as if it were not there.
    while let Err(error) = hosts::attend(&site).await {
        tracing::warn!(error = crate::base::chain::of(&error), "cannot read which machines there are");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.cancelled() => return,
        }
    }
    let (call, calls) = watch::channel(0);
    let mut drivers = JoinSet::new();
    let mut start = Starter { site: &site, calls: &calls, stop: &stop, drivers: &mut drivers };
    start.task(environments::Environments::new(Arc::clone(&site)));
    start.task(spares::Spares::new(Arc::clone(&site)));
    start.task(pool::Pool::new(Arc::clone(&site)));
    start.task(templates::Templates::new(Arc::clone(&site)));
    start.task(hosts::Nodes::new(Arc::clone(&site)));
    start.task(hosts::machines::Machines::new(Arc::clone(&site)));
    start.task(images::Images::new(Arc::clone(&site)));
    start.task(images::Supplies::new(Arc::clone(&site)));
    start.task(hosts::Pulse::new(Arc::clone(&site)));
    start.task(logs::Logs::new(Arc::clone(&site)));
    start.task(leftovers::Leftovers::new(Arc::clone(&site)));
    start.task(sessions::Sessions::new(Arc::clone(&site)));
    start.task(users::Users::new(Arc::clone(&site)));
    start.task(scaling::Scaling::new(site.db.clone(), site.clock.clone()));
    start.task(dunning::Dunning::new(site.db.clone(), site.clock.clone()));
    start.task(budgets::Budgets::new(site.db.clone(), site.clock.clone()));
    drivers.spawn(listen(site.db.clone(), call, stop.clone()));
    while drivers.join_next().await.is_some() {}
}

/// Keeps domains and certificates until told to stop. Apart from the rest, because it needs no engine.
pub async fn run_edge(edge: Arc<edge::Edge>, stop: CancellationToken) {
    let (call, calls) = watch::channel(0);
    let mut drivers = JoinSet::new();
    let domains = Driver::new(domains::Domains::new(Arc::clone(&edge)), edge.db.clone(), edge.clock.clone());
    drivers.spawn(domains.run(calls.clone(), stop.clone()));
    let own = Driver::new(own_names::OwnNames::new(Arc::clone(&edge)), edge.db.clone(), edge.clock.clone());
    drivers.spawn(own.run(calls.clone(), stop.clone()));
    drivers.spawn(listen(edge.db.clone(), call, stop.clone()));
    while drivers.join_next().await.is_some() {}
}

/// Makes sandboxes and moves their clocks until told to stop. Apart from the rest, because it needs no engine.
pub async fn run_sandboxes(task: sandboxes::Sandboxes, db: PgPool, clock: Clock, stop: CancellationToken) {
    let (call, calls) = watch::channel(0);
    let mut drivers = JoinSet::new();
    drivers.spawn(Driver::new(task, db.clone(), clock).run(calls, stop.clone()));
    drivers.spawn(listen(db, call, stop));
    while drivers.join_next().await.is_some() {}
}

/// Gives turns until nothing is due: for tests.
pub async fn settle(site: &Arc<Site>) -> anyhow::Result<()> {
    loop {
        let count = settle_one(site, pool::Pool::new(Arc::clone(site))).await?
            + settle_one(site, templates::Templates::new(Arc::clone(site))).await?
            + settle_one(site, spares::Spares::new(Arc::clone(site))).await?
            + settle_one(site, environments::Environments::new(Arc::clone(site))).await?;
        if count == 0 {
            return Ok(());
        }
    }
}

async fn settle_one<T: Task>(site: &Site, task: T) -> anyhow::Result<usize> {
    Driver::new(task, site.db.clone(), site.clock.clone()).settle().await
}

struct Starter<'a> {
    site: &'a Site,
    calls: &'a watch::Receiver<u64>,
    stop: &'a CancellationToken,
    drivers: &'a mut JoinSet<()>,
}

impl Starter<'_> {
    fn task<T: Task>(&mut self, task: T) {
        let driver = Driver::new(task, self.site.db.clone(), self.site.clock.clone());
        self.drivers.spawn(driver.run(self.calls.clone(), self.stop.clone()));
    }
}

/// Hands every notification on to all drivers. Without the listener they still look by the clock.
async fn listen(db: PgPool, call: watch::Sender<u64>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let heard = async {
            let mut listener = PgListener::connect_with(&db).await?;
            listener.listen(Channel::Work.name()).await?;
            // What was called before the connection stood was not heard.
            call.send_modify(|count| *count += 1);
            loop {
                listener.recv().await?;
                call.send_modify(|count| *count += 1);
            }
        };
        let ended: Result<(), sqlx::Error> = tokio::select! {
            ended = heard => ended,
            () = stop.cancelled() => return,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "cannot listen for work; looks by the clock");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
