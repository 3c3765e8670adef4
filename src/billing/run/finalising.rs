//! Makes drafts final, some in one transaction, so that numbers of one seller follow each other fast. What cannot be right is
//! held alone, and all others go on.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::store;
use crate::base::chain;
use crate::base::crash;
use crate::base::ids::DocumentId;
use crate::billing::documents::{self, Held};
use crate::billing::sellers::Seller;
use crate::billing::{dunning, papers};
use crate::db;
use crate::queue;

/// Documents that become final in one transaction.
const AT_ONCE: i64 = 50;
/// How often what was no fault of its own is tried again at once; then it has time until the next look.
const AGAIN: usize = 5;
/// What lacks details is tried again after so long, then after twice as long; and at once when the details change.
const FIRST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(24);

/// How many became final, and how many wait for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finalised {
    pub finalised: u64,
    pub parked: u64,
}

/// Makes some drafts of a seller final and closes their months, in one transaction. When that cannot be committed (the database
/// looks at some rules only then), each is tried alone, so that the bad one waits and nobody else.
pub async fn finalise_some(db: &mut PgConnection, seller: &Seller, now: DateTime<Utc>) -> anyhow::Result<Finalised> {
    let error = match batch(db, seller, now).await {
        Ok(done) => return Ok(done),
        Err(error) if db::is_away(&error) => return Err(error),
        Err(error) => error,
    };
    if !db::is_transient(&error) {
        tracing::warn!(seller = seller.code, error = chain::of_any(&error), "documents are made final one by one");
    }
    let mut done = Finalised::default();
    for id in documents::list_drafts(db, seller.id, AT_ONCE, now).await? {
        let one = alone(db, seller, id, now).await?;
        done.finalised += one.finalised;
        done.parked += one.parked;
    }
    Ok(done)
}

async fn batch(db: &mut PgConnection, seller: &Seller, now: DateTime<Utc>) -> anyhow::Result<Finalised> {
    let mut tx = db.begin().await.context("begin")?;
    let mut done = Finalised::default();
    for id in documents::list_drafts(&mut tx, seller.id, AT_ONCE, now).await? {
        match finalise_one(&mut tx, seller, id, now).await? {
            Ok(is_new) => done.finalised += u64::from(is_new),
            Err(held) => {
                hold(&mut tx, id, &held, now).await?;
                done.parked += 1;
            }
        }
    }
    crash::point("billing:finalised");
    tx.commit().await.context("commit")?;
    Ok(done)
}

/// One document in a transaction of its own.
async fn alone(
    db: &mut PgConnection,
    seller: &Seller,
    id: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Finalised> {
    for _ in 0..AGAIN {
        let error = match try_alone(db, seller, id, now).await {
            Ok(done) => return Ok(done),
            Err(error) if db::is_away(&error) => return Err(error),
            Err(error) => error,
        };
        if db::is_transient(&error) {
            continue;
        }
        tracing::error!(document = %id, error = chain::of_any(&error), "a document cannot be made final");
        let mut tx = db.begin().await.context("begin")?;
        hold(&mut tx, id, &Held { reason: "failed", problems: vec![chain::of_any(&error)] }, now).await?;
        tx.commit().await.context("commit")?;
        return Ok(Finalised { finalised: 0, parked: 1 });
    }
    // Somebody else was in the way each time: the next look finds it where it is.
    Ok(Finalised::default())
}

async fn try_alone(
    db: &mut PgConnection,
    seller: &Seller,
    id: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Finalised> {
    let mut tx = db.begin().await.context("begin")?;
    let done = match finalise_one(&mut tx, seller, id, now).await? {
        Ok(is_new) => Finalised { finalised: u64::from(is_new), parked: 0 },
        Err(held) => {
            hold(&mut tx, id, &held, now).await?;
            Finalised { finalised: 0, parked: 1 }
        }
    };
    tx.commit().await.context("commit")?;
    Ok(done)
}

/// Makes one draft final, in a part of the transaction that can be undone alone. What is nobody's fault (another transaction was
/// in the way, the database went away) is an error of the whole and holds nothing.
async fn finalise_one(
    tx: &mut PgConnection,
    seller: &Seller,
    id: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Result<bool, Held>> {
    let mut inner = tx.begin().await.context("begin")?;
    let done = match documents::finalise(&mut inner, seller, id, now).await {
        Ok(Ok(false)) => Ok(false),
        Ok(Ok(true)) => {
            store::close_of(&mut inner, id, now).await.context("close a month")?;
            queue::enqueue(&mut inner, &papers::MakePapers { document: id }, now).await?;
            Ok(true)
        }
        Ok(Err(held)) => Err(held),
        Err(error) if db::is_transient(&error) || db::is_away(&error) => return Err(error),
        Err(error) => {
            tracing::error!(document = %id, error = chain::of_any(&error), "a document cannot be made final");
            Err(Held { reason: "failed", problems: vec![chain::of_any(&error)] })
        }
    };
    if done.is_ok() {
        inner.commit().await.context("commit")?;
    } else {
        inner.rollback().await.context("roll back")?;
    }
    Ok(done)
}

/// Notes why a draft waits. A customer whose address is missing is asked for it, once.
async fn hold(db: &mut PgConnection, id: DocumentId, held: &Held, now: DateTime<Utc>) -> anyhow::Result<()> {
    let why = json!({ "reason": held.reason, "problems": held.problems });
    let Some((account, tries)) = store::hold(db, id, &why, now).await.context("hold a draft")? else { return Ok(()) };
    if matches!(held.reason, "seller" | "buyer") {
        store::try_later(db, id, now + pause(tries)).await.context("note when a draft is tried again")?;
    }
    if held.reason == "buyer" && tries == 1 {
        dunning::ask_for_details(db, account, id, now).await?;
    }
    Ok(())
}

/// How long after the `tries`th try details are looked at again, though nobody changed them.
fn pause(tries: i32) -> TimeDelta {
    let doublings = u32::try_from(tries.clamp(1, 10) - 1).unwrap_or(0);
    (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_day() {
        assert_eq!([1, 2, 3, 9, -1].map(pause).map(|pause| pause.num_hours()), [1, 2, 4, 24, 1]);
    }
}
