//! Decides what is left over. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::names::{REPLICA, SECOND};
use crate::tenant_db::RoleName;

/// What was seen, by name.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Services with our label and prefix.
    pub services: BTreeSet<String>,
    /// Databases that we made.
    pub databases: BTreeSet<String>,
    /// Roles that we made.
    pub roles: BTreeSet<String>,
}

/// Who may own something.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// What is known of runtimes, by code.
    pub runtimes: BTreeMap<String, Owner>,
    /// Databases of templates; whether nobody wants them any more.
    pub templates: BTreeMap<String, bool>,
}

/// What is known of a runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Whether nothing of it is wanted any more.
    pub is_gone: bool,
    /// Whether it has an update that has not ended: then it may have two services.
    pub has_update: bool,
    /// Which of the two names its service has.
    pub slot: i16,
    /// The numbers of its replicas.
    pub replicas: BTreeSet<i32>,
}

impl Owner {
    /// Whether the service is wanted whose name ends so.
    fn owns(&self, service: Which) -> bool {
        !self.is_gone
            && match service {
                Which::Slot(slot) => self.has_update || self.slot == slot,
                Which::Replica(number) => self.replicas.contains(&number),
            }
    }
}

/// One of a runtime's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Slot(i16),
    Replica(i32),
}

/// Reads a service's name without the installation's: a code, and which of the services that runtime may have.
fn which(name: &str) -> Option<(&str, Which)> {
    // No code has a hyphen.
    let Some((code, _)) = name.split_once('-') else { return Some((name, Which::Slot(0))) };
    let end = &name[code.len()..];
    if end == SECOND {
        return Some((code, Which::Slot(1)));
    }
    end.strip_prefix(REPLICA)?.parse().ok().map(|number| (code, Which::Replica(number)))
}

/// What seems to be left over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspects {
    /// Services whose runtime is gone or unknown, or has another one.
    pub services: BTreeSet<String>,
    /// Databases whose runtime is gone.
    pub databases: BTreeSet<String>,
    /// Roles whose runtime is gone.
    pub roles: BTreeSet<String>,
    /// Databases of which nothing is known: shown to staff, never dropped.
    pub unknown_databases: BTreeSet<String>,
}

/// Something to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remove {
    /// A service.
    Service(String),
    /// A database.
    Database(String),
    /// A role.
    Role(String),
}

/// Finds what belongs to nothing alive.
#[must_use]
pub fn suspects(prefix: &str, seen: &Seen, owners: &Owners) -> Suspects {
    let is_gone = |code: &str| owners.runtimes.get(code).map(|owner| owner.is_gone);
    let mut found = Suspects::default();
    // With no runtime known at all the control database is more likely to be wrong than the engine.
    if owners.runtimes.is_empty() {
        return found;
    }
    for service in &seen.services {
        let name = which(service.strip_prefix(prefix).unwrap_or(service));
        // A worker that was held up can make the service of an update that was taken back meanwhile.
        let is_owned = name.is_some_and(|(code, which)| owners.runtimes.get(code).is_some_and(|it| it.owns(which)));
        if !is_owned {
            found.services.insert(service.clone());
        }
    }
    for database in &seen.databases {
        match (is_gone(database), owners.templates.get(database)) {
            (Some(true), _) => drop(found.databases.insert(database.clone())),
            (Some(false), _) | (None, Some(_)) => {}
            (None, None) => drop(found.unknown_databases.insert(database.clone())),
        }
    }
    for role in &seen.roles {
        let code = role.split_once('_').map_or(role.as_str(), |(code, _)| code);
        let replica = RoleName::parse(role).ok().and_then(|role| Some(role.replica()?.1));
        let is_over = owners
            .runtimes
            .get(code)
            .is_some_and(|owner| owner.is_gone || replica.is_some_and(|number| !owner.replicas.contains(&number)));
        if is_over {
            found.roles.insert(role.clone());
        }
    }
    found
}

/// Returns what was suspect in both looks: first services, then databases, then roles.
#[must_use]
pub fn removals(before: &Suspects, now: &Suspects) -> Vec<Remove> {
    let both = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.intersection(other).cloned().collect()
    };
    let services = both(&before.services, &now.services).into_iter().map(Remove::Service);
    let databases = both(&before.databases, &now.databases).into_iter().map(Remove::Database);
    let roles = both(&before.roles, &now.roles).into_iter().map(Remove::Role);
    services.chain(databases).chain(roles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn owners() -> Owners {
        let owner = |is_gone, has_update, slot| Owner { is_gone, has_update, slot, replicas: BTreeSet::new() };
        let runtimes = [
            ("alive", owner(false, false, 0)),
            ("updating", owner(false, true, 0)),
            ("second", owner(false, false, 1)),
            ("gone", owner(true, false, 0)),
            ("several", Owner { replicas: [2, 12].into(), ..owner(false, false, 0) }),
        ];
        Owners {
            runtimes: runtimes.map(|(code, owner)| (code.to_owned(), owner)).into(),
            templates: [("tmpl".to_owned(), false)].into(),
        }
    }

    #[test]
    fn only_what_belongs_to_nothing_alive_is_suspect() {
        let seen = Seen {
            services: set(&[
                "s-alive",
                "s-alive-b",
                "s-updating",
                "s-updating-b",
                "s-second",
                "s-second-b",
                "s-gone",
                "s-unknown",
                "s-several",
                "s-several-r2",
                "s-several-r12",
                "s-several-r1",
                "s-several-x",
                "s-gone-r1",
            ]),
            databases: set(&["alive", "gone", "tmpl", "unknown"]),
            roles: set(&[
                "alive_1",
                "gone_1",
                "gone_2",
                "unknown_1",
                "tmpl_b",
                "several_1",
                "several_1_r2",
                "several_1_r1",
                "gone_1_r3",
                "unknown_1_r1",
            ]),
        };
        let found = suspects("s-", &seen, &owners());
        assert_eq!(
            found.services,
            set(&["s-alive-b", "s-second", "s-gone", "s-unknown", "s-several-r1", "s-several-x", "s-gone-r1"])
        );
        assert_eq!(found.databases, set(&["gone"]));
        assert_eq!(found.unknown_databases, set(&["unknown"]));
        assert_eq!(found.roles, set(&["gone_1", "gone_2", "gone_1_r3", "several_1_r1"]));
    }

    #[test]
    fn one_look_removes_nothing() {
        let seen = Seen { services: set(&["s-unknown"]), ..Seen::default() };
        let found = suspects("s-", &seen, &owners());
        assert_eq!(removals(&Suspects::default(), &found), []);
        assert_eq!(removals(&found, &found), [Remove::Service("s-unknown".to_owned())]);
        assert_eq!(removals(&found, &Suspects::default()), []);
    }

    #[test]
    fn an_empty_control_database_removes_nothing() {
        let seen = Seen { services: set(&["s-a", "s-b"]), databases: set(&["a", "b"]), roles: set(&["a_1"]) };
        assert_eq!(suspects("s-", &seen, &Owners::default()), Suspects::default());
    }
}
