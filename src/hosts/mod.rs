//! Machines that run containers, and which of them a runtime goes to.

/// Makes an enum of words that are kept in the database.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// Returns the word kept in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word kept in the database.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

pub mod certificates;
pub mod checks;
pub mod firewall;
pub mod flapping;
pub mod left;
mod overview;
pub mod placement;
pub mod preview;
pub mod probes;
mod reserve;
pub mod settings;
pub mod steering;
pub mod store;
pub mod troubles;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, Utc};
pub use overview::{
    LeftRow, Overview, PlacementRow, Places, left_on, overview, placements_of, placements_on, places_of, silent_since,
};
pub use placement::{NoRoom, Placement};
pub use reserve::{
    Cause, ReserveError, crowded, keep_room, reserve, set_room_aside, take_room, take_room_apart, take_room_elsewhere,
};

use crate::base::ids::{HostId, ImageId, RuntimeId};
use crate::engine::daemons::TLS_PORT;
use checks::Check;
use probes::Probes;

/// A machine that runs containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// The Swarm's id of the node; empty until it has joined.
    pub node: String,
    /// How its daemon is reached: `unix://…`, or `tcp://…` with certificates.
    pub docker_endpoint: String,
    /// How the proxy reaches ports published on it.
    pub upstream_address: String,
    /// What fails together with it; empty when nobody said.
    pub zone: String,
    /// What is placed on it.
    pub pool: Pool,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// How much CPU may be promised, in percent of what there is.
    pub cpu_percent: i32,
    /// MiB kept for the machine itself.
    pub memory_kept_mb: i32,
    /// What staff want of it.
    pub wanted: Wanted,
    /// Why staff want it.
    pub wanted_reason: String,
    /// How the worker found it.
    pub state: HostState,
    /// Why it is in this state, when there is something to say.
    pub state_reason: Option<String>,
    /// What the last checks found.
    pub findings: Vec<Check>,
    /// When they were made.
    pub checked_at: Option<DateTime<Utc>>,
    /// What was found from inside a container on it.
    pub probes: Probes,
    /// When the engine last said that it is ready.
    pub seen_at: Option<DateTime<Utc>>,
    /// When the Swarm gave it up, while it is down.
    pub lost_at: Option<DateTime<Utc>>,
    /// The last times that it did, three at most.
    pub lost_times: Vec<DateTime<Utc>>,
    /// Another address at which staff want it reached; it is not, before the same machine answers there.
    pub address_wanted: Option<String>,
}

impl Host {
    /// Whether it is the worker's own machine, or one that is reached by a socket: it has no certificate, and cannot leave.
    #[must_use]
    pub fn is_reached_by_socket(&self) -> bool {
        !self.docker_endpoint.starts_with("tcp:")
    }
}

/// Returns how the daemon at an address is reached.
#[must_use]
pub fn endpoint_at(address: IpAddr) -> String {
    format!("tcp://{}", SocketAddr::new(address, TLS_PORT))
}

words! {
    /// How a host was found.
    HostState {
        /// It was asked to join; it takes nothing before it has.
        Joining = "joining",
        /// It takes new runtimes.
        Active = "active",
        /// It keeps what it has and takes no more, because staff or a check said so.
        Cordoned = "cordoned",
        /// The engine has lost it.
        Down = "down",
    }
}

words! {
    /// What staff want of a host.
    Wanted {
        /// It takes new runtimes.
        Open = "open",
        /// It keeps what it has and takes no more.
        Closed = "closed",
        /// What it has moves elsewhere, and it takes no more.
        Empty = "empty",
        /// It leaves the Swarm and is forgotten.
        Gone = "gone",
    }
}

words! {
    /// What is placed on a host.
    Pool {
        /// Everything.
        Any = "any",
        /// Production environments only.
        Production = "production",
        /// Everything but production.
        Test = "test",
    }
}

words! {
    /// Whether a host has an image.
    Supply {
        /// It fetches it.
        Coming = "coming",
        /// It has it.
        Here = "here",
        /// It has not, and could not get it.
        Lacking = "lacking",
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
    /// Which images it has or lacks, as far as that is known: what is not here can be fetched.
    pub images: BTreeMap<ImageId, Supply>,
    /// The spares among them, the oldest first.
    pub spares: Vec<Spare>,
}

/// A runtime that nobody has yet: its room is a customer's who needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spare {
    /// Which one.
    pub runtime: RuntimeId,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// Whether it was given up: its room comes back within moments.
    pub is_going: bool,
}

impl Load {
    /// Returns it as it is once its spares have made room.
    #[must_use]
    pub fn without_spares(&self) -> Self {
        let of = |part: fn(&Spare) -> i32| self.spares.iter().map(|spare| i64::from(part(spare))).sum::<i64>();
        Self {
            host: self.host.clone(),
            cpu_promised_millis: self.cpu_promised_millis - of(|spare| spare.cpu_millis),
            memory_promised_mb: self.memory_promised_mb - of(|spare| spare.memory_mb),
            runtimes: self.runtimes,
            images: self.images.clone(),
            spares: Vec::new(),
        }
    }
}

#[cfg(test)]
mod testing {
    use super::{Host, HostState, Load, Pool, Probes, Spare, Wanted};
    use crate::base::clock::Clock;
    use crate::base::ids::{HostId, RuntimeId};

    /// A host with two cores and this much memory, of which so much is promised.
    pub(super) fn load(name: &str, memory_mb: i32, promised_mb: i64) -> Load {
        let host = Host {
            id: HostId::new(Clock::System.now()),
            name: name.to_owned(),
            node: name.to_owned(),
            docker_endpoint: format!("tcp://{name}:2376"),
            upstream_address: "127.0.0.1".to_owned(),
            zone: String::new(),
            pool: Pool::Any,
            cpu_millis: 2000,
            memory_mb,
            cpu_percent: 800,
            memory_kept_mb: 1024,
            wanted: Wanted::Open,
            wanted_reason: String::new(),
            state: HostState::Active,
            state_reason: None,
            findings: Vec::new(),
            checked_at: None,
            probes: Probes::default(),
            seen_at: None,
            lost_at: None,
            lost_times: Vec::new(),
            address_wanted: None,
        };
        Load {
            host,
            cpu_promised_millis: 0,
            memory_promised_mb: promised_mb,
            runtimes: 0,
            images: super::BTreeMap::new(),
            spares: Vec::new(),
        }
    }

    /// A spare with this much memory.
    pub(super) fn spare(memory_mb: i32) -> Spare {
        Spare { runtime: RuntimeId::new(Clock::System.now()), cpu_millis: 100, memory_mb, is_going: false }
    }
}
