//! Names of databases and login roles. Only texts of our own making fit, so they may stand in a statement as they are.

use std::fmt;

/// The text is not a name that we would have made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name of a tenant's database or role")]
pub struct BadName(String);

/// A letter, then lower-case letters, digits and underscores: never needs quotes, cannot end a statement.
fn is_plain(text: &str) -> bool {
    text.len() >= 3
        && text.len() <= 60
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !text.starts_with("pg_")
        && !["postgres", "template0", "template1"].contains(&text)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a name of our own making.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                if is_plain(text) { Ok(Self(text.to_owned())) } else { Err(BadName(text.to_owned())) }
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )* };
}

names! {
    /// The name of a tenant's database or of a template.
    DatabaseName
    /// The name of a login role.
    RoleName
}

impl RoleName {
    /// The role of a runtime in one generation: `<code>_<generation>`.
    pub fn of(code: &str, generation: i32) -> Result<Self, BadName> {
        Self::parse(&format!("{code}_{generation}"))
    }

    /// The role of a replica, which is a member of the runtime's: `<code>_<generation>_r<number>`.
    pub fn of_replica(code: &str, generation: i32, number: i32) -> Result<Self, BadName> {
        Self::parse(&format!("{code}_{generation}_r{number}"))
    }

    /// Returns a replica's runtime and number; `None` when it is no replica's role.
    #[must_use]
    pub fn replica(&self) -> Option<(&str, i32)> {
        let (owner, number) = self.0.rsplit_once("_r")?;
        Some((owner.split_once('_')?.0, number.parse().ok()?))
    }

    /// The role that fills a template.
    #[must_use]
    pub fn builder(template: &DatabaseName) -> Self {
        Self(format!("{template}_b"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_a_statement() {
        for bad in [
            "",
            "ab",
            "1abc",
            "a b c",
            "a\"b",
            "a;b",
            "a'b",
            "Abc",
            "été",
            "postgres",
            "template1",
            "pg_abc",
            &"a".repeat(61),
        ] {
            assert!(DatabaseName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(RoleName::of("abcdefghij0123456789", 2).unwrap().as_str(), "abcdefghij0123456789_2");
        let replica = RoleName::of_replica("abcdefghij0123456789", 2, 13).unwrap();
        assert_eq!(replica.as_str(), "abcdefghij0123456789_2_r13");
        assert_eq!(replica.replica(), Some(("abcdefghij0123456789", 13)));
        assert_eq!(RoleName::of("abcdefghij0123456789", 2).unwrap().replica(), None);
    }
}
