//! The command line: one binary, one subcommand for each role and each administrative task.

mod probe;
pub mod proxy;
pub mod stop;
pub mod web;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::{db, telemetry};

/// Self-hosted Odoo hosting with built-in metering and billing.
#[derive(Debug, Parser)]
#[command(name = "sayoo", version, about)]
struct Cli {
    /// The configuration file; `sayoo.toml` and `var/sayoo.toml` are tried without it.
    #[arg(long, global = true, env = "SAYOO_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks an address once whether it answers: for the health checks of containers.
    Probe {
        /// Such as `http://127.0.0.1:8081/`.
        url: String,
    },
    /// Brings the control database's schema up to date.
    Migrate,
    /// Listens to the public: sends requests to instances and to the portal.
    Proxy,
    /// Serves the pages.
    Web,
}

/// Runs the command that was given. Errors carry their causes; `main` prints them.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init();
    if let Command::Probe { url } = &cli.command {
        return probe::run(url); // A container that is asked for its health may have no configuration.
    }
    let config = Config::load(cli.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        Command::Probe { .. } => Ok(()),
        Command::Proxy => runtime.block_on(async { proxy::run(&config, stop::on_signals()?).await }),
        Command::Web => runtime.block_on(async { web::run(&config, stop::on_signals()?).await }),
        Command::Migrate => runtime.block_on(async { db::migrate(&db::pool(&config.database.owner_url, 2)?).await }),
    }
}
