//! The command line: one binary, one subcommand for each role and each administrative task.

pub mod all;
mod billing;
mod confined;
mod doctor;
mod export;
mod governor;
mod host;
mod image;
pub mod maintenance;
mod probe;
pub mod proxy;
pub mod reconcile;
pub mod scale;
pub mod setup;
mod staff;
pub mod stop;
pub mod wait_ready;
pub mod web;
pub mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::base::ids::EnvironmentId;
use crate::config::Config;
use crate::handover::End;
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
    /// Looks at everything this installation stands on and says how to mend each fault.
    Doctor,
    /// Writes usage for invoicing to standard output.
    #[command(subcommand)]
    Export(export::Export),
    /// Our companies' details, what waits for somebody, and credit notes.
    #[command(subcommand)]
    Billing(billing::Billing),
    /// Who runs which image, and bringing the present one to environments.
    #[command(subcommand)]
    Image(image::Image),
    /// Adds, shows, closes, empties and removes the machines that run instances; makes their certificates.
    #[command(subcommand)]
    Host(host::HostCommand),
    /// Lets visitors read that an instance is worked on, or reach it again. Its containers go on.
    Maintenance(maintenance::Maintenance),
    /// Says in how many containers an instance runs, or wants another number of them.
    Scale(scale::Scale),
    /// What only somebody at the machine may do about staff.
    #[command(subcommand)]
    Staff(staff::Staff),
    /// Registers this machine, the image and the first plans. Safe to run again.
    Setup,
    /// Says what is still being prepared, and ends when customers can be served.
    WaitReady,
    /// Runs web, worker and proxy, and starts again what dies.
    All,
    /// Listens to the public: sends requests to instances and to the portal.
    Proxy {
        #[command(flatten)]
        life: Life,
    },
    /// Serves the pages.
    Web {
        #[command(flatten)]
        life: Life,
    },
    /// Makes true what is wanted: databases, services, routes.
    Worker {
        #[command(flatten)]
        life: Life,
        /// Kills the process at one place: for tests.
        #[arg(long, hide = true, env = "SAYOO_CRASH_AT")]
        crash_at: Option<String>,
    },
    /// Sees that one tenant does not take this machine's processors from the others. As root; `sayoo all` starts it.
    Governor {
        #[command(flatten)]
        life: Life,
        /// On a machine without a configuration: the installation whose tenants' database server is here.
        #[arg(long, requires = "postgres")]
        installation: Option<String>,
        /// There too: the folder with that server's data.
        #[arg(long, requires = "installation")]
        postgres: Option<PathBuf>,
    },
    /// Prints what the worker sees of an environment and what it would do next.
    Reconcile {
        /// Changes nothing. There is no other way yet: the worker does the rest.
        #[arg(long, required = true)]
        dry_run: bool,
        /// The environment.
        id: EnvironmentId,
    },
}

/// How long a process lives.
#[derive(Debug, clap::Args)]
struct Life {
    /// Ends when standard input does: how `sayoo all` ends its processes.
    #[arg(long, hide = true)]
    with_parent: bool,
}

impl Life {
    fn stop(&self) -> anyhow::Result<CancellationToken> {
        let stop = stop::on_signals()?;
        if self.with_parent {
            all::stop_with_parent(&stop);
        }
        Ok(stop)
    }
}

/// Runs the command that was given. Errors carry their causes; `main` prints them.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    telemetry::init();
    if let Command::Probe { url } = &cli.command {
        // A container that is asked for its health may have no configuration.
        return probe::run(url).map(|()| ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Command::Governor { life, installation: Some(installation), postgres: Some(postgres) } = cli.command {
        let governing = async { governor::run_elsewhere(&installation, postgres, life.stop()?).await };
        return runtime.block_on(governing).map(|()| ExitCode::SUCCESS);
    }
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Probe { .. } => Ok(()),
        Command::Governor { life, .. } => runtime.block_on(async { governor::run(&config, life.stop()?).await }),
        Command::Doctor => runtime.block_on(doctor::run(&config)),
        Command::Export(what) => runtime.block_on(export::run(&config, what)),
        Command::Billing(command) => runtime.block_on(billing::run(&config, command)),
        Command::Image(command) => runtime.block_on(image::run(&config, command)),
        Command::Host(command) => runtime.block_on(host::run(&config, &command)),
        Command::Maintenance(wish) => runtime.block_on(maintenance::run(&config, &wish)),
        Command::Scale(wish) => runtime.block_on(scale::run(&config, &wish)),
        Command::Staff(command) => runtime.block_on(staff::run(&config, &command)),
        Command::Setup => runtime.block_on(setup::run(&config)),
        Command::WaitReady => runtime.block_on(wait_ready::run(&config)),
        Command::All => runtime.block_on(async { all::run(cli.config.as_deref(), &config, stop::on_signals()?).await }),
        Command::Proxy { life } => {
            return runtime.block_on(async { proxy::run(&config, life.stop()?).await }).map(exit_code);
        }
        Command::Web { life } => {
            return runtime.block_on(async { web::run(&config, life.stop()?).await }).map(exit_code);
        }
        Command::Worker { life, crash_at } => {
            runtime.block_on(async { worker::run(&config, crash_at, life.stop()?).await })
        }
        Command::Reconcile { id, .. } => runtime.block_on(reconcile::run(&config, id)),
        Command::Migrate => runtime.block_on(async { db::migrate(&db::pool(&config.database.owner_url, 2)?).await }),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Tells `sayoo all` whether to start the process again.
fn exit_code(end: End) -> ExitCode {
    match end {
        End::Stopped => ExitCode::SUCCESS,
        End::Relieved => ExitCode::from(all::RELIEVED),
    }
}
