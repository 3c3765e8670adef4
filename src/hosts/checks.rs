//! Whether a machine may run customers' containers: judged by what its daemon says of itself. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::{DaemonSeen, Membership};

/// Passwords of two factors and signed tickets tolerate less than a minute; logs of two machines should still agree.
const CLOCK_MAY_DIFFER: TimeDelta = TimeDelta::seconds(2);
/// Long enough to visit each machine before its certificate ends.
const CERTIFICATE_SOON: TimeDelta = TimeDelta::days(60);
/// The oldest version of the API that has everything that we ask for.
const OLDEST_API: (u32, u32) = (1, 41);
/// From this version on each service says for itself that no process gains privileges.
const API_WITH_PRIVILEGES: (u32, u32) = (1, 44);
/// The last version that sets the flag for all containers but does not tell that it has.
const API_SILENT_ABOUT_PRIVILEGES: (u32, u32) = (1, 41);
/// Those that share an image's layers between containers; `vfs` copies them.
const STORAGE: [&str; 5] = ["overlay2", "btrfs", "zfs", "fuse-overlayfs", "overlayfs"];

/// What is looked at. The page has a sentence and a remedy for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The daemon answers, to us and with a certificate of ours.
    Reach,
    /// The version of the API.
    Version,
    /// Containers cannot reach each other.
    Isolation,
    /// Published ports are bound to the private address only.
    Ports,
    /// No process gains privileges.
    Privileges,
    /// System calls are filtered.
    Seccomp,
    /// Memory, CPU and processes can be limited.
    Limits,
    /// Layers of images are shared.
    Storage,
    /// The clock agrees with ours.
    Clock,
    /// It is in no other Swarm.
    Swarm,
    /// It can fetch the instance image.
    Image,
    /// The certificates with which it and the worker know each other are good for a while.
    Certificate,
    /// It answers at the address that staff want.
    Address,
}

impl Subject {
    /// Returns the word in keys of texts and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Version => "version",
            Self::Isolation => "isolation",
            Self::Ports => "ports",
            Self::Privileges => "privileges",
            Self::Seccomp => "seccomp",
            Self::Limits => "limits",
            Self::Storage => "storage",
            Self::Clock => "clock",
            Self::Swarm => "swarm",
            Self::Image => "image",
            Self::Certificate => "certificate",
            Self::Address => "address",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub subject: Subject,
    /// Whether it is as it must be.
    pub is_good: bool,
    /// Whether it is said only: a machine with such a fault takes runtimes.
    #[serde(default)]
    pub is_advice: bool,
    /// What was seen, in the engine's words.
    pub seen: String,
}

impl Check {
    /// A finding that keeps a host from taking runtimes.
    #[must_use]
    pub fn bad(subject: Subject, seen: impl Into<String>) -> Self {
        Self { subject, is_good: false, is_advice: false, seen: seen.into() }
    }

    /// A finding as it should be.
    #[must_use]
    pub fn good(subject: Subject, seen: impl Into<String>) -> Self {
        Self { subject, is_good: true, is_advice: false, seen: seen.into() }
    }

    /// A finding that closes nothing.
    #[must_use]
    pub fn advice(subject: Subject, is_good: bool, seen: impl Into<String>) -> Self {
        Self { subject, is_good, is_advice: true, seen: seen.into() }
    }

    /// Whether it keeps a host from taking runtimes.
    #[must_use]
    pub fn closes(&self) -> bool {
        !self.is_good && !self.is_advice
    }
}

/// Judges a daemon that publishes its containers' ports on `address`.
#[must_use]
pub fn judge(daemon: &DaemonSeen, address: &str, now: DateTime<Utc>) -> Vec<Check> {
    let check = |subject, is_good, seen: String| Check { subject, is_good, is_advice: false, seen };
    let api = version_of(&daemon.api_version);
    let enforces = |option: &str| daemon.security_options.iter().any(|entry| entry.contains(option));
    let limits = [("memory", daemon.limits_memory), ("cpu", daemon.limits_cpu), ("pids", daemon.limits_processes)];
    let lacking: Vec<&str> = limits.into_iter().filter(|(_, is_there)| !is_there).map(|(name, _)| name).collect();
    let mut checks = vec![
        check(Subject::Version, api >= Some(OLDEST_API), format!("{} (API {})", daemon.version, daemon.api_version)),
        check(
            Subject::Isolation,
            !daemon.containers_can_talk,
            format!("icc={}", if daemon.containers_can_talk { "true" } else { "false" }),
        ),
        check(Subject::Ports, daemon.publishes_on == address, format!("ip={}", daemon.publishes_on)),
        check(
            Subject::Privileges,
            api >= Some(API_WITH_PRIVILEGES)
                || api <= Some(API_SILENT_ABOUT_PRIVILEGES)
                || enforces("no-new-privileges"),
            daemon.security_options.join(" "),
        ),
        check(Subject::Seccomp, enforces("seccomp"), daemon.security_options.join(" ")),
        check(
            Subject::Limits,
            lacking.is_empty(),
            if lacking.is_empty() {
                format!("cgroup {}", daemon.cgroup_version)
            } else {
                format!("cgroup {} without {}", daemon.cgroup_version, lacking.join(", "))
            },
        ),
        check(Subject::Storage, STORAGE.contains(&daemon.storage_driver.as_str()), daemon.storage_driver.clone()),
        check(
            Subject::Clock,
            daemon.clock_ahead.is_some_and(|ahead| ahead.abs() <= CLOCK_MAY_DIFFER + daemon.clock_doubt),
            daemon.clock_ahead.map_or_else(String::new, |ahead| format!("{} ms", ahead.num_milliseconds())),
        ),
    ];
    checks.extend(certificates(daemon, now));
    checks
}

/// Says until when the certificates on both sides are good: before they end, because then nothing is seen of the machine.
fn certificates(daemon: &DaemonSeen, now: DateTime<Utc>) -> Option<Check> {
    let (theirs, ours) = (daemon.certificate_until?, daemon.own_certificate_until?);
    let is_good = theirs.min(ours) - now >= CERTIFICATE_SOON;
    let seen = format!("machine {}, worker {}", theirs.format("%Y-%m-%d"), ours.format("%Y-%m-%d"));
    Some(Check::advice(Subject::Certificate, is_good, seen))
}

/// Returns a daemon's fault when it is not this node of the Swarm any more.
#[must_use]
pub fn membership(daemon: &DaemonSeen, node: &str) -> Option<Check> {
    match &daemon.membership {
        Membership::Member(found) if found == node => None,
        // Neither is known.
        Membership::Unsettled => None,
        Membership::Member(found) => Some(Check::bad(Subject::Swarm, format!("it is the node {found}, not {node}"))),
        Membership::None => Some(Check::bad(Subject::Swarm, "it has left the Swarm")),
    }
}

/// Returns a sentence for the log and for a host's state, when something is wrong.
#[must_use]
pub fn complaint(checks: &[Check]) -> Option<String> {
    let bad: Vec<String> = checks
        .iter()
        .filter(|check| check.closes())
        .map(|check| format!("{}: {}", check.subject.as_str(), check.seen))
        .collect();
    (!bad.is_empty()).then(|| bad.join("; "))
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe() -> DaemonSeen {
        DaemonSeen {
            version: "20.10.24".to_owned(),
            api_version: "1.41".to_owned(),
            publishes_on: "10.0.0.2".to_owned(),
            security_options: vec!["name=seccomp,profile=default".to_owned(), "name=no-new-privileges".to_owned()],
            storage_driver: "overlay2".to_owned(),
            cgroup_version: 2,
            limits_memory: true,
            limits_cpu: true,
            limits_processes: true,
            clock_ahead: Some(TimeDelta::milliseconds(300)),
            ..DaemonSeen::default()
        }
    }

    fn bad(daemon: &DaemonSeen) -> Vec<Subject> {
        judge(daemon, "10.0.0.2", DateTime::UNIX_EPOCH)
            .into_iter()
            .filter(|check| !check.is_good)
            .map(|check| check.subject)
            .collect()
    }

    #[test]
    fn a_daemon_that_keeps_containers_apart_has_no_fault() {
        assert_eq!(bad(&safe()), []);
        assert_eq!(complaint(&judge(&safe(), "10.0.0.2", DateTime::UNIX_EPOCH)), None);
    }

    #[test]
    fn each_wrong_setting_is_a_fault_of_its_own() {
        type Spoil = fn(&mut DaemonSeen);
        let wrong: [(Subject, Spoil); 8] = [
            (Subject::Version, |daemon| daemon.api_version = "1.40".to_owned()),
            (Subject::Isolation, |daemon| daemon.containers_can_talk = true),
            (Subject::Ports, |daemon| daemon.publishes_on = "0.0.0.0".to_owned()),
            (Subject::Privileges, |daemon| {
                daemon.api_version = "1.43".to_owned();
                daemon.security_options.truncate(1);
            }),
            (Subject::Seccomp, |daemon| drop(daemon.security_options.remove(0))),
            (Subject::Limits, |daemon| daemon.limits_processes = false),
            (Subject::Storage, |daemon| daemon.storage_driver = "vfs".to_owned()),
            (Subject::Clock, |daemon| daemon.clock_ahead = Some(TimeDelta::seconds(3))),
        ];
        for (subject, spoil) in wrong {
            let mut daemon = safe();
            spoil(&mut daemon);
            assert_eq!(bad(&daemon), [subject]);
        }
    }

    #[test]
    fn newer_engines_need_no_flag_for_privileges_and_old_ones_do_not_tell() {
        let mut daemon = safe();
        daemon.security_options.truncate(1);
        for version in ["1.41", "1.44", "1.51"] {
            daemon.api_version = version.to_owned();
            assert_eq!(bad(&daemon), []);
        }
    }

    #[test]
    fn an_answer_that_took_long_is_no_proof_of_a_wrong_clock() {
        let late =
            DaemonSeen { clock_ahead: Some(TimeDelta::seconds(-4)), clock_doubt: TimeDelta::seconds(3), ..safe() };
        assert_eq!(bad(&late), []);
    }

    #[test]
    fn a_certificate_that_ends_soon_is_said_and_closes_nothing() {
        let now = DateTime::UNIX_EPOCH;
        let until = |days: i64| Some(now + TimeDelta::days(days));
        let with = |theirs, ours| {
            let daemon = DaemonSeen { certificate_until: until(theirs), own_certificate_until: until(ours), ..safe() };
            let mut checks = judge(&daemon, "10.0.0.2", now);
            assert_eq!(complaint(&checks), None);
            checks.pop().unwrap()
        };
        let good = with(60, 825);
        assert_eq!((good.is_good, good.seen.as_str()), (true, "machine 1970-03-02, worker 1972-04-05"));
        assert!(!with(59, 825).is_good && !with(825, 59).is_good);
        assert_eq!(with(59, 825).subject, Subject::Certificate);
    }

    #[test]
    fn a_daemon_that_is_another_node_or_none_is_no_machine_of_ours() {
        let member = |of| DaemonSeen { membership: of, ..safe() };
        assert_eq!(membership(&member(Membership::Member("abc".to_owned())), "abc"), None);
        assert_eq!(membership(&member(Membership::Unsettled), "abc"), None);
        for of in [Membership::None, Membership::Member("xyz".to_owned())] {
            assert!(membership(&member(of), "abc").is_some_and(|check| check.closes()));
        }
    }

    #[test]
    fn the_complaint_names_what_is_wrong_and_what_was_seen() {
        let daemon = DaemonSeen { storage_driver: "vfs".to_owned(), publishes_on: "0.0.0.0".to_owned(), ..safe() };
        let said = complaint(&judge(&daemon, "10.0.0.2", DateTime::UNIX_EPOCH));
        assert_eq!(said.as_deref(), Some("ports: ip=0.0.0.0; storage: vfs"));
    }
}
