//! Gets and renews the certificates of the installation's own names: the portal's, and all instances' at once.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::acme;
use crate::base::chain;
use crate::certificates::{renewal, store as certificates};
use crate::config::Public;
use crate::db::StoreError;
use crate::dns::provider::Provider;

use super::driver::{Outcome, Task};
use super::edge::{Edge, Issuer};
use super::lease::Lease;
use super::shows::{OverDns, OverHttp};
use super::store::report;

/// A certificate that is good is looked at so often.
const SETTLED: Duration = Duration::from_hours(6);

/// How a name of ours is shown to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Dns,
    Http,
}

/// A certificate that the installation needs. It is kept under its first name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    subject: Uuid,
    names: Vec<String>,
    way: Way,
}

/// Decides which certificates are needed: one for all instances where somebody writes into the zone, with the portal's
/// name in it where that is in the zone too; else one for the portal, unless the operator gave one.
fn wanted(public: &Public, zone: Option<&str>, has_files: bool) -> Vec<Wanted> {
    let (domain, portal) = (public.instances_domain(), public.portal_host());
    let mut all = Vec::new();
    let is_below = |name: &str, parent: &str| name.strip_suffix(parent).is_some_and(|front| front.ends_with('.'));
    let mut is_covered = has_files || !public.is_https();
    if let Some(zone) = zone.map(|zone| zone.trim_end_matches('.')) {
        let mut names = vec![format!("*.{domain}")];
        let has_wildcard = portal.split_once('.').is_some_and(|(_, parent)| parent == domain);
        if !has_wildcard && (portal == zone || is_below(&portal, zone)) {
            names.push(portal.clone());
            is_covered = true;
        }
        is_covered |= has_wildcard;
        all.push(Wanted { subject: Uuid::from_u128(1), names, way: Way::Dns });
    }
    if !is_covered {
        all.push(Wanted { subject: Uuid::from_u128(2), names: vec![portal], way: Way::Http });
    }
    all
}

/// The task.
pub struct OwnNames {
    edge: Arc<Edge>,
    wanted: Vec<Wanted>,
}

impl OwnNames {
    /// Makes the task.
    #[must_use]
    pub fn new(edge: Arc<Edge>) -> Self {
        let wanted = match &edge.issuer {
            None => Vec::new(),
            Some(issuer) => wanted(&edge.public, issuer.provider.as_ref().map(Provider::zone), issuer.has_files),
        };
        Self { edge, wanted }
    }

    async fn order(&self, lease: &Lease, issuer: &Issuer, wanted: &Wanted) -> Result<acme::Issued, acme::Error> {
        let account = self.edge.account(issuer).await?;
        match wanted.way {
            Way::Dns => {
                let provider = issuer.provider.as_ref().context("nobody writes into the zone")?;
                issuer.authority.order(&account, &wanted.names, &OverDns::new(provider)).await
            }
            Way::Http => {
                let by = OverHttp { edge: &self.edge, lease, hostname: &wanted.names[0] };
                issuer.authority.order(&account, &wanted.names, &by).await
            }
        }
    }
}

impl Task for OwnNames {
    const NAME: &'static str = "own-names";
    const AT_ONCE: usize = 2;
    const LIMIT: Duration = Duration::from_mins(5);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let subjects: Vec<Uuid> = self.wanted.iter().map(|wanted| wanted.subject).collect();
        store::refresh(db, &subjects, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let edge = &self.edge;
        let wanted = self.wanted.iter().find(|wanted| wanted.subject == lease.subject);
        // What another configuration wanted.
        let (Some(wanted), Some(issuer)) = (wanted, &edge.issuer) else { return Ok(Outcome::Over) };
        let name = &wanted.names[0];
        let mut db = edge.db.acquire().await?;
        let life = certificates::life(&mut db, name).await.context("look for a certificate")?;
        let before = store::before(&mut db, lease.subject).await?;
        drop(db);
        // Another portal's name in the configuration is another certificate.
        let is_as_before = before.names == wanted.names && before.failures == 0;
        if life.is_some_and(|life| edge.clock.now() < life.renew_at) && is_as_before {
            return Ok(Outcome::Settled(SETTLED));
        }
        let ordered = Box::pin(self.order(lease, issuer, wanted)).await;
        let mut tx = lease.begin(&edge.db).await?;
        let outcome = match ordered {
            Ok(issued) => {
                edge.keep(&mut tx, issuer, name, &issued).await?;
                report(&mut tx, lease, &json!({ "names": wanted.names })).await?;
                Outcome::Settled(SETTLED)
            }
            Err(error) => {
                let problem = chain::of(&error);
                tracing::error!(
                    names = wanted.names.join(" "),
                    cause = problem,
                    "there is no certificate for our own names"
                );
                let failures = before.failures.saturating_add(1);
                let status = json!({ "names": wanted.names, "failures": failures, "problem": problem });
                report(&mut tx, lease, &status).await?;
                let told = renewal::told_to_wait(&problem, edge.clock.now()).unwrap_or_default();
                Outcome::Later(renewal::pause(failures, rand::random()).max(told).to_std().unwrap_or_default())
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    fn names(portal_url: &str, zone: Option<&str>, has_files: bool) -> Vec<(Vec<String>, Way)> {
        let public = Public {
            portal_url: portal_url.to_owned(),
            instances_url: "https://{name}.example.net".to_owned(),
            mode: Mode::Production,
            company: "Sayoo".to_owned(),
        };
        wanted(&public, zone, has_files).into_iter().map(|wanted| (wanted.names, wanted.way)).collect()
    }

    #[test]
    fn every_own_name_is_in_one_certificate() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wildcard = (list(&["*.example.net"]), Way::Dns);
        for (portal, zone, has_files, expected) in [
            // Below the instances' domain the wildcard is for it too.
            ("https://portal.example.net", Some("example.net"), false, vec![wildcard.clone()]),
            (
                "https://example.net",
                Some("example.net."),
                false,
                vec![(list(&["*.example.net", "example.net"]), Way::Dns)],
            ),
            (
                "https://a.b.example.net",
                Some("example.net"),
                false,
                vec![(list(&["*.example.net", "a.b.example.net"]), Way::Dns)],
            ),
            (
                "https://portal.com",
                Some("example.net"),
                false,
                vec![wildcard.clone(), (list(&["portal.com"]), Way::Http)],
            ),
            (
                "https://xexample.net",
                Some("example.net"),
                false,
                vec![wildcard.clone(), (list(&["xexample.net"]), Way::Http)],
            ),
            ("https://portal.com", Some("example.net"), true, vec![wildcard]),
            ("https://portal.com", None, false, vec![(list(&["portal.com"]), Way::Http)]),
            ("https://portal.com", None, true, vec![]),
            ("http://localhost", None, false, vec![]),
        ] {
            assert_eq!(names(portal, zone, has_files), expected, "{portal} {zone:?} {has_files}");
        }
    }
}
