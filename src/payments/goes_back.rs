//! Money that goes back: refunds, whoever asked for them, and disputes that a customer's bank decided for the customer.

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::refunds::State;
use super::store::{disputes, refunds as refund_store};
use super::stripe::{Dispute, Intent, Refund};
use super::{Cards, store};
use crate::base::ids::CardRefundId;
use crate::base::money::{Currency, Money};
use crate::billing::ledger::{self, Entry, Journal, Posting, Role};
use crate::billing::payments::{self, Payback};

/// Until Stripe is asked again about a refund that it has not paid out yet.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Books every refund of a payment that is through, each once, and writes down what became of those that staff asked for. Returns
/// the latter.
pub async fn refunds(
    cards: &Cards,
    db: &mut PgConnection,
    intent: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<CardRefundId>> {
    let mut ours = Vec::new();
    if store::payment_of(db, intent).await.context("find a payment")?.is_none() {
        return Ok(ours);
    }
    for made in cards.stripe.refunds(intent).await? {
        let mut tx = db.begin().await.context("begin")?;
        ours.extend(refund(&mut tx, intent, &made, now).await?);
        tx.commit().await.context("commit a refund")?;
    }
    Ok(ours)
}

/// Books what Stripe says of one refund. Returns it when staff asked for it.
pub async fn refund(
    db: &mut PgConnection,
    intent: &str,
    made: &Refund,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<CardRefundId>> {
    let payment = store::payment_of(db, intent).await.context("find a payment")?.context("it was not booked yet")?;
    let amount = Money::new(made.amount, currency(&made.currency)?);
    ensure!(amount.currency == payment.currency, "the refund is in another currency than its payment");
    let ours = made.metadata.get("refund").and_then(|id| id.parse::<CardRefundId>().ok());
    let (state, next_at) = match made.status.as_str() {
        "succeeded" => (State::Done, None),
        "failed" | "canceled" => (State::Failed, None),
        _ => (State::Pending, Some(now + LOOK_AGAIN)),
    };
    if let Some(id) = ours {
        let said = (made.id.as_str(), state, made.failure_reason.as_str());
        refund_store::note(db, (id, payment.id, made.amount), said, (next_at, now)).await.context("note a refund")?;
    }
    match state {
        State::Done => {
            let is_new = payments::pay_back(db, payment.id, Payback::Refund, amount, &made.id, now).await?;
            if is_new && ours.is_some() {
                payments::settle_refunded(db, payment.account, now).await?;
            }
        }
        // Where it went back before, it came to us again: the customer's bank did not take it.
        State::Failed => payments::take_back(db, payment.id, amount, &made.id, now).await?,
        _ => {}
    }
    Ok(ours)
}

/// Notes a dispute, and books it once it is lost.
pub async fn dispute(
    cards: &Cards,
    db: &mut PgConnection,
    intent: &Intent,
    dispute: &Dispute,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    ensure!(dispute.payment_intent.as_ref() == Some(&intent.id), "the dispute is about another payment");
    ensure!(intent.livemode == cards.livemode, "the dispute is of another mode");
    let payment =
        store::payment_of(db, &intent.id).await.context("find a payment")?.context("it was not booked yet")?;
    ensure!(currency(&dispute.currency)? == payment.currency, "the dispute is in another currency than its payment");
    let state = match dispute.status.as_str() {
        "lost" => "lost",
        "won" | "warning_closed" => "won",
        _ => "open",
    };
    let mut tx = db.begin().await.context("begin")?;
    disputes::keep(&mut tx, payment.id, dispute, state, now).await.context("keep a dispute")?;
    if state == "lost" {
        lose(&mut tx, &payment, dispute, now).await?;
    }
    tx.commit().await.context("commit a dispute")?;
    Ok(())
}

/// Books a dispute that is lost, once: what is left of the payment goes back. Whatever the bank took beyond that (a part was given
/// back before) is our loss: the customer owes it to nobody.
async fn lose(
    db: &mut PgConnection,
    payment: &store::Booked,
    dispute: &Dispute,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let Some(lost) = disputes::lock_lost(db, &dispute.id).await.context("lock a dispute")? else { return Ok(()) };
    let back = Money::new(dispute.amount.min(lost.left), payment.currency);
    let beyond = Money::new(dispute.amount - back.minor, payment.currency);
    if back.minor > 0 && payments::pay_back(db, payment.id, Payback::Dispute, back, &dispute.id, now).await? {
        // What is open again other credit may pay.
        payments::settle(db, payment.account, now).await?;
    }
    let minus = Money::new(-beyond.minor, beyond.currency);
    let entry = Entry {
        seller: lost.seller,
        journal: Journal::Card,
        effective_on: now.date_naive(),
        source: ("dispute", lost.id),
        template: "lost",
        label: dispute.id.clone(),
        postings: vec![
            Posting { role: Role::Loss, account: None, amount: beyond },
            Posting { role: Role::CardClearing, account: None, amount: minus },
        ],
    };
    if beyond.minor > 0 {
        ledger::post(db, &entry, now).await?;
    }
    disputes::set_lost(db, &dispute.id, beyond.minor).await.context("note what was lost")
}

fn currency(code: &str) -> anyhow::Result<Currency> {
    code.parse::<Currency>().context("Stripe's currency")
}
