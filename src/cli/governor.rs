//! `sayoo governor`: sees that one tenant does not take a machine's processors from the others. Needs root, and no secret.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::engine::{Engine, Swarm};
use crate::governor::Governor;

/// Where Docker answers on every machine of ours.
const DOCKER: &str = "unix:///var/run/docker.sock";

/// Looks after the machine with the portal: its containers, and the tenants' database server if it is here.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let governor = Governor {
        installation: config.installation.name.clone(),
        engine: engine(&config.worker.docker, &config.installation.name)?,
        server: Some(config.tenants_data()),
        data: Some(config.installation.data_dir.clone()),
        clock: Clock::System,
    };
    governor.run(&stop).await
}

/// Looks after the containers of a machine that has no configuration.
pub async fn run_elsewhere(installation: &str, server: Option<PathBuf>, stop: CancellationToken) -> anyhow::Result<()> {
    let governor = Governor {
        installation: installation.to_owned(),
        engine: engine(DOCKER, installation)?,
        server,
        data: None,
        clock: Clock::System,
    };
    governor.run(&stop).await
}

/// Only lists containers here: nobody is reached at the address.
fn engine(docker: &str, installation: &str) -> anyhow::Result<Engine> {
    Ok(Engine::Swarm(Swarm::with_certificates(docker, installation, IpAddr::V4(Ipv4Addr::LOCALHOST), None)?))
}
