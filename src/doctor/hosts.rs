//! The machines: as the worker found them when it looked last. And the certificates with which it knows them.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::base::chain;
use crate::certificates::{Dates, renewal};
use crate::config::Config;
use crate::db;
use crate::hosts::certificates::{AUTHORITY_SOON, Folder};
use crate::hosts::checks::Check;
use crate::hosts::probes::{Probes, Verdict};
use crate::hosts::{self, Host, HostState};
use crate::i18n::{Locale, Texts};

/// Says until when the certificates of this machine are good. Where there are none, none are needed.
pub fn certificates(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let path = config.docker_certificates();
    let folder = Folder::new(&path);
    let renew = "is the worker running, and may it read ca-key.pem and write here? or: sayoo host certs";
    let visit =
        "move the folder away, `sayoo host certs ADDRESS…` for every machine, copy the files there, restart Docker";
    let own = (OWN_CERTIFICATE, folder.own(), None, renew);
    let authority = ("authority for machines", folder.authority(), Some(AUTHORITY_SOON), visit);
    let mut findings = Vec::new();
    for (what, dates, soon, remedy) in [own, authority] {
        findings.extend(match dates {
            Ok(None) => None,
            Ok(Some(dates)) => Some(lasts(what, dates, soon, (now, remedy))),
            Err(error) => Some(Finding::bad(what, format!("{}: {}", path.display(), chain::of_any(&error)), remedy)),
        });
    }
    findings
}

const OWN_CERTIFICATE: &str = "certificate of the worker, for machines";
/// So long after it was to be renewed something is in the way.
const LATE: TimeDelta = TimeDelta::days(2);

fn lasts(what: &'static str, dates: Dates, soon: Option<TimeDelta>, (now, remedy): (DateTime<Utc>, &str)) -> Finding {
    let Dates { not_before, not_after } = dates;
    let warn_at = soon.map_or_else(|| renewal::renew_at(not_before, not_after, 0.0) + LATE, |soon| not_after - soon);
    let text = format!("good until {}", not_after.format("%Y-%m-%d"));
    if now >= not_after {
        Finding::bad(what, format!("it ended: {text}"), remedy)
    } else if now >= warn_at {
        Finding::weak(what, text, remedy)
    } else {
        Finding::good(what, text)
    }
}

/// Says how each host is.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let looked = async {
        let pool = db::pool(&config.database.owner_url, 1)?;
        let mut db = pool.acquire().await?;
        hosts::overview(&mut db).await
    };
    match looked.await {
        Ok(all) => {
            let of = |host: &Host| [vec![judge(host)], advised(host), probed(host)].concat();
            all.loads.iter().flat_map(|load| of(&load.host)).collect()
        }
        Err(error) => vec![Finding::weak("host", chain::of_any(&error), "see control database above")],
    }
}

fn judge(host: &Host) -> Finding {
    let what = "host";
    let name = &host.name;
    match (host.state, &host.state_reason) {
        (HostState::Active, _) => Finding::good(what, format!("{name} is in use")),
        (HostState::Down, _) => {
            let why = host.state_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let remedy = "switch it on, or: sayoo host remove, once it is empty";
            Finding::bad(what, format!("{name} is lost{why}"), remedy)
        }
        (_, Some(reason)) => {
            Finding::bad(what, format!("{name}: {reason}"), format!("the page of {name} in /staff/hosts says how"))
        }
        (HostState::Joining, None) => Finding::weak(what, format!("{name} is joining"), "wait; is the worker running?"),
        (HostState::Cordoned, None) => Finding::weak(
            what,
            format!("{name} takes nothing new: {}", host.wanted_reason),
            format!("sayoo host uncordon {name}"),
        ),
    }
}

/// Says what its checks found that closes nothing.
fn advised(host: &Host) -> Vec<Finding> {
    let texts = Texts::new(Locale::En);
    let weak = |check: &Check| {
        let subject = check.subject.as_str();
        let matter = format!("{}: {}: {}", host.name, texts.text(&format!("staff-check-{subject}")), check.seen);
        Finding::weak("host", matter, texts.text(&format!("staff-check-remedy-{subject}")))
    };
    host.findings.iter().filter(|check| check.is_advice && !check.is_good).map(weak).collect()
}

/// Says what was found from inside a container on the host, each fault with its remedy.
fn probed(host: &Host) -> Vec<Finding> {
    let what = "host, from inside an instance";
    let (name, probes) = (&host.name, &host.probes);
    let texts = Texts::new(Locale::En);
    let mut findings = Vec::new();
    for proof in &probes.proofs {
        let subject = proof.subject.as_str();
        let matter = format!("{name}: not so: {} ({})", texts.text(&format!("staff-probe-{subject}")), proof.seen);
        let remedy = texts.text(&format!("staff-probe-remedy-{subject}"));
        match proof.verdict {
            Verdict::Bad => findings.push(Finding::bad(what, matter, remedy)),
            Verdict::Weak => findings.push(Finding::weak(what, matter, remedy)),
            Verdict::Good | Verdict::Untried => {}
        }
    }
    if let Some(failure) = &probes.failure {
        let remedy = "the worker tries again within five minutes";
        findings.push(Finding::weak(what, format!("{name} could not be probed: {failure}"), remedy));
    } else if probes.made_at.is_none() && host.state != HostState::Joining {
        findings.push(Finding::weak(what, format!("{name} was not probed yet"), "wait; is the worker running?"));
    } else if findings.is_empty() && probes.made_at.is_some() {
        findings.push(Finding::good(what, format!("{name}: {} of {} tried", tried(probes), probes.proofs.len())));
    }
    findings
}

fn tried(probes: &Probes) -> usize {
    probes.proofs.iter().filter(|proof| proof.verdict != Verdict::Untried).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_certificate_that_should_have_been_renewed_is_said_before_it_ends() {
        let at = |days: i64| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let dates = Dates { not_before: at(0), not_after: at(825) };
        let own = |now| lasts(OWN_CERTIFICATE, dates, None, (now, "renew it")).verdict;
        assert_eq!(own(at(551)), Verdict::Good("good until 1972-04-05".to_owned()));
        assert!(matches!(own(at(552)), Verdict::Weak(..)));
        assert!(matches!(own(at(825)), Verdict::Bad(..)));
        let authority = |now| lasts("authority", dates, Some(AUTHORITY_SOON), (now, "visit them")).verdict;
        assert!(matches!(authority(at(459)), Verdict::Good(_)));
        assert!(matches!(authority(at(460)), Verdict::Weak(..)));
    }
}
