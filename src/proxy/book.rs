//! Which certificate a host name gets. Pure: built from certificates, asked by name, swapped whole.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::certificates::{Certificate, wildcard_of};

/// All certificates at one moment.
#[derive(Debug, Default)]
pub struct Book {
    /// Wildcards among them as they are written: `*.example.net`.
    by_name: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// For visitors who name no host, or one that nobody knows: they see a page, after a warning. Never a customer's.
    default: Option<Arc<CertifiedKey>>,
}

impl Book {
    /// Builds a book. Where two certificates are for the same name, the first one counts, and the default before all.
    #[must_use]
    pub fn new(default: Option<&Certificate>, others: &[Certificate]) -> Self {
        let mut book = Self { default: default.map(|certificate| Arc::clone(&certificate.key)), ..Self::default() };
        for certificate in default.into_iter().chain(others) {
            for name in &certificate.names {
                book.by_name.entry(name.as_str().into()).or_insert_with(|| Arc::clone(&certificate.key));
            }
        }
        book
    }

    /// Returns the certificate that is for a host name in normal form.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        self.by_name.get(name).or_else(|| self.by_name.get(wildcard_of(name)?.as_str()))
    }

    /// Returns the certificate that a visitor gets who asks for this name, or for none.
    #[must_use]
    pub fn pick(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        name.and_then(|name| self.find(name)).or(self.default.as_ref())
    }

    /// Whether a visitor who asked for a certificate for `asked` got the one for `host`.
    #[must_use]
    pub fn is_the_same(&self, asked: Option<&str>, host: &str) -> bool {
        asked == Some(host)
            || match (self.pick(asked), self.pick(Some(host))) {
                (Some(given), Some(right)) => Arc::ptr_eq(given, right),
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        Certificate::from_pem(made.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    #[test]
    fn a_name_s_own_certificate_counts_before_the_wildcard_s_and_both_before_the_default() {
        let (wildcard, own, late) =
            (certificate(&["*.a.net", "a.net"]), certificate(&["x.a.net", "b.net"]), certificate(&["b.net"]));
        let book = Book::new(Some(&wildcard), &[own.clone(), late]);
        for (name, expected) in [
            ("x.a.net", &own),
            ("y.a.net", &wildcard),
            ("a.net", &wildcard),
            ("b.net", &own),
            ("z.y.a.net", &wildcard),
            ("other.org", &wildcard),
        ] {
            assert!(Arc::ptr_eq(book.pick(Some(name)).unwrap(), &expected.key), "{name}");
        }
        assert!(Arc::ptr_eq(book.pick(None).unwrap(), &wildcard.key));
        assert!(book.find("z.y.a.net").is_none() && book.find("net").is_none());
        let without = Book::new(None, &[own]);
        assert!(without.pick(Some("b.net")).is_some());
        assert!(without.pick(None).is_none() && without.pick(Some("a.net")).is_none());
    }

    #[test]
    fn hosts_of_one_certificate_share_a_connection_and_others_do_not() {
        let (wildcard, own) = (certificate(&["*.a.net"]), certificate(&["b.net"]));
        let book = Book::new(Some(&wildcard), &[own]);
        assert!(book.is_the_same(Some("x.a.net"), "y.a.net"));
        assert!(book.is_the_same(None, "y.a.net"));
        assert!(!book.is_the_same(Some("x.a.net"), "b.net"));
        assert!(!book.is_the_same(Some("b.net"), "x.a.net"));
        assert!(!book.is_the_same(None, "b.net"));
    }
}
