//! Certificates for the proxy: what one says, and reading one.

pub mod renewal;
pub mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate with its chain and its private key, ready for use.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What TLS needs of it.
    pub key: Arc<CertifiedKey>,
    /// The host names that it is for, lower case; `*.example.net` stands for one label before `.example.net`.
    pub names: Vec<String>,
    /// From when on it is good.
    pub not_before: DateTime<Utc>,
    /// Until when it is good.
    pub not_after: DateTime<Utc>,
}

impl Certificate {
    /// Reads a chain (the certificate first) and its key, both in PEM. The key must be the certificate's own.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> anyhow::Result<Self> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().context("read the chain as PEM")?;
        let leaf = chain.first().context("there is no certificate in the file")?;
        let said = say(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key).context("read the private key as PEM")?;
        let provider = aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, key, &provider)
            .context("the private key does not belong to the certificate, or is of an unknown kind")?;
        certified.keys_match().context("the private key does not belong to the certificate")?;
        let Dates { not_before, not_after } = said.dates;
        Ok(Self { key: Arc::new(certified), names: said.names, not_before, not_after })
    }

    /// Whether it is for this host name, in normal form.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let wildcard = wildcard_of(host);
        self.names.iter().any(|name| name == host || Some(name) == wildcard.as_ref())
    }
}

/// Returns the wildcard that stands for a host name: `*.example.net` for `shop.example.net`, of one label only.
#[must_use]
pub fn wildcard_of(host: &str) -> Option<String> {
    let (label, parent) = host.split_once('.')?;
    (!label.is_empty()).then(|| format!("*.{parent}"))
}

/// From when on a certificate is good, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// From when on.
    pub not_before: DateTime<Utc>,
    /// Until when.
    pub not_after: DateTime<Utc>,
}

impl Dates {
    /// Reads the dates of a certificate, whoever it is for.
    pub fn of(leaf: &CertificateDer<'_>) -> anyhow::Result<Self> {
        let (_, parsed) = X509Certificate::from_der(leaf).context("read the certificate")?;
        let time = |seconds| DateTime::from_timestamp(seconds, 0).context("the certificate's dates are beyond time");
        let validity = parsed.validity();
        Ok(Self {
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        })
    }

    /// Reads the dates of the first certificate in a file.
    pub fn in_file(path: &Path) -> anyhow::Result<Self> {
        let text = read(path)?;
        let leaf = CertificateDer::pem_slice_iter(&text).next().context("there is no certificate in the file")?;
        Self::of(&leaf.with_context(|| format!("read {} as PEM", path.display()))?)
    }
}

/// What a certificate says about itself.
struct Said {
    names: Vec<String>,
    dates: Dates,
}

fn say(leaf: &CertificateDer<'_>) -> anyhow::Result<Said> {
    let (_, parsed) = X509Certificate::from_der(leaf).context("read the certificate")?;
    let alternative = parsed.subject_alternative_name().context("read the certificate's names")?;
    let names: Vec<String> = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| if let GeneralName::DNSName(name) = name { Some(name.to_ascii_lowercase()) } else { None })
        .collect();
    if names.is_empty() {
        bail!("the certificate names no host (subjectAltName)");
    }
    Ok(Said { names, dates: Dates::of(leaf)? })
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contents")
    }
}

/// Where a certificate lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The chain, the certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The contents of both files.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents {
    chain: Vec<u8>,
    key: Vec<u8>,
}

/// No certificate with its chain is larger; a device or a log must not be read whole.
const LARGEST_FILE: u64 = 1024 * 1024;

impl Files {
    /// Reads both files, without understanding them.
    pub fn contents(&self) -> anyhow::Result<Contents> {
        Ok(Contents { chain: read(&self.certificate)?, key: read(&self.key)? })
    }
}

impl Contents {
    /// Understands what was read.
    pub fn certificate(&self) -> anyhow::Result<Certificate> {
        Certificate::from_pem(&self.chain, &self.key)
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let about = std::fs::metadata(path).with_context(|| format!("look at {}", path.display()))?;
    ensure!(about.is_file() && about.len() <= LARGEST_FILE, "{} is no certificate file", path.display());
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str]) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn a_certificate_covers_its_names_and_one_label_of_a_wildcard() {
        let (chain, key) = made(&["Portal.example.com", "*.example.net"]);
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        for host in ["portal.example.com", "a.example.net"] {
            assert!(certificate.covers(host), "{host}");
        }
        for host in
            ["example.com", "a.portal.example.com", "example.net", "a.b.example.net", ".example.net", "xexample.net"]
        {
            assert!(!certificate.covers(host), "{host}");
        }
        assert!(certificate.not_before < certificate.not_after);
    }

    #[test]
    fn a_chain_and_a_key_that_do_not_belong_together_are_refused() {
        let ((chain, key), (_, other)) = (made(&["a.net"]), made(&["a.net"]));
        assert!(Certificate::from_pem(chain.as_bytes(), other.as_bytes()).is_err());
        for (chain, key) in [("", key.as_str()), (chain.as_str(), ""), (key.as_str(), chain.as_str()), ("x", "y")] {
            assert!(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).is_err());
        }
    }
}
