//! `sayoo maintenance NAME on|off`: visitors read that an instance is worked on, or reach it again.

use std::sync::Arc;

use anyhow::Context;

use crate::audit::Actor;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::db;
use crate::environments::maintenance::{self, Change};
use crate::environments::scaling;
use crate::portal::Portal;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Maintenance {
    /// The first part of the instance's address: `acme` for acme.example.com.
    pub name: String,
    /// Whether visitors are to read that it is worked on.
    pub switch: Switch,
}

/// On or off.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Switch {
    /// It is worked on.
    On,
    /// It is reached again.
    Off,
}

/// Does it and says so.
pub async fn run(config: &Config, wish: &Maintenance) -> anyhow::Result<()> {
    let portal = Portal {
        db: db::pool(&config.database.owner_url, 2)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    println!("{}", answer(&portal, wish).await?);
    Ok(())
}

/// Does it and returns what is to be printed.
pub async fn answer(portal: &Portal, wish: &Maintenance) -> anyhow::Result<&'static str> {
    let found = {
        let mut db = portal.db.acquire().await.context("reach the control database")?;
        scaling::named(&mut db, &wish.name.trim().to_lowercase()).await?
    };
    let id = found.with_context(|| format!("there is no instance called {}", wish.name))?;
    let change = match wish.switch {
        Switch::On => Change::Begin,
        Switch::Off => Change::End,
    };
    let is_changed = maintenance::change_of_any_account(portal, &Actor::system(), id, change).await?;
    Ok(match (change, is_changed) {
        (Change::Begin, true) => "visitors now read that it is worked on; its containers go on",
        (Change::Begin, false) => "it was closed for maintenance already",
        (Change::End, true) => "visitors reach it again",
        (Change::End, false) => "it was not closed for maintenance",
    })
}
