//! Cards that customers saved: what people know them by. Their numbers are with Stripe only.

use anyhow::{Context, ensure};
use chrono::{DateTime, Datelike, Utc};
use sqlx::{Connection, PgConnection};

use super::Cards;
use super::store::methods as store;
use super::stripe::CallError;
use crate::audit::{self, Actor};
use crate::base::chain;
use crate::base::ids::{AccountId, PaymentMethodId};
use crate::db;
use crate::portal::Portal;

/// A card that a customer saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Which one.
    pub id: PaymentMethodId,
    /// `visa`, `mastercard`.
    pub brand: String,
    /// Its last digits.
    pub last4: String,
    /// The last month in which it works, `2030-12`.
    pub expires: String,
    /// Whether invoices are charged to it.
    pub is_default: bool,
}

/// How long a card works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// Longer than next month.
    On,
    /// Until the end of this month or the next one: the next invoice may be its last.
    Soon,
    /// Its last month is over.
    Over,
}

impl Card {
    /// The last year and month in which it works.
    #[must_use]
    pub fn expires(&self) -> Option<(i32, u32)> {
        let (year, month) = self.expires.split_once('-')?;
        Some((year.parse().ok()?, month.parse().ok()?))
    }

    /// How long it works.
    #[must_use]
    pub fn lasts(&self, now: DateTime<Utc>) -> Lasts {
        let Some((year, month)) = self.expires() else { return Lasts::On };
        let left = i64::from(year - now.year()) * 12 + i64::from(month) - i64::from(now.month());
        match left {
            ..0 => Lasts::Over,
            0..=1 => Lasts::Soon,
            _ => Lasts::On,
        }
    }
}

/// Cards of an account, the one that is charged first.
pub async fn list(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Card>> {
    store::list(db, account).await.context("list the cards")
}

/// An account's card.
pub async fn find(db: &mut PgConnection, account: AccountId, id: PaymentMethodId) -> anyhow::Result<Option<Card>> {
    Ok(list(db, account).await?.into_iter().find(|card| card.id == id))
}

/// Lets a card be the one that invoices are charged to. Its account is the caller's to look at.
pub async fn make_default(portal: &Portal, actor: &Actor, account: AccountId, card: &Card) -> anyhow::Result<()> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock(&mut tx, account).await.context("lock the cards")?;
    store::set_default(&mut tx, account, Some(card.id)).await.context("choose a card")?;
    record(&mut tx, actor, ("card.chosen", account, card), now).await?;
    // What is open is charged to it at once.
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Takes a card out of use: it is charged no more from now on, and the worker has Stripe forget it.
pub async fn remove(portal: &Portal, actor: &Actor, account: AccountId, card: &Card) -> anyhow::Result<()> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock(&mut tx, account).await.context("lock the cards")?;
    store::remove(&mut tx, account, card.id, now).await.context("remove a card")?;
    record(&mut tx, actor, ("card.removed", account, card), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}

async fn record(
    db: &mut PgConnection,
    actor: &Actor,
    (action, account, card): (&'static str, AccountId, &Card),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let detail = serde_json::json!({ "card": card.id, "brand": card.brand, "last4": card.last4 });
    audit::record(db, actor, audit::Entry::new(action).account(account).detail(detail), now).await
}

/// Has Stripe forget the cards that were removed. What fails is tried again at the next look.
pub(super) async fn detach(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    for id in store::to_detach(&mut db).await.context("list removed cards")? {
        match cards.stripe.detach(&id).await {
            // What is not there or with nobody is forgotten.
            Ok(_) | Err(CallError::Refused(_)) => {
                store::set_detached(&mut db, &id, now).await.context("note that a card is forgotten")?;
            }
            Err(CallError::Unknown(error)) => {
                tracing::warn!(error = chain::of_any(&error), "a card is not forgotten at Stripe yet");
                break;
            }
        }
    }
    Ok(())
}

/// Brings here what a card is at Stripe by now: renewed, or taken away. False when it is none of ours.
pub(super) async fn refresh(
    cards: &Cards,
    db: &mut PgConnection,
    id: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let Some(customer) = store::customer_of(db, id).await.context("find a card")? else { return Ok(false) };
    let method = match cards.stripe.method(id).await {
        Err(CallError::Refused(refusal)) if refusal.code == "resource_missing" => None,
        other => Some(other?),
    };
    let mut tx = db.begin().await.context("begin")?;
    match method.filter(|method| method.customer == customer) {
        Some(method) => {
            ensure!(method.livemode == cards.livemode, "the card is of another mode");
            if let Some(card) = &method.card {
                store::update(&mut tx, &method, card).await.context("write down what a card is")?;
            }
        }
        None => store::set_detached(&mut tx, id, now).await.context("note that a card is gone")?,
    }
    tx.commit().await.context("commit what a card is")?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_told_of_before_its_last_month_ends() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        for (expires, lasts) in
            [("2026-10", Lasts::Over), ("2026-11", Lasts::Soon), ("2026-12", Lasts::Soon), ("2027-01", Lasts::On)]
        {
            let card = Card {
                id: PaymentMethodId::new(now),
                brand: "visa".to_owned(),
                last4: "4242".to_owned(),
                expires: expires.to_owned(),
                is_default: true,
            };
            assert_eq!(card.lasts(now), lasts, "{expires}");
        }
    }
}
