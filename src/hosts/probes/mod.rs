//! What a tenant's container may do on a machine, proved from inside one: the program, what it found, where it looks.

mod judge;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use judge::{Facts, Promise, judge};

/// The program, for the instance image's Python. Prints [`Facts`] and waits to be removed.
pub const PROGRAM: &str = concat!(include_str!("database.py"), "\n\n", include_str!("probe.py"));
/// How often a machine without a fault is probed: what opens it is found within five minutes. One whose daemon says something
/// new of itself is probed at once.
const EVERY: TimeDelta = TimeDelta::minutes(4);
/// How often one with a fault is: somebody is mending it.
const FAULT_EVERY: TimeDelta = TimeDelta::minutes(2);
/// How soon a probe is tried again that could not be made.
const AGAIN_AFTER: TimeDelta = TimeDelta::minutes(4);

/// What is proved. The page has a sentence and a remedy for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The process is not root and has no capability.
    Root,
    /// It cannot gain privileges.
    Privileges,
    /// Its system calls are filtered.
    Seccomp,
    /// It writes to a small `/tmp` in memory only, and runs nothing from there.
    Files,
    /// How many processes it may have is limited.
    Processes,
    /// Its memory is limited.
    Memory,
    /// It gets no swap on top.
    Swap,
    /// What takes more than that is stopped: tried.
    Bombs,
    /// Its root would be nobody outside.
    Users,
    /// It sees no file, socket or device of the machine.
    Mounts,
    /// What the kernel tells of the machine is hidden.
    Kernel,
    /// It reaches no container beside it.
    Neighbours,
    /// It reaches no Docker that takes orders from anybody.
    Docker,
    /// It reaches no port of the Swarm.
    Swarm,
    /// It reaches neither the control database nor the pages' own port.
    Control,
    /// It reaches no published port of another instance.
    Published,
    /// It reaches no service with the machine's own credentials.
    Metadata,
    /// It reaches the tenants' database server.
    Tenants,
    /// The disk with containers and images has room.
    Disk,
    /// With its own login it does nothing there that is not its own business: tried.
    Database,
}

impl Subject {
    /// Returns the word in keys of texts, in the program's arguments and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Privileges => "privileges",
            Self::Seccomp => "seccomp",
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Bombs => "bombs",
            Self::Users => "users",
            Self::Mounts => "mounts",
            Self::Kernel => "kernel",
            Self::Neighbours => "neighbours",
            Self::Docker => "docker",
            Self::Swarm => "swarm",
            Self::Control => "control",
            Self::Published => "published",
            Self::Metadata => "metadata",
            Self::Tenants => "tenants",
            Self::Disk => "disk",
            Self::Database => "database",
        }
    }

    /// Whether no machine may take customers without it. What an installation needs other settings of the machine for is said,
    /// and closes nothing; nor does what is wrong with the database server, which is no fault of the machine.
    #[must_use]
    pub fn is_promised(self, walls: Walls) -> bool {
        match self {
            Self::Swap | Self::Users | Self::Database => false,
            Self::Swarm | Self::Published | Self::Metadata => walls == Walls::Needed,
            _ => true,
        }
    }
}

/// Whether a machine needs the rules of `sayoo host firewall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walls {
    /// Without them customers would reach each other's instances on other machines: it takes nothing new.
    Needed,
    /// On a machine that is alone, or is for trying things.
    Advised,
}

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it must be.
    Good,
    /// Not as it must be: the machine takes nothing new.
    Bad,
    /// Not as it had better be.
    Weak,
    /// There was nothing to try.
    Untried,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was tried.
    pub subject: Subject,
    /// How it was found.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
}

/// What the last probe of a machine found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probes {
    /// What was found.
    pub proofs: Vec<Proof>,
    /// When.
    pub made_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    pub tried_at: Option<DateTime<Utc>>,
    /// Why the last try came to nothing. What was found before stays: nothing follows from a failed look.
    pub failure: Option<String>,
}

impl Probes {
    /// What was found now.
    #[must_use]
    pub fn found(proofs: Vec<Proof>, now: DateTime<Utc>) -> Self {
        Self { proofs, made_at: Some(now), tried_at: Some(now), failure: None }
    }

    /// The same as before, after a try that came to nothing.
    #[must_use]
    pub fn failed(self, failure: String, now: DateTime<Utc>) -> Self {
        Self { tried_at: Some(now), failure: Some(failure), ..self }
    }

    /// Whether it is time for the next one.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        let pause = match (&self.failure, self.complaint()) {
            (Some(_), _) => AGAIN_AFTER,
            (None, Some(_)) => FAULT_EVERY,
            (None, None) => EVERY,
        };
        self.tried_at.is_none_or(|at| now - at >= pause)
    }

    /// Returns a sentence for the log and for a host's state, when something is wrong that closes a machine.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let bad: Vec<String> = self
            .proofs
            .iter()
            .filter(|proof| proof.verdict == Verdict::Bad)
            .map(|proof| format!("probe {}: {}", proof.subject.as_str(), proof.seen))
            .collect();
        (!bad.is_empty()).then(|| bad.join("; "))
    }
}

/// Where a probe tries to go: arguments of the program, `WHAT=HOST:PORT`. Pure.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<String>);

impl Targets {
    /// Adds an address. What this machine has on its loopback address, a container might find at its gateway.
    pub fn add(&mut self, subject: Subject, host: &str, port: u16) {
        let host = match seen_from_inside(host) {
            plain if plain.contains(':') => format!("[{plain}]"),
            plain => plain.to_owned(),
        };
        let target = format!("{}={host}:{port}", subject.as_str());
        if !self.0.contains(&target) {
            self.0.push(target);
        }
    }

    /// Adds `host:port`, if it is that.
    pub fn add_text(&mut self, subject: Subject, address: &str) {
        if let Some((host, port)) = address.rsplit_once(':')
            && let Ok(port) = port.parse()
        {
            self.add(subject, host, port);
        }
    }

    /// Returns the arguments.
    #[must_use]
    pub fn into_args(self) -> Vec<String> {
        self.0
    }
}

/// Returns where a container finds a host: what this machine has on its loopback address may be at the gateway.
#[must_use]
pub fn seen_from_inside(host: &str) -> &str {
    let plain = host.trim_matches(['[', ']']);
    let address = plain.parse::<std::net::IpAddr>();
    let is_own = plain == "localhost" || address.is_ok_and(|it| it.is_loopback() || it.is_unspecified());
    if is_own { "gateway" } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    fn proof(verdict: Verdict) -> Proof {
        Proof { subject: Subject::Seccomp, verdict, seen: "off".to_owned() }
    }

    #[test]
    fn what_is_advised_closes_nothing() {
        let now = Clock::System.now();
        let with = |verdict| Probes::found(vec![proof(verdict)], now).complaint();
        assert_eq!(with(Verdict::Bad).as_deref(), Some("probe seccomp: off"));
        for verdict in [Verdict::Good, Verdict::Weak, Verdict::Untried] {
            assert_eq!(with(verdict), None);
        }
    }

    #[test]
    fn a_fault_is_looked_at_again_soon_and_a_failure_keeps_what_was_found() {
        let now = Clock::System.now();
        assert!(Probes::default().is_due(now));
        let good = Probes::found(vec![proof(Verdict::Good)], now);
        assert!(!good.is_due(now + TimeDelta::seconds(239)) && good.is_due(now + TimeDelta::minutes(4)));
        let bad = Probes::found(vec![proof(Verdict::Bad)], now);
        assert!(bad.is_due(now + TimeDelta::minutes(2)));
        let failed = bad.clone().failed("no answer".to_owned(), now);
        assert_eq!(failed.complaint(), bad.complaint());
        assert!(!failed.is_due(now + TimeDelta::minutes(3)) && failed.is_due(now + TimeDelta::minutes(4)));
    }

    #[test]
    fn loopback_is_looked_for_at_the_gateway() {
        let mut targets = Targets::default();
        targets.add(Subject::Docker, "127.0.0.1", 2375);
        targets.add(Subject::Docker, "10.0.0.2", 2375);
        targets.add(Subject::Docker, "10.0.0.2", 2375);
        targets.add_text(Subject::Control, "0.0.0.0:8081");
        targets.add_text(Subject::Control, "[fd00::1]:8081");
        targets.add_text(Subject::Control, "nonsense");
        let expected =
            ["docker=gateway:2375", "docker=10.0.0.2:2375", "control=gateway:8081", "control=[fd00::1]:8081"];
        assert_eq!(targets.into_args(), expected);
    }
}
