//! The end of grants: their people are told beforehand, and what is left then is booked out, each once.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::store;
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::base::crash;
use crate::base::ids::CreditExpiryId;
use crate::base::money::Money;
use crate::billing::ledger::{self, Entry, Journal, Posting, Role};

/// How long before its end people are told.
pub const REMIND_BEFORE: TimeDelta = TimeDelta::days(14);
/// So many in one transaction.
const AT_ONCE: i64 = 100;

/// Tells whoever is to be told now, and books out what has run out. Mails are enqueued in the transaction that notes that they
/// are. Returns how many grants ran out.
pub async fn look(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<u64> {
    loop {
        let mut tx = db.begin().await.context("begin")?;
        let ending =
            store::take_ending(&mut tx, now, now + REMIND_BEFORE, AT_ONCE).await.context("take grants that end")?;
        for it in &ending {
            let (left_minor, currency, until) = (it.left.minor, it.left.currency, it.expires_at);
            let letter = |user| SendLetter::CreditEnding { user, left_minor, currency, until };
            people::write_to_payers(&mut tx, it.account, letter, now).await?;
        }
        tx.commit().await.context("commit")?;
        if ending.is_empty() {
            break;
        }
    }
    let mut ended = 0;
    while end_next(db, now).await? {
        ended += 1;
    }
    Ok(ended)
}

/// Books out what is left of one grant that has run out. What was given and not used is no gift after all: the cost of it is
/// taken back. False when there is none.
async fn end_next(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = db.begin().await.context("begin")?;
    let Some(ended) = store::lock_expired(&mut tx, now).await.context("take a grant that has run out")? else {
        return Ok(false);
    };
    let id = CreditExpiryId::new(now);
    store::insert_expiry(&mut tx, id, &ended, now).await.context("write down what ran out")?;
    let entry = Entry {
        seller: ended.seller,
        journal: Journal::Misc,
        effective_on: now.date_naive(),
        source: ("expiry", id.uuid()),
        template: "expired",
        label: ended.external_ref.clone(),
        postings: vec![
            Posting { role: Role::CustomerCredit, account: Some(ended.account), amount: ended.left },
            Posting { role: Role::Gifts, account: None, amount: Money::new(-ended.left.minor, ended.left.currency) },
        ],
    };
    ledger::post(&mut tx, &entry, now).await?;
    let (left_minor, currency, since) = (ended.left.minor, ended.left.currency, ended.expires_at);
    let letter = |user| SendLetter::CreditEnded { user, left_minor, currency, since };
    people::write_to_payers(&mut tx, ended.account, letter, now).await?;
    crash::point("credit:ended");
    tx.commit().await.context("commit what ran out")?;
    Ok(true)
}
