//! `sayoo staff …`: what only somebody at the machine may do about staff.

use std::sync::Arc;

use clap::Subcommand;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::db;
use crate::portal::Portal;
use crate::staff::invitations;
use crate::web::urls;

/// What to do about staff.
#[derive(Debug, Subcommand)]
pub enum Staff {
    /// Prints a link with which the first staff member joins; nothing when there is staff already.
    FirstLink,
}

/// Does it.
pub async fn run(config: &Config, command: &Staff) -> anyhow::Result<()> {
    let portal = Portal {
        db: db::pool(&config.database.owner_url, 2)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    match command {
        Staff::FirstLink => {
            if let Some(token) = invitations::first_link(&portal).await? {
                println!("{}{}", portal.public.portal_url, urls::staff_join(token.expose()));
            }
        }
    }
    Ok(())
}
