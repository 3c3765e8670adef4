//! `sayoo governor`: sees that one tenant does not take a machine's processors from the others. Needs root, and no secret.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::governor::Governor;

/// Looks after the tenants' database server, if it is on this machine.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let governor = Governor {
        installation: config.installation.name.clone(),
        server: config.tenants_data(),
        data: Some(config.installation.data_dir.clone()),
        clock: Clock::System,
    };
    governor.run(&stop).await
}

/// Looks after a server on a machine that has no configuration.
pub async fn run_elsewhere(installation: &str, server: PathBuf, stop: CancellationToken) -> anyhow::Result<()> {
    let governor = Governor { installation: installation.to_owned(), server, data: None, clock: Clock::System };
    governor.run(&stop).await
}
