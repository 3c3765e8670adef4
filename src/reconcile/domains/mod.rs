//! Keeps customers' domains: proves them, gets and renews their certificates, lets them lead to their environments.

pub mod plan;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::acme::{self, Issued};
use crate::base::chain;
use crate::base::hostname::Hostname;
use crate::base::ids::DomainId;
use crate::certificates::{renewal, store as certificates};
use crate::db::StoreError;
use crate::domains::{self, State};

use super::driver::{Outcome, Task};
use super::edge::{Edge, Issuer};
use super::lease::Lease;
use super::runtimes::Seen;
use super::shows::OverHttp;
use plan::{Awaited, Next, Step, World};
use store::Domain;

/// A settled domain is looked at so often.
const SETTLED: Duration = Duration::from_hours(6);
/// Another account has proved the name, and may remove it one day.
const TAKEN: Duration = Duration::from_hours(1);

/// The task.
pub struct Domains {
    edge: Arc<Edge>,
}

/// Why there is no certificate, and when the next try may be made.
enum NoCertificate {
    /// The name does not lead to us: no authority was asked, so it may be soon.
    Elsewhere(Value),
    /// The authority was asked.
    Refused(Value),
}

impl Domains {
    /// Makes the task.
    #[must_use]
    pub fn new(edge: Arc<Edge>) -> Self {
        Self { edge }
    }

    async fn look(&self, domain: &Domain, now: DateTime<Utc>) -> anyhow::Result<World> {
        let edge = &self.edge;
        let state = State::parse(&domain.state)?;
        let proof = if state == State::Waiting && domain.is_wanted { self.proof(domain).await } else { Seen::Unknown };
        let certificate = if state == State::Waiting {
            plan::Certificate::Missing
        } else {
            let mut db = edge.db.acquire().await?;
            match certificates::life(&mut db, &domain.hostname).await.context("look for a certificate")? {
                Some(life) if now >= life.not_after => plan::Certificate::Missing,
                Some(life) if now >= life.renew_at => plan::Certificate::Due,
                Some(_) => plan::Certificate::Good,
                None => plan::Certificate::Missing,
            }
        };
        Ok(World {
            is_wanted: domain.is_wanted,
            state,
            proof,
            certificate,
            has_authority: edge.issuer.is_some(),
            may_try: domain.retry_at.is_none_or(|at| at <= now),
        })
    }

    /// Looks for a record that proves the domain: the text that we asked for, or another name of the instance's own.
    async fn proof(&self, domain: &Domain) -> Seen<bool> {
        let dns = &self.edge.dns;
        let hostname = Hostname::kept(domain.hostname.clone());
        let name = domains::txt_name(&hostname);
        let (texts, aliases) = tokio::join!(dns.texts(&name), dns.aliases(hostname.as_str()));
        let own = domain.subdomain.as_deref().map(|name| self.edge.public.instance_host(name));
        let is_text = texts.as_ref().is_ok_and(|texts| texts.contains(&domains::txt_value(&domain.token)));
        let is_alias = aliases.as_ref().is_ok_and(|names| own.is_some_and(|own| names.contains(&own)));
        match (texts, aliases) {
            _ if is_text || is_alias => Seen::Known(true),
            (Ok(_), Ok(_)) => Seen::Known(false),
            (Err(cause), _) | (_, Err(cause)) => {
                tracing::debug!(
                    hostname = domain.hostname,
                    cause = chain::of(&cause),
                    "a domain could not be looked up"
                );
                Seen::Unknown
            }
        }
    }

    async fn certify(
        &self,
        lease: &Lease,
        issuer: &Issuer,
        domain: &Domain,
    ) -> anyhow::Result<Result<Issued, NoCertificate>> {
        let edge = &self.edge;
        if let Some(problem) = self.leads_elsewhere(lease, domain).await? {
            return Ok(Err(NoCertificate::Elsewhere(problem)));
        }
        let by = OverHttp { edge, lease, hostname: &domain.hostname };
        let ordered = async {
            let account = edge.account(issuer).await?;
            issuer.authority.order(&account, std::slice::from_ref(&domain.hostname), &by).await
        };
        Ok(ordered.await.map_err(|error| {
            let cause = chain::of(&error);
            tracing::warn!(hostname = domain.hostname, cause, "there is no certificate");
            NoCertificate::Refused(match error {
                acme::Error::Refused(reason) => json!({ "key": "domain-problem-refused", "reason": short(&reason) }),
                acme::Error::Failed(_) => json!({ "key": "domain-problem-authority" }),
            })
        }))
    }

    /// Finds out whether the name leads to our proxies, before an authority is bothered with it.
    async fn leads_elsewhere(&self, lease: &Lease, domain: &Domain) -> anyhow::Result<Option<Value>> {
        let edge = &self.edge;
        let addresses = match edge.dns.addresses(&domain.hostname).await {
            Ok(addresses) if addresses.is_empty() => return Ok(Some(json!({ "key": "domain-problem-nowhere" }))),
            Ok(addresses) => addresses,
            Err(_) => return Ok(Some(json!({ "key": "domain-problem-dns" }))),
        };
        let strangers = OverHttp { edge, lease, hostname: &domain.hostname }.try_out(&addresses).await?;
        let list: Vec<String> = strangers.iter().map(ToString::to_string).collect();
        Ok((!list.is_empty()).then(|| json!({ "key": "domain-problem-elsewhere", "addresses": list.join(", ") })))
    }

    async fn take(&self, lease: &Lease, domain: &Domain, step: Step, now: DateTime<Utc>) -> anyhow::Result<Outcome> {
        let edge = &self.edge;
        if step == Step::Certify {
            let issuer = edge.issuer.as_ref().context("a certificate without an authority")?;
            return self.take_certify(lease, issuer, domain).await;
        }
        let mut tx = lease.begin(&edge.db).await?;
        let outcome = match step {
            Step::Forget => {
                if State::parse(&domain.state)? != State::Waiting {
                    certificates::delete(&mut tx, &domain.hostname).await?;
                }
                certificates::delete_answers(&mut tx, &domain.hostname, now).await?;
                store::delete(&mut tx, domain.id).await?;
                Outcome::Over
            }
            Step::Accept if store::set_proven(&mut tx, domain.id, now).await? => Outcome::Again,
            Step::Accept => {
                store::set_problem(&mut tx, domain.id, &json!({ "key": "domain-problem-taken" }), now).await?;
                Outcome::Later(TAKEN)
            }
            Step::Serve => {
                store::set_serving(&mut tx, domain.id, now).await?;
                let detail = json!({ "hostname": domain.hostname });
                store::add_event(&mut tx, domain.environment, "domain.ready", &detail, now).await?;
                Outcome::Again
            }
            Step::Certify => unreachable!("taken above"),
        };
        tx.commit().await?;
        Ok(outcome)
    }

    async fn take_certify(&self, lease: &Lease, issuer: &Issuer, domain: &Domain) -> anyhow::Result<Outcome> {
        let edge = &self.edge;
        let got = self.certify(lease, issuer, domain).await?;
        let now = edge.clock.now();
        let mut tx = lease.begin(&edge.db).await?;
        let outcome = match got {
            Ok(issued) => {
                edge.keep(&mut tx, issuer, &domain.hostname, &issued).await?;
                store::set_certified(&mut tx, domain.id, now + renewal::AT_LEAST, now).await?;
                Outcome::Again
            }
            Err(NoCertificate::Elsewhere(problem)) => {
                store::set_problem(&mut tx, domain.id, &problem, now).await?;
                Outcome::Later(pace(now - domain.waited_for_since))
            }
            Err(NoCertificate::Refused(problem)) => {
                let failures = u32::try_from(domain.failures).unwrap_or(0).saturating_add(1);
                let pause = renewal::pause(failures, rand::random());
                store::set_failed(&mut tx, domain.id, &problem, now + pause, now).await?;
                Outcome::Later(pause.to_std().unwrap_or_default())
            }
        };
        tx.commit().await?;
        Ok(outcome)
    }
}

impl Task for Domains {
    const NAME: &'static str = "domains";
    const AT_ONCE: usize = 4;
    const LIMIT: Duration = Duration::from_mins(4);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let edge = &self.edge;
        let id: DomainId = lease.subject.to_string().parse()?;
        let mut db = edge.db.acquire().await?;
        let Some(domain) = store::find(&mut db, id).await? else { return Ok(Outcome::Over) };
        drop(db);
        let now = edge.clock.now();
        let world = self.look(&domain, now).await?;
        let problem = match plan::next(world) {
            Next::Do(step) => return Box::pin(self.take(lease, &domain, step, now)).await,
            Next::Settled => return Ok(Outcome::Settled(SETTLED)),
            Next::Wait(Awaited::Pause) => {
                let pause = domain.retry_at.unwrap_or(now) - now;
                return Ok(Outcome::Later(pause.to_std().unwrap_or_default()));
            }
            Next::Wait(Awaited::Proof) => json!({ "key": "domain-problem-no-record" }),
            Next::Wait(Awaited::Sight) => json!({ "key": "domain-problem-dns" }),
        };
        let mut tx = lease.begin(&edge.db).await?;
        store::set_problem(&mut tx, id, &problem, now).await?;
        tx.commit().await?;
        Ok(Outcome::Later(pace(now - domain.waited_for_since)))
    }
}

/// How long to wait before the next look at something that a person has to do: short while somebody may be watching.
fn pace(waited: TimeDelta) -> Duration {
    match waited.num_minutes() {
        ..60 => Duration::from_secs(15),
        60..2_880 => Duration::from_mins(5),
        _ => Duration::from_hours(1),
    }
}

/// An authority's own words, cut to what a page can show.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rare_when_nobody_does_anything() {
        let after = |minutes| pace(TimeDelta::minutes(minutes)).as_secs();
        assert_eq!(
            [after(-1), after(0), after(59), after(61), after(2_879), after(100_000)],
            [15, 15, 15, 300, 300, 3_600]
        );
    }
}
