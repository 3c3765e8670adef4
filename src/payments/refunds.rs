//! Card payments that staff give back: what is free of one, or what a credit note gave back of what it paid. A row before Stripe
//! is asked; large ones are confirmed by a second person, as the database demands.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::store::refunds as store;
use super::stripe::CallError;
use super::{Cards, LEASE, goes_back};
use crate::audit::{self, Actor};
use crate::base::chain;
use crate::base::ids::{AccountId, CardRefundId, PaymentId, StaffId};
use crate::base::money::Money;
use crate::billing::transfers::statement;
use crate::db;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// Stripe keeps keys for a day; a repetition after this is another refund.
const KEY_LIVES: TimeDelta = TimeDelta::hours(20);
/// Until Stripe is asked again about what is not decided.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is large, and a second person confirms it.
    Waiting,
    /// The worker asks Stripe.
    Wanted,
    /// It is not known whether Stripe did it.
    Unknown,
    /// Stripe is at it.
    Pending,
    /// The money went back.
    Done,
    /// It did not.
    Failed,
    /// Nobody confirmed it.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Wanted, Self::Unknown, Self::Pending, Self::Done, Self::Failed, Self::Withdrawn];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Wanted => "wanted",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A refund, as staff see it.
#[derive(Clone, Debug)]
pub struct Refund {
    /// Which one.
    pub id: CardRefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// Whose.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub state: State,
    /// Who asked for it.
    pub asked_by: StaffId,
    /// Their name.
    pub asked_name: String,
    /// Who confirmed it, or empty.
    pub approved_name: String,
    /// Why it failed.
    pub failure: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// A card payment, as staff see it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Which one.
    pub id: PaymentId,
    /// Whose.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// How much came in.
    pub amount: Money,
    /// What of it pays no invoice.
    pub free: Money,
    /// What may go back.
    pub refundable: Money,
    /// What Stripe calls it.
    pub external_ref: String,
    /// When it was booked.
    pub created_at: DateTime<Utc>,
}

/// What became of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The worker asks Stripe.
    Wanted,
    /// It is large: another person confirms it.
    WaitsForSecond,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// There is no such payment or refund.
    #[error("it does not exist")]
    NotFound,
    /// More than may go back, or nothing.
    #[error("no more goes back than is free")]
    TooMuch,
    /// One of this payment is under way.
    #[error("one of this payment is under way")]
    UnderWay,
    /// A reason of 3 to 1,000 characters is needed.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
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

/// One card payment.
pub async fn payment(db: &mut PgConnection, id: PaymentId) -> anyhow::Result<Option<Payment>> {
    Ok(store::payments(db, Some(id), 1).await.context("read a card payment")?.pop())
}

/// The newest card payments.
pub async fn payments(db: &mut PgConnection, limit: i64) -> anyhow::Result<Vec<Payment>> {
    store::payments(db, None, limit).await.context("list card payments")
}

/// The newest refunds, of one payment or of all.
pub async fn list(db: &mut PgConnection, payment: Option<PaymentId>, limit: i64) -> anyhow::Result<Vec<Refund>> {
    store::list(db, payment, limit).await.context("list refunds")
}

/// Asks for a refund.
pub async fn ask(
    portal: &Portal,
    by: &StaffMember,
    id: PaymentId,
    amount_minor: i64,
    reason: &str,
) -> Result<Outcome, RefundError> {
    let reason = statement::tidy(reason, 1000);
    if reason.chars().count() < 3 {
        return Err(RefundError::ReasonNeeded);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock_payment(&mut tx, id).await.context("lock a payment")?;
    let payment = self::payment(&mut tx, id).await?.ok_or(RefundError::NotFound)?;
    if store::is_under_way(&mut tx, id).await.context("look for another refund")? {
        return Err(RefundError::UnderWay);
    }
    if amount_minor <= 0 || amount_minor > payment.refundable.minor {
        return Err(RefundError::TooMuch);
    }
    // What was given of it in parts counts together: nobody gives a large payment back alone.
    let before = store::given_alone(&mut tx, id).await.context("read what went back before")?;
    let is_large =
        amount_minor.saturating_add(before) > store::four_eyes_minor(&mut tx, id).await.context("read the limit")?;
    let state = if is_large { State::Waiting } else { State::Wanted };
    let amount = Money::new(amount_minor, payment.amount.currency);
    let refund = CardRefundId::new(now);
    store::insert(&mut tx, (refund, &payment), amount, (&reason, state), (by.id, now))
        .await
        .context("ask for a refund")?;
    let detail =
        serde_json::json!({ "amount_minor": amount.minor, "currency": amount.currency.code(), "reason": reason });
    record(&mut tx, by, ("refund.asked", refund, payment.account), detail, now).await?;
    if !is_large {
        db::wake(&mut tx).await.context("wake the worker")?;
    }
    tx.commit().await.context("commit")?;
    Ok(if is_large { Outcome::WaitsForSecond } else { Outcome::Wanted })
}

/// Confirms a large refund that a colleague asked for.
pub async fn confirm(portal: &Portal, by: &StaffMember, id: CardRefundId) -> Result<PaymentId, RefundError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let refund = hold(&mut tx, id).await?;
    if refund.asked_by == by.id {
        return Err(RefundError::NeedsSecond);
    }
    store::confirm(&mut tx, id, by.id).await.context("confirm a refund")?;
    record(&mut tx, by, ("refund.confirmed", id, refund.account), serde_json::json!({}), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(refund.payment)
}

/// Withdraws a large refund that nobody confirmed.
pub async fn withdraw(portal: &Portal, by: &StaffMember, id: CardRefundId) -> Result<PaymentId, RefundError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let refund = hold(&mut tx, id).await?;
    store::withdraw(&mut tx, id, now).await.context("withdraw a refund")?;
    record(&mut tx, by, ("refund.withdrawn", id, refund.account), serde_json::json!({}), now).await?;
    tx.commit().await.context("commit")?;
    Ok(refund.payment)
}

/// Holds a refund that waits for a second person.
async fn hold(db: &mut PgConnection, id: CardRefundId) -> Result<Refund, RefundError> {
    let refund = store::lock(db, id).await.context("lock a refund")?.ok_or(RefundError::NotFound)?;
    if refund.state == State::Waiting { Ok(refund) } else { Err(RefundError::Ended) }
}

async fn record(
    db: &mut PgConnection,
    by: &StaffMember,
    (action, id, account): (&'static str, CardRefundId, AccountId),
    mut detail: serde_json::Value,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    detail["refund"] = serde_json::json!(id);
    let entry = audit::Entry::new(action).account(account).detail(detail);
    audit::record(db, &Actor::staff(by.id, &by.name), entry, now).await
}

/// Does the next thing about the refund that has been due the longest. False when none is due.
pub(super) async fn next(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    let Some(due) = store::take(&mut db, now, now + LEASE).await.context("take a refund")? else { return Ok(false) };
    if let Err(error) = give(cards, &mut db, &due, now).await {
        tracing::warn!(refund = %due.id, error = chain::of_any(&error), "what became of a refund is not known");
        store::set_unknown(&mut db, due.id, now + ASK_AGAIN).await.context("note that nothing is known")?;
    }
    Ok(true)
}

async fn give(cards: &Cards, db: &mut PgConnection, due: &store::Due, now: DateTime<Utc>) -> anyhow::Result<()> {
    // What was given already is found first: nothing is given twice, however long ago it was.
    if goes_back::refunds(cards, db, &due.intent, now).await?.contains(&due.id) {
        return Ok(());
    }
    if now - due.sent_at >= KEY_LIVES {
        return store::set_failed(db, due.id, "never_arrived", now).await.context("give a refund up");
    }
    if due.is_first && !store::is_covered(db, due.id).await.context("look at what is free")? {
        return store::set_failed(db, due.id, "not_free", now).await.context("refuse a refund");
    }
    let fields = [
        ("payment_intent", due.intent.clone()),
        ("amount", due.amount_minor.to_string()),
        ("reason", "requested_by_customer".to_owned()),
        ("metadata[refund]", due.id.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    match cards.stripe.create_refund(&fields, &format!("refund-{}", due.id)).await {
        Ok(made) => {
            let mut tx = db.begin().await.context("begin")?;
            goes_back::refund(&mut tx, &due.intent, &made, now).await?;
            tx.commit().await.context("commit a refund")
        }
        Err(CallError::Refused(refusal)) => {
            let why = if refusal.message.is_empty() { &refusal.code } else { &refusal.message };
            store::set_failed(db, due.id, why, now).await.context("note a refusal")
        }
        Err(error) => Err(error.into()),
    }
}
