//! What happens when invoices are not paid: warnings, then restrictions, each said beforehand; and all of it taken back at once
//! when they are. Nothing is ever deleted, metering goes on, and the portal stays open.

pub mod rule;
mod store;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use self::rule::{Step, Unpaid};
use self::store::{OpenRow, Wanted};
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::audit::{self, Actor};
use crate::base::ids::{AccountId, DocumentId};
use crate::base::money::Money;
use crate::billing::lots;
use crate::billing::payments;
use crate::billing::restrictions::{self, Cause, Rest};
use crate::db;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// How many accounts one turn looks at: a few seconds.
pub const AT_ONCE: i64 = 2_000;

/// An account that was warned, and where nothing happens, is looked at again after this: days begin, and not more.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// How an account stands that has not paid everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The invoice that has been due the longest.
    pub document: DocumentId,
    /// Its number; empty: it cannot be written, because the customer's address is missing.
    pub number: String,
    /// Until when it was to be paid.
    pub due_on: NaiveDate,
    /// What is open on everything that is overdue, in the currency of that invoice; nothing when nothing is overdue.
    pub overdue: Money,
    /// What was done last, and holds.
    pub step: Option<Step>,
    /// Until when nothing is done, where staff said so and the day is to come.
    pub delayed_until: Option<NaiveDate>,
    /// What comes when.
    pub coming: Vec<(Step, NaiveDate)>,
}

/// An account that has not paid, as staff see it.
#[derive(Clone, Debug)]
pub struct Debtor {
    /// Which one.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Why somebody gave it more time.
    pub delay_reason: String,
    /// Who did.
    pub delay_by: String,
    /// How it stands; `None` when it has paid meanwhile.
    pub standing: Option<Standing>,
}

/// Everything that decides.
struct Seen {
    standing: Standing,
    today: NaiveDate,
}

async fn see(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<Option<Seen>> {
    let open = store::open(db, account).await.context("list what is open")?;
    let open = less_credit(db, account, open, now).await?;
    let owed: Vec<(NaiveDate, Money)> = open.iter().map(|row| (row.due_on, row.open)).collect();
    let open = worth_asking(open);
    let Some(first) = open.first() else { return Ok(None) };
    let done = store::done(db, account).await.context("list what was done")?;
    let (step, until) = store::state(db, account).await.context("read how far it is")?;
    let today = now.with_timezone(&first.timezone.parse().unwrap_or(Tz::UTC)).date_naive();
    let delayed_until = until.filter(|until| *until > today);
    let unpaid = store::unpaid(&open, &done);
    // What is too little by itself is asked for with what is overdue besides.
    let is_overdue = |due_on: NaiveDate| first.due_on < today && due_on < today;
    let overdue = owed.iter().filter(|(due_on, open)| is_overdue(*due_on) && open.currency == first.open.currency);
    Ok(Some(Seen {
        standing: Standing {
            document: first.document,
            number: first.number.clone(),
            due_on: first.due_on,
            overdue: Money::new(overdue.map(|(_, open)| open.minor).sum(), first.open.currency),
            step,
            delayed_until,
            coming: rule::schedule(&unpaid, first.schedule, delayed_until, today),
        },
        today,
    }))
}

/// What is open beyond the customer's credit, which pays the oldest first: nobody is asked for what we owe them.
async fn less_credit(
    db: &mut PgConnection,
    account: AccountId,
    open: Vec<OpenRow>,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<OpenRow>> {
    let Some(currency) = open.first().map(|row| row.open.currency) else { return Ok(open) };
    let mut credit = lots::usable(db, account, currency, now).await?.minor;
    let rest = |mut row: OpenRow| {
        if row.open.currency == currency {
            let covered = credit.clamp(0, row.open.minor);
            credit -= covered;
            row.open.minor -= covered;
        }
        (row.open.minor > 0).then_some(row)
    };
    Ok(open.into_iter().filter_map(rest).collect())
}

/// What decides: invoices of which so much is open that it is asked for by itself. A transfer that is a coin short stops nobody's
/// production: such a rest waits for another invoice, or until all rests together are enough.
fn worth_asking(mut open: Vec<OpenRow>) -> Vec<OpenRow> {
    let least = |row: &OpenRow| row.open.currency.smallest_charge();
    if open.iter().any(|row| row.open.minor >= least(row)) {
        open.retain(|row| row.open.minor >= least(row));
        return open;
    }
    let is_enough = open.first().is_some_and(|first| {
        let alike = open.iter().filter(|row| row.open.currency == first.open.currency);
        alike.map(|row| row.open.minor).sum::<i64>() >= least(first)
    });
    if is_enough { open } else { Vec::new() }
}

/// How an account stands; `None` when nothing is open that is asked for. For its pages, and staff's.
pub async fn standing(
    db: &mut PgConnection,
    account: AccountId,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Standing>> {
    Ok(see(db, account, now).await?.map(|seen| seen.standing))
}

/// Takes the step that is due, or takes everything back when nothing is overdue any more. For the worker: one look at a time.
/// Credit that lies unused pays first.
pub async fn look(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    store::note_look(db, account, now).await.context("note a look")?;
    payments::settle(db, account, now).await?;
    let seen = see(db, account, now).await?;
    let overdue = seen.filter(|seen| seen.standing.due_on < seen.today);
    let Some(Seen { mut standing, today }) = overdue else { return restore(db, account, now).await };
    if standing.delayed_until.is_none()
        && let Some((step, _)) = standing.coming.first().copied().filter(|(_, on)| *on <= today)
    {
        take(db, account, &mut standing, (step, today), now).await?;
    }
    // A delay gives everything back for as long as it lasts.
    let level = standing.step.filter(|_| standing.delayed_until.is_none());
    restrict(db, account, level, now).await
}

async fn take(
    db: &mut PgConnection,
    account: AccountId,
    standing: &mut Standing,
    (step, today): (Step, NaiveDate),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if !store::insert_step(db, (standing.document, account), step, today, now).await.context("write a step down")? {
        return Ok(());
    }
    standing.coming.remove(0);
    // Another invoice may have taken the account further: what holds ends with payment only.
    if standing.step < Some(step) {
        store::put_state(db, account, step, now).await.context("write down how far it is")?;
        standing.step = Some(step);
    }
    let next = standing.coming.iter().find(|(step, _)| step.restricts()).copied();
    let letter = |payer| SendLetter::Overdue {
        payer,
        document: standing.document,
        number: standing.number.clone(),
        overdue_minor: standing.overdue.minor,
        currency: standing.overdue.currency,
        step: step.word().to_owned(),
        next: next.map(|(step, on)| (step.word().to_owned(), on)),
    };
    people::write_about_money(db, account, letter, now).await?;
    let detail = serde_json::json!({ "step": step.word(), "invoice": standing.number });
    let entry = audit::Entry::new("dunning.step").account(account).detail(detail);
    audit::record(db, &Actor::system(), entry, now).await
}

/// Takes everything back: nothing is overdue any more.
async fn restore(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (step, _) = store::state(db, account).await.context("read how far it is")?;
    let Some(step) = step else { return Ok(()) };
    restrict(db, account, None, now).await?;
    store::delete_state(db, account).await.context("forget how far it was")?;
    let detail = serde_json::json!({ "step": step.word() });
    let entry = audit::Entry::new("dunning.restored").account(account).detail(detail);
    audit::record(db, &Actor::system(), entry, now).await
}

async fn restrict(
    db: &mut PgConnection,
    account: AccountId,
    level: Option<Step>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let rest =
        Rest { others: level.is_some_and(Step::restricts), production: false, account: level == Some(Step::Stop) };
    let rests = restrictions::apply(db, account, Cause::Unpaid, rest, now).await?;
    let requests = level.and_then(Step::requests_per_second);
    if store::limit(db, account, requests).await.context("limit what is not paid")? || rests {
        db::wake(db).await.context("wake the worker")?;
    }
    Ok(())
}

/// Accounts that are to be looked at now, at most [`AT_ONCE`]: something happened, something is restricted, or it is a while since
/// the last look.
pub async fn due(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Vec<AccountId>> {
    store::forget_hints(db).await.context("forget what is settled")?;
    let looked_before = Some((now - LOOK_AGAIN, now));
    store::accounts(db, Wanted { today: tomorrow(now), looked_before, limit: AT_ONCE })
        .await
        .context("list who has not paid")
}

/// A day more than anywhere: whose day it is is looked at for each.
fn tomorrow(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive() + chrono::Days::new(1)
}

/// Who has not paid in time, for staff.
pub async fn debtors(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Vec<Debtor>> {
    let wanted = Wanted { today: tomorrow(now), looked_before: None, limit: i64::MAX };
    let ids = store::accounts(db, wanted).await.context("list who has not paid")?;
    let mut debtors = store::debtors(db, &ids).await.context("read who has not paid")?;
    for debtor in &mut debtors {
        debtor.standing = standing(db, debtor.account, now).await?;
    }
    Ok(debtors)
}

/// Whether an invoice is still to be paid: asked when a mail is written, because it may have been paid since. One that `waits`
/// for the customer's address: whether it still does.
pub async fn is_open(db: &mut PgConnection, document: DocumentId, waits: bool) -> anyhow::Result<bool> {
    store::is_open(db, document, waits).await.context("read what is open")
}

/// Asks a customer for the address without which an invoice cannot be written, and says what comes when it stays away.
pub async fn ask_for_details(
    db: &mut PgConnection,
    account: AccountId,
    draft: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let open = store::open(db, account).await.context("list what is open")?;
    let Some(row) = open.iter().find(|row| row.document == draft) else { return Ok(()) };
    let unpaid = Unpaid { document: draft, due_on: row.due_on, done: Vec::new() };
    let coming = rule::schedule(&[unpaid], row.schedule, None, now.date_naive());
    let next = coming.into_iter().find(|(step, _)| step.restricts());
    let letter = |payer| SendLetter::Overdue {
        payer,
        document: draft,
        number: String::new(),
        overdue_minor: row.open.minor,
        currency: row.open.currency,
        step: Step::Warn.word().to_owned(),
        next: next.map(|(step, on)| (step.word().to_owned(), on)),
    };
    people::write_about_money(db, account, letter, now).await
}

/// Why no more time was given.
#[derive(Debug, thiserror::Error)]
pub enum DelayError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// A delay ends within a year. A day that is not to come ends one.
    #[error("a delay ends within a year")]
    BadDay,
    /// A reason has 3 to 1,000 characters.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Gives an account until a day: nothing is restricted and no step is taken before. A day that has come ends a delay.
pub async fn delay(
    portal: &Portal,
    by: &StaffMember,
    account: AccountId,
    until: NaiveDate,
    reason: &str,
) -> Result<(), DelayError> {
    let now = portal.clock.now();
    let reason = reason.trim();
    if !(3..=1000).contains(&reason.chars().count()) {
        return Err(DelayError::ReasonNeeded);
    }
    if until > now.date_naive() + chrono::Days::new(366) {
        return Err(DelayError::BadDay);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::is_account(&mut tx, account).await.context("find the account")? {
        return Err(DelayError::NotFound);
    }
    store::insert_delay(&mut tx, account, until, (by.id, reason), now).await.context("write a delay down")?;
    let detail = serde_json::json!({ "until": until, "reason": reason });
    let entry = audit::Entry::new("dunning.delayed").account(account).detail(detail);
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}
