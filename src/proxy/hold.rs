//! Lets a request wait until its instance serves: a moment for a start, a restart or a move; and has it woken. How many are
//! let on at once then is for the upstream's gate to say.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::table::{Route, State};

/// More would only collect requests that nobody will answer in time.
const MOST_HELD: u32 = 4_096;

/// Waits until the host name serves, or until it is plain that it will not. Returns the route as it is then.
pub async fn until_serving(shared: &Shared, name: &str, patience: Duration) -> Option<Arc<Route>> {
    let _place = Place::take(shared);
    if shared.held.load(Ordering::Relaxed) > MOST_HELD {
        let route = shared.table.load().find(name).cloned();
        // It has to wait elsewhere, but its wish counts.
        if let Some(route) = route.as_ref().filter(|route| route.state() == State::Asleep) {
            shared.wakes.ask(route.row.environment);
        }
        return route;
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
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Self {
        shared.held.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}
