//! Lets a request wait until its instance serves: a moment for a start, a restart or a move; and has it woken.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::table::{Route, State};

/// More would only collect requests that nobody will answer in time.
const MOST_HELD: u32 = 4_096;

/// Odoo has about twice as many connections to its database: those that waited for it come in by and by, not all in the
/// moment in which it wakes.
const ADMITTED_AT_ONCE: u32 = 12;

/// How often somebody who waits to be admitted looks again.
const ADMIT_EVERY: Duration = Duration::from_millis(10);

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
                Some(route) if is_crowded(&route) => {
                    tokio::time::sleep(ADMIT_EVERY).await;
                    continue;
                }
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

/// Whether every container works on as many requests as are admitted at once.
fn is_crowded(route: &Route) -> bool {
    route.state() == State::Serving && route.upstreams.iter().all(|upstream| upstream.requests() >= ADMITTED_AT_ONCE)
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
