//! Places where a test may kill the worker or stop it for a while: the way to try that every step survives it.
//!
//! Compiled always, so that what is tested is what runs; inert unless `sayoo worker` was given `SAYOO_CRASH_AT`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, getpid, kill_process};

static CRASH_AT: OnceLock<String> = OnceLock::new();
static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

/// Before the name of a place: the process is not killed there but stopped, once, until somebody lets it go on.
const STOP: &str = "stop@";

/// Arms one place, once for the life of the process.
pub fn arm(place: String) {
    tracing::warn!(place, "this worker will kill or stop itself at one place");
    // A second arming changes nothing: the first one counts.
    let _ = CRASH_AT.set(place);
}

/// Kills the process, without any tidying up, or stops it, when this place is the armed one.
pub fn point(place: &str) {
    let Some(armed) = CRASH_AT.get() else { return };
    if armed == place {
        // As kill -9 does it: no handler runs, nothing is put away. Nobody gets past this line.
        let _ = kill_process(getpid(), Signal::KILL);
        std::process::abort();
    }
    if armed.strip_prefix(STOP) == Some(place) && !HAS_STOPPED.swap(true, Ordering::SeqCst) {
        // A process that cannot stop itself goes on, which the test sees.
        let _ = kill_process(getpid(), Signal::STOP);
    }
}
