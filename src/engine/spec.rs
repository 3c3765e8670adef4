//! What a service must be like, as plain values. Pure: the same runtime always gives the same specification.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::ServiceName;
use crate::base::ids::RuntimeId;
use crate::base::secret::Secret;

/// The port that Odoo serves HTTP on, inside its container.
pub const HTTP_PORT: u16 = 8069;
/// The port of Odoo's own process for websockets, where it has one.
pub const WEBSOCKET_PORT: u16 = 8072;
/// More processes and threads than Odoo ever needs, few enough to stop a fork bomb.
pub const PIDS_LIMIT: i64 = 256;
/// `/tmp` is memory: attachments being uploaded and generated documents pass through it.
pub const TMP_BYTES: i64 = 256 * 1024 * 1024;
/// The user and group of the image's `odoo`: never root.
pub const USER: &str = "odoo";

/// What a service must be like.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// The installation's name, for the label.
    pub installation: String,
    /// The service's name.
    pub name: ServiceName,
    /// Whose service it is.
    pub runtime: RuntimeId,
    /// Grows with every change: an older one never replaces a newer one.
    pub generation: u64,
    /// The image's content: `sha256:…`, never a name that can move.
    pub image: String,
    /// The user that the process runs as; `None` for the image's own, which must not be root.
    pub user: Option<String>,
    /// A program and its first arguments instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Arguments instead of the image's own.
    pub args: Option<Vec<String>>,
    /// Environment variables. Seen by everyone who may inspect the service: no secrets.
    pub env: BTreeMap<String, String>,
    /// Files in `/run/secrets`, by name.
    pub secrets: BTreeMap<String, Secret<String>>,
    /// The Swarm's id of the machine it must run on; `None` lets the Swarm choose.
    pub node: Option<String>,
    /// How many containers.
    pub replicas: u32,
    /// Thousandths of a core that it may use.
    pub cpu_millis: i32,
    /// MiB of memory that it may use.
    pub memory_mb: i32,
    /// How its health is checked; `None` leaves it to the image.
    pub health: Option<HealthCheck>,
    /// How often it has been restarted on request.
    pub restarts: u64,
    /// How long it may take to stop by itself.
    pub stop_grace: Duration,
}

/// How a container's health is checked, by a command inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Time between two checks.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// Failures in a row before the container is replaced.
    pub retries: u32,
    /// Failures during this time after the start do not count.
    pub start_period: Duration,
}

impl ServiceSpec {
    /// Returns the same without containers.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self { replicas: 0, ..self.clone() }
    }

    /// Returns a short hash of everything in the specification: it changes exactly when the service must change.
    ///
    /// Secrets are left out but for their names, so that the label tells nothing about them: a new password
    /// comes with a new generation.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let secrets: Vec<&String> = self.secrets.keys().collect();
        let everything = (
            (&self.installation, &self.name, self.runtime, self.generation, &self.image, &self.user),
            (&self.args, &self.env, secrets, &self.node, self.replicas, self.cpu_millis),
            (self.memory_mb, &self.health, self.restarts, self.stop_grace, PIDS_LIMIT, TMP_BYTES),
        );
        let mut text = format!("{everything:?}");
        // Not among the rest: what was made before there was such a field stays as it is.
        if let Some(command) = &self.command {
            let _ = write!(text, "{command:?}");
        }
        hex::encode(&Sha256::digest(text.as_bytes())[..12])
    }
}

/// A container that runs once, such as the making of a template.
#[derive(Clone, Debug)]
pub struct TaskSpec {
    /// The installation's name, for the label.
    pub installation: String,
    /// What it is for: the value of a label by which left-overs are found.
    pub task: String,
    /// The image's content: `sha256:…`.
    pub image: String,
    /// The user that the process runs as; `None` for the image's own.
    pub user: Option<String>,
    /// Arguments instead of the image's own.
    pub args: Vec<String>,
    /// Environment variables. The container is gone when it ends, so a password of a short-lived role may be here.
    pub env: BTreeMap<String, String>,
    /// Thousandths of a core that it may use.
    pub cpu_millis: i32,
    /// MiB of memory that it may use.
    pub memory_mb: i32,
    /// When it is killed.
    pub deadline: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    /// A plain specification to change in one place.
    fn plain() -> ServiceSpec {
        ServiceSpec {
            installation: "sayoo".to_owned(),
            name: ServiceName::parse("sayoo-abc").unwrap(),
            runtime: RuntimeId::new(Clock::System.now()),
            generation: 1,
            image: "sha256:00".to_owned(),
            user: None,
            command: None,
            args: None,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            node: None,
            replicas: 1,
            cpu_millis: 1000,
            memory_mb: 512,
            health: None,
            restarts: 0,
            stop_grace: Duration::from_secs(10),
        }
    }

    #[test]
    fn the_fingerprint_changes_with_every_field_and_with_nothing_else() {
        let spec = plain();
        assert_eq!(spec.fingerprint(), spec.clone().fingerprint());
        let changes: [fn(&mut ServiceSpec); 8] = [
            |spec| spec.generation = 2,
            |spec| spec.image = "sha256:01".to_owned(),
            |spec| spec.command = Some(vec!["sh".to_owned()]),
            |spec| spec.replicas = 0,
            |spec| spec.memory_mb = 1024,
            |spec| spec.restarts = 1,
            |spec| spec.node = Some("n".to_owned()),
            |spec| drop(spec.env.insert("A".to_owned(), "b".to_owned())),
        ];
        for change in changes {
            let mut changed = spec.clone();
            change(&mut changed);
            assert_ne!(changed.fingerprint(), spec.fingerprint(), "{changed:?}");
        }
    }

    #[test]
    fn a_secret_shows_neither_in_the_fingerprint_nor_in_a_log() {
        let mut one = plain();
        one.secrets.insert("password".to_owned(), Secret::new("hush".to_owned()));
        let mut other = one.clone();
        other.secrets.insert("password".to_owned(), Secret::new("quiet".to_owned()));
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert!(!format!("{one:?}").contains("hush"));
    }
}
