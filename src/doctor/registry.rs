//! The registry: it answers, takes our login, and has every image that somebody needs.

use super::{Finding, store};
use crate::base::chain;
use crate::config::Config;
use crate::db;
use crate::engine::{Certificates, Engine, RegistryLogin, Swarm};

const WHAT: &str = "image registry";

/// Looks at the registry, if there is one.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let Some(registry) = &config.odoo.registry else { return Vec::new() };
    let looked = async {
        let pool = db::pool(&config.database.owner_url, 1)?;
        let mut db = pool.acquire().await?;
        let images = store::images_in_use(&mut db).await?;
        Ok::<_, anyhow::Error>((engine(config, registry)?, images))
    };
    match looked.await {
        Ok((engine, images)) => vec![has_all(&engine, registry, &images).await],
        Err(error) => vec![Finding::weak(WHAT, chain::of_any(&error), "see control database and Docker above")],
    }
}

fn engine(config: &Config, registry: &str) -> anyhow::Result<Engine> {
    let certificates = Some(Certificates::in_folder(&config.docker_certificates()));
    let (docker, address) = (&config.worker.docker, config.worker.upstream_address.parse::<std::net::IpAddr>()?);
    let swarm = Swarm::with_certificates(docker, &config.installation.name, address, certificates)?;
    let file = config.odoo.registry_login_file.clone();
    let login = file.map(|file| RegistryLogin { registry: registry.to_owned(), file });
    Ok(Engine::Swarm(swarm.with_login(login)))
}

async fn has_all(engine: &Engine, registry: &str, images: &[Option<String>]) -> Finding {
    let again = "the worker sends it within five minutes, as long as this machine has it: is the worker running?";
    let mut missing = 0;
    for image in images {
        let Some(name) = image.as_deref().filter(|name| name.starts_with(&format!("{registry}/"))) else {
            missing += 1;
            continue;
        };
        match engine.is_published(name).await {
            Ok(true) => {}
            Ok(false) => missing += 1,
            Err(error) => {
                let remedy = "is it up (bin/up starts the one that it runs), and is [odoo] registry_login_file right? \
                              Machines go on with what they have";
                return Finding::bad(WHAT, format!("{registry}: {}", chain::of(&error)), remedy);
            }
        }
    }
    match missing {
        0 => Finding::good(WHAT, format!("{registry} has all {} images in use", images.len())),
        _ => Finding::weak(WHAT, format!("{registry} lacks {missing} of {} images in use", images.len()), again),
    }
}
