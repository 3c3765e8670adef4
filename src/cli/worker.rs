//! `sayoo worker`: makes true what is wanted. The one screen with everything that runs in a worker.

use std::sync::Arc;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::crash;
use crate::billing::{dry_run, previews, run as billing, self_audit};
use crate::books::{self, Books};
use crate::config::Config;
use crate::db;
use crate::engine::{Certificates, Engine, RegistryLogin, Swarm};
use crate::environments::plan_moves;
use crate::hosts::certificates::Folder;
use crate::jobs::worker as jobs;
use crate::mail::transport::Mailer;
use crate::metering::sampling::{self, Sampler};
use crate::payments::{self as cards, Cards};
use crate::portal::Portal;
use crate::reconcile::edge::Edge;
use crate::reconcile::hosts::certificates;
use crate::reconcile::sandboxes::{Databases, Sandboxes};
use crate::reconcile::{self, Site};
use crate::tenant_db::{Postgres, TenantDb};

/// Turns hold a connection for a few milliseconds at a time.
const CONNECTIONS: u32 = 24;

/// Runs the worker until `stop`.
pub async fn run(config: &Config, crash_at: Option<String>, stop: CancellationToken) -> anyhow::Result<()> {
    if let Some(place) = crash_at {
        crash::arm(place);
    }
    let site = Arc::new(site(config)?);
    let portal = Portal { db: site.db.clone(), clock: site.clock.clone(), public: Arc::clone(&site.public) };
    let mailer = Mailer::new(&config.mail, &config.public, &site.db)?;
    tracing::info!(installation = site.installation, "the worker works");
    let mut tasks = JoinSet::new();
    tasks.spawn(reconcile::run(Arc::clone(&site), stop.clone()));
    let edge = Arc::new(Edge::new(config, site.db.clone())?);
    tasks.spawn(reconcile::run_edge(edge, stop.clone()));
    tasks.spawn(reconcile::run_sandboxes(sandboxes(config, &site)?, site.db.clone(), site.clock.clone(), stop.clone()));
    let folder = Folder::new(config.docker_certificates());
    tasks.spawn(certificates::keep(folder, site.installation.clone(), site.clock.clone(), stop.clone()));
    let numbers = config.installation.data_dir.join("billing/numbers.json");
    tasks.spawn(billing::run(portal.clone(), numbers, stop.clone()));
    tasks.spawn(dry_run::run(portal.clone(), stop.clone()));
    tasks.spawn(previews::run(portal.clone(), stop.clone()));
    tasks.spawn(plan_moves::run(portal.clone(), stop.clone()));
    tasks.spawn(self_audit::run(portal.clone(), stop.clone()));
    if let Some(payments) = &config.payments {
        tasks.spawn(cards::run(Cards::new(portal.clone(), payments)?, stop.clone()));
    }
    if !config.books.is_empty() {
        tasks.spawn(books::run(Books::new(portal.clone(), &config.books)?, stop.clone()));
    }
    tasks.spawn(jobs::run(portal, mailer, stop.clone()));
    let sampler = Sampler {
        db: site.db.clone(),
        clock: site.clock.clone(),
        engine: site.engine.clone(),
        tenants: site.tenants.clone(),
    };
    tasks.spawn(sampling::run(sampler, stop.clone()));
    while let Some(ended) = tasks.join_next().await {
        ended.context("a part of the worker panicked")?;
        anyhow::ensure!(stop.is_cancelled(), "a part of the worker ended by itself");
    }
    Ok(())
}

/// Puts together what a worker reaches.
pub fn site(config: &Config) -> anyhow::Result<Site> {
    let db = db::pool(&config.database.worker_url, CONNECTIONS)?;
    let tenants = TenantDb::Postgres(Postgres::new(&config.tenants.admin_url, &config.installation.name)?);
    Site::new(config, db, engine(config)?, tenants)
}

/// Puts together what sandboxes need: a server where their databases are, if there is one.
fn sandboxes(config: &Config, site: &Site) -> anyhow::Result<Sandboxes> {
    let url = config.database.sandbox_url.as_ref();
    let databases = url.map(|url| Databases::new(url, &config.installation.name)).transpose()?;
    Ok(Sandboxes::new(site.db.clone(), site.clock.clone(), Arc::clone(&site.public), databases))
}

/// Names the engine.
pub fn engine(config: &Config) -> anyhow::Result<Engine> {
    let address = config.worker.upstream_address.parse().context("[worker] upstream_address must be an IP address")?;
    let certificates = Certificates::in_folder(&config.docker_certificates());
    let swarm =
        Swarm::with_certificates(&config.worker.docker, &config.installation.name, address, Some(certificates))?;
    Ok(Engine::Swarm(swarm.with_login(login(config))))
}

/// Names who we are to the registry, when it asks.
fn login(config: &Config) -> Option<RegistryLogin> {
    Some(RegistryLogin { registry: config.odoo.registry.clone()?, file: config.odoo.registry_login_file.clone()? })
}
