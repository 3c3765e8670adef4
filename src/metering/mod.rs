//! What each environment uses: counted from cumulative counters, kept as samples, derived by hour.
//!
//! A number that is taken twice, late, or by two workers at once changes nothing; a gap loses nothing that a counter
//! still shows, and nothing is ever estimated upwards.

pub mod counting;
pub mod export;
pub mod readings;
pub mod refusals;
pub mod rollup;
pub mod sampling;
pub mod store;
pub mod units;
pub mod usage;
pub mod users;

use chrono::{DateTime, TimeDelta, Utc};

use crate::base::ids::EnvironmentId;

/// What is counted, with the raw unit of its quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Processor time, in microseconds.
    Cpu,
    /// Memory in use, in byte-seconds.
    Memory,
    /// Size of the database, in byte-seconds.
    Database,
    /// Bytes sent to visitors.
    Egress,
    /// Requests that were sent on to the environment, each once, whatever the answer; websockets count as one.
    Requests,
}

/// How a meter's numbers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow: what lies between two of them was used, however long ago the first was.
    Counter,
    /// They are true when they are taken, and are held for a while.
    Gauge,
}

impl Meter {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Database, Self::Egress, Self::Requests];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Database => "database",
            Self::Egress => "egress",
            Self::Requests => "requests",
        }
    }

    /// Reads the word kept in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meter| meter.as_str() == word)
    }

    /// Returns how its numbers come.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Cpu | Self::Egress | Self::Requests => Kind::Counter,
            Self::Memory | Self::Database => Kind::Gauge,
        }
    }

    /// Returns the longest time that one number speaks of.
    ///
    /// A gauge is held for two sampling intervals and no longer. A container is looked at all the time, so a gap in
    /// its counter is a gap of ours and is spread over. A proxy writes only when something happened: what it then
    /// shows happened just now.
    #[must_use]
    pub fn reach(self) -> TimeDelta {
        match self {
            Self::Cpu => TimeDelta::MAX,
            Self::Memory => sampling::SAMPLE_EVERY * 2,
            Self::Database => sampling::DATABASES_EVERY * 2,
            Self::Egress | Self::Requests => TimeDelta::seconds(60),
        }
    }
}

/// How much a quantity can be relied on. Each worse than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// From numbers taken at the usual times.
    Measured,
    /// Exact in sum; when it was used within a gap is not known and was spread evenly.
    Interpolated,
    /// At least this much: what was used before a counter began anew, or after a gauge was last seen, is not billed.
    LowerBound,
}

impl Quality {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
            Self::LowerBound => "lower_bound",
        }
    }

    /// Reads the word kept in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Measured, Self::Interpolated, Self::LowerBound].into_iter().find(|quality| quality.as_str() == word)
    }
}

/// The service that a source's container is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Its name: the containers of an environment that count side by side (an update, replicas) are of different ones.
    pub service: String,
    /// The generation of the specification that the container was started from.
    pub generation: i64,
}

/// A number as it was read, of one meter of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Whose.
    pub environment: EnvironmentId,
    /// What.
    pub meter: Meter,
    /// The run of the counter, or the thing that was measured: `container:<id>`, `proxy:<epoch>`, `database:<name>`.
    pub source: String,
    /// Since when the source counts for this environment.
    pub opened_at: DateTime<Utc>,
    /// Whether the source had counted before it was this environment's: then what the first number shows is not theirs.
    pub is_inherited: bool,
    /// When it was read.
    pub observed_at: DateTime<Utc>,
    /// The number.
    pub value: i64,
}
