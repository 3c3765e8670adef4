//! Keeps customers' domains: proves them, gets and renews their certificates, lets them lead to their environments.

mod orders;
pub mod plan;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::accounts::policy::Action;
use crate::acme::{self, Issued};
use crate::base::chain;
use crate::base::hostname::Hostname;
use crate::base::ids::DomainId;
use crate::certificates::{renewal, store as certificates};
use crate::db::StoreError;
use crate::domains::{self, State};
use crate::environments;

use super::driver::{Outcome, Task};
use super::edge::{Edge, Issuer};
use super::lease::{Fenced, Lease};
use super::runtimes::Seen;
use super::shows::OverHttp;
use plan::{Awaited, Missed, Next, Step, World};
use store::Domain;

/// A settled domain is looked at so often.
const SETTLED: Duration = Duration::from_hours(6);
/// Another account has proved the name, and may remove it one day.
const TAKEN: Duration = Duration::from_hours(1);
/// A proof that is missed for so long is lost: long enough for a slip in the zone, or a name server that is being moved.
const BELIEVED_AFTER: TimeDelta = TimeDelta::hours(1);
/// The same where somebody else has proved the name: it has an owner, and the look that found it was no slip.
const BELIEVED_OF_A_RIVAL_AFTER: TimeDelta = TimeDelta::minutes(5);
/// A proof that is missed is looked for so often meanwhile.
const LOOK_FOR_MISSED_EVERY: Duration = Duration::from_mins(5);
/// What a page says of a domain whose proof is missed, and of one that lost it.
const MISSED: &str = "domain-problem-unproved";
const LOST: &str = "domain-problem-lost";

/// The task.
pub struct Domains {
    edge: Arc<Edge>,
}

/// Why there is no certificate, and when the next try may be made.
enum NoCertificate {
    /// The name does not lead to us: no authority was asked, so it may be soon.
    Elsewhere(Value),
    /// The authority was asked, and may have said how long to wait.
    Refused(Value, Option<TimeDelta>),
    /// It was asked so often that it is not asked now.
    NotNow(Value),
}

/// For how long a missed proof is looked for before it counts as lost.
fn patience(domain: &Domain) -> TimeDelta {
    if domain.has_rival { BELIEVED_OF_A_RIVAL_AFTER } else { BELIEVED_AFTER }
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
        let proof = if domain.is_wanted { self.proof(domain).await } else { Seen::Unknown };
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
            missed: match domain.proof_missed_at {
                None => Missed::Never,
                Some(at) if now - at < patience(domain) => Missed::Lately,
                Some(_) => Missed::LongAgo,
            },
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
        let own: Vec<String> = domain.subdomains.iter().map(|name| self.edge.public.instance_host(name)).collect();
        let is_text = texts.as_ref().is_ok_and(|texts| texts.contains(&domains::txt_value(&domain.token)));
        let is_alias = aliases.as_ref().is_ok_and(|names| names.iter().any(|name| own.contains(name)));
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
        (domain, certificate): (&Domain, plan::Certificate),
    ) -> anyhow::Result<Result<(Issued, i64), NoCertificate>> {
        let edge = &self.edge;
        // Who has a certificate renews it in any case: it is for them that the others wait.
        if certificate == plan::Certificate::Missing
            && let Some(problem) = self.is_asked_too_often(domain).await?
        {
            return Ok(Err(NoCertificate::NotNow(problem)));
        }
        if let Some(problem) = self.leads_elsewhere(lease, domain).await? {
            return Ok(Err(NoCertificate::Elsewhere(problem)));
        }
        let now = edge.clock.now();
        let mut tx = lease.begin(&edge.db).await?;
        let order = store::insert_order(&mut tx, domain, now, now - orders::REMEMBERED).await?;
        tx.commit().await?;
        let by = OverHttp { edge, lease, hostname: &domain.hostname };
        let ordered = async {
            let account = edge.account(issuer).await?;
            issuer.authority.order(&account, std::slice::from_ref(&domain.hostname), &by).await
        };
        Ok(ordered.await.map(|issued| (issued, order)).map_err(|error| {
            let cause = chain::of(&error);
            tracing::warn!(hostname = domain.hostname, cause, "there is no certificate");
            let told = renewal::told_to_wait(&cause, now);
            let problem = match error {
                acme::Error::Refused(reason) => json!({ "key": "domain-problem-refused", "reason": short(&reason) }),
                acme::Error::Failed(_) => json!({ "key": "domain-problem-authority" }),
            };
            NoCertificate::Refused(problem, told)
        }))
    }

    async fn is_asked_too_often(&self, domain: &Domain) -> anyhow::Result<Option<Value>> {
        let now = self.edge.clock.now();
        let mut db = self.edge.db.acquire().await?;
        let asked = store::asked(&mut db, domain, orders::since(now)).await.context("count the orders")?;
        Ok((!orders::allows(asked)).then(|| json!({ "key": "domain-problem-often" })))
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
        let mut tx = lease.begin(&edge.db).await?;
        let outcome = match step {
            Step::Forget => {
                if !store::is_held_by_another(&mut tx, domain.id).await? {
                    certificates::delete(&mut tx, &domain.hostname).await?;
                }
                certificates::delete_answers(&mut tx, &domain.hostname, now).await?;
                store::delete(&mut tx, domain.id).await?;
                Outcome::Over
            }
            Step::Accept if store::set_proven(&mut tx, domain.id, now).await? => Outcome::Again,
            Step::Accept => {
                store::hasten_holder(&mut tx, &domain.hostname, now).await?;
                store::set_problem(&mut tx, domain.id, &json!({ "key": "domain-problem-taken" }), now).await?;
                Outcome::Later(TAKEN)
            }
            Step::Serve => {
                store::set_serving(&mut tx, domain.id, now).await?;
                let detail = json!({ "hostname": domain.hostname });
                store::add_event(&mut tx, domain.environment, "domain.ready", &detail, now).await?;
                Outcome::Again
            }
            Step::Miss => {
                store::set_missed(&mut tx, domain.id, &json!({ "key": MISSED }), now).await?;
                Outcome::Again
            }
            Step::Find => {
                store::set_found(&mut tx, domain.id, now).await?;
                Outcome::Again
            }
            Step::Lose => {
                lose(&mut tx, domain, now).await?;
                Outcome::Again
            }
            Step::Certify => anyhow::bail!("certificates are got elsewhere"),
        };
        tx.commit().await?;
        Ok(outcome)
    }

    async fn take_certify(
        &self,
        lease: &Lease,
        domain: &Domain,
        certificate: plan::Certificate,
    ) -> anyhow::Result<Outcome> {
        let edge = &self.edge;
        let issuer = edge.issuer.as_ref().context("a certificate without an authority")?;
        let got = self.certify(lease, issuer, (domain, certificate)).await?;
        let now = edge.clock.now();
        let mut tx = lease.begin(&edge.db).await?;
        let outcome = match got {
            Ok((issued, order)) => {
                store::set_granted(&mut tx, order).await?;
                edge.keep(&mut tx, issuer, &domain.hostname, &issued).await?;
                store::set_certified(&mut tx, domain.id, now + renewal::AT_LEAST, now).await?;
                Outcome::Again
            }
            Err(NoCertificate::Elsewhere(problem)) => {
                store::set_problem(&mut tx, domain.id, &problem, now).await?;
                Outcome::Later(pace(now - domain.waited_for_since))
            }
            Err(NoCertificate::NotNow(problem)) => {
                store::set_problem(&mut tx, domain.id, &problem, now).await?;
                Outcome::Later(orders::LOOK_AGAIN_AFTER)
            }
            Err(NoCertificate::Refused(problem, told)) => {
                let failures = u32::try_from(domain.failures).unwrap_or(0).saturating_add(1);
                let pause = renewal::pause(failures, rand::random()).max(told.unwrap_or_default());
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
            Next::Do(Step::Certify) => {
                return Box::pin(self.take_certify(lease, &domain, world.certificate)).await;
            }
            Next::Do(step) => return Box::pin(self.take(lease, &domain, step, now)).await,
            Next::Settled => return Ok(Outcome::Settled(SETTLED)),
            Next::Wait(Awaited::Pause) => {
                let pause = domain.retry_at.unwrap_or(now) - now;
                return Ok(Outcome::Later(pause.to_std().unwrap_or_default()));
            }
            Next::Wait(Awaited::SecondLook) => {
                let missed_at = domain.proof_missed_at.unwrap_or(now);
                let until = (missed_at + patience(&domain) - now).to_std().unwrap_or_default();
                return Ok(Outcome::Later(until.min(LOOK_FOR_MISSED_EVERY)));
            }
            Next::Wait(Awaited::Proof) if says(&domain, LOST) => json!({ "key": LOST }),
            Next::Wait(Awaited::Proof) => json!({ "key": "domain-problem-no-record" }),
            Next::Wait(Awaited::Sight) => json!({ "key": "domain-problem-dns" }),
        };
        let mut tx = lease.begin(&edge.db).await?;
        store::set_problem(&mut tx, id, &problem, now).await?;
        tx.commit().await?;
        Ok(Outcome::Later(pace(now - domain.waited_for_since)))
    }
}

/// Lets a domain lead nowhere, and tells whoever can set the record again. Its certificate stays: the key was never the
/// customer's, and whoever proves the name next needs no other one.
async fn lose(tx: &mut Fenced, domain: &Domain, now: DateTime<Utc>) -> anyhow::Result<()> {
    tracing::info!(hostname = domain.hostname, "nothing proves a domain any more; it leads nowhere");
    store::set_lost(tx, domain.id, &json!({ "key": LOST }), now).await?;
    let detail = json!({ "hostname": domain.hostname });
    store::add_event(tx, domain.environment, "domain.lost", &detail, now).await?;
    let found = environments::find(tx, domain.account, domain.environment).await?;
    let instance = found.context("a domain has an environment")?.name;
    let letter = |user| SendLetter::DomainLost {
        user,
        environment: domain.environment,
        instance: instance.clone(),
        hostname: domain.hostname.clone(),
    };
    people::write_to_whoever_may(tx, domain.account, Action::SteerInstance, letter, now).await
}

/// Whether the domain's page says this now.
fn says(domain: &Domain, key: &str) -> bool {
    domain.problem.as_ref().is_some_and(|problem| problem["key"] == key)
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
