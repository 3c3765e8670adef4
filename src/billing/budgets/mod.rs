//! What a month may cost an account: its people are told on the way there, and its environments rest when it is reached, where
//! they want that. Nothing is ever deleted, and what is kept is charged on.
//!
//! What is compared is what the page of the month shows: what `rating` says, after discounts and before VAT.

pub mod rule;
mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use self::rule::Level;
use super::discounts;
use super::rating::account::Month;
use super::restrictions::{self, Cause, Rest};
use super::run;
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::audit::{self, Actor};
use crate::base::ids::AccountId;
use crate::base::money::Money;
use crate::db;
use crate::environments::orders;
use crate::portal::Portal;

/// The smallest budget, in the smallest coin.
pub const LEAST: i64 = 100;
/// The largest one: more is a slip.
pub const MOST: i64 = 100_000_000_000;
/// An account that cannot be looked at is looked at again after so long.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(10);

/// What a month may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Before VAT.
    pub amount: Money,
    /// Development and test environments rest when it is reached.
    pub is_cap: bool,
    /// Production environments too.
    pub caps_production: bool,
}

/// What was told about a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What was reached.
    pub level: Level,
    /// Of which budget.
    pub amount: Money,
    /// What the month had cost by then.
    pub so_far: Money,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why a budget is not set.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// From 1 to 1,000,000,000 of the currency.
    #[error("a budget is at least {LEAST} and at most {MOST} of the smallest coin")]
    BadAmount,
    /// The account pays in another currency.
    #[error("a budget is in the account's currency")]
    OtherCurrency,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Returns an account's budget.
pub async fn find(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Budget>> {
    store::find(db, account).await.context("read a budget")
}

/// Returns what was told of a month, oldest first.
pub async fn alerts(db: &mut PgConnection, account: AccountId, month: DateTime<Utc>) -> anyhow::Result<Vec<Alert>> {
    store::alerts(db, account, month).await.context("list the alerts of a month")
}

/// Since when something rests because of the budget; `None` when nothing does.
pub async fn rests_since(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<DateTime<Utc>>> {
    store::rests_since(db, account).await.context("look for what rests")
}

/// Sets an account's budget, or takes it away. The worker looks at it at once.
pub async fn set(portal: &Portal, by: &Actor, account: AccountId, new: Option<Budget>) -> Result<(), BudgetError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let old = store::lock(&mut tx, account).await.context("lock a budget")?;
    if let Some(new) = new {
        if !(LEAST..=MOST).contains(&new.amount.minor) {
            return Err(BudgetError::BadAmount);
        }
        if orders::terms(&mut tx, account).await?.currency != new.amount.currency {
            return Err(BudgetError::OtherCurrency);
        }
    }
    if old == new {
        return Ok(());
    }
    match new {
        Some(new) => store::put(&mut tx, account, &new, now).await.context("set a budget")?,
        None => store::delete(&mut tx, account).await.context("take a budget away")?,
    }
    let said = |it: &Budget| {
        json!({
            "amount": it.amount.exact(), "currency": it.amount.currency, "is_cap": it.is_cap,
            "caps_production": it.caps_production,
        })
    };
    let detail = json!({ "from": old.as_ref().map(said), "to": new.as_ref().map(said) });
    let entry = audit::Entry::new("billing.budget-changed").account(account).detail(detail);
    audit::record(&mut tx, by, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Accounts that are to be looked at, at most `limit` of those with a budget: the longest waiting first.
pub async fn due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> anyhow::Result<Vec<AccountId>> {
    store::due(db, now, limit).await.context("list budgets that are due")
}

/// Looks at an account: tells what was reached, and lets rest or gives back what its budget says. For the worker.
pub async fn look(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some(budget) = store::lock(db, account).await.context("lock a budget")? else {
        return apply(db, account, Rest::default(), now).await;
    };
    // Before the month is opened nothing is charged in it yet; and dirhams are no euros.
    let period = run::open_period(db, account, now).await?;
    let Some(period) = period.filter(|period| period.whose.currency == budget.amount.currency) else {
        store::look_at(db, account, now + TimeDelta::minutes(1)).await.context("say when to look again")?;
        return apply(db, account, Rest::default(), now).await;
    };
    let month = Month { account, currency: budget.amount.currency, period: period.span, only: None };
    let cost = discounts::cost(db, month, now).await?;
    let mut new = Vec::new();
    for level in rule::levels(&budget, cost.so_far, cost.forecast) {
        let alert = Alert { level, amount: budget.amount, so_far: cost.so_far, at: now };
        if store::insert_alert(db, (account, period.span.from), &alert, cost.forecast).await.context("note an alert")? {
            new.push(level);
        }
    }
    for level in rule::to_tell(&new) {
        let letter = |user| SendLetter::BudgetReached {
            user,
            level: level.word().to_owned(),
            so_far_minor: cost.so_far.minor,
            forecast_minor: cost.forecast.minor,
            budget_minor: budget.amount.minor,
            currency: budget.amount.currency,
            until: period.span.until,
        };
        people::write_to_payers(db, account, letter, now).await?;
    }
    apply(db, account, rule::rest(&budget, cost.so_far), now).await?;
    // The next month begins with nothing used: what rests is given back then, not half an hour later.
    let again = (now + rule::look_again_in(&budget, cost.so_far, cost.forecast)).min(period.span.until.max(now));
    store::look_at(db, account, again).await.context("say when to look again")
}

/// An account that could not be looked at does not keep the others waiting.
pub async fn put_off(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    store::look_at(db, account, now + AFTER_FAILURE).await.context("say when to look again")
}

async fn apply(db: &mut PgConnection, account: AccountId, rest: Rest, now: DateTime<Utc>) -> anyhow::Result<()> {
    if restrictions::apply(db, account, Cause::Budget, rest, now).await? {
        let detail = json!({ "development_and_test": rest.others, "production": rest.production });
        let action = if rest.others { "billing.budget-rests" } else { "billing.budget-lifted" };
        let entry = audit::Entry::new(action).account(account).detail(detail);
        audit::record(db, &Actor::system(), entry, now).await?;
        db::wake(db).await.context("wake the worker")?;
    }
    Ok(())
}
