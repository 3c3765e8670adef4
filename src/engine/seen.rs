//! What the engine shows us: services, containers, machines, counters, logs.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::ServiceName;
use crate::base::ids::RuntimeId;

/// A service with our label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSeen {
    /// Its name.
    pub name: ServiceName,
    /// Whose it is; `None` when the label is missing or cannot be read.
    pub runtime: Option<RuntimeId>,
    /// The generation of its specification.
    pub generation: u64,
    /// The fingerprint of its specification: compare with `ServiceSpec::fingerprint`.
    pub fingerprint: String,
    /// How many containers are wanted.
    pub replicas: u32,
    /// How often it has been restarted on request.
    pub restarts: u64,
    /// The image's content: `sha256:…`.
    pub image: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// Made, not started yet.
    Created,
    /// The process runs; its health check has not answered yet.
    Starting,
    /// The process runs, and its health check passed or does not exist.
    Running,
    /// The process runs but its health check fails.
    Unhealthy,
    /// The process has ended.
    Exited,
}

impl ContainerState {
    /// Whether there is a process.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Unhealthy)
    }
}

/// A container of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSeen {
    /// The engine's id: a new container never has an old one's.
    pub id: String,
    /// The Swarm's id of the machine it is on.
    pub node: String,
    /// The generation of the specification it was started from.
    pub generation: u64,
    /// Where its HTTP port is reached, while it runs.
    pub address: Option<SocketAddr>,
    /// Where its websocket port is reached, while it runs.
    pub websocket_address: Option<SocketAddr>,
    /// How it is.
    pub state: ContainerState,
    /// When its process was started.
    pub started_at: Option<DateTime<Utc>>,
    /// The exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for using more memory than it may.
    pub was_oom_killed: bool,
    /// Why it could not be started, in the engine's words.
    pub failure: Option<String>,
}

/// How a container that runs once has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; `None` when it was killed at the deadline.
    pub exit_code: Option<i64>,
    /// The last lines that it wrote.
    pub log_tail: String,
    /// From its creation to its end.
    pub took: Duration,
}

impl Finished {
    /// Whether it ended by itself and well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit_code == Some(0)
    }
}

/// A machine of the Swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    /// The Swarm's id.
    pub node: String,
    /// The machine's name.
    pub hostname: String,
    /// Whether the Swarm says that it is ready. A machine that is not `ready` may still be running containers.
    pub is_ready: bool,
    /// Whether the Swarm has given it up. One that is merely not known to be ready (after a change of the leading
    /// manager, say) is not lost.
    pub is_lost: bool,
    /// Whether the Swarm gives it work.
    pub is_active: bool,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// The engine's version.
    pub engine_version: String,
}

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSeen {
    /// Its content: `sha256:…`.
    pub digest: String,
    /// Its labels: what it says about itself.
    pub labels: std::collections::BTreeMap<String, String>,
}

/// Counters of one container at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose container it is.
    pub runtime: RuntimeId,
    /// The Swarm's id of the machine it is on.
    pub node: String,
    /// The service that it is of; empty when it is of none.
    pub service: String,
    /// The generation of the specification it was started from.
    pub generation: u64,
    /// The container: counters begin anew with another one.
    pub container: String,
    /// When it was started: its counters were 0 then.
    pub started_at: DateTime<Utc>,
    /// When the counters were read, by the engine's clock.
    pub read_at: DateTime<Utc>,
    /// CPU time used since the container was started, in nanoseconds.
    pub cpu_nanos: u64,
    /// Memory in use that cannot be dropped: what counts against the limit less inactive file pages.
    pub memory_bytes: u64,
}

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The container's id.
    pub container: String,
    /// The engine's time of the line, in nanoseconds since 1970.
    pub at_nanos: i64,
    /// Where it was written.
    pub stream: Stream,
    /// The text, without its end of line.
    pub text: String,
}

/// A daemon's place in a Swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// In none.
    #[default]
    None,
    /// A member, known by this id.
    Member(String),
    /// On its way in, or locked, or in trouble.
    Unsettled,
}

/// A daemon itself, as `sayoo doctor` and the hosts page judge it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonSeen {
    /// Such as `20.10.24`.
    pub version: String,
    /// The newest version of the API that it speaks.
    pub api_version: String,
    /// Whether it is a manager of a Swarm: only a manager takes our orders.
    pub is_manager: bool,
    /// Its place in a Swarm.
    pub membership: Membership,
    /// The machine's own name.
    pub hostname: String,
    /// Whether containers on the default network reach each other. They must not.
    pub containers_can_talk: bool,
    /// The address that published ports are bound to.
    pub publishes_on: String,
    /// What the daemon enforces on every container: seccomp, no-new-privileges, …
    pub security_options: Vec<String>,
    /// How it keeps images: `overlay2`, say.
    pub storage_driver: String,
    /// 1 or 2.
    pub cgroup_version: u8,
    /// Whether a container's memory can be limited.
    pub limits_memory: bool,
    /// Whether a container's CPU can be limited.
    pub limits_cpu: bool,
    /// Whether a container's processes can be limited.
    pub limits_processes: bool,
    /// How far its clock is ahead of ours, when it told the time.
    pub clock_ahead: Option<TimeDelta>,
    /// By how much that may be wrong: half of the time that the question took.
    pub clock_doubt: TimeDelta,
    /// Until when the certificate is good that it showed us; `None` where it is reached by a socket.
    pub certificate_until: Option<DateTime<Utc>>,
    /// Until when ours is good that we showed it.
    pub own_certificate_until: Option<DateTime<Utc>>,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
}
