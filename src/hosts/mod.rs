//! Machines that run containers, and which of them a runtime goes to.

pub mod placement;
mod reserve;
pub mod store;

use chrono::{DateTime, Utc};
pub use placement::{NoRoom, Placement};
pub use reserve::{ReserveError, reserve, room_for};

use crate::base::ids::HostId;

/// A machine that runs containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// The Swarm's id of the node.
    pub node: String,
    /// How the proxy reaches ports published on it.
    pub upstream_address: String,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// How much CPU may be promised, in percent of what there is.
    pub cpu_percent: i32,
    /// MiB kept for the machine itself.
    pub memory_kept_mb: i32,
    /// Whether it takes new runtimes.
    pub state: HostState,
    /// Why it is in this state, when there is something to say.
    pub state_reason: Option<String>,
    /// When the engine last said that it is ready.
    pub seen_at: Option<DateTime<Utc>>,
}

/// Whether a host takes new runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostState {
    /// It takes them.
    Active,
    /// It keeps what it has and takes no more, because staff or a check said so.
    Cordoned,
    /// The engine has lost it.
    Down,
}

impl HostState {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Cordoned => "cordoned",
            Self::Down => "down",
        }
    }

    /// Reads the word kept in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Cordoned, Self::Down].into_iter().find(|state| state.as_str() == word)
    }
}

/// A host and what has been promised on it, for staff's pages and for placing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The host.
    pub host: Host,
    /// Thousandths of a core promised to runtimes that are not gone.
    pub cpu_promised_millis: i64,
    /// MiB promised to runtimes that are not gone.
    pub memory_promised_mb: i64,
    /// How many runtimes that is.
    pub runtimes: i64,
}
