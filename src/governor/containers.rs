//! Instances' containers on this machine: which of them were at the limit of their plan all the time, and give way to the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::groups::Groups;
use super::rule::{Container, Standing};
use crate::engine::Engine;

/// Docker is asked whose a new container is at most this often,
const ASK_EVERY: Duration = Duration::from_secs(2);
/// and for those that were not ours once more after this: a new one is not listed at once.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// What is known of containers.
#[derive(Debug)]
pub struct Containers {
    groups: Groups,
    engine: Engine,
    ours: BTreeMap<String, Container>,
    /// Those that were there when Docker was asked last.
    seen: BTreeSet<String>,
    asked: Option<Instant>,
}

impl Containers {
    /// Knows of none yet.
    #[must_use]
    pub fn new(groups: Groups, engine: Engine) -> Self {
        Self { groups, engine, ours: BTreeMap::new(), seen: BTreeSet::new(), asked: None }
    }

    /// Looks at each container, and returns how many of ours give way.
    pub async fn look(&mut self) -> anyhow::Result<usize> {
        let there = self.groups.containers();
        self.ours.retain(|id, _| there.contains(id));
        let known = self.know(there).await;
        let mut heavy = 0;
        for (id, container) in &mut self.ours {
            let Some(now) = self.groups.slowed(id) else { continue };
            let (before, standing) = (container.standing(), container.looked(now));
            heavy += usize::from(standing == Standing::Heavy);
            if (standing != before || standing == Standing::Heavy)
                && let Err(error) = self.groups.stand(id, standing)
                && self.groups.slowed(id).is_some()
            {
                return Err(error).context("let a container give way");
            }
        }
        known?;
        Ok(heavy)
    }

    /// Lets every container stand as the others again.
    pub fn leave(&self) {
        for id in self.ours.keys() {
            drop(self.groups.stand(id, Standing::Usual));
        }
    }

    /// Asks Docker which are ours, when some are there that it was not asked about.
    async fn know(&mut self, there: BTreeSet<String>) -> anyhow::Result<()> {
        let is_due = |pause| self.asked.is_none_or(|asked| asked.elapsed() >= pause);
        let is_new = there.iter().any(|id| !self.seen.contains(id));
        let is_strange = there.len() > self.ours.len();
        if !(is_new && is_due(ASK_EVERY) || is_strange && is_due(ASK_AGAIN)) {
            return Ok(());
        }
        self.asked = Some(Instant::now());
        let found = self.engine.all_containers().await.context("ask Docker whose containers there are")?.found;
        for container in found.into_values().flatten() {
            if there.contains(&container.id) {
                self.ours.entry(container.id).or_default();
            }
        }
        self.seen = there;
        Ok(())
    }
}
