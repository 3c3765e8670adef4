//! Lets a request wait until its instance serves: a moment for a start, a restart or a move; and has it woken. How many are
//! let on at once then is for the upstream's gate to say.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::counters::Counters;
use super::table::{Route, State};

/// Waits until the host name serves, or until it is plain that it will not. Returns the route as it is then.
pub async fn until_serving(shared: &Shared, name: &str, patience: Duration) -> Option<Arc<Route>> {
    let first = shared.table.load().find(name).cloned()?;
    let place = Place::take(shared, &first.counters);
    if place.is_none() {
        // It has to wait elsewhere, but its wish counts.
        if first.state() == State::Asleep {
            shared.wakes.ask(first.row.environment);
        }
        return Some(Arc::clone(&first));
    }
    let mut swaps = shared.swaps.subscribe();
    let served = async {
        loop {
            let route = shared.table.load().find(name).cloned();
            match route {
                Some(route) if route.state() == State::Asleep => shared.wakes.ask(route.row.environment),
                Some(route) if route.state().is_coming() => {}
                other => return other,
            }
            if swaps.changed().await.is_err() {
                return None;
            }
        }
    };
    match tokio::time::timeout(patience, served).await {
        Ok(route) => route,
        Err(_) => shared.table.load().find(name).cloned(),
    }
}

/// One request that waits.
struct Place<'a> {
    shared: &'a Shared,
    counters: &'a Counters,
}

impl<'a> Place<'a> {
    /// An environment may have half of what the others left free: a crowd at some leaves room for the next one.
    ///
    /// More in all would only collect requests that nobody will answer in time.
    fn take(shared: &'a Shared, counters: &'a Counters) -> Option<Self> {
        let own = counters.held.load(Ordering::Relaxed);
        let most = shared.settings.limits.most_held;
        let next = |held| (own < most.saturating_sub(held).div_ceil(2)).then_some(held + 1);
        shared.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        counters.held.fetch_add(1, Ordering::Relaxed);
        Some(Self { shared, counters })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(1, Ordering::Relaxed);
        self.counters.held.fetch_sub(1, Ordering::Relaxed);
    }
}
