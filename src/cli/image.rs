//! `sayoo image …`: who runs which image, and bringing the present one to environments.

use std::sync::Arc;

use clap::Subcommand;

use crate::audit::Actor;
use crate::base::clock::Clock;
use crate::base::ids::{EnvironmentId, RolloutId};
use crate::config::Config;
use crate::db;
use crate::portal::Portal;
use crate::reconcile::images::KEPT_FOR;
use crate::reconcile::images::store::unneeded_names;
use crate::staff::images::{self, Which};

/// Who is written down as having done it.
const BY: &str = "sayoo image";

/// What to do about images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Prints images, the environments that run an old one, and rollouts.
    List,
    /// Prints the names in the registry of images that nobody has needed for a week: bin/up removes them there.
    Unneeded,
    /// Begins to move environments to the present image of their Odoo version, a few at a time. Pauses at the first failure.
    Move {
        /// All that run an old one.
        #[arg(long, conflicts_with = "environments", required_unless_present = "environments")]
        all: bool,
        /// These only.
        environments: Vec<EnvironmentId>,
        /// How many at once, after the first one has succeeded alone.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(i32).range(1..=20))]
        at_once: i32,
    },
    /// Stops a rollout: what has begun ends, what waits is cancelled.
    Stop {
        /// The rollout.
        rollout: RolloutId,
    },
    /// Lets a paused rollout go on.
    Resume {
        /// The rollout.
        rollout: RolloutId,
    },
}

/// Does it.
pub async fn run(config: &Config, command: Image) -> anyhow::Result<()> {
    let portal = Portal {
        db: db::pool(&config.database.owner_url, 2)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    let told = |is_done| println!("{}", if is_done { "done" } else { "it is not in a state for that" });
    match command {
        Image::List => list(&portal).await?,
        Image::Unneeded => {
            let since = portal.clock.now() - KEPT_FOR;
            let mut db = portal.db.acquire().await?;
            for name in unneeded_names(&mut db, since).await? {
                println!("{name}");
            }
        }
        Image::Move { all, environments, at_once } => {
            let which = if all { Which::All } else { Which::Some(environments) };
            let begun = images::begin(&portal, &Actor::system(), BY, &which, at_once).await?;
            if begun.is_empty() {
                println!("nothing runs an old image");
            }
            for (rollout, count) in begun {
                println!("rollout {rollout}: {count} environments");
            }
        }
        Image::Stop { rollout } => told(images::stop(&portal, &Actor::system(), rollout).await?),
        Image::Resume { rollout } => told(images::resume(&portal, &Actor::system(), rollout).await?),
    }
    Ok(())
}

async fn list(portal: &Portal) -> anyhow::Result<()> {
    let mut db = portal.db.acquire().await?;
    for row in images::list(&mut db).await? {
        let present = if row.is_current { "present" } else { "" };
        let digest = images::short(&row.digest);
        println!("image {digest} {} {}: {} environments {present}", row.reference, row.odoo_version, row.environments);
    }
    for row in images::behind(&mut db).await? {
        let update = row.update.or(row.failure).unwrap_or_default();
        println!("behind {} {} ({}) {} {update}", row.id, row.name, row.account_name, images::short(&row.digest));
    }
    for row in images::rollouts(&mut db).await? {
        let digest = images::short(&row.digest);
        println!(
            "rollout {} to {digest}: {}, {} of {} done, {} failed",
            row.id, row.state, row.done, row.total, row.failed
        );
    }
    Ok(())
}
