//! Customers' credit, lot by lot: what came, what is left of it, what it paid and when it ends.
//!
//! A lot is a payment, a grant or a credit note; the database opens it with those, and moves it with what they pay
//! (`payments`). Nothing here changes what is left but running out. See docs/decisions/prepaid-credit.md.

mod expiry;
pub mod grants;
mod store;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{AccountId, DocumentId};
use crate::base::money::{Currency, Money};

pub use expiry::{REMIND_BEFORE, look};

/// Where the credit of a lot comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A payment for invoices: what none of them takes is left.
    Payment,
    /// Bought beforehand, by card.
    TopUp,
    /// Given by us.
    Grant,
    /// What a credit note gave back.
    CreditNote,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Payment, Self::TopUp, Self::Grant, Self::CreditNote];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::TopUp => "top_up",
            Self::Grant => "grant",
            Self::CreditNote => "credit_note",
        }
    }
}

/// A lot, as its customer and staff see it.
#[derive(Clone, Debug)]
pub struct Lot {
    /// That of the payment or credit note.
    pub id: Uuid,
    /// Where it comes from.
    pub source: Source,
    /// How it came, where it was paid: a word of `payments::Method`.
    pub method: String,
    /// The number of the credit note; else empty.
    pub number: String,
    /// How much it was.
    pub amount: Money,
    /// What is left of it in the books.
    pub remaining: Money,
    /// From when on it pays nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it came.
    pub since_on: NaiveDate,
    /// What of it ran out.
    pub expired: Money,
    /// What of it went back to the customer.
    pub paid_back: Money,
    /// What it paid: which invoice, its number, how much.
    pub paid: Vec<(DocumentId, String, Money)>,
}

impl Lot {
    /// What can be used of it at an instant.
    #[must_use]
    pub fn usable(&self, now: DateTime<Utc>) -> Money {
        let is_over = self.expires_at.is_some_and(|at| at <= now);
        Money::new(if is_over { 0 } else { self.remaining.minor }, self.remaining.currency)
    }
}

/// Returns what an account can use at an instant: what is left of all lots that have not run out.
pub async fn usable(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    now: DateTime<Utc>,
) -> anyhow::Result<Money> {
    let minor = store::usable(db, account, currency, now).await.context("add up what can be used")?;
    Ok(Money::new(minor, currency))
}

/// Returns an account's lots: those of which something is left in the order in which they are used, then what was bought or
/// given and is used up, the newest first.
pub async fn list(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    limit: i64,
) -> anyhow::Result<Vec<Lot>> {
    let mut lots = store::list(db, account, currency, limit).await.context("list lots")?;
    let ids: Vec<Uuid> = lots.iter().map(|lot| lot.id).collect();
    for (id, document, number, minor) in store::paid(db, &ids).await.context("list what lots paid")? {
        if let Some(lot) = lots.iter_mut().find(|lot| lot.id == id) {
            lot.paid.push((document, number, Money::new(minor, currency)));
        }
    }
    Ok(lots)
}
