//! Decides what is left over. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::names::SECOND;

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
    /// Codes of runtimes; whether they are gone.
    pub runtimes: BTreeMap<String, bool>,
    /// Databases of templates; whether nobody wants them any more.
    pub templates: BTreeMap<String, bool>,
}

/// What seems to be left over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspects {
    /// Services whose runtime is gone or unknown.
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
    let is_gone = |code: &str| owners.runtimes.get(code).copied();
    let mut found = Suspects::default();
    // With no runtime known at all the control database is more likely to be wrong than the engine.
    if owners.runtimes.is_empty() {
        return found;
    }
    for service in &seen.services {
        let code = service.strip_prefix(prefix).unwrap_or(service);
        let code = code.strip_suffix(SECOND).unwrap_or(code);
        if is_gone(code) != Some(false) {
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
        let code = role.rsplit_once('_').map_or(role.as_str(), |(code, _)| code);
        if is_gone(code) == Some(true) {
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
        Owners {
            runtimes: [("alive".to_owned(), false), ("gone".to_owned(), true)].into(),
            templates: [("tmpl".to_owned(), false)].into(),
        }
    }

    #[test]
    fn only_what_belongs_to_nothing_alive_is_suspect() {
        let seen = Seen {
            services: set(&["s-alive", "s-alive-b", "s-gone", "s-unknown"]),
            databases: set(&["alive", "gone", "tmpl", "unknown"]),
            roles: set(&["alive_1", "gone_1", "gone_2", "unknown_1", "tmpl_b"]),
        };
        let found = suspects("s-", &seen, &owners());
        assert_eq!(found.services, set(&["s-gone", "s-unknown"]));
        assert_eq!(found.databases, set(&["gone"]));
        assert_eq!(found.unknown_databases, set(&["unknown"]));
        assert_eq!(found.roles, set(&["gone_1", "gone_2"]));
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
