//! What we ask of the machine that runs containers, in our own words. `swarm.rs` says it to Docker.
//!
//! Everything we make carries our labels, and nothing without them is ever touched.

pub mod daemons;
pub mod names;
mod registry;
pub mod seen;
mod simulated;
pub mod spec;
mod swarm;

use std::collections::BTreeMap;
use std::time::Duration;

pub use daemons::{Certificates, Daemon, Everywhere};
pub use names::ServiceName;
pub use registry::RegistryLogin;
pub use seen::{
    ContainerSeen, ContainerState, DaemonSeen, Finished, ImageSeen, LogLine, Membership, NodeSeen, Reading,
    ServiceSeen, Stream,
};
pub use simulated::{Behaviour, Simulated};
pub use spec::{HealthCheck, ServiceSpec, TaskSpec};
pub use swarm::Swarm;

/// The engine: a real Docker in Swarm mode, or a simulated one for scale. Cheap to copy.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Docker in Swarm mode.
    Swarm(Swarm),
    /// A make-believe engine in memory, for benchmarks and model tests.
    Simulated(Simulated),
}

/// Why the engine did not do what was asked. Classified where it enters, so that nobody looks at a status code later.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing that was named is not there. Never returned by looking (`observe` says `None`).
    #[error("the engine has no such thing")]
    NotFound(#[source] Cause),
    /// Somebody else changed it, or it is newer than what was asked for: look again.
    #[error("the engine's state has moved on")]
    Conflict(#[source] Cause),
    /// No answer, or none in time: nothing is known about whether it was done.
    #[error("the engine does not answer")]
    Unreachable(#[source] Cause),
    /// The engine understood and said no: asking the same again will not help.
    #[error("the engine refused")]
    Rejected(#[source] Cause),
}

impl Error {
    /// Whether it is only that something was not done in time.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Unreachable(cause) if cause.is::<tokio::time::error::Elapsed>())
    }
}

/// What the engine, or the road to it, said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result of asking the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// The label that marks what belongs to an installation: its value is the installation's name.
pub const LABEL_INSTALLATION: &str = "sayoo.installation";
/// The label with the runtime's id.
pub const LABEL_RUNTIME: &str = "sayoo.runtime";
/// The label with the generation of the service's specification: an older one never replaces a newer one.
pub const LABEL_GENERATION: &str = "sayoo.generation";
/// The label with the fingerprint of the whole specification: equal means that nothing is to be done.
pub const LABEL_FINGERPRINT: &str = "sayoo.fingerprint";
/// The label on containers that run once; its value says what for.
pub const LABEL_TASK: &str = "sayoo.task";

/// Hands a call to whichever engine there is.
macro_rules! ask {
    ($engine:expr, $verb:ident($($argument:expr),*)) => {
        match $engine {
            Engine::Swarm(engine) => engine.$verb($($argument),*).await,
            Engine::Simulated(engine) => engine.$verb($($argument),*).await,
        }
    };
}

impl Engine {
    /// Looks at one service; `None` means that it is certainly not there.
    pub async fn observe(&self, name: &ServiceName) -> Result<Option<ServiceSeen>> {
        ask!(self, observe(name))
    }

    /// Lists every service with our label.
    pub async fn list(&self) -> Result<Vec<ServiceSeen>> {
        ask!(self, list())
    }

    /// Creates the service, or changes it to be as `spec` says; does nothing if it is so already.
    ///
    /// A service whose generation is newer is left alone: [`Error::Conflict`].
    pub async fn apply(&self, spec: &ServiceSpec) -> Result<()> {
        ask!(self, apply(spec))
    }

    /// Creates a service. One of that name that is there already is left as it is: [`Error::Conflict`].
    pub async fn create(&self, spec: &ServiceSpec) -> Result<()> {
        ask!(self, create(spec))
    }

    /// Changes a service to be as `spec` says, as [`Engine::apply`] does. Returns false when there is no such service.
    pub async fn update(&self, spec: &ServiceSpec) -> Result<bool> {
        ask!(self, update(spec))
    }

    /// Removes a service with its secrets, if it is of this generation or an older one. One that is not there is removed
    /// already.
    ///
    /// A service whose generation is newer is left alone: [`Error::Conflict`].
    pub async fn remove(&self, name: &ServiceName, generation: u64) -> Result<()> {
        ask!(self, remove(name, generation))
    }

    /// Learns which machines there are; until then there is the manager's own.
    pub fn attend(&self, daemons: &[Daemon]) {
        match self {
            Self::Swarm(engine) => engine.attend(daemons),
            Self::Simulated(_) => {}
        }
    }

    /// Lists a service's containers on these machines (by the Swarm's ids; none means all), newest first, with those
    /// that have ended. Fails when one of the machines does not answer; a machine that is lost is not asked.
    pub async fn containers_on(&self, name: &ServiceName, nodes: &[&str]) -> Result<Vec<ContainerSeen>> {
        match self {
            Self::Swarm(engine) => engine.containers_on(name, nodes).await,
            Self::Simulated(engine) => engine.containers(name).await,
        }
    }

    /// Lists a service's containers, newest first, with those that have ended: a crash loop shows.
    pub async fn containers(&self, name: &ServiceName) -> Result<Vec<ContainerSeen>> {
        ask!(self, containers(name))
    }

    /// Lists the running containers of all our services, in one call to each machine. Fails when no machine answers.
    ///
    /// `started_at` and `was_oom_killed` are not filled in: they would cost a call for each container.
    pub async fn all_containers(&self) -> Result<Everywhere<BTreeMap<ServiceName, Vec<ContainerSeen>>>> {
        ask!(self, all_containers())
    }

    /// Says why the newest try to run the service failed (no such image, no machine that fits), in the engine's words.
    pub async fn trouble(&self, name: &ServiceName) -> Result<Option<String>> {
        ask!(self, trouble(name))
    }

    /// Runs a container to its end, or kills it at the deadline, and removes it.
    pub async fn run_once(&self, task: &TaskSpec) -> Result<Finished> {
        ask!(self, run_once(task))
    }

    /// Runs a service until a container of it has written a line, and removes it. This is how something is seen with
    /// exactly the confinement of a service: a task's is given to it by another part of the engine.
    pub async fn first_line(&self, daemon: &Daemon, spec: &ServiceSpec, within: Duration) -> Result<String> {
        ask!(self, first_line(daemon, spec, within))
    }

    /// Removes containers that [`Engine::run_once`] left behind when a process died, if they are older than `age`.
    /// Returns how many there were.
    pub async fn remove_leftover_tasks(&self, age: Duration) -> Result<usize> {
        ask!(self, remove_leftover_tasks(age))
    }

    /// Removes the containers of one task, by its name: before the same task is run again.
    pub async fn remove_task(&self, task: &str) -> Result<usize> {
        ask!(self, remove_task(task))
    }

    /// Lists the machines.
    pub async fn nodes(&self) -> Result<Vec<NodeSeen>> {
        ask!(self, nodes())
    }

    /// Looks up an image by name or digest; `None` when the engine does not have it.
    pub async fn image(&self, reference: &str) -> Result<Option<ImageSeen>> {
        ask!(self, image(reference))
    }

    /// Reads the counters of every running container of ours, at once.
    ///
    /// Containers that end while being read are left out.
    pub async fn readings(&self) -> Result<Vec<Reading>> {
        ask!(self, readings())
    }

    /// Returns up to `limit` of the newest log lines of a service after `since_nanos`, in the order of time.
    pub async fn logs(&self, name: &ServiceName, since_nanos: i64, limit: usize) -> Result<Vec<LogLine>> {
        ask!(self, logs(name, since_nanos, limit))
    }

    /// Replaces the service's containers if it has not yet been restarted `restarts` times.
    pub async fn restart(&self, name: &ServiceName, restarts: u64) -> Result<()> {
        ask!(self, restart(name, restarts))
    }

    /// Sends an image to a registry under a name, and returns the name by which it can be had for ever: `…@sha256:…`.
    pub async fn publish(&self, digest: &str, repository: &str, tag: &str) -> Result<String> {
        ask!(self, publish(digest, repository, tag))
    }

    /// Whether a registry has an image, by the name that [`Engine::publish`] returned. Asked with our login.
    pub async fn is_published(&self, reference: &str) -> Result<bool> {
        ask!(self, is_published(reference))
    }

    /// Looks up an image on a machine, as [`Engine::image`] does on the manager's.
    pub async fn image_on(&self, daemon: &Daemon, reference: &str) -> Result<Option<ImageSeen>> {
        ask!(self, image_on(daemon, reference))
    }

    /// Removes a name of an image from a machine, and the image with its last one. What a container uses stays.
    pub async fn drop_image_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        ask!(self, drop_image_on(daemon, reference))
    }

    /// Makes a machine fetch an image that has a digest in its name.
    pub async fn fetch_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        ask!(self, fetch_on(daemon, reference))
    }

    /// Looks at the daemon of a machine, which may not be in the Swarm yet.
    pub async fn daemon_of(&self, daemon: &Daemon) -> Result<DaemonSeen> {
        ask!(self, daemon_of(daemon))
    }

    /// Lets a machine join the Swarm.
    pub async fn join(&self, daemon: &Daemon) -> Result<()> {
        ask!(self, join(daemon))
    }

    /// Writes labels on a machine of the Swarm.
    pub async fn label(&self, node: &str, labels: &[(&str, &str)]) -> Result<()> {
        ask!(self, label(node, labels))
    }

    /// Takes a machine out of the Swarm, whether it answers or not.
    pub async fn dismiss(&self, daemon: &Daemon) -> Result<()> {
        ask!(self, dismiss(daemon))
    }

    /// Looks at the manager's daemon itself.
    pub async fn daemon(&self) -> Result<DaemonSeen> {
        ask!(self, daemon())
    }

    /// Asks for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        ask!(self, ping())
    }
}
