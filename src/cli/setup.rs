//! `sayoo setup`: writes down what this installation is made of. Safe to run again, also while it is running.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use anyhow::Context;
use sqlx::PgPool;

use crate::base::chain;
use crate::base::clock::Clock;
use crate::base::seal::read_hex_key;
use crate::billing::sellers;
use crate::config::Config;
use crate::engine::{Engine, Membership};
use crate::reconcile::{images, setup};
use crate::{db, plans};

/// Registers the installation, its database server, its machines, the image and the first plans.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let now = Clock::System.now();
    write_public_key(config).context("write the public half of the SSO key")?;
    let pool = db::pool(&config.database.owner_url, 2)?;
    let engine = super::worker::engine(config)?;
    let nodes = engine.nodes().await.context("ask the engine for its machines")?;
    anyhow::ensure!(!nodes.is_empty(), "the engine has no machine: is Docker in Swarm mode? (docker swarm init)");
    let image = engine.image(&config.odoo.image).await.context("ask the engine for the instance image")?;
    let image =
        image.with_context(|| format!("the engine has no image {}: run docker/odoo/build", config.odoo.image))?;
    let Membership::Member(own) = engine.daemon().await.context("look at the engine")?.membership else {
        anyhow::bail!("the engine is in no Swarm: docker swarm init");
    };
    let pinned = match &config.odoo.registry {
        Some(registry) => publish(&engine, &pool, registry, (&config.odoo.image, &image.digest)).await?,
        None => None,
    };
    let found = setup::Found { nodes: &nodes, own: &own, image: &image, pinned: pinned.as_deref() };
    let mut tx = pool.begin().await.context("begin")?;
    setup::register(&mut tx, config, &found, now).await?;
    plans::seed(&mut tx, now).await.context("make the first plans")?;
    sellers::seed(&mut tx, now).await.context("make the companies that sell")?;
    db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    println!("installation {} on {} machine(s), image {}", config.installation.name, nodes.len(), image.digest);
    Ok(())
}

/// Sends the image to the registry, from which the other machines get it. One that was sent is not sent again, and a
/// registry that is away keeps nothing from starting: the worker sends what is missing once it is there.
async fn publish(
    engine: &Engine,
    pool: &PgPool,
    registry: &str,
    (image, digest): (&str, &str),
) -> anyhow::Result<Option<String>> {
    let mut db = pool.acquire().await.context("reach the control database")?;
    let pinned = setup::store::pinned(&mut db, digest).await.context("look for the image")?;
    drop(db);
    if pinned.as_ref().is_some_and(|name| name.starts_with(&format!("{registry}/"))) {
        return Ok(pinned);
    }
    let (repository, tag) = images::place_of(registry, image, digest);
    match engine.publish(digest, &repository, &tag).await {
        Ok(name) => Ok(Some(name)),
        Err(error) => {
            eprintln!(
                "warning: the image was not sent to {registry}, the worker goes on trying: {}",
                chain::of(&error)
            );
            Ok(None)
        }
    }
}

/// Instances check logins with the public half; only the web process has the other.
fn write_public_key(config: &Config) -> anyhow::Result<()> {
    let seed = read_hex_key(&config.web.sso_key_file)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok().context("the SSO key file holds no Ed25519 seed")?;
    let text = hex::encode(pair.public_key().as_ref());
    let path = &config.worker.sso_public_key_file;
    if std::fs::read_to_string(path).is_ok_and(|there| there.trim() == text) {
        return Ok(());
    }
    // Written beside and renamed, so that nobody reads half of it.
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).with_context(|| format!("write {}", fresh.display()))?;
    std::fs::rename(&fresh, path).with_context(|| format!("write {}", path.display()))
}
