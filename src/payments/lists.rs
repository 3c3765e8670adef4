//! What staff see of card payments: attempts, disputes, and what Stripe told us that could not be understood.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::store::lists as store;
use crate::audit::{self, Actor};
use crate::base::ids::{AccountId, DocumentId, PaymentId};
use crate::base::money::Money;
use crate::db;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// An attempt to have an invoice paid by card.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Of which invoice.
    pub document: DocumentId,
    /// Its number.
    pub number: String,
    /// Whose.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// The how many-th of the invoice.
    pub no: i32,
    /// Whether the customer pays on a page; else a saved card is charged.
    pub is_page: bool,
    /// What it asks for.
    pub amount: Money,
    /// How far it is: a word of the database.
    pub state: String,
    /// Why it failed, for programs.
    pub failure_code: String,
    /// The same for people, in Stripe's words.
    pub failure_message: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When Stripe is asked again, or the next attempt is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// Money that a customer's bank takes back.
#[derive(Clone, Debug)]
pub struct Dispute {
    /// What Stripe calls it.
    pub provider_id: String,
    /// Of which payment.
    pub payment: PaymentId,
    /// Whose.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// How much.
    pub amount: Money,
    /// Why, in Stripe's words.
    pub reason: String,
    /// `open`, `won` or `lost`.
    pub state: String,
    /// Since when.
    pub opened_at: DateTime<Utc>,
}

/// Something that Stripe told us and that did not work, or that belongs to nothing here.
#[derive(Clone, Debug)]
pub struct Puzzle {
    /// What Stripe calls it.
    pub event: String,
    /// What happened.
    pub kind: String,
    /// Why it did not work.
    pub note: String,
    /// How often it was tried.
    pub tries: i32,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it is tried again by itself.
    pub next_at: Option<DateTime<Utc>>,
}

/// The newest attempts; those that are open first.
pub async fn attempts(db: &mut PgConnection, limit: i64) -> anyhow::Result<Vec<Attempt>> {
    store::attempts(db, limit).await.context("list attempts")
}

/// The newest disputes; those that are open first.
pub async fn disputes(db: &mut PgConnection, limit: i64) -> anyhow::Result<Vec<Dispute>> {
    store::disputes(db, limit).await.context("list disputes")
}

/// Events that were not understood, the newest first.
pub async fn puzzles(db: &mut PgConnection, limit: i64) -> anyhow::Result<Vec<Puzzle>> {
    store::puzzles(db, limit).await.context("list events that were not understood")
}

/// Has an event looked at again now. False when there is no such event.
pub async fn look_again(portal: &Portal, by: &StaffMember, event: &str) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::set_again(&mut tx, event, now).await.context("have an event looked at again")? {
        return Ok(false);
    }
    let entry = audit::Entry::new("card_event.retried").detail(serde_json::json!({ "event": event }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(true)
}
