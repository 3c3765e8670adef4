//! A host name of somebody else's, as a person types or pastes it.

use std::fmt;

/// A host name with at least one dot, in ASCII and lower case: `shop.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(String);

/// Why a text is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostnameError {
    /// Nothing was given.
    #[error("the host name is empty")]
    Empty,
    /// Not of the form `name.domain`.
    #[error("the host name is not valid")]
    Invalid,
}

impl Hostname {
    /// Parses what a person typed. A whole address, capitals and letters beyond ASCII are understood.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        let text = text.trim();
        let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(HostnameError::Empty);
        }
        let Ok(url::Host::Domain(name)) = url::Host::parse(text) else { return Err(HostnameError::Invalid) };
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let is_name = name.len() <= 253
            && name.contains('.')
            && name.split('.').all(is_label)
            && name.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_lowercase()));
        if is_name { Ok(Self(name)) } else { Err(HostnameError::Invalid) }
    }

    /// Takes a name from our own table, where it was parsed before it went in.
    #[must_use]
    pub fn kept(name: String) -> Self {
        Self(name)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_becomes_one_form_that_parses_back() {
        for (text, name) in [
            ("shop.example.com", "shop.example.com"),
            (" https://Shop.Example.com/ ", "shop.example.com"),
            ("http://example.com", "example.com"),
            ("example.com.", "example.com"),
            ("été.example", "xn--t-9fab.example"),
        ] {
            let parsed = Hostname::parse(text).unwrap();
            assert_eq!(parsed.as_str(), name, "{text}");
            assert_eq!(Hostname::parse(&parsed.to_string()).unwrap(), parsed);
        }
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        assert_eq!(Hostname::parse(" "), Err(HostnameError::Empty));
        for text in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "1.2.3",
            "*.example.com",
            "a..b",
            "-a.com",
            "a-.com",
            "a_b.com",
            "a.com:80",
            "a.com/path",
            "user@a.com",
            "a b.com",
            "ftp://a.com",
            "a.com\r\nb",
            &format!("{}.com", "a".repeat(64)),
            &format!("{}com", "abcdefghi.".repeat(26)),
        ] {
            assert_eq!(Hostname::parse(text), Err(HostnameError::Invalid), "{text}");
        }
    }
}
