//! A private authority and the certificates with which we and the machines' daemons know each other.
//!
//! Whoever may call a daemon is root on its machine. So a machine's own certificate is good for serving only: stolen,
//! it opens no other machine. Our own certificate renews itself, for the same key: whoever reads the files while they
//! change finds two that fit.

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

use crate::certificates::{Dates, renewal};

/// Long: replacing an authority means visiting each machine.
const AUTHORITY_FOR: TimeDelta = TimeDelta::days(3650);
/// Shorter, as it is one command to make another.
const CERTIFICATE_FOR: TimeDelta = TimeDelta::days(825);
/// The least time that staff need to visit each machine with a new authority.
pub const AUTHORITY_SOON: TimeDelta = TimeDelta::days(365);
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

    /// Makes the authority and our own certificate, unless they are there; renews our own. Returns whether the authority is new.
    pub fn prepare(&self, installation: &str, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let is_new = !self.0.join("ca.pem").exists();
        if is_new {
            let key = KeyPair::generate().context("make the authority's key")?;
            let certificate = authority(installation, now)?.self_signed(&key).context("sign the authority")?;
            write(&self.0.join("ca-key.pem"), &key.serialize_pem(), Secrecy::Secret)?;
            write(&self.0.join("ca.pem"), &certificate.pem(), Secrecy::Open)?;
        }
        if self.0.join("cert.pem").exists() {
            self.renew(installation, now)?;
        } else {
            self.sign_own(installation, now)?;
        }
        Ok(is_new)
    }

    /// Makes another certificate of our own when a third of its life is left. Returns whether it did: where there is none, with
    /// one machine only, none is needed.
    pub fn renew(&self, installation: &str, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let Some(dates) = self.own()? else { return Ok(false) };
        if now < renewal::renew_at(dates.not_before, dates.not_after, 0.0) {
            return Ok(false);
        }
        self.sign_own(installation, now)?;
        Ok(true)
    }

    /// Returns from when until when our own certificate is good.
    pub fn own(&self) -> anyhow::Result<Option<Dates>> {
        dates_in(&self.0.join("cert.pem"))
    }

    /// Returns from when until when the authority is good.
    pub fn authority(&self) -> anyhow::Result<Option<Dates>> {
        dates_in(&self.0.join("ca.pem"))
    }

    fn sign_own(&self, installation: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
        let path = self.0.join("key.pem");
        let own = if path.exists() {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            KeyPair::from_pem(&text).context("read our own key")?
        } else {
            let own = KeyPair::generate().context("make a key")?;
            write(&path, &own.serialize_pem(), Secrecy::Secret)?;
            own
        };
        let names = DistinguishedNameOf { common: "sayoo worker".to_owned(), addresses: Vec::new() };
        let certificate = self.sign(installation, names, (ExtendedKeyUsagePurpose::ClientAuth, &own), now)?;
        write(&self.0.join("cert.pem"), &certificate, Secrecy::Open)
    }

    /// Makes what a machine's daemon needs: certificate, key, and a configuration that keeps containers apart.
    ///
    /// Files that are there are made anew: a certificate ends, and `sayoo host certs` is how it is renewed.
    pub fn issue(&self, installation: &str, address: IpAddr, now: DateTime<Utc>) -> anyhow::Result<PathBuf> {
        let folder = self.of_host(address);
        let names = DistinguishedNameOf { common: address.to_string(), addresses: vec![address.to_string()] };
        let own = KeyPair::generate().context("make a key")?;
        let certificate = self.sign(installation, names, (ExtendedKeyUsagePurpose::ServerAuth, &own), now)?;
        let authority = fs::read_to_string(self.0.join("ca.pem")).context("read the authority's certificate")?;
        write(&folder.join("ca.pem"), &authority, Secrecy::Open)?;
        write(&folder.join("server-key.pem"), &own.serialize_pem(), Secrecy::Secret)?;
        write(&folder.join("server-cert.pem"), &certificate, Secrecy::Open)?;
        write(&folder.join("daemon.json"), &daemon_configuration(address), Secrecy::Open)?;
        Ok(folder)
    }

    fn sign(
        &self,
        installation: &str,
        names: DistinguishedNameOf,
        (purpose, own): (ExtendedKeyUsagePurpose, &KeyPair),
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
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
        Ok(params.signed_by(own, &issuer).context("sign a certificate")?.pem())
    }
}

/// Returns the dates of a certificate, or nothing when there is no such file.
fn dates_in(path: &Path) -> anyhow::Result<Option<Dates>> {
    if path.exists() { Dates::in_file(path).map(Some) } else { Ok(None) }
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
        "hosts": ["unix:///var/run/docker.sock", super::endpoint_at(address)],
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
    fn our_own_certificate_is_renewed_for_the_same_key_when_a_third_of_its_life_is_left() {
        let place = tempfile::tempdir().unwrap();
        let (folder, now) = (Folder::new(place.path()), Clock::System.now());
        assert!(!folder.renew("test", now).unwrap(), "there is none");
        assert!(!place.path().join("cert.pem").exists());
        folder.prepare("test", now).unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
        let (certificate, key) = (read("cert.pem"), read("key.pem"));
        let third = (CERTIFICATE_FOR + BEFORE) / 3;
        let due = now + CERTIFICATE_FOR - third;
        for early in [now, due - TimeDelta::days(2)] {
            assert!(!folder.renew("test", early).unwrap());
        }
        assert_eq!(read("cert.pem"), certificate);
        assert!(folder.renew("test", due + TimeDelta::days(1)).unwrap());
        assert_eq!(read("key.pem"), key);
        let dates = folder.own().unwrap().unwrap();
        assert!(dates.not_after - due > CERTIFICATE_FOR - TimeDelta::days(1), "{dates:?}");
        // `sayoo host certs` renews it as well.
        folder.prepare("test", dates.not_after - TimeDelta::days(1)).unwrap();
        assert!(folder.own().unwrap().unwrap().not_after > dates.not_after);
        assert!(folder.authority().unwrap().unwrap().not_after > now + TimeDelta::days(3000));
    }

    #[test]
    fn a_daemon_on_a_network_of_ipv6_gets_an_address_that_it_can_read() {
        let written = daemon_configuration("fd00::2".parse().unwrap());
        assert!(written.contains("\"tcp://[fd00::2]:2376\"") && written.contains("\"ip\": \"fd00::2\""), "{written}");
        assert!(daemon_configuration("10.0.0.2".parse().unwrap()).contains("\"tcp://10.0.0.2:2376\""));
    }

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
