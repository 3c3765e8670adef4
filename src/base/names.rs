//! Text from outside, parsed once into types that cannot hold anything else.

use std::fmt;

/// The part of an address before the instances' domain: `acme` in `acme.example.net`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Subdomain(String);

/// Why a text is not a subdomain that a customer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubdomainError {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// Fewer than three characters.
    #[error("the name is shorter than 3 characters")]
    TooShort,
    /// More than 40 characters: DNS allows 63, previews and copies add to it.
    #[error("the name is longer than 40 characters")]
    TooLong,
    /// Something else than a–z, 0–9 and a hyphen.
    #[error("the name has a character other than a–z, 0–9 and -")]
    BadCharacter,
    /// A hyphen at an end, or two in a row (which is how punycode begins).
    #[error("the name has a hyphen in a wrong place")]
    BadHyphen,
    /// A name that we, mail or browsers use, or an abusive one.
    #[error("the name is reserved")]
    Reserved,
}

/// Names that mean something to mail, browsers, certificates, us, or that look like us.
const RESERVED: &[&str] = &[
    "www",
    "admin",
    "api",
    "app",
    "apps",
    "mail",
    "smtp",
    "imap",
    "pop",
    "pop3",
    "ftp",
    "sftp",
    "ssh",
    "ns",
    "ns1",
    "ns2",
    "dns",
    "mx",
    "webmail",
    "autodiscover",
    "autoconfig",
    "wpad",
    "isatap",
    "localhost",
    "portal",
    "status",
    "login",
    "logout",
    "signup",
    "register",
    "account",
    "accounts",
    "auth",
    "sso",
    "oauth",
    "billing",
    "invoice",
    "invoices",
    "pay",
    "payment",
    "payments",
    "staff",
    "support",
    "help",
    "helpdesk",
    "docs",
    "doc",
    "blog",
    "cdn",
    "static",
    "assets",
    "media",
    "files",
    "git",
    "registry",
    "docker",
    "proxy",
    "web",
    "worker",
    "db",
    "database",
    "postgres",
    "postgresql",
    "root",
    "system",
    "sysadmin",
    "administrator",
    "hostmaster",
    "postmaster",
    "webmaster",
    "abuse",
    "security",
    "ssl",
    "tls",
    "cert",
    "acme-challenge",
    "internal",
    "intranet",
    "private",
    "dev",
    "test",
    "staging",
    "production",
    "prod",
    "demo",
    "example",
    "sayoo",
    "odoo",
    "openerp",
    "google",
    "paypal",
    "stripe",
    "apple",
    "microsoft",
    "facebook",
    "amazon",
    "bank",
    "monitoring",
    "metrics",
    "grafana",
    "prometheus",
    "health",
    "dashboard",
    "console",
    "vpn",
    "gateway",
    "null",
    "undefined",
    "none",
    "test-sayoo",
    "sayoo-staff",
    "sayoo-support",
];

/// Parts that no name may contain: abuse, and what phishing looks like.
const FORBIDDEN_PARTS: &[&str] = &[
    "fuck",
    "shit",
    "porn",
    "nazi",
    "hitler",
    "xxx",
    "phish",
    "malware",
    "sayoo",
    "paypal",
    "connard",
    "salope",
    "putain",
    "encule",
    "sharmuta",
    "signin",
    "secure-login",
    "account-verify",
    "verify-account",
];

impl Subdomain {
    /// Parses what a person typed. Upper case is folded; everything else must be right as it is.
    pub fn parse(text: &str) -> Result<Self, SubdomainError> {
        let name = text.trim().to_ascii_lowercase();
        if name.is_empty() {
            return Err(SubdomainError::Empty);
        }
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err(SubdomainError::BadCharacter);
        }
        if name.len() < 3 {
            return Err(SubdomainError::TooShort);
        }
        if name.len() > 40 {
            return Err(SubdomainError::TooLong);
        }
        if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
            return Err(SubdomainError::BadHyphen);
        }
        if RESERVED.contains(&name.as_str()) || FORBIDDEN_PARTS.iter().any(|part| name.contains(part)) {
            return Err(SubdomainError::Reserved);
        }
        Ok(Self(name))
    }

    /// Takes a name from our own table, where it was parsed before it went in: today's rules do not apply to it.
    #[must_use]
    pub fn kept(name: String) -> Self {
        Self(name)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Suggests a name for a company: letters folded to ASCII where that is plain, the rest dropped.
    #[must_use]
    pub fn suggest(company: &str) -> String {
        let mut name = String::new();
        for letter in company.to_lowercase().chars() {
            match letter {
                'a'..='z' | '0'..='9' => name.push(letter),
                'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => name.push('a'),
                'é' | 'è' | 'ê' | 'ë' => name.push('e'),
                'î' | 'ï' | 'í' => name.push('i'),
                'ô' | 'ö' | 'ó' | 'õ' => name.push('o'),
                'ù' | 'û' | 'ü' | 'ú' => name.push('u'),
                'ç' => name.push('c'),
                'ñ' => name.push('n'),
                _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
                _ => {}
            }
        }
        name.truncate(40);
        name.trim_matches('-').to_owned()
    }
}

impl fmt::Display for Subdomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address that a person typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    shown: String,
    key: String,
}

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing was given.
    #[error("the e-mail address is empty")]
    Empty,
    /// Not of the form `name@domain.tld`, or with a character that mail headers must not carry.
    #[error("the e-mail address is not valid")]
    Invalid,
    /// More than 254 characters (RFC 5321, 4.5.3.1.3).
    #[error("the e-mail address is too long")]
    TooLong,
}

impl EmailAddress {
    /// Parses an address. Two addresses that differ only in case are the same person (RFC 5321 allows otherwise; no one does it).
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let shown = text.trim();
        if shown.is_empty() {
            return Err(EmailError::Empty);
        }
        if shown.len() > 254 {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = shown.rsplit_once('@').ok_or(EmailError::Invalid)?;
        let is_plain_local = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte));
        let is_plain_domain = domain.contains('.')
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            });
        if !is_plain_local || !is_plain_domain {
            return Err(EmailError::Invalid);
        }
        Ok(Self { shown: shown.to_owned(), key: shown.to_ascii_lowercase() })
    }

    /// Returns the address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the form that addresses are compared by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_short_plain_and_free_of_reserved_words() {
        for (text, expected) in [
            ("", Err(SubdomainError::Empty)),
            ("a", Err(SubdomainError::TooShort)),
            (&"a".repeat(41), Err(SubdomainError::TooLong)),
            (&"a".repeat(64), Err(SubdomainError::TooLong)),
            ("été", Err(SubdomainError::BadCharacter)),
            ("xn--80ak6aa92e", Err(SubdomainError::BadHyphen)),
            ("-acme", Err(SubdomainError::BadHyphen)),
            ("acme.evil", Err(SubdomainError::BadCharacter)),
            ("<b>acme</b>", Err(SubdomainError::BadCharacter)),
            ("a'; drop table x", Err(SubdomainError::BadCharacter)),
            ("admin", Err(SubdomainError::Reserved)),
            ("WWW", Err(SubdomainError::Reserved)),
            ("sayoo-help", Err(SubdomainError::Reserved)),
            (" Acme-2 ", Ok("acme-2")),
        ] {
            let parsed = Subdomain::parse(text);
            assert_eq!(parsed.as_ref().map(Subdomain::as_str), expected.as_ref().map(|name| *name), "{text:?}");
        }
    }

    #[test]
    fn what_a_subdomain_shows_parses_back() {
        let name = Subdomain::parse("acme-casa").unwrap();
        assert_eq!(Subdomain::parse(&name.to_string()), Ok(name));
        assert_eq!(Subdomain::suggest("Café Zoé & Fils, S.A."), "cafe-zoe-fils-s-a");
        assert_eq!(Subdomain::suggest("شركة"), "");
    }

    #[test]
    fn an_email_is_compared_without_case_and_carries_no_header() {
        let email = EmailAddress::parse(" Zoe@Example.COM ").unwrap();
        assert_eq!((email.as_str(), email.key()), ("Zoe@Example.COM", "zoe@example.com"));
        for bad in ["", "zoe", "@x.com", "zoe@x", "a@b@c.com", "a\r\nBcc: x@y.com", "a b@c.com", "a@-b.com"] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
