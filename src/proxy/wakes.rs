//! Which sleeping environments somebody waits for: noted by the serving threads, told to the worker by the feed.
//!
//! As many requests as there may be, an environment stands here once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::lock;
use crate::base::ids::EnvironmentId;

/// What was told is in the control database and stays there until the worker has seen it: telling it again is of no use
/// but to a wish that came between.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The wishes that are still to be told.
#[derive(Debug, Default)]
pub struct Wakes {
    asked: Mutex<BTreeSet<EnvironmentId>>,
    /// Holds one permit while there is something to tell.
    news: Notify,
    told: Mutex<HashMap<EnvironmentId, Instant>>,
}

impl Wakes {
    /// Notes that somebody waits for an environment.
    pub fn ask(&self, environment: EnvironmentId) {
        self.ask_at(environment, Instant::now());
    }

    fn ask_at(&self, environment: EnvironmentId, now: Instant) {
        let was_told = lock(&self.told).get(&environment).is_some_and(|at| now < *at + TELL_AGAIN_AFTER);
        if !was_told && lock(&self.asked).insert(environment) {
            self.news.notify_one();
        }
    }

    /// Waits until there may be something to tell.
    pub async fn asked(&self) {
        self.news.notified().await;
    }

    /// Returns what is to be told; it stays until [`Wakes::told`].
    #[must_use]
    pub fn to_tell(&self) -> Vec<EnvironmentId> {
        lock(&self.asked).iter().copied().collect()
    }

    /// Notes that these were told.
    pub fn told(&self, environments: &[EnvironmentId]) {
        let now = Instant::now();
        let mut told = lock(&self.told);
        told.retain(|_, at| now.duration_since(*at) < TELL_AGAIN_AFTER);
        told.extend(environments.iter().map(|environment| (*environment, now)));
        lock(&self.asked).retain(|environment| !environments.contains(environment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_requests_are_one_wish_and_a_wish_that_was_not_told_stays() {
        let wakes = Wakes::default();
        let environment = EnvironmentId::new(chrono::DateTime::UNIX_EPOCH);
        for _ in 0..500 {
            wakes.ask(environment);
        }
        wakes.asked().await;
        assert_eq!(wakes.to_tell(), [environment]);
        assert_eq!(wakes.to_tell(), [environment], "telling it may have failed");
        wakes.told(&[environment]);
        wakes.ask(environment);
        assert_eq!(wakes.to_tell(), [], "it was told a moment ago");
        wakes.ask_at(environment, Instant::now() + TELL_AGAIN_AFTER);
        wakes.asked().await;
        assert_eq!(wakes.to_tell(), [environment]);
    }
}
