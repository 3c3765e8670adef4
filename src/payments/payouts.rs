//! What Stripe pays out to our bank: booked from what it holds for us to the bank, with what it keeps.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::Cards;
use super::store::payouts as store;
use super::stripe::{CallError, Movement};
use crate::base::ids::{CardPayoutId, SellerId};
use crate::base::money::{Currency, Money};
use crate::billing::ledger::{self, Entry, Journal, Posting, Role};

/// Kinds of movements that are customers' money, coming or going; what Stripe keeps of each stands beside it.
const MOVES: [&str; 7] =
    ["charge", "payment", "refund", "payment_refund", "refund_failure", "payment_failure_refund", "adjustment"];
/// Kinds that are nothing but what Stripe keeps.
const KEEPS: [&str; 4] = ["stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"];

/// What was paid out, with what was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Which one.
    pub id: CardPayoutId,
    /// What Stripe calls it.
    pub provider_id: String,
    /// To whose bank.
    pub seller: SellerId,
    /// How much; below zero when Stripe took it from the bank.
    pub amount: Money,
    /// What Stripe kept of what it is made of.
    pub fees: Money,
    /// When it was at the bank.
    pub arrived_on: chrono::NaiveDate,
    /// When it was known that the bank sent it back.
    pub returned_at: Option<DateTime<Utc>>,
}

/// The newest payouts.
pub async fn list(db: &mut PgConnection, limit: i64) -> anyhow::Result<Vec<Payout>> {
    store::list(db, limit).await.context("list payouts")
}

/// Books a payout that arrived, once; and that the bank sent it back, once. False when there is no such payout.
pub(super) async fn apply(cards: &Cards, db: &mut PgConnection, id: &str, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let payout = match cards.stripe.payout(id).await {
        Err(CallError::Refused(refusal)) if refusal.code == "resource_missing" => return Ok(false),
        other => other?,
    };
    if payout.livemode != cards.livemode {
        return Ok(false);
    }
    let known = store::find(db, &payout.id).await.context("find a payout")?;
    match (payout.status.as_str(), known) {
        ("paid", None) => {
            let currency = payout.currency.parse::<Currency>().context("Stripe's currency")?;
            ensure!(
                currency == cards.currency,
                "the account at Stripe pays out in {}, by the configuration",
                cards.currency
            );
            let seller = store::seller(db, currency).await.context("find the seller")?;
            let seller = seller.context("nobody sells in this currency")?;
            let arrived = DateTime::from_timestamp(payout.arrival_date, 0).context("when a payout arrived")?;
            let amount = Money::new(payout.amount, currency);
            let movements = cards.stripe.movements_of(&payout.id).await?;
            let fees = Money::new(kept(&movements, &payout.currency, payout.amount)?, currency);
            let booked = Payout {
                id: CardPayoutId::new(now),
                provider_id: payout.id,
                seller,
                amount,
                fees,
                arrived_on: arrived.date_naive(),
                returned_at: None,
            };
            let mut tx = db.begin().await.context("begin")?;
            if store::insert(&mut tx, &booked, now).await.context("insert a payout")? {
                post(&mut tx, &booked, now).await?;
            }
            tx.commit().await.context("commit a payout")?;
        }
        ("failed" | "canceled", Some(known)) if known.returned_at.is_none() => {
            let mut tx = db.begin().await.context("begin")?;
            if store::set_returned(&mut tx, known.id, now).await.context("note that a payout came back")? {
                give_back(&mut tx, &known, now).await?;
            }
            tx.commit().await.context("commit a payout that came back")?;
        }
        _ => {}
    }
    Ok(true)
}

/// What Stripe kept of the movements that a payout is made of: what they come to before fees, less what was paid out.
///
/// Movements that are fees themselves move no customer's money. Fails when the movements do not come to the payout: then they are
/// not understood, and nothing is booked.
fn kept(movements: &[Movement], currency: &str, amount: i64) -> anyhow::Result<i64> {
    let parts: Vec<&Movement> =
        movements.iter().filter(|it| !matches!(it.kind.as_str(), "payout" | "payout_cancel")).collect();
    ensure!(parts.iter().all(|part| part.currency == currency), "a payout is made of several currencies");
    ensure!(
        parts.iter().all(|part| part.exchange_rate.is_none()),
        "a payout holds money that was exchanged from another currency"
    );
    let net: i64 = parts.iter().map(|part| part.net).sum();
    ensure!(net == amount, "the parts of a payout come to {net} and not to {amount}");
    let unknown =
        parts.iter().find(|part| !MOVES.contains(&part.kind.as_str()) && !KEEPS.contains(&part.kind.as_str()));
    ensure!(unknown.is_none(), "a payout has parts of a kind that is not known: {unknown:?}");
    let moved = parts.iter().filter(|part| MOVES.contains(&part.kind.as_str()));
    Ok(moved.map(|part| part.amount).sum::<i64>() - amount)
}

async fn post(db: &mut PgConnection, payout: &Payout, now: DateTime<Utc>) -> anyhow::Result<()> {
    let held = Money::new(-(payout.amount.minor + payout.fees.minor), payout.amount.currency);
    let entry = Entry {
        seller: payout.seller,
        journal: Journal::Bank,
        effective_on: payout.arrived_on,
        source: ("payout", payout.id.uuid()),
        template: "paid",
        label: payout.provider_id.clone(),
        postings: vec![
            Posting { role: Role::Bank, account: None, amount: payout.amount },
            Posting { role: Role::Fees, account: None, amount: payout.fees },
            Posting { role: Role::CardClearing, account: None, amount: held },
        ],
    };
    ledger::post(db, &entry, now).await?;
    Ok(())
}

/// The bank sent it back: Stripe holds it again, and keeps its fees.
async fn give_back(db: &mut PgConnection, payout: &Payout, now: DateTime<Utc>) -> anyhow::Result<()> {
    let minus = Money::new(-payout.amount.minor, payout.amount.currency);
    let entry = Entry {
        seller: payout.seller,
        journal: Journal::Bank,
        effective_on: now.date_naive(),
        source: ("payout", payout.id.uuid()),
        template: "returned",
        label: payout.provider_id.clone(),
        postings: vec![
            Posting { role: Role::CardClearing, account: None, amount: payout.amount },
            Posting { role: Role::Bank, account: None, amount: minus },
        ],
    };
    ledger::post(db, &entry, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movement(kind: &str, amount: i64, fee: i64) -> Movement {
        Movement {
            id: "txn".to_owned(),
            kind: kind.to_owned(),
            amount,
            fee,
            net: amount - fee,
            currency: "eur".to_owned(),
            exchange_rate: None,
        }
    }

    #[test]
    fn what_stripe_keeps_is_what_its_movements_come_to_less_what_it_pays() {
        let parts = [
            movement("charge", 10_000, 175),
            movement("refund", -2_000, 0),
            movement("adjustment", -1_000, 1_500),
            movement("stripe_fee", -300, 0),
            movement("payout", -5_025, 0),
        ];
        assert_eq!(kept(&parts, "eur", 5_025).unwrap(), 175 + 1_500 + 300);
        assert!(kept(&parts, "eur", 5_000).is_err(), "the parts come to something else");
        assert!(kept(&parts, "mad", 5_025).is_err(), "another currency");
        assert!(kept(&[movement("topup", 5, 0)], "eur", 5).is_err(), "nobody knows what that is");
        let exchanged = Movement { exchange_rate: serde_json::Number::from_f64(0.09), ..movement("charge", 5, 0) };
        assert!(kept(&[exchanged], "eur", 5).is_err(), "it is of another company's customers");
    }
}
