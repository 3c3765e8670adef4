//! Registers what an installation is made of: itself, its database server, its machines, its image.

pub mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::config::Config;
use crate::engine::{ImageSeen, NodeSeen};
use crate::hosts;

/// The image's label with its version of Odoo.
const VERSION_LABEL: &str = "sayoo.odoo.version";
/// The database server that comes with the portal.
const EMBEDDED: &str = "embedded";

/// What the engine has.
pub struct Found<'a> {
    /// Its machines.
    pub nodes: &'a [NodeSeen],
    /// The Swarm's id of this machine.
    pub own: &'a str,
    /// The instance image.
    pub image: &'a ImageSeen,
    /// By which name every machine gets it, when there is a registry.
    pub pinned: Option<&'a str>,
}

/// Writes everything down. What is there already stays; another image becomes the one that new environments run.
pub async fn register(
    tx: &mut PgConnection,
    config: &Config,
    found: &Found<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::insert_installation(tx, now).await.context("register the installation")?;
    store::insert_database_server(tx, EMBEDDED, now).await.context("register the database server")?;
    // Other machines are added by staff: their addresses are not known to the Swarm.
    for node in found.nodes.iter().filter(|node| node.node == found.own) {
        hosts::store::record(tx, node, &config.worker.docker, &config.worker.upstream_address, now)
            .await
            .context("register a machine")?;
    }
    let version = found.image.labels.get(VERSION_LABEL).map_or("unknown", String::as_str);
    let image =
        store::NewImage { reference: &config.odoo.image, digest: &found.image.digest, pinned: found.pinned, version };
    store::set_current_image(tx, &image, now).await.context("register the image")?;
    hosts::store::note_out_of_reach(tx, now).await.context("note which machines cannot get it")?;
    Ok(())
}
