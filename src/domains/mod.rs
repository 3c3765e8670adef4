//! Customers' own domains: what they ask for, and how far it has come.
//!
//! A domain is proved by a record in its DNS, because whoever can write there owns it. The worker looks, gets a certificate
//! and lets the domain lead to the environment, for as long as the record is there; here is only what is wanted.

mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::base::hostname::Hostname;
use crate::base::ids::{AccountId, DomainId, EnvironmentId};
use crate::base::secret::new_code;
use crate::environments::{self, By, Wanted, history};
use crate::portal::Portal;
use crate::{audit, db};

/// An environment's domains are a handful; more would be somebody's test of our patience, or of a certificate authority's.
const MOST_OF_ONE_ENVIRONMENT: usize = 10;

/// How long after one look another may be asked for.
const LOOK_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(10);

/// How far a domain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has proved that it is theirs.
    Waiting,
    /// It is proved; a certificate is on its way.
    Proven,
    /// It leads to the environment.
    Serving,
}

impl State {
    /// Returns the word kept in the row.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Proven => "proven",
            Self::Serving => "serving",
        }
    }

    /// Reads the word of a row.
    pub fn parse(code: &str) -> anyhow::Result<Self> {
        [Self::Waiting, Self::Proven, Self::Serving]
            .into_iter()
            .find(|state| state.code() == code)
            .with_context(|| format!("{code:?} is no state of a domain"))
    }
}

/// A customer's own domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Which one.
    pub id: DomainId,
    /// The environment that it leads to.
    pub environment: EnvironmentId,
    /// The name.
    pub hostname: Hostname,
    /// What a TXT record must say, after [`TXT_PREFIX`].
    pub token: String,
    /// How far it has come.
    pub state: State,
    /// What is in the way: the key of a sentence and its values.
    pub problem: Option<Value>,
    /// Since when looks find no proof of it any more.
    pub proof_missed_at: Option<DateTime<Utc>>,
    /// When the worker last looked.
    pub looked_at: Option<DateTime<Utc>>,
    /// Until when its certificate is good.
    pub certified_until: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Domain {
    /// Whether the record that proved it is gone: soon it leads nowhere.
    #[must_use]
    pub fn is_unproved(&self) -> bool {
        self.proof_missed_at.is_some()
    }
}

/// What stands before the token in a TXT record, so that people find out later what the record is for.
const TXT_PREFIX: &str = "sayoo-domain=";

/// Returns the name of the TXT record that proves a domain.
#[must_use]
pub fn txt_name(hostname: &Hostname) -> String {
    format!("_sayoo.{hostname}")
}

/// Returns what that record must say.
#[must_use]
pub fn txt_value(token: &str) -> String {
    format!("{TXT_PREFIX}{token}")
}

/// Why a domain was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// Something the customer can understand.
    #[error("the domain was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is the portal's, or below the instances' own domain.
    #[error("the domain is the installation's own")]
    Ours,
    /// The environment has it already.
    #[error("the environment has the domain")]
    Known,
    /// The environment has as many as it may have.
    #[error("the environment has too many domains")]
    TooMany,
    /// It is being deleted.
    #[error("the environment is being deleted")]
    BeingDeleted,
}

/// Returns an environment's domains, oldest first.
pub async fn list(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> anyhow::Result<Vec<Domain>> {
    store::list(db, account, environment)
        .await
        .context("read the domains of an environment")?
        .into_iter()
        .map(Domain::try_from)
        .collect()
}

/// Adds a domain. `None` when the account has no such environment.
pub async fn add(
    portal: &Portal,
    by: &By,
    environment: EnvironmentId,
    hostname: &Hostname,
) -> Result<Option<()>, AddError> {
    let now = portal.clock.now();
    let refused = |why| Err(AddError::Refused(why));
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(wanted) = environments::lock(&mut tx, by.account, environment).await? else { return Ok(None) };
    if matches!(wanted, Wanted::Deleted { .. }) {
        return refused(Refusal::BeingDeleted);
    }
    if is_ours(portal, hostname) {
        return refused(Refusal::Ours);
    }
    let known = list(&mut tx, by.account, environment).await?;
    if known.iter().any(|domain| domain.hostname == *hostname) {
        return refused(Refusal::Known);
    }
    if known.len() >= MOST_OF_ONE_ENVIRONMENT {
        return refused(Refusal::TooMany);
    }
    let new = store::New { id: DomainId::new(now), environment, hostname, token: &new_code(32) };
    store::insert(&mut tx, by.account, &new, now).await.context("insert a domain")?;
    record(&mut tx, by, environment, ("domain.added", hostname.as_str()), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Whether a name is the installation's own: its route would come before the portal's or another customer's.
fn is_ours(portal: &Portal, hostname: &Hostname) -> bool {
    let (name, parent) = (hostname.as_str(), portal.public.instances_domain());
    let is_below = !parent.is_empty() && (name == parent || name.ends_with(&format!(".{parent}")));
    name == portal.public.portal_host() || is_below
}

/// Removes a domain: it leads nowhere from now on. `None` when the environment of this account has no such domain.
pub async fn remove(portal: &Portal, by: &By, environment: EnvironmentId, id: DomainId) -> anyhow::Result<Option<()>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let removed = store::set_removed(&mut tx, by.account, environment, id, now).await.context("remove a domain")?;
    let Some(hostname) = removed else { return Ok(None) };
    record(&mut tx, by, environment, ("domain.removed", &hostname), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Asks for another look now. `None` when the environment of this account has no such domain. Asking all the time is
/// the same as asking once.
pub async fn look_again(
    portal: &Portal,
    by: &By,
    environment: EnvironmentId,
    id: DomainId,
) -> anyhow::Result<Option<()>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let before = now - LOOK_AGAIN_AFTER;
    let found =
        store::ask_for_look(&mut tx, (by.account, environment, id), now, before).await.context("ask for a look")?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(found.then_some(()))
}

async fn record(
    tx: &mut PgConnection,
    by: &By,
    environment: EnvironmentId,
    (what, hostname): (&'static str, &str),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let detail = json!({ "hostname": hostname });
    history::record(tx, environment, what, &by.name, detail.clone(), now).await?;
    let entry = audit::Entry::new(what).account(by.account).environment(environment).detail(detail);
    audit::record(tx, &by.actor, entry, now).await
}
