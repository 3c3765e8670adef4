//! Orders one more environment: records what is wanted; the reconciler makes it true.

use anyhow::Context;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{By, history, names, quota, store};
use crate::audit;
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId};
use crate::base::money::Currency;
use crate::base::names::Subdomain;
use crate::db;
use crate::plans;
use crate::portal::Portal;

/// What a customer orders. Every text in it has been checked.
#[derive(Clone, Debug)]
pub struct Order {
    /// Made with the form: the same form sent twice is one order.
    pub key: Uuid,
    /// Which plan, at which price.
    pub plan_version: PlanVersionId,
    /// What its people will call it.
    pub name: String,
    /// Its address below the instances' domain.
    pub subdomain: Subdomain,
    /// The company in Odoo.
    pub company: String,
    /// Odoo's language code: `fr_FR`.
    pub language: String,
    /// ISO 3166 code: `MA`.
    pub country: String,
    /// ISO 4217 code of the company's currency in Odoo.
    pub currency: String,
    /// IANA name.
    pub timezone: String,
    /// Technical names of Odoo modules, sorted.
    pub apps: Vec<String>,
}

/// What an order begins with: the organisation's name, country and currency.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The organisation's name.
    pub name: String,
    /// ISO 3166 code.
    pub country: String,
    /// What it pays in.
    pub currency: Currency,
}

/// Returns what an account's orders begin with.
pub async fn terms(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Terms> {
    let terms = store::terms(db, account).await.context("read the account's terms")?;
    terms.context("the account of a member exists")
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Something the customer can understand and change. Shown on the page.
    #[error("the order was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at. Logged once, with its causes; the customer sees an apology.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What the customer must know or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The person has not proved the e-mail address.
    #[error("the e-mail address is not verified")]
    NotVerified,
    /// The account is being closed.
    #[error("the account is being closed")]
    AccountClosing,
    /// Staff suspended the account.
    #[error("the account is suspended")]
    AccountSuspended,
    /// The account has as many as it may have.
    #[error("the account may have {allowed} environments")]
    QuotaReached {
        /// How many it may have.
        allowed: i32,
    },
    /// The plan is no longer sold in this version.
    #[error("the plan is not on offer")]
    PlanNotOffered,
    /// Somebody else has the name, or had it lately.
    #[error("the address is taken")]
    AddressTaken,
}

impl From<Refusal> for OrderError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Places an order. The same order key again returns the environment that it made the first time.
pub async fn place(portal: &Portal, by: &By, order: Order) -> Result<EnvironmentId, OrderError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;

    let standing = store::lock_standing(&mut tx, by.account, by.user).await.context("read the account's standing")?;
    let standing = standing.context("the person is no member of the account")?;
    if let Some(earlier) = store::find_order(&mut tx, by.account, order.key).await.context("look for the same order")? {
        return Ok(earlier);
    }
    quota::room_for_one_more(&standing)?;
    let offered = plans::version(&mut tx, order.plan_version).await?;
    let plan = match offered {
        Some((plan, version)) if plan.is_offered && version.stage(now) == plans::Stage::Valid => plan,
        _ => return Err(Refusal::PlanNotOffered.into()),
    };

    let (project, id) = (ProjectId::new(now), EnvironmentId::new(now));
    store::insert_project(&mut tx, by.account, project, &order.name, now).await.context("insert a project")?;
    let new = store::NewEnvironment {
        id,
        account: by.account,
        project,
        kind: plan.kind,
        order: &order,
        admin: &standing.admin,
        ordered_by: by.user,
    };
    store::insert(&mut tx, &new, now).await.context("insert an environment")?;
    let is_ours =
        names::store::claim(&mut tx, by.account, id, &order.subdomain, now).await.context("claim an address")?;
    if !is_ours {
        return Err(Refusal::AddressTaken.into());
    }
    history::record(&mut tx, id, "ordered", &by.name, json!({ "plan": plan.code }), now).await?;
    history::record(&mut tx, id, "step.queued.started", "", json!({}), now).await?;
    let entry = audit::Entry::new("environment.ordered")
        .account(by.account)
        .environment(id)
        .detail(json!({ "plan": plan.code, "address": order.subdomain, "apps": order.apps }));
    audit::record(&mut tx, &by.actor, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;

    tx.commit().await.context("commit")?;
    Ok(id)
}
