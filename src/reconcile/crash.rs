//! Places where a test may kill the worker: the way to try that every step survives it.
//!
//! Compiled always, so that what is tested is what runs; inert unless `sayoo worker` was given `SAYOO_CRASH_AT`.

use std::sync::OnceLock;

static CRASH_AT: OnceLock<String> = OnceLock::new();

/// Arms one place, once for the life of the process.
pub fn arm(place: String) {
    tracing::warn!(place, "this worker will kill itself at one place");
    // A second arming changes nothing: the first one counts.
    let _ = CRASH_AT.set(place);
}

/// Kills the process, without any tidying up, when this place is the armed one.
pub fn point(place: &str) {
    if CRASH_AT.get().is_some_and(|armed| armed == place) {
        std::process::abort();
    }
}
