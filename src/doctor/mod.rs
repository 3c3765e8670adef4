//! `sayoo doctor`: looks at everything that an installation stands on and says how to mend each fault.

mod addresses;
mod certificate;
mod databases;
mod engine;
mod files;
mod governor;
mod hosts;
mod registry;
mod store;
mod world;

use crate::base::clock::Clock;
use crate::config::Config;

/// What was found in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub verdict: Verdict,
}

/// How something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be; the text says what was seen.
    Good(String),
    /// Works, but not as it should in production: what is the matter, what to do.
    Weak(String, String),
    /// Does not work, or is not safe: what is the matter, what to do.
    Bad(String, String),
}

impl Finding {
    fn good(what: &'static str, seen: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good(seen.into()) }
    }

    fn weak(what: &'static str, matter: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Weak(matter.into(), remedy.into()) }
    }

    fn bad(what: &'static str, matter: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Bad(matter.into(), remedy.into()) }
    }

    /// Whether the installation should not be used like this.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.verdict, Verdict::Bad(..))
    }
}

/// Looks at everything. Never stops at the first fault: a person mends several at once.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = files::examine(config);
    findings.extend(certificate::examine(config, Clock::System.now()));
    findings.extend(databases::examine(config).await);
    findings.extend(engine::examine(config).await);
    findings.extend(registry::examine(config).await);
    findings.extend(hosts::examine(config).await);
    findings.push(world::examine(config));
    findings.push(governor::examine(config, Clock::System.now()));
    findings.extend(hosts::certificates(config, Clock::System.now()));
    findings.extend(addresses::examine(config).await);
    findings
}
