//! What our people see of it, and their one button. The web process asks; the worker tries.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::store;
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{AccountId, PushId};
use crate::portal::Portal;
use crate::staff::StaffMember;

/// The most that a page lists.
const MOST: i64 = 200;

/// The Odoo with a company's books.
#[derive(Clone, Debug)]
pub struct Link {
    /// The company's code.
    pub seller: String,
    /// Where it is.
    pub address: String,
    /// Its database.
    pub database: String,
    /// When it last answered.
    pub seen_at: Option<DateTime<Utc>>,
    /// Why it did not; empty when it did.
    pub problem: String,
    /// Until when it is left alone.
    pub not_before: Option<DateTime<Utc>>,
    /// How much is there.
    pub carried: i64,
    /// How much is tried by itself.
    pub due: i64,
    /// How much waits for a person.
    pub parked: i64,
}

/// Something that is not there yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which one.
    pub id: PushId,
    /// Of which company, by its code.
    pub seller: String,
    /// `customer`, `document`, `payment`, `payback` or `match`.
    pub kind: String,
    /// Of which customer.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// A number or a reference.
    pub name: String,
    /// Whether it waits for a person.
    pub is_parked: bool,
    /// Whether a worker is at it, or will be in a moment.
    pub is_tried_now: bool,
    /// How often it was tried.
    pub tries: i32,
    /// Why it is not there.
    pub problem: String,
    /// Since when it is to be carried.
    pub created_at: DateTime<Utc>,
    /// When it is tried next.
    pub next_at: DateTime<Utc>,
}

/// The Odoos that are configured.
pub async fn links(db: &mut PgConnection) -> anyhow::Result<Vec<Link>> {
    store::links(db).await.context("list the Odoos with our books")
}

/// What is not there: first what waits for a person, at most two hundred.
pub async fn list_waiting(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Vec<Waiting>> {
    store::list_waiting(db, MOST, now).await.context("list what is not carried")
}

/// Has one of them tried within the minute. False when it is there already.
pub async fn ask_again(portal: &Portal, by: &StaffMember, id: PushId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(account) = store::ask(&mut tx, id, now).await.context("ask for another try")? else {
        return Ok(false);
    };
    let entry = Entry::new("books.asked").account(account).detail(json!({ "push": id }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}
