//! Credit that customers buy beforehand, on a page of Stripe's. The wish for the page is written down first, and says how much.
//!
//! No attempt is needed: no invoice is paid, and a page can be paid on once. What came in is booked by its name at Stripe, once,
//! however often and in whatever order we hear of it; taking it back is for `goes_back`, as with every payment by card.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::stripe::Intent;
use super::wishes::Kind;
use super::{Cards, store};
use crate::audit::{self, Actor};
use crate::base::ids::CardWishId;
use crate::base::money::{Currency, Money};
use crate::billing::payments::{self, Method, Received};

/// Returns the least and the most that is bought at once. The database says the same.
#[must_use]
pub fn bounds(currency: Currency) -> (Money, Money) {
    let (least, most) = match currency {
        Currency::Eur => (500, 500_000),
        Currency::Mad => (5_000, 5_000_000),
    };
    (Money::new(least, currency), Money::new(most, currency))
}

/// Whether so much can be bought at once.
#[must_use]
pub fn may_be(amount: Money) -> bool {
    let (least, most) = bounds(amount.currency);
    (least.minor..=most.minor).contains(&amount.minor)
}

/// Which wish a payment at Stripe was made for, when it was for credit.
pub(super) fn wish_of(intent: &Intent) -> Option<CardWishId> {
    intent.metadata.get("top_up").and_then(|id| id.parse().ok())
}

/// Brings into the books what a payment for credit is now. False when it is for nobody here.
pub(super) async fn apply(
    cards: &Cards,
    db: &mut PgConnection,
    intent: &Intent,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let Some(id) = wish_of(intent).filter(|_| intent.livemode == cards.livemode) else { return Ok(false) };
    if intent.status != "succeeded" {
        // The customer is at it, or has left; the page ends by itself.
        return Ok(true);
    }
    let currency = intent.currency.parse::<Currency>().context("Stripe's currency")?;
    let came = Money::new(intent.amount_received, currency);
    let mut tx = db.begin().await.context("begin")?;
    let wish = store::wishes::lock(&mut tx, id).await.context("lock a wish")?;
    let account = match wish {
        Some(wish) => {
            ensure!(wish.kind == Kind::TopUp(came), "{came:?} came for {:?}", wish.kind);
            store::wishes::set_intent(&mut tx, id, &intent.id).await.context("note what paid")?;
            wish.account
        }
        // As after the database was put back: the money is the customer's all the same.
        None => match store::account_of(&mut tx, &intent.customer, currency).await.context("find who paid")? {
            Some(account) => account,
            None => return Ok(false),
        },
    };
    let received = Received {
        account,
        method: Method::Card,
        amount: came,
        received_on: now.date_naive(),
        external_ref: &intent.id,
    };
    if let Some(payment) = payments::receive(&mut tx, &received, now).await? {
        payments::settle(&mut tx, account, now).await?;
        let detail = serde_json::json!({ "payment": payment, "amount_minor": came.minor, "currency": currency.code() });
        audit::record(
            &mut tx,
            &Actor::system(),
            audit::Entry::new("credit.bought").account(account).detail(detail),
            now,
        )
        .await?;
    }
    store::wishes::end(&mut tx, id, true, "topped_up").await.context("note what became of a wish")?;
    tx.commit().await.context("commit a top-up")?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bought_lies_between_the_bounds() {
        for currency in Currency::ALL {
            let (least, most) = bounds(currency);
            let of = |minor| Money::new(minor, currency);
            for minor in [least.minor, least.minor + 1, most.minor] {
                assert!(may_be(of(minor)), "{minor}");
            }
            for minor in [i64::MIN, -least.minor, 0, least.minor - 1, most.minor + 1, i64::MAX] {
                assert!(!may_be(of(minor)), "{minor}");
            }
        }
    }
}
