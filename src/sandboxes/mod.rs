//! Sandboxes: databases of their own in which an invented customer lives by a clock that our people move, so that a year of
//! billing is seen in a minute. What is here says what is wanted and shows what was seen; `reconcile/sandboxes/` does it.
//!
//! Nothing of a sandbox is in the control database but its row: no series of ours, ledger, export or figure can know of it.

pub mod report;
pub mod rule;
mod store;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use self::report::Report;
use self::rule::{Advance, Pays, Usage};
use crate::accounts::region;
use crate::accounts::words;
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{PlanVersionId, SandboxId};
use crate::base::money::{Currency, Money};
use crate::billing::{budgets, sellers};
use crate::db;
use crate::i18n::Locale;
use crate::plans;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// As many sandboxes there may be at a time: each is a database.
pub const MOST: i64 = 20;
/// The most plans of one.
pub const PLANS: usize = 3;
/// One that nobody wants anything of for so long is dropped.
pub const LEFT_ALONE: TimeDelta = TimeDelta::days(30);
/// The longest name.
const MAX_NAME: usize = 100;
/// An invented customer begins within so many days of today, before or after.
const BEGINS_WITHIN: TimeDelta = TimeDelta::days(3 * 366);
/// Where an invented customer may live: at home with each of our companies, elsewhere in the Union, and beyond.
pub const COUNTRIES: [&str; 4] = ["FR", "MA", "BE", "SN"];

/// How far a sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its database is being made.
    Making,
    /// Its clock stands where it was wanted.
    Ready,
    /// Its clock moves.
    Advancing,
    /// Its database is being dropped.
    Leaving,
}

/// What an invented customer begins with.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What our people call the sandbox.
    pub name: String,
    /// Where the customer lives: ISO 3166 code.
    pub country: String,
    /// Its plans: one environment on each.
    pub plans: Vec<PlanVersionId>,
    /// How much it uses.
    pub usage: Usage,
    /// How it pays.
    pub pays: Pays,
    /// Whether it begins with a trial.
    pub has_trial: bool,
    /// What a month may cost it, in the smallest coin.
    pub budget_minor: Option<i64>,
    /// The day on which it begins.
    pub starts_on: NaiveDate,
}

/// A sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Which one.
    pub id: SandboxId,
    /// What our people call it.
    pub name: String,
    /// Where its customer lives.
    pub country: String,
    /// In which currency its customer pays.
    pub currency: Currency,
    /// The customer's plans.
    pub plans: Vec<PlanVersionId>,
    /// How much it uses.
    pub usage: Usage,
    /// How it pays.
    pub pays: Pays,
    /// Whether it begins with a trial.
    pub has_trial: bool,
    /// What a month may cost it.
    pub budget: Option<Money>,
    /// The language of its mails.
    pub language: Locale,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when its clock is wanted to go.
    pub wanted_at: DateTime<Utc>,
    /// Where its clock is.
    pub clock_at: Option<DateTime<Utc>>,
    /// Whether it is to be dropped.
    pub is_removed: bool,
    /// Why it is not further; empty: nothing is wrong.
    pub problem: String,
}

impl Sandbox {
    /// Returns how far it is.
    #[must_use]
    pub fn state(&self) -> State {
        match self.clock_at {
            _ if self.is_removed => State::Leaving,
            None => State::Making,
            Some(at) if at < self.wanted_at => State::Advancing,
            Some(_) => State::Ready,
        }
    }

    /// Returns the last instant that its clock may reach.
    #[must_use]
    pub fn ends_at(&self) -> DateTime<Utc> {
        self.starts_at + rule::LIFE
    }
}

/// Whether sandboxes can be made, as the worker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// They can.
    Ready,
    /// No address was given to the worker, or it has not looked yet.
    Missing,
    /// The server refuses, or does not answer.
    Failing(String),
}

/// Why no sandbox is made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The worker cannot make any.
    #[error("sandboxes are not set up")]
    NotSetUp,
    /// There are as many as there may be.
    #[error("there are {MOST} sandboxes")]
    TooMany,
    /// 1 to 100 characters in one line.
    #[error("a name is one line of 1 to 100 characters")]
    BadName,
    /// Not one of [`COUNTRIES`].
    #[error("an invented customer does not live there")]
    BadCountry,
    /// One to three published plans that are sold in the currency.
    #[error("the plans are unknown or not sold in the currency")]
    BadPlans,
    /// Within three years of today.
    #[error("it begins within three years of today")]
    BadStart,
    /// As of any customer.
    #[error("a budget is an amount of money")]
    BadBudget,
    /// Nothing stands on the documents of the company that would sell.
    #[error("the details of the company that sells are missing")]
    NoSeller,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Why a clock is not moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// There is no such sandbox, or it is being dropped.
    #[error("there is no such sandbox")]
    NotFound,
    /// It is at work.
    #[error("the sandbox is at work")]
    Busy,
    /// It would live for more than ten years.
    #[error("a sandbox lives for ten years")]
    TooFar,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Returns whether sandboxes can be made.
pub async fn server(db: &mut PgConnection) -> anyhow::Result<Server> {
    store::server(db).await.context("read whether sandboxes can be made")
}

/// Returns all sandboxes, newest first.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<Sandbox>> {
    store::list(db, None).await
}

/// Returns one sandbox.
pub async fn find(db: &mut PgConnection, id: SandboxId) -> anyhow::Result<Option<Sandbox>> {
    Ok(store::list(db, Some(id)).await?.pop())
}

/// Returns what happened in a sandbox, as the worker saw it last.
pub async fn report(db: &mut PgConnection, id: SandboxId) -> anyhow::Result<Report> {
    let report = store::report(db, id).await.context("read the report of a sandbox")?;
    report.map_or_else(|| Ok(Report::default()), |value| serde_json::from_value(value).context("read a report"))
}

/// Asks for a new sandbox: the worker makes it.
pub async fn make(portal: &Portal, by: &StaffMember, wish: &Wish) -> Result<SandboxId, MakeError> {
    let now = portal.clock.now();
    let name = words::one_line(&wish.name, MAX_NAME).map_err(|_| MakeError::BadName)?;
    let region = region::find(&wish.country).filter(|region| COUNTRIES.contains(&region.country));
    let region = region.ok_or(MakeError::BadCountry)?;
    let currency: Currency = region.currency.parse().context("read a currency")?;
    if wish.budget_minor.is_some_and(|minor| !(budgets::LEAST..=budgets::MOST).contains(&minor)) {
        return Err(MakeError::BadBudget);
    }
    let starts_at = rule::begins(wish.starts_on);
    if (starts_at - now).abs() > BEGINS_WITHIN {
        return Err(MakeError::BadStart);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    if server(&mut tx).await? == Server::Missing {
        return Err(MakeError::NotSetUp);
    }
    if !(1..=PLANS).contains(&wish.plans.len()) {
        return Err(MakeError::BadPlans);
    }
    for id in &wish.plans {
        let found = plans::version(&mut tx, *id).await?;
        let is_sold = |version: &plans::Version| version.published_at.is_some() && version.monthly(currency).is_some();
        if !found.is_some_and(|(_, version)| is_sold(&version)) {
            return Err(MakeError::BadPlans);
        }
    }
    let all = sellers::list(&mut tx).await?;
    if !all.iter().any(|seller| seller.currency == currency && seller.details.is_some()) {
        return Err(MakeError::NoSeller);
    }
    let id = SandboxId::new(now);
    let new = store::New { id, name: &name, currency, starts_at, made_by: by.id, language: by.locale, wish };
    if !store::insert(&mut tx, &new, now).await.context("insert a sandbox")? {
        return Err(MakeError::TooMany);
    }
    let detail = json!({ "sandbox": id, "name": name, "country": wish.country, "pays": wish.pays.word() });
    note(&mut tx, by, "sandbox.made", detail, now).await?;
    tx.commit().await.context("commit")?;
    Ok(id)
}

/// Asks for a sandbox's clock to be moved: the worker does it.
pub async fn advance(portal: &Portal, by: &StaffMember, id: SandboxId, how: Advance) -> Result<(), AdvanceError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock(&mut tx, id).await.context("lock a sandbox")?;
    let sandbox = find(&mut tx, id).await?.filter(|it| !it.is_removed).ok_or(AdvanceError::NotFound)?;
    let Some(clock_at) = sandbox.clock_at.filter(|_| sandbox.state() == State::Ready) else {
        return Err(AdvanceError::Busy);
    };
    let all = sellers::list(&mut tx).await?;
    let seller = all.iter().find(|seller| seller.currency == sandbox.currency).context("somebody sells")?;
    let until = rule::target(clock_at, how, seller.zone);
    if until > sandbox.ends_at() {
        return Err(AdvanceError::TooFar);
    }
    store::want(&mut tx, id, until, now).await.context("move the clock of a sandbox")?;
    let detail = json!({ "sandbox": id, "name": sandbox.name, "from": clock_at, "until": until });
    note(&mut tx, by, "sandbox.advanced", detail, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Asks for a sandbox to be dropped: the worker does it. False when there is none.
pub async fn remove(portal: &Portal, by: &StaffMember, id: SandboxId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock(&mut tx, id).await.context("lock a sandbox")?;
    let Some(sandbox) = find(&mut tx, id).await?.filter(|it| !it.is_removed) else { return Ok(false) };
    store::remove(&mut tx, id, now).await.context("remove a sandbox")?;
    note(&mut tx, by, "sandbox.removed", json!({ "sandbox": id, "name": sandbox.name }), now).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

async fn note(
    db: &mut PgConnection,
    by: &StaffMember,
    what: &'static str,
    detail: serde_json::Value,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    audit::record(db, &Actor::staff(by.id, &by.name), Entry::new(what).detail(detail), now).await?;
    db::wake(db).await.context("wake the worker")
}
