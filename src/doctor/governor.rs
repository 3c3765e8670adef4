//! Whether somebody sees that one tenant does not take processors from the others.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::base::chain;
use crate::config::Config;
use crate::governor::report::Report;

const WHAT: &str = "processors, between tenants";
/// Six reports.
const OLD_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Looks at what the governor said last.
pub fn examine(config: &Config, now: DateTime<Utc>) -> Finding {
    match Report::read(&config.installation.data_dir) {
        Ok(report) => judge(report, now),
        Err(error) => Finding::weak(WHAT, chain::of_any(&error), "run sayoo doctor as who runs sayoo, or as root"),
    }
}

fn judge(report: Option<Report>, now: DateTime<Utc>) -> Finding {
    let remedy = "sayoo all does it as root; else run sayoo governor as root (docs/operations.md, \"The governor\")";
    let Some(report) = report else {
        return Finding::weak(WHAT, "no governor has run: what one tenant uses, the others may lack", remedy);
    };
    if now - report.at > OLD_AFTER {
        let matter = format!("the governor has said nothing since {}", report.at.format("%F %T"));
        return Finding::weak(WHAT, matter, remedy);
    }
    if let Some(trouble) = report.trouble {
        return Finding::weak(WHAT, format!("the governor could not: {trouble}"), remedy);
    }
    let sessions = match report.sessions {
        Some(count) => format!("{count} sessions are in the groups of their databases"),
        None => "the tenants' database server does not run here".to_owned(),
    };
    Finding::good(WHAT, format!("{sessions}; {} databases give way", report.heavy_databases))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::doctor::Verdict;

    #[test]
    fn a_governor_that_never_was_that_ended_or_that_may_not_is_told_and_one_that_works_is_well() {
        let now = Clock::System.now();
        let report = |seconds, trouble: Option<&str>| Report {
            at: now - TimeDelta::seconds(seconds),
            sessions: Some(3),
            heavy_databases: 1,
            trouble: trouble.map(str::to_owned),
        };
        for (found, words) in [
            (None, "no governor has run"),
            (Some(report(31, None)), "has said nothing since"),
            (Some(report(1, Some("make the group /x"))), "could not: make the group /x"),
        ] {
            let Verdict::Weak(matter, remedy) = judge(found, now).verdict else { panic!("{words}") };
            assert!(matter.contains(words) && remedy.contains("as root"), "{matter}");
        }
        let well = judge(Some(report(29, None)), now).verdict;
        let text = "3 sessions are in the groups of their databases; 1 databases give way";
        assert_eq!(well, Verdict::Good(text.to_owned()));
    }
}
