//! Registers what an installation is made of: itself, its database server, its machines, its image.

mod store;

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

/// Writes everything down. What is there already stays; another image becomes the one that new environments run.
pub async fn register(
    tx: &mut PgConnection,
    config: &Config,
    nodes: &[NodeSeen],
    image: &ImageSeen,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::insert_installation(tx, now).await.context("register the installation")?;
    store::insert_database_server(tx, EMBEDDED, now).await.context("register the database server")?;
    for node in nodes {
        hosts::store::record(tx, node, &config.worker.docker, &config.worker.upstream_address, now)
            .await
            .context("register a machine")?;
    }
    let version = image.labels.get(VERSION_LABEL).map_or("unknown", String::as_str);
    store::set_current_image(tx, &config.odoo.image, &image.digest, version, now)
        .await
        .context("register the image")?;
    Ok(())
}
