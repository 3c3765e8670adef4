//! Money that goes back: refunds, and disputes that a customer's bank decided for the customer.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::stripe::{Dispute, Intent};
use super::{Cards, store};
use crate::base::money::{Currency, Money};
use crate::billing::payments::{self, Payback};

/// Books every refund of a payment that is through, each once. One that a bank sent back afterwards has come in again.
pub async fn refunds(cards: &Cards, db: &mut PgConnection, intent: &Intent, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some(payment) = store::payment_of(db, &intent.id).await.context("find a payment")? else { return Ok(()) };
    let currency = currency(&intent.currency)?;
    for refund in cards.stripe.refunds(&intent.id).await? {
        if refund.status == "succeeded" {
            let mut tx = db.begin().await.context("begin")?;
            let amount = Money::new(refund.amount, currency);
            payments::pay_back(&mut tx, payment, Payback::Refund, amount, &refund.id, now).await?;
            tx.commit().await.context("commit a refund")?;
        } else if refund.status == "failed" {
            let mut tx = db.begin().await.context("begin")?;
            let amount = Money::new(refund.amount, currency);
            payments::take_back(&mut tx, payment, amount, &refund.id, now).await?;
            tx.commit().await.context("commit a refund that did not arrive")?;
        }
    }
    Ok(())
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
    let state = match dispute.status.as_str() {
        "lost" => "lost",
        "won" | "warning_closed" => "won",
        _ => "open",
    };
    let mut tx = db.begin().await.context("begin")?;
    store::keep_dispute(&mut tx, payment, dispute, state, now).await.context("keep a dispute")?;
    if state == "lost" {
        let amount = Money::new(dispute.amount, currency(&dispute.currency)?);
        payments::pay_back(&mut tx, payment, Payback::Dispute, amount, &dispute.id, now).await?;
    }
    tx.commit().await.context("commit a dispute")?;
    Ok(())
}

fn currency(code: &str) -> anyhow::Result<Currency> {
    code.parse::<Currency>().context("Stripe's currency")
}
