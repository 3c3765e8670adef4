//! A private authority and the certificates with which we and the machines' daemons know each other.
//!
//! Whoever may call a daemon is root on its machine. So a machine's own certificate is good for serving only: stolen,
//! it opens no other machine.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Long: replacing an authority means visiting each machine.
const AUTHORITY_FOR: TimeDelta = TimeDelta::days(3650);
/// Shorter, as it is one command to make another.
const CERTIFICATE_FOR: TimeDelta = TimeDelta::days(825);
/// Clocks of new machines are often a little wrong.
const BEFORE: TimeDelta = TimeDelta::days(1);

/// The folder with the authority, our own certificate, and one folder for each machine.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Names the folder.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns where a machine's files are.
    #[must_use]
    pub fn of_host(&self, address: IpAddr) -> PathBuf {
        self.0.join("hosts").join(address.to_string())
    }

    /// Makes the authority and our own certificate, unless they are there. Returns whether they were made.
    pub fn prepare(&self, installation: &str, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let is_new = !self.0.join("ca.pem").exists();
        if is_new {
            let key = KeyPair::generate().context("make the authority's key")?;
            let certificate = authority(installation, now)?.self_signed(&key).context("sign the authority")?;
            write(&self.0.join("ca-key.pem"), &key.serialize_pem(), Secrecy::Secret)?;
            write(&self.0.join("ca.pem"), &certificate.pem(), Secrecy::Open)?;
        }
        if !self.0.join("cert.pem").exists() {
            let names = DistinguishedNameOf { common: "sayoo worker".to_owned(), addresses: Vec::new() };
            let (certificate, key) = self.sign(installation, names, ExtendedKeyUsagePurpose::ClientAuth, now)?;
            write(&self.0.join("key.pem"), &key, Secrecy::Secret)?;
            write(&self.0.join("cert.pem"), &certificate, Secrecy::Open)?;
        }
        Ok(is_new)
    }

    /// Makes what a machine's daemon needs: certificate, key, and a configuration that keeps containers apart.
    ///
    /// Files that are there are made anew: a certificate ends, and `sayoo host certs` is how it is renewed.
    pub fn issue(&self, installation: &str, address: IpAddr, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
        let folder = self.of_host(address);
        let names = DistinguishedNameOf { common: address.to_string(), addresses: vec![address.to_string()] };
        let (certificate, key) = self.sign(installation, names, ExtendedKeyUsagePurpose::ServerAuth, now)?;
        let authority = fs::read_to_string(self.0.join("ca.pem")).context("read the authority's certificate")?;
        write(&folder.join("ca.pem"), &authority, Secrecy::Open)?;
        write(&folder.join("server-key.pem"), &key, Secrecy::Secret)?;
        write(&folder.join("server-cert.pem"), &certificate, Secrecy::Open)?;
        write(&folder.join("daemon.json"), &daemon_configuration(address), Secrecy::Open)?;
        Ok(folder)
    }

    fn sign(
        &self,
        installation: &str,
        names: DistinguishedNameOf,
        purpose: ExtendedKeyUsagePurpose,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(String, String)> {
        let path = self.0.join("ca-key.pem");
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let key = KeyPair::from_pem(&text).context("read the authority's key")?;
        // The authority's name and key are all that a signature takes from it.
        let issuer = Issuer::new(authority(installation, now)?, key);
        let mut params = CertificateParams::new(names.addresses).context("a certificate's addresses")?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names.common);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        (params.not_before, params.not_after) = (day(now - BEFORE), day(now + CERTIFICATE_FOR));
        let own = KeyPair::generate().context("make a key")?;
        let certificate = params.signed_by(&own, &issuer).context("sign a certificate")?;
        Ok((certificate.pem(), own.serialize_pem()))
    }
}

struct DistinguishedNameOf {
    common: String,
    addresses: Vec<String>,
}

fn authority(installation: &str, now: DateTime<Utc>) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::<String>::new()).context("the authority's certificate")?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("sayoo hosts of {installation}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (day(now - BEFORE), day(now + AUTHORITY_FOR));
    Ok(params)
}

/// Certificates count in days here.
fn day(at: DateTime<Utc>) -> time::OffsetDateTime {
    let month = u8::try_from(at.month()).unwrap_or(1);
    let day = u8::try_from(at.day()).unwrap_or(1);
    rcgen::date_time_ymd(at.year(), month, day)
}

fn daemon_configuration(address: IpAddr) -> String {
    let configuration = serde_json::json!({
        "hosts": ["unix:///var/run/docker.sock", format!("tcp://{address}:2376")],
        "tlsverify": true,
        "tlscacert": "/etc/docker/ca.pem",
        "tlscert": "/etc/docker/server-cert.pem",
        "tlskey": "/etc/docker/server-key.pem",
        "ip": address.to_string(),
        "icc": false,
        "no-new-privileges": true,
        "log-opts": { "max-size": "10m", "max-file": "3" },
    });
    format!("{configuration:#}\n")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Secret,
    Open,
}

/// Writes a file beside its place and renames it, so that nobody reads half of it.
fn write(path: &Path, text: &str, secrecy: Secrecy) -> anyhow::Result<()> {
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let fresh = path.with_extension("new");
    let mode = if secrecy == Secrecy::Secret { 0o600 } else { 0o644 };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(&fresh).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("write {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn the_authority_stays_and_keys_are_for_their_owner_only() {
        let place = tempfile::tempdir().unwrap();
        let (folder, now) = (Folder::new(place.path()), Clock::System.now());
        assert!(folder.prepare("test", now).unwrap());
        let authority = fs::read(place.path().join("ca.pem")).unwrap();
        assert!(!folder.prepare("test", now).unwrap());
        assert_eq!(fs::read(place.path().join("ca.pem")).unwrap(), authority);
        let host = folder.issue("test", "10.0.0.2".parse().unwrap(), now).unwrap();
        assert_eq!(fs::read(host.join("ca.pem")).unwrap(), authority);
        for key in [place.path().join("ca-key.pem"), place.path().join("key.pem"), host.join("server-key.pem")] {
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(fs::read_to_string(host.join("daemon.json")).unwrap().contains("\"icc\": false"));
    }
}
