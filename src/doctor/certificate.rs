//! The certificate of the portal and its instances: readable, for the right names, good for a while.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::base::chain;
use crate::certificates::{Certificate, Files};
use crate::config::{Config, Mode};

/// Less than this is time to look who renews it.
const SOON: TimeDelta = TimeDelta::days(21);

const WHAT: &str = "certificate";

/// Looks at the operator's certificate.
pub fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let Some(tls) = &config.tls else {
        return match config.public.mode {
            Mode::Development => Vec::new(),
            Mode::Production => vec![Finding::weak(
                WHAT,
                "this program speaks plain HTTP only",
                "set [tls], unless something before it speaks HTTPS",
            )],
        };
    };
    let Some(files) = tls.files() else {
        if tls.acme.as_ref().is_some_and(|acme| acme.dns.is_some()) {
            // The worker gets it, and its turns say what is in the way.
            return vec![Finding::good(WHAT, "comes from the certificate authority")];
        }
        let remedy = "set [tls] certificate_file and key_file, or [tls.acme.dns]";
        return vec![Finding::weak(WHAT, "there is none for all instances", remedy)];
    };
    let hosts = [config.public.portal_host(), config.public.instance_host("sayoo-doctor-asks")];
    vec![look(&files, &hosts, now)]
}

fn look(files: &Files, hosts: &[String], now: DateTime<Utc>) -> Finding {
    let path = files.certificate.display();
    let certificate = match files.contents().and_then(|contents| contents.certificate()) {
        Ok(certificate) => certificate,
        Err(cause) => {
            let remedy =
                "mend the files; a proxy that runs uses the last good ones meanwhile, one that starts has none";
            return Finding::bad(WHAT, format!("{path}: {}", chain::of_any(&cause)), remedy);
        }
    };
    let Certificate { not_before, not_after, .. } = certificate;
    if now < not_before || now >= not_after {
        return Finding::bad(WHAT, format!("{path} is good from {not_before} until {not_after}"), "renew it");
    }
    if let Some(host) = hosts.iter().find(|host| !certificate.covers(host)) {
        let names = certificate.names.join(", ");
        return Finding::bad(WHAT, format!("{path} is for {names}, not for {host}"), "get one for all these names");
    }
    if not_after - now < SOON {
        return Finding::weak(WHAT, format!("{path} is good until {not_after}"), "look why it is not renewed");
    }
    Finding::good(WHAT, format!("{} until {not_after}", certificate.names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_certificate_must_be_readable_for_the_hosts_and_good_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
        let hosts = ["portal.example.com".to_owned(), "x.example.net".to_owned()];
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let verdict = |now| look(&files, &hosts, now).verdict;
        assert!(matches!(verdict(now), Verdict::Bad(..)), "there is none");

        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(vec!["*.example.net".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2027, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(2027, 4, 1);
        let write = |wanted: &rcgen::CertificateParams| {
            std::fs::write(&files.certificate, wanted.self_signed(&key).unwrap().pem()).unwrap();
            std::fs::write(&files.key, key.serialize_pem()).unwrap();
        };
        write(&wanted);
        assert!(matches!(verdict(now), Verdict::Bad(matter, _) if matter.contains("not for portal.example.com")));

        wanted.subject_alt_names.push(rcgen::SanType::DnsName("portal.example.com".try_into().unwrap()));
        write(&wanted);
        // 2027-01-15, 2027-03-15, 2027-04-02 and 2026-12-31.
        assert!(matches!(verdict(now), Verdict::Good(_)));
        assert!(matches!(verdict(now + TimeDelta::days(59)), Verdict::Weak(..)));
        assert!(matches!(verdict(now + TimeDelta::days(77)), Verdict::Bad(..)));
        assert!(matches!(verdict(now - TimeDelta::days(15)), Verdict::Bad(..)));

        std::fs::write(&files.key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(matches!(verdict(now), Verdict::Bad(..)), "another key");
    }
}
