//! Images: what somebody needs is in the registry and on every machine before anybody waits for it; what nobody has needed
//! for a while goes from the machines.
//!
//! That a registry does not answer changes nothing: what machines have, they have.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::chain;
use crate::base::ids::HostId;
use crate::db::{self, StoreError};
use crate::engine::{ContainerSeen, Daemon};
use crate::hosts::{self, Host, HostState, Supply, Wanted};

use super::Site;
use super::driver::{Outcome, Task};
use super::hosts::machines::daemon_of;
use super::lease::Lease;
use store::{Needed, Supplied};

/// How often the registry is asked whether it has everything.
const REGISTRY_EVERY: Duration = Duration::from_mins(5);
/// How often a machine is.
const MACHINE_EVERY: Duration = Duration::from_mins(2);
/// How often what could not be done is tried again: somebody is mending it.
const FAULT_EVERY: Duration = Duration::from_secs(20);
/// How long an image that nobody needs stays: whoever takes a rollout back wants the one before.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// Returns where an image is in a registry: the repository, and a tag that nothing else ever gets. What keeps its tag is not
/// taken for rubbish, neither there nor on a machine.
#[must_use]
pub fn place_of(registry: &str, reference: &str, digest: &str) -> (String, String) {
    let name = match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    };
    let name = name.strip_prefix(registry).map_or(name, |rest| rest.trim_start_matches('/'));
    let content = digest.strip_prefix("sha256:").unwrap_or(digest);
    (format!("{registry}/{name}"), format!("sha-{}", content.get(..12).unwrap_or(content)))
}

/// How a start stands as far as its image is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its machine has had the image since then, so that its program can be judged by the time that it takes.
    Since(DateTime<Utc>),
    /// Its machine fetches the image: how long that takes says nothing about the image.
    Coming,
    /// Its machine cannot get the image.
    Never,
}

/// Says how a start stands that was begun then, on a machine of which this is known. Where there is a container already, there
/// is an image.
#[must_use]
pub fn wait_of(
    began_at: DateTime<Utc>,
    supply: Option<(Supply, DateTime<Utc>)>,
    containers: &[ContainerSeen],
    generation: i64,
) -> Wait {
    let is_of = |seen: &ContainerSeen| i64::try_from(seen.generation) == Ok(generation);
    match supply {
        Some((Supply::Here, since)) => Wait::Since(began_at.max(since)),
        Some(_) if containers.iter().any(is_of) => Wait::Since(began_at),
        Some((Supply::Coming, _)) => Wait::Coming,
        Some((Supply::Lacking, _)) => Wait::Never,
        None => Wait::Since(began_at),
    }
}

/// Reads what a row says of a machine's image.
#[must_use]
pub fn supply_of(state: Option<&str>, since: Option<DateTime<Utc>>) -> Option<(Supply, DateTime<Utc>)> {
    Supply::from_word(state?).zip(since)
}

/// The task that looks after the registry.
pub struct Images {
    site: Arc<Site>,
}

impl Images {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    /// Makes sure that the registry has an image. Returns whether it has.
    async fn publish(&self, lease: &Lease, registry: &str, image: &Needed) -> anyhow::Result<bool> {
        let (repository, tag) = place_of(registry, &image.reference, &image.digest);
        let pinned = image.pinned.as_deref().filter(|name| name.starts_with(&format!("{registry}/")));
        let is_there = match pinned {
            Some(name) => self.site.engine.is_published(name).await,
            None => Ok(false),
        };
        let published = match is_there {
            Ok(true) => return Ok(true),
            Ok(false) => {
                lease.hold(&self.site.db, &self.site.clock).await?;
                self.site.engine.publish(&image.digest, &repository, &tag).await
            }
            Err(error) => Err(error),
        };
        let name = match published {
            Ok(name) => name,
            Err(error) => {
                tracing::warn!(image = image.digest, registry, error = chain::of(&error), "an image is not published");
                return Ok(false);
            }
        };
        tracing::info!(image = image.digest, name, "an image was published");
        let mut tx = lease.begin(&self.site.db).await?;
        store::set_pinned(&mut tx, image.id, &name).await?;
        db::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Task for Images {
    const NAME: &'static str = "images";
    const AT_ONCE: usize = 1;
    /// As long as one image of two gigabytes takes.
    const LIMIT: Duration = Duration::from_mins(20);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh_registry(db, Self::NAME, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let mut tx = lease.begin(&site.db).await?;
        store::note_use(&mut tx, site.clock.now()).await?;
        let needed = store::needed(&mut tx).await?;
        hosts::store::note_out_of_reach(&mut tx, site.clock.now()).await?;
        tx.commit().await?;
        let Some(registry) = &site.registry else { return Ok(Outcome::Settled(REGISTRY_EVERY)) };
        let mut has_all = true;
        for image in &needed {
            has_all &= self.publish(lease, registry, image).await?;
        }
        Ok(if has_all { Outcome::Settled(REGISTRY_EVERY) } else { Outcome::Later(FAULT_EVERY) })
    }
}

/// The task that looks after what each machine has.
pub struct Supplies {
    site: Arc<Site>,
}

impl Supplies {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn note(
        &self,
        lease: &Lease,
        host: &Host,
        image: &Supplied,
        how: (Supply, Option<&str>),
    ) -> anyhow::Result<()> {
        if (image.state.as_deref(), image.failure.as_deref()) == (Some(how.0.as_str()), how.1) {
            return Ok(());
        }
        let mut tx = lease.begin(&self.site.db).await?;
        store::set_supply(&mut tx, (host.id, image.id), how, self.site.clock.now()).await?;
        // Somebody may wait for it.
        db::wake(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Makes sure that a machine has an image. Returns what was found, and whether it had to be fetched.
    async fn supply(
        &self,
        lease: &Lease,
        host: &Host,
        daemon: &Daemon,
        image: &Supplied,
    ) -> anyhow::Result<(Supply, bool)> {
        let engine = &self.site.engine;
        let reference = image.pinned.as_deref().unwrap_or(&image.digest);
        if engine.image_on(daemon, reference).await.context("look for an image")?.is_some() {
            self.note(lease, host, image, (Supply::Here, None)).await?;
            return Ok((Supply::Here, false));
        }
        if image.pinned.is_none() {
            let failure = match self.site.registry {
                Some(_) => "it could not be sent to the registry yet",
                None => "it is in no registry: set [odoo] registry",
            };
            self.note(lease, host, image, (Supply::Lacking, Some(failure))).await?;
            return Ok((Supply::Lacking, false));
        }
        // What could not be got a moment ago is not called on its way again before something has arrived.
        if image.state.as_deref() != Some(Supply::Lacking.as_str()) {
            self.note(lease, host, image, (Supply::Coming, None)).await?;
        }
        lease.hold(&self.site.db, &self.site.clock).await?;
        let fetched = engine.fetch_on(daemon, reference).await;
        let failure = fetched.as_ref().err().map(|error| chain::of(error));
        let how = match &fetched {
            Ok(()) => Supply::Here,
            // Slow is not failed: Docker keeps what has arrived, and goes on from there.
            Err(error) if error.is_late() => return Ok((Supply::Coming, true)),
            Err(_) => Supply::Lacking,
        };
        if let Some(failure) = &failure {
            tracing::warn!(host = host.name, image = reference, failure, "a host cannot get an image");
        }
        // What was said meanwhile is to be replaced; that it still cannot be got is no news.
        let before = match image.state.as_deref() {
            Some("lacking") => image.clone(),
            _ => Supplied { state: None, ..image.clone() },
        };
        self.note(lease, host, &before, (how, failure.as_deref())).await?;
        Ok((how, true))
    }

    /// Drops what nobody has needed for long. What a container uses stays.
    async fn drop_unneeded(&self, lease: &Lease, host: &Host, daemon: &Daemon) -> anyhow::Result<()> {
        let site = &self.site;
        let mut db = site.db.acquire().await?;
        let unneeded = store::unneeded(&mut db, host.id, site.clock.now() - KEPT_FOR).await?;
        drop(db);
        for image in unneeded {
            lease.hold(&site.db, &site.clock).await?;
            tracing::info!(host = host.name, image = image.digest, "drops an image that nobody needs");
            let tagged = image.pinned.as_deref().and_then(|name| name.split_once('@')).map(|(repository, _)| {
                let (_, tag) = place_of("", &image.reference, &image.digest);
                format!("{repository}:{tag}")
            });
            for name in tagged.iter().chain(&image.pinned).chain([&image.digest]) {
                site.engine.drop_image_on(daemon, name).await.context("drop an image")?;
            }
            let mut tx = lease.begin(&site.db).await?;
            store::forget_supply(&mut tx, host.id, image.id).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Task for Supplies {
    const NAME: &'static str = "supplies";
    const AT_ONCE: usize = 8;
    /// As long as one image of two gigabytes takes.
    const LIMIT: Duration = Duration::from_mins(20);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh_machines(db, Self::NAME, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let id: HostId = lease.subject.to_string().parse()?;
        let mut db = site.db.acquire().await?;
        let host = hosts::store::find(&mut db, id).await?;
        let needed = store::supplied(&mut db, id).await?;
        drop(db);
        // One that is lost is asked nothing, and one that joins fetches the present image first.
        let is_there =
            |host: &Host| matches!(host.state, HostState::Active | HostState::Cordoned) && host.wanted != Wanted::Gone;
        let Some(host) = host.filter(is_there) else { return Ok(Outcome::Over) };
        let daemon = daemon_of(&host).context("a host's address is no IP address")?;
        let mut has_all = true;
        for image in &needed {
            let (how, was_fetched) = self.supply(lease, &host, &daemon, image).await?;
            has_all &= how == Supply::Here;
            if was_fetched && how != Supply::Lacking {
                // One at a time: a turn has an end.
                return Ok(Outcome::Again);
            }
        }
        self.drop_unneeded(lease, &host, &daemon).await?;
        Ok(if has_all { Outcome::Settled(MACHINE_EVERY) } else { Outcome::Later(FAULT_EVERY) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_which_a_machine_fetches_an_image_is_not_counted() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap();
        let wait = |supply| wait_of(at(0), supply, &[], 1);
        assert_eq!(wait(None), Wait::Since(at(0)));
        assert_eq!(wait(Some((Supply::Here, at(-900)))), Wait::Since(at(0)), "it was there before");
        assert_eq!(wait(Some((Supply::Here, at(600)))), Wait::Since(at(600)), "it arrived after ten minutes");
        assert_eq!(wait(Some((Supply::Coming, at(0)))), Wait::Coming);
        assert_eq!(wait(Some((Supply::Lacking, at(0)))), Wait::Never);
    }

    #[test]
    fn an_image_has_a_tag_of_its_own_content() {
        let digest = "sha256:0123456789abcdef0123456789abcdef";
        let place = |reference| place_of("10.0.0.1:5000", reference, digest);
        let expected = ("10.0.0.1:5000/sayoo/odoo".to_owned(), "sha-0123456789ab".to_owned());
        for reference in ["sayoo/odoo:19.0", "sayoo/odoo", "10.0.0.1:5000/sayoo/odoo:19.0"] {
            assert_eq!(place(reference), expected, "{reference}");
        }
    }
}
