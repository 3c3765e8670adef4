//! Names of services: parsed once, so that nothing else reaches the engine's addresses.

use std::fmt;

/// The name of a service: `<installation>-<code of the runtime>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

/// What the second name of a runtime's service ends with. No code has a hyphen.
pub const SECOND: &str = "-b";

/// What stands before the number in the name of a replica's service.
pub const REPLICA: &str = "-r";

/// The text cannot be the name of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be the name of a service")]
pub struct BadName(String);

impl ServiceName {
    /// Makes the name of a runtime's service.
    pub fn of(installation: &str, code: &str) -> Result<Self, BadName> {
        Self::parse(&format!("{installation}-{code}"))
    }

    /// Makes one of the two names of a runtime's service: during an update there is one of each.
    pub fn of_slot(installation: &str, code: &str, slot: i16) -> Result<Self, BadName> {
        if slot == 0 { Self::of(installation, code) } else { Self::parse(&format!("{installation}-{code}{SECOND}")) }
    }

    /// Makes the name of a replica's service: a further container of the same runtime.
    pub fn of_replica(installation: &str, code: &str, number: i32) -> Result<Self, BadName> {
        Self::parse(&format!("{installation}-{code}{REPLICA}{number}"))
    }

    /// Parses a name: lower-case letters, digits and hyphens, at most 63 (Swarm's own limit).
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_plain || text.is_empty() || text.len() > 63 || text.starts_with('-') || text.ends_with('-') {
            return Err(BadName(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the code of the runtime that it is named after.
    #[must_use]
    pub fn code(&self, installation: &str) -> Option<&str> {
        self.0.strip_prefix(installation)?.strip_prefix('-')?.split('-').next()
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_name_has_no_character_that_means_something_in_an_address() {
        for bad in ["", "-a", "a-", "a/b", "a?b", "A", "a b", "é", &"a".repeat(64)] {
            assert!(ServiceName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ServiceName::of("sayoo", "abc123").unwrap().as_str(), "sayoo-abc123");
        assert_eq!(ServiceName::of_slot("sayoo", "abc123", 0), ServiceName::of("sayoo", "abc123"));
        assert_eq!(ServiceName::of_slot("sayoo", "abc123", 1).unwrap().as_str(), "sayoo-abc123-b");
        assert_eq!(ServiceName::of_replica("sayoo", "abc123", 12).unwrap().as_str(), "sayoo-abc123-r12");
        for name in ["sayoo-abc123", "sayoo-abc123-b", "sayoo-abc123-r12"] {
            assert_eq!(ServiceName::parse(name).unwrap().code("sayoo"), Some("abc123"));
        }
        assert_eq!(ServiceName::parse("other-abc123").unwrap().code("sayoo"), None);
    }
}
