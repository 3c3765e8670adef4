//! Credit that our people give: asked for on a page, confirmed by a second person where it is much, booked by the worker.

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::store::grants as store;
use crate::audit::{self, Actor, Entry};
use crate::base::crash;
use crate::base::ids::{AccountId, CreditGrantId, StaffId};
use crate::base::money::{Currency, Money};
use crate::billing::payments::{self, Method, Received};
use crate::billing::transfers::statement;
use crate::plans::cost;
use crate::portal::Portal;
use crate::queue::{self, Job};
use crate::staff::StaffMember;

/// The most that one grant gives, in the smallest coin. The database says the same.
pub const MOST: i64 = 100_000_000;
/// No grant ends later than after so long.
const LONGEST: TimeDelta = TimeDelta::days(3660);

/// The job that books a grant. Done again, it changes nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct GiveCredit {
    /// Which one.
    pub grant: CreditGrantId,
}

impl Job for GiveCredit {
    const KIND: &'static str = "give_credit";
}

/// How far a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is large, and a second person confirms it.
    Waiting,
    /// The worker books it.
    Wanted,
    /// The customer has it.
    Done,
    /// It was over before it was booked.
    Failed,
    /// Nobody confirmed it.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Wanted, Self::Done, Self::Failed, Self::Withdrawn];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Wanted => "wanted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A grant, as staff see it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Which one.
    pub id: CreditGrantId,
    /// For whom.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// From when on it pays nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub state: State,
    /// Who asked for it.
    pub asked_by: StaffId,
    /// Their name.
    pub asked_name: String,
    /// Who confirmed it, or empty.
    pub approved_name: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// What is to be given.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Comes with the form, so that a form that is sent twice gives once.
    pub id: CreditGrantId,
    /// For whom.
    pub account: AccountId,
    /// How much, in the smallest coin of the currency that the customer pays in.
    pub amount_minor: i64,
    /// Why.
    pub reason: String,
    /// The last day on which it can be used, where our company is; `None`: it does not end.
    pub until: Option<NaiveDate>,
    /// From 1 to 99: of grants that end together, the lower one is used first.
    pub priority: i16,
}

/// What became of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The worker books it.
    Wanted,
    /// It is large: another person confirms it.
    WaitsForSecond,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such customer or grant.
    #[error("it does not exist")]
    NotFound,
    /// Nothing, less than nothing, or more than any grant gives.
    #[error("the amount is not one that is given")]
    BadAmount,
    /// A day that is over, or too far away.
    #[error("it ends in the past, or in more than ten years")]
    BadDay,
    /// Not from 1 to 99.
    #[error("the priority is from 1 to 99")]
    BadPriority,
    /// A reason of 3 to 1,000 characters is needed.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// None of our companies sells in the customer's currency.
    #[error("nobody sells in this currency")]
    NoSeller,
    /// This is the person who asked for it.
    #[error("another person has to confirm it")]
    NeedsSecond,
    /// It waits no more.
    #[error("it is done with already")]
    Ended,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// The newest grants, of one account or of all; those that wait come first.
pub async fn list(db: &mut PgConnection, account: Option<AccountId>, limit: i64) -> anyhow::Result<Vec<Grant>> {
    store::list(db, account, limit).await.context("list grants")
}

/// Returns the instant at which a day is over where our company is.
fn end_of(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    Some(cost::midnight(day.checked_add_days(Days::new(1))?, zone))
}

/// Asks for a grant.
pub async fn ask(portal: &Portal, by: &StaffMember, new: &NewGrant) -> Result<Outcome, GrantError> {
    let reason = statement::tidy(&new.reason, 1000);
    if reason.chars().count() < 3 {
        return Err(GrantError::ReasonNeeded);
    }
    if !(1..=MOST).contains(&new.amount_minor) {
        return Err(GrantError::BadAmount);
    }
    if !(1..=99).contains(&new.priority) {
        return Err(GrantError::BadPriority);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let terms = store::terms(&mut tx, new.account).await.context("read the customer's terms")?;
    let terms = terms.ok_or(GrantError::NotFound)?;
    let currency = terms.currency.parse::<Currency>().context("read a currency")?;
    let limit = terms.four_eyes_minor.ok_or(GrantError::NoSeller)?;
    let zone = terms.timezone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    let expires_at = match new.until {
        None => None,
        Some(day) => Some(end_of(day, zone).ok_or(GrantError::BadDay)?),
    };
    if expires_at.is_some_and(|at| at <= now || at > now + LONGEST) {
        return Err(GrantError::BadDay);
    }
    let is_large = new.amount_minor > limit;
    let outcome = if is_large { Outcome::WaitsForSecond } else { Outcome::Wanted };
    let amount = Money::new(new.amount_minor, currency);
    let state = if is_large { State::Waiting } else { State::Wanted };
    let row =
        store::New { id: new.id, account: new.account, amount, reason: &reason, priority: new.priority, expires_at };
    if !store::insert(&mut tx, &row, state, (by.id, now)).await.context("ask for credit")? {
        // The same form, once more.
        return Ok(outcome);
    }
    let detail = json!({
        "amount_minor": amount.minor, "currency": currency.code(), "reason": reason,
        "expires_at": expires_at, "priority": new.priority,
    });
    record(&mut tx, by, ("credit.asked", new.id, new.account), detail, now).await?;
    if !is_large {
        queue::enqueue(&mut tx, &GiveCredit { grant: new.id }, now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(outcome)
}

/// Confirms a large grant that a colleague asked for. Returns for whom it is.
pub async fn confirm(portal: &Portal, by: &StaffMember, id: CreditGrantId) -> Result<AccountId, GrantError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let held = hold(&mut tx, id).await?;
    if held.asked_by == by.id {
        return Err(GrantError::NeedsSecond);
    }
    store::confirm(&mut tx, id, by.id).await.context("confirm a grant")?;
    record(&mut tx, by, ("credit.confirmed", id, held.account), json!({}), now).await?;
    queue::enqueue(&mut tx, &GiveCredit { grant: id }, now).await?;
    tx.commit().await.context("commit")?;
    Ok(held.account)
}

/// Withdraws a large grant that nobody confirmed. Returns for whom it was.
pub async fn withdraw(portal: &Portal, by: &StaffMember, id: CreditGrantId) -> Result<AccountId, GrantError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let held = hold(&mut tx, id).await?;
    store::withdraw(&mut tx, id, now).await.context("withdraw a grant")?;
    record(&mut tx, by, ("credit.withdrawn", id, held.account), json!({}), now).await?;
    tx.commit().await.context("commit")?;
    Ok(held.account)
}

/// Holds a grant that waits for a second person.
async fn hold(db: &mut PgConnection, id: CreditGrantId) -> Result<store::Held, GrantError> {
    let held = store::lock(db, id).await.context("lock a grant")?.ok_or(GrantError::NotFound)?;
    if held.state == State::Waiting.word() { Ok(held) } else { Err(GrantError::Ended) }
}

async fn record(
    db: &mut PgConnection,
    by: &StaffMember,
    (action, id, account): (&'static str, CreditGrantId, AccountId),
    mut detail: serde_json::Value,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    detail["grant"] = json!(id);
    let entry = Entry::new(action).account(account).detail(detail);
    audit::record(db, &Actor::staff(by.id, &by.name), entry, now).await
}

/// Books a grant that is wanted, and pays what is open from it. For the worker. One that was booked stays as it is.
pub async fn give(portal: &Portal, id: CreditGrantId) -> anyhow::Result<()> {
    let now = portal.clock.now();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let mut tx = db.begin().await.context("begin")?;
    let held = store::lock(&mut tx, id).await.context("lock a grant")?;
    let Some(held) = held.filter(|held| held.state == State::Wanted.word()) else { return Ok(()) };
    if held.expires_at.is_some_and(|at| at <= now) {
        store::fail(&mut tx, id, now).await.context("note that a grant is over")?;
        return tx.commit().await.context("commit");
    }
    let amount = Money::new(held.amount_minor, held.currency.parse().context("read a currency")?);
    let received = Received {
        account: held.account,
        method: Method::Gift,
        amount,
        received_on: now.date_naive(),
        external_ref: &format!("credit-{id}"),
    };
    let payment = payments::receive(&mut tx, &received, now).await?.context("a wanted grant is not booked yet")?;
    store::done(&mut tx, id, payment, now).await.context("note that a grant is booked")?;
    payments::settle(&mut tx, held.account, now).await?;
    let detail = json!({ "grant": id, "payment": payment });
    let entry = Entry::new("credit.given").account(held.account).detail(detail);
    audit::record(&mut tx, &Actor::system(), entry, now).await?;
    crash::point("credit:given");
    tx.commit().await.context("commit a grant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_company_is_also_when_clocks_change() {
        let at = |day: &str, zone: Tz| end_of(day.parse().unwrap(), zone).unwrap().to_rfc3339();
        assert_eq!(at("2026-12-31", Tz::Europe__Paris), "2026-12-31T23:00:00+00:00");
        assert_eq!(at("2026-10-25", Tz::Europe__Paris), "2026-10-25T23:00:00+00:00", "a day of 25 hours");
        assert_eq!(at("2026-07-14", Tz::Europe__Paris), "2026-07-14T22:00:00+00:00");
        assert_eq!(at("2026-12-31", Tz::Africa__Casablanca), "2026-12-31T23:00:00+00:00");
        assert!(end_of(NaiveDate::MAX, Tz::UTC).is_none());
    }
}
