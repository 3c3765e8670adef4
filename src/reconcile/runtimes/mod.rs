//! A runtime: one database, one login role and one service, all named after its code. Shared by environments and spares.

pub mod look;
pub mod provide;
pub mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::base::ids::{HostId, RuntimeId};
use crate::engine::ServiceName;
use crate::hosts::Supply;
use crate::tenant_db::{DatabaseName, RoleName};

/// What was found on the last look. `Unknown` means that the look itself failed: it is never read as absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// Nothing is known.
    Unknown,
    /// This was found.
    Known(T),
}

/// How far the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// There is none.
    Missing,
    /// A clone that was interrupted; no tenant has ever been in it.
    HalfMade,
    /// It is complete.
    Ready,
}

/// How the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// There is none.
    Missing,
    /// It is there and has no containers: it sleeps.
    AtRest,
    /// It is not as it must be.
    Outdated,
    /// It is as it must be.
    Current,
}

/// What is missing of a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The login role.
    pub role: bool,
    /// The database.
    pub database: bool,
    /// The service.
    pub service: bool,
}

impl Parts {
    /// Nothing is missing.
    pub const NONE: Self = Self { role: false, database: false, service: false };
}

/// How far a runtime is, as it was last written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has never been ready.
    Building,
    /// It has been ready and has a machine.
    Ready,
    /// It has no machine; its database is kept.
    Stopped,
    /// Nothing of it is left.
    Gone,
}

impl State {
    /// Reads the word in the table.
    pub fn parse(word: &str) -> anyhow::Result<Self> {
        Ok(match word {
            "building" => Self::Building,
            "ready" => Self::Ready,
            "stopped" => Self::Stopped,
            "gone" => Self::Gone,
            other => anyhow::bail!("{other:?} is no state of a runtime"),
        })
    }
}

/// A runtime's row, with what it needs of its image, template and machine.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Which one.
    pub id: RuntimeId,
    /// What everything of it is named after.
    pub code: String,
    /// The image: its content (`sha256:…`), or the name by which its machine gets exactly this one (`…@sha256:…`).
    pub image: String,
    /// Whether its machine has that image, and since when, as far as it is known.
    pub supply: Option<(Supply, DateTime<Utc>)>,
    /// The database that it is cloned from.
    pub template_database: String,
    /// The modules in that database.
    pub modules: Vec<String>,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// The machine, while it has one.
    pub host: Option<HostId>,
    /// That machine's name in the Swarm.
    pub node: Option<String>,
    /// Whether the Swarm has lost its machine.
    pub is_lost: bool,
    /// Whether the login role must get the new password, so that containers on a lost machine are off the database.
    pub is_rotating: bool,
    /// Part of the login role's name.
    pub login_generation: i32,
    /// The generation of its service.
    pub service_generation: i64,
    /// Which of the two names its service has.
    pub service_slot: i16,
    /// The number of the replica that this is about; nothing for the first container.
    pub replica: Option<i32>,
    /// The restarts that its service has.
    pub restarts_done: i64,
    /// When the database was made the customer's own.
    pub personalised_at: Option<DateTime<Utc>>,
    /// The name of its address as its database was told; nothing while that is not certain.
    pub known_as: Option<String>,
    /// Since when it is to sleep.
    pub asleep_since: Option<DateTime<Utc>>,
    /// When something in its database is due, as it was when it fell asleep.
    pub wakes_at: Option<DateTime<Utc>>,
    /// Once it was woken: the earliest time at which it may sleep again.
    pub awake_until: Option<DateTime<Utc>>,
    /// How far it is.
    pub state: State,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Since when an image that has not served yet is tried, where one did before; since its last start.
    pub on_trial_since: Option<DateTime<Utc>>,
}

impl Runtime {
    /// Returns its database's name.
    pub fn database(&self) -> anyhow::Result<DatabaseName> {
        DatabaseName::parse(&self.code).context("a runtime's code is no name of a database")
    }

    /// Returns its login role's name.
    pub fn role(&self) -> anyhow::Result<RoleName> {
        match self.replica {
            None => self.owner(),
            Some(number) => RoleName::of_replica(&self.code, self.login_generation, number)
                .context("a runtime's code is no name of a role"),
        }
    }

    /// Returns the name of the role that owns everything in its database: the first container's.
    pub fn owner(&self) -> anyhow::Result<RoleName> {
        RoleName::of(&self.code, self.login_generation).context("a runtime's code is no name of a role")
    }

    /// Returns how new an order for its service or its login role is: an older one never undoes it.
    #[must_use]
    pub fn generation(&self) -> u64 {
        u64::try_from(self.service_generation).unwrap_or(0)
    }

    /// Whether its database certainly knows that this is its address.
    #[must_use]
    pub fn knows(&self, subdomain: &str) -> bool {
        self.known_as.as_deref() == Some(subdomain)
    }

    /// Returns the machines that may have a container of its service.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        self.node.iter().map(String::as_str).collect()
    }

    /// Returns its service's name.
    pub fn service(&self, installation: &str) -> anyhow::Result<ServiceName> {
        match self.replica {
            None => ServiceName::of_slot(installation, &self.code, self.service_slot),
            Some(number) => ServiceName::of_replica(installation, &self.code, number),
        }
        .context("a runtime's code is no name of a service")
    }
}
