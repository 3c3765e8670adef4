//! The images of the make-believe engine: every machine has each, unless it was told otherwise; and a registry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Simulated, State};
use crate::engine::{Daemon, Error, ImageSeen, Result, ServiceName};

/// Where images are not.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// Machines and names of images that they do not have.
    absent: BTreeSet<(String, String)>,
    /// What the registry has: the names by which machines get it.
    published: BTreeSet<String>,
    is_registry_away: bool,
}

impl Images {
    pub(super) fn is_absent(&self, node: &str, image: &str) -> bool {
        self.absent.contains(&(node.to_owned(), image.to_owned()))
    }
}

impl Simulated {
    /// Takes an image, by one of its names, off a machine, or puts it there: what waits for it starts then.
    pub fn set_absent(&self, node: &str, image: &str, is_absent: bool) {
        let now = self.clock.now();
        let mut state = self.lock();
        let place = (node.to_owned(), image.to_owned());
        if is_absent {
            state.images.absent.insert(place);
        } else {
            state.images.absent.remove(&place);
        }
        state.converge_all(now);
    }

    /// Makes the registry stop answering, or answer again.
    pub fn set_registry_away(&self, is_away: bool) {
        self.lock().images.is_registry_away = is_away;
    }

    /// Makes a registry lose all that it has.
    pub fn empty_registry(&self) {
        self.lock().images.published.clear();
    }

    /// Returns what the registry has.
    #[must_use]
    pub fn published(&self) -> Vec<String> {
        self.lock().images.published.iter().cloned().collect()
    }

    /// Whether a machine has an image, by this name.
    #[must_use]
    pub fn has_image(&self, node: &str, image: &str) -> bool {
        !self.lock().images.is_absent(node, image)
    }

    pub(in crate::engine) async fn image(&self, reference: &str) -> Result<Option<ImageSeen>> {
        self.answer("image", |state, _| {
            let node = state.nodes.keys().next().cloned().unwrap_or_default();
            Ok(state.image(&node, reference))
        })
        .await
    }

    pub(in crate::engine) async fn image_on(&self, daemon: &Daemon, reference: &str) -> Result<Option<ImageSeen>> {
        self.answer("image_on", |state, _| Ok(state.image(&daemon.node, reference))).await
    }

    pub(in crate::engine) async fn drop_image_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        self.change("drop_image_on", |state, _| {
            state.images.absent.insert((daemon.node.clone(), reference.to_owned()));
            Ok(())
        })
        .await
    }

    pub(in crate::engine) async fn fetch_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        self.change("fetch_on", |state, now| {
            if state.images.is_absent(&daemon.node, reference) {
                state.registry_has(reference)?;
                state.images.absent.remove(&(daemon.node.clone(), reference.to_owned()));
                state.converge_all(now);
            }
            Ok(())
        })
        .await
    }

    pub(in crate::engine) async fn publish(&self, digest: &str, repository: &str, _: &str) -> Result<String> {
        self.change("publish", |state, _| {
            let name = format!("{repository}@{digest}");
            if state.images.is_registry_away {
                return Err(Error::Unreachable("the simulated registry does not answer".into()));
            }
            state.images.published.insert(name.clone());
            Ok(name)
        })
        .await
    }

    pub(in crate::engine) async fn is_published(&self, reference: &str) -> Result<bool> {
        self.answer("is_published", |state, _| match state.registry_has(reference) {
            Ok(()) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }
}

impl State {
    fn image(&self, node: &str, reference: &str) -> Option<ImageSeen> {
        let digest = if reference.starts_with("sha256:") { reference.to_owned() } else { format!("sha256:{:064x}", 1) };
        (!self.images.is_absent(node, reference)).then(|| ImageSeen { digest, labels: BTreeMap::new() })
    }

    fn registry_has(&self, reference: &str) -> Result<()> {
        if self.images.is_registry_away {
            return Err(Error::Unreachable("the simulated registry does not answer".into()));
        }
        if !self.images.published.contains(reference) {
            return Err(Error::NotFound("manifest unknown".into()));
        }
        Ok(())
    }

    fn converge_all(&mut self, now: chrono::DateTime<chrono::Utc>) {
        let names: Vec<ServiceName> = self.services.keys().cloned().collect();
        for name in names {
            self.converge(&name, now);
        }
    }
}
