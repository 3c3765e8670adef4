//! The machines: as the worker found them when it looked last.

use super::Finding;
use crate::base::chain;
use crate::config::Config;
use crate::db;
use crate::hosts::probes::{Probes, Verdict};
use crate::hosts::{self, Host, HostState};
use crate::i18n::{Locale, Texts};

/// Says how each host is.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let looked = async {
        let pool = db::pool(&config.database.owner_url, 1)?;
        let mut db = pool.acquire().await?;
        hosts::overview(&mut db).await
    };
    match looked.await {
        Ok(all) => all.loads.iter().flat_map(|load| [vec![judge(&load.host)], probed(&load.host)].concat()).collect(),
        Err(error) => vec![Finding::weak("host", chain::of_any(&error), "see control database above")],
    }
}

fn judge(host: &Host) -> Finding {
    let what = "host";
    let name = &host.name;
    match (host.state, &host.state_reason) {
        (HostState::Active, _) => Finding::good(what, format!("{name} is in use")),
        (HostState::Down, _) => {
            Finding::bad(what, format!("{name} is lost"), "switch it on, or: sayoo host remove, once it is empty")
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
        let remedy = "the worker tries again within ten minutes";
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
