//! Trials: three days before one ends its people are told, and again when it has ended, each once.

mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::base::ids::AccountId;
use crate::base::money::{Currency, Money};
use crate::environments::orders;
use crate::plans::Translated;

/// How long before its end people are told.
const REMIND_BEFORE: TimeDelta = TimeDelta::days(3);
/// So many in one transaction.
const AT_ONCE: i64 = 100;

/// What begins to be charged when a trial ends: one instance.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// What it is called.
    pub instance: String,
    /// What its plan is called.
    pub plan: Translated,
    /// The plan's base price for a month.
    pub monthly: Money,
}

/// Tells whoever is to be told now. Mails are enqueued in the transaction that notes that they are.
pub async fn look(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    loop {
        let mut tx = db.begin().await.context("begin")?;
        let ending =
            store::take_ending(&mut tx, now, now + REMIND_BEFORE, AT_ONCE).await.context("take trials that end")?;
        let ended = store::take_ended(&mut tx, now, AT_ONCE).await.context("take trials that have ended")?;
        let is_last = ending.is_empty() && ended.is_empty();
        for (account, until) in ending {
            tell(&mut tx, account, |user| SendLetter::TrialEnding { user, account, until }, now).await?;
        }
        for (account, since) in ended {
            tell(&mut tx, account, |user| SendLetter::TrialEnded { user, account, since }, now).await?;
        }
        tx.commit().await.context("commit")?;
        if is_last {
            return Ok(());
        }
    }
}

/// Writes to whoever pays, unless nothing is there that would be charged.
async fn tell(
    db: &mut PgConnection,
    account: AccountId,
    letter: impl Fn(crate::base::ids::UserId) -> SendLetter,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if beginning(db, account).await?.1.is_empty() {
        return Ok(());
    }
    people::write_to_payers(db, account, letter, now).await
}

/// What is charged when the trial is over: every instance that is there, by name; and in which currency.
pub async fn beginning(db: &mut PgConnection, account: AccountId) -> anyhow::Result<(Currency, Vec<Beginning>)> {
    let currency = orders::terms(db, account).await?.currency;
    Ok((currency, store::beginning(db, account, currency).await.context("list what is charged")?))
}
