//! `sayoo host …`: what the pages below /staff/hosts do, for somebody at the machine, and the certificates.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Subcommand;
use sqlx::PgConnection;

use crate::audit::Actor;
use crate::base::clock::Clock;
use crate::base::ids::HostId;
use crate::config::Config;
use crate::db;
use crate::hosts::certificates::Folder;
use crate::hosts::firewall::{self, Ways};
use crate::hosts::preview::Outcome;
use crate::hosts::settings::{self, Settings};
use crate::hosts::steering::{self, Consent, NewMachine};
use crate::hosts::{self, Host, HostState, Pool, placement};
use crate::portal::Portal;

/// How often it is looked whether a machine has joined.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An image of two gigabytes over a slow line, and some more.
const GIVE_UP_AFTER: Duration = Duration::from_mins(20);

/// What to do about hosts.
#[derive(Debug, Subcommand)]
pub enum HostCommand {
    /// Makes the authority, the worker's own certificate, and what the daemons at these addresses need.
    Certs {
        /// The machines' addresses on the private network.
        addresses: Vec<IpAddr>,
    },
    /// Prints the rules with which a machine keeps instances apart from all that is not theirs, and the world from all that is not
    /// for it: `firewall install` there, as root. Or does that here.
    Firewall {
        /// What is done on this machine, as root, instead of printing.
        #[arg(value_parser = ["apply", "check", "install", "remove"])]
        act: Option<String>,
        /// Further machines that reach instances, beside this one: those with a proxy.
        #[arg(long)]
        proxy: Vec<IpAddr>,
    },
    /// Lets a machine join: its daemon must answer at ADDRESS:2376 with the files of `sayoo host certs ADDRESS`.
    Add {
        /// The machine's address on the private network.
        address: String,
        /// Its name.
        #[arg(long, default_value = "")]
        name: String,
        /// What fails together with it: a rack, a room.
        #[arg(long, default_value = "")]
        zone: String,
        /// What is placed on it: `any`, `production` or `test`.
        #[arg(long, default_value = "any")]
        pool: String,
        /// Waits until it has joined.
        #[arg(long)]
        wait: bool,
    },
    /// Lists the hosts, what is promised on them, and what the loss of one would leave.
    List,
    /// Sets zone, pool, how much may be promised, or the address of a host.
    Set {
        /// Its name.
        name: String,
        /// What fails together with it: a rack, a room; empty for none.
        #[arg(long)]
        zone: Option<String>,
        /// What is placed on it from now on: `any`, `production` or `test`.
        #[arg(long)]
        pool: Option<String>,
        /// How much CPU may be promised, in percent of what there is.
        #[arg(long)]
        cpu_percent: Option<i32>,
        /// MiB of memory kept for the machine itself.
        #[arg(long)]
        memory_kept_mb: Option<i32>,
        /// Its address on the private network; taken over once the same machine answers there.
        #[arg(long)]
        address: Option<String>,
    },
    /// Lets a host take no new runtimes.
    Cordon {
        /// Its name.
        name: String,
        /// Why, for the audit log and the page.
        #[arg(long)]
        reason: String,
    },
    /// Lets a host take runtimes again; ends a drain.
    Uncordon {
        /// Its name.
        name: String,
    },
    /// Moves everything off a host.
    Drain {
        /// Its name.
        name: String,
        /// Why, for the audit log and the page.
        #[arg(long, required_unless_present = "dry_run", default_value = "")]
        reason: String,
        /// Says who would move where and how long it would take, and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// Confirms that some run in fewer containers, or in two on one machine, until there is room again.
        #[arg(long)]
        fewer: bool,
    },
    /// Ends a drain: what is on its way arrives, the rest stays.
    CancelDrain {
        /// Its name.
        name: String,
    },
    /// Takes an empty host out of the Swarm and forgets it.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub async fn run(config: &Config, command: &HostCommand) -> anyhow::Result<()> {
    if let HostCommand::Certs { addresses } = command {
        return certs(config, addresses);
    }
    if let HostCommand::Firewall { act, proxy } = command {
        let script = rules(config, proxy);
        match act {
            Some(act) => wall(&config.installation.data_dir.join("firewall"), &script, act)?,
            None => print!("{script}"),
        }
        return Ok(());
    }
    let portal = Portal {
        db: db::pool(&config.database.owner_url, 2)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    let by = Actor::system();
    match command {
        HostCommand::Certs { .. } | HostCommand::Firewall { .. } => {}
        HostCommand::Add { address, name, zone, pool, wait } => {
            let pool = pool_named(pool)?;
            let machine =
                NewMachine { address: address.clone(), name: name.clone(), zone: zone.clone(), pool: Some(pool) };
            let id = steering::add(&portal, &by, &machine).await?;
            if *wait {
                return until_joined(&portal, id).await;
            }
            println!("The worker looks at it now; `sayoo host list` says how it goes.");
        }
        HostCommand::List => list(&mut *portal.db.acquire().await?).await?,
        HostCommand::Set { name, zone, pool, cpu_percent, memory_kept_mb, address } => {
            let settings = Settings {
                zone: zone.clone(),
                pool: pool.as_deref().map(pool_named).transpose()?,
                cpu_percent: *cpu_percent,
                memory_kept_mb: *memory_kept_mb,
                address: address.clone(),
            };
            settings::set(&portal, &by, named(&portal, name).await?.id, &settings).await?;
        }
        HostCommand::Cordon { name, reason } => {
            steering::cordon(&portal, &by, named(&portal, name).await?.id, reason).await?;
        }
        HostCommand::Uncordon { name } => steering::uncordon(&portal, &by, named(&portal, name).await?.id).await?,
        HostCommand::Drain { name, reason, dry_run, fewer } => {
            let host = named(&portal, name).await?;
            show_preview(&mut *portal.db.acquire().await?, &host).await?;
            if !dry_run {
                let consent = if *fewer { Consent::ToFewer } else { Consent::None };
                steering::drain(&portal, &by, host.id, reason, consent).await?;
            }
        }
        HostCommand::CancelDrain { name } => {
            steering::cancel_drain(&portal, &by, named(&portal, name).await?.id).await?;
        }
        HostCommand::Remove { name } => {
            let host = named(&portal, name).await?;
            steering::remove(&portal, &by, host.id, Some(&config.worker.docker)).await?;
        }
    }
    Ok(())
}

fn pool_named(word: &str) -> anyhow::Result<Pool> {
    Pool::from_word(word).context("--pool is one of: any, production, test")
}

fn certs(config: &Config, addresses: &[IpAddr]) -> anyhow::Result<()> {
    let (folder, now) = (Folder::new(config.docker_certificates()), Clock::System.now());
    let installation = &config.installation.name;
    if folder.prepare(installation, now)? {
        println!("authority made in {}: keep ca-key.pem secret", config.docker_certificates().display());
    }
    for address in addresses {
        let made = folder.issue(installation, *address, now)?;
        let firewall = made.join("firewall");
        std::fs::write(&firewall, rules(config, &[])).with_context(|| format!("write {}", firewall.display()))?;
        println!("{address}: copy the files in {} to /etc/docker there, restart Docker,", made.display());
        println!("  as root: sh /etc/docker/firewall install");
        println!("  then: sayoo host add {address}");
    }
    Ok(())
}

/// Runs the script on this machine.
fn wall(file: &Path, script: &str, act: &str) -> anyhow::Result<()> {
    std::fs::write(file, script).with_context(|| format!("write {}", file.display()))?;
    let done = Command::new("/bin/sh").arg(file).arg(act).status().context("run /bin/sh")?;
    anyhow::ensure!(done.success(), "the rules: {act} failed");
    Ok(())
}

/// A proxy beside the containers needs no rule: what comes from the machine itself is not forwarded.
fn rules(config: &Config, further: &[IpAddr]) -> String {
    let own = config.worker.upstream_address.parse::<IpAddr>().ok().filter(|own| !own.is_loopback());
    let proxies = own.into_iter().chain(further.iter().copied()).collect();
    let tenants = &config.tenants;
    firewall::script(&Ways {
        tenants: &tenants.host_for_containers,
        tenants_port: tenants.port_for_containers,
        proxies,
        ports: config.public_ports(),
    })
}

async fn named(portal: &Portal, name: &str) -> anyhow::Result<Host> {
    let all = hosts::overview(&mut *portal.db.acquire().await?).await?;
    let names = all.loads.iter().map(|load| load.host.name.clone()).collect::<Vec<_>>().join(", ");
    let found = all.loads.into_iter().map(|load| load.host).find(|host| host.name == name);
    found.with_context(|| format!("there is no host {name}; there are: {names}"))
}

async fn list(db: &mut PgConnection) -> anyhow::Result<()> {
    let all = hosts::overview(db).await?;
    let mut text = String::new();
    for load in &all.loads {
        let host = &load.host;
        writeln!(
            text,
            "{:<16} {:<9} {:<15} zone {:<8} pool {:<10} {:>3} runtimes, {} MiB and {} thousandths of a core free",
            host.name,
            host.state.as_str(),
            host.upstream_address,
            if host.zone.is_empty() { "-" } else { &host.zone },
            host.pool.as_str(),
            load.runtimes,
            placement::free_memory_mb(load),
            placement::free_cpu_millis(load),
        )?;
        if let Some(address) = &host.address_wanted {
            writeln!(text, "{:<16} to be reached at {address}, once the same machine answers there", "")?;
        }
        for reason in host.state_reason.iter().chain((!host.wanted_reason.is_empty()).then_some(&host.wanted_reason)) {
            writeln!(text, "{:<16} {reason}", "")?;
        }
    }
    if let Some(found) = all.headroom() {
        writeln!(
            text,
            "Without {}: {} of its instances find room, {} do not, {} are less spread, {} MiB stay free.",
            found.host, found.housed, found.homeless, found.lessened, found.spare_mb
        )?;
    }
    print!("{text}");
    Ok(())
}

async fn show_preview(db: &mut PgConnection, host: &Host) -> anyhow::Result<()> {
    let preview = steering::preview(db, host.id).await?;
    let all = hosts::overview(db).await?;
    for one in &preview.moves {
        let to = match &one.to {
            Outcome::Moves(to) => all.name_of(*to).to_owned(),
            Outcome::Joins(to) => format!("{}, where another container of it is", all.name_of(*to)),
            Outcome::Fewer(why) => format!("ends, the others serve: {why}"),
            Outcome::Homeless(why) => why.to_string(),
        };
        println!("{} ({}) -> {to}", one.resident.name, one.resident.account);
    }
    println!("{} to move, about {} s", preview.moves.len(), preview.seconds);
    Ok(())
}

async fn until_joined(portal: &Portal, id: HostId) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut said = String::new();
    loop {
        let all = hosts::overview(&mut *portal.db.acquire().await?).await?;
        let host = &all.find(id).context("the host was removed")?.host;
        let reason = host.state_reason.clone().unwrap_or_default();
        if reason != said {
            println!("{}: {reason}", host.name);
            said = reason;
        }
        match host.state {
            HostState::Joining if began.elapsed() > GIVE_UP_AFTER => bail!("it has not joined: is the worker running?"),
            HostState::Joining => tokio::time::sleep(LOOK_EVERY).await,
            state => {
                println!("{} has joined and is {}", host.name, state.as_str());
                return Ok(());
            }
        }
    }
}
