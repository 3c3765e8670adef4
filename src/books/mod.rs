//! What is sold and paid here is carried into the Odoo that keeps our own companies' books: customers, invoices, credit notes,
//! payments, and which payment pays what. docs/books.md says how it looks there, docs/decisions/books-in-odoo.md why.
//!
//! Each thing is a row of ours with a state, and a record there with an external id of ours; a repeated push finds the record.
//! Nothing here changes our own books: what Odoo says is compared, never believed.

mod customers;
mod desk;
mod documents;
mod matches;
pub mod odoo;
mod payments;
mod staff;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::ids::SellerId;
use crate::base::secret::Secret;
use crate::billing::sellers;
use crate::config;
use crate::portal::Portal;
use desk::Desk;
use odoo::{CallError, Odoo};

pub use staff::{Link, Waiting, ask_again, links, list_waiting};
pub use store::Row as Push;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long Odoo may take for one call: it makes an invoice of hundreds of lines in seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Until a row that a worker holds may be taken by another: more than all calls for one row take.
const LEASE: TimeDelta = TimeDelta::minutes(15);
/// The first pause after no answer; it doubles with each further one, up to the longest.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The longest pause of an Odoo that does not answer.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// The first pause after a refusal; it doubles likewise.
const REFUSAL_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// The longest pause after a refusal.
const LONGEST_REFUSAL_PAUSE: TimeDelta = TimeDelta::hours(6);

/// How often all of history is looked through for what is to be carried; and when a worker starts, because it may be configured
/// otherwise than before.
const ALL_EVERY: TimeDelta = TimeDelta::days(1);
/// How much older than the look before something may be that is looked for in between: longer than a transaction lasts that was
/// given its time at its beginning, as a month's end is.
const OVERLAP: TimeDelta = TimeDelta::hours(3);

/// When what is to be carried was looked for.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// In all of history.
    through_all_at: DateTime<Utc>,
    /// In what was new, or in all.
    at: DateTime<Utc>,
}

/// The books of all our companies.
#[derive(Clone, Debug)]
pub struct Books {
    portal: Portal,
    /// By the code of the company.
    of: BTreeMap<String, (config::books::Books, Odoo)>,
    /// What this process has looked through.
    looked: Arc<Mutex<BTreeMap<SellerId, Looked>>>,
}

/// What a look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Things that are there now.
    pub carried: u64,
    /// Things that were tried and wait.
    pub waiting: u64,
}

/// What became of a try.
#[derive(Debug)]
enum Outcome {
    /// It is there as it should be.
    There {
        /// Its id there.
        odoo: Option<i64>,
        /// Of a customer: the hash of what was carried.
        carried: String,
    },
    /// It waits for something else, which may take its time.
    Waits { why: String, odoo: Option<i64>, pause: TimeDelta },
    /// It was of no use now, and may be in a while: each time counts.
    Again { why: String, pause: TimeDelta },
    /// A person has to see to it.
    Parked { why: String, odoo: Option<i64> },
}

impl Outcome {
    fn there(odoo: i64) -> Self {
        Self::There { odoo: Some(odoo), carried: String::new() }
    }

    fn parked(why: impl Into<String>, odoo: Option<i64>) -> Self {
        Self::Parked { why: why.into(), odoo }
    }
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
enum PushError {
    /// Odoo's word.
    #[error(transparent)]
    Odoo(#[from] CallError),
    /// Our own database's.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Books {
    /// Reads the keys.
    pub fn new(portal: Portal, configured: &BTreeMap<String, config::books::Books>) -> anyhow::Result<Self> {
        let mut of = BTreeMap::new();
        for (code, books) in configured {
            let file = &books.api_key_file;
            let key = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
            let key = Secret::new(key.trim().to_owned());
            let odoo = Odoo::new((&books.address, &books.database), key, books.company, PATIENCE)?;
            of.insert(code.to_ascii_uppercase(), (books.clone(), odoo));
        }
        Ok(Self { portal, of, looked: Arc::default() })
    }

    /// Carries whatever is due now.
    pub async fn look(&self) -> anyhow::Result<Done> {
        self.look_at(false).await
    }

    /// Carries everything that is not there, whether it is due or not, also what waits for a person.
    pub async fn look_at_all(&self) -> anyhow::Result<Done> {
        self.look_at(true).await
    }

    async fn look_at(&self, all: bool) -> anyhow::Result<Done> {
        let mut db = self.portal.db.acquire().await.context("acquire a connection")?;
        let mut done = Done::default();
        let mut known = Vec::new();
        for seller in sellers::list(&mut db).await? {
            let Some((config, odoo)) = self.of.get(&seller.code) else { continue };
            known.push(seller.id);
            let now = self.portal.clock.now().trunc_subsecs(6);
            let names = (config.address.as_str(), config.database.as_str());
            let mut tx = db.begin().await.context("begin")?;
            store::name_link(&mut tx, seller.id, names).await.context("name an Odoo")?;
            let before = self.looked_before(seller.id).filter(|it| !all && now - it.through_all_at < ALL_EVERY);
            let new_since = before.map_or(DateTime::UNIX_EPOCH, |it| it.at - OVERLAP);
            store::enqueue(&mut tx, seller.id, (config.since, new_since), now)
                .await
                .context("find what is to be carried")?;
            if all {
                store::ask_for_all(&mut tx, seller.id, now).await.context("ask for everything")?;
            }
            tx.commit().await.context("commit what is to be carried")?;
            let looked = Looked { through_all_at: before.map_or(now, |it| it.through_all_at), at: now };
            self.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(seller.id, looked);
            let mut desk = Desk::new(config, odoo);
            while let Some(is_there) = self.push_next(&mut db, seller.id, &mut desk).await? {
                if is_there {
                    done.carried += 1;
                } else {
                    done.waiting += 1;
                }
            }
        }
        store::forget_links(&mut db, &known).await.context("forget Odoos that are not configured")?;
        Ok(done)
    }

    fn looked_before(&self, seller: SellerId) -> Option<Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).get(&seller).copied()
    }

    /// Tries the thing that comes first. `None` when nothing is due, or Odoo is left alone for now.
    async fn push_next(
        &self,
        db: &mut PgConnection,
        seller: SellerId,
        desk: &mut Desk<'_>,
    ) -> anyhow::Result<Option<bool>> {
        let now = self.portal.clock.now().trunc_subsecs(6);
        let taken = store::take(db, seller, now, now + LEASE).await.context("take what is to be carried")?;
        let Some(row) = taken else { return Ok(None) };
        let answers = desk.odoo.answers();
        let tried = match row.kind.as_str() {
            "customer" => customers::push(db, desk, &row).await,
            "document" => documents::push(db, desk, &row).await,
            "payment" => payments::push(db, desk, &row).await,
            "payback" => payments::push_back(db, desk, &row).await,
            _ => matches::push(db, desk, &row).await,
        };
        let outcome = match tried {
            Ok(outcome) => outcome,
            Err(PushError::Odoo(CallError::Refused(words))) => {
                let pause = doubled(REFUSAL_PAUSE, row.tries, LONGEST_REFUSAL_PAUSE);
                Outcome::Again { why: format!("Odoo refused: {words}"), pause }
            }
            Err(PushError::Odoo(CallError::Away(error))) => {
                let why = chain::of_any(&error);
                tracing::warn!(%seller, error = why.as_str(), "the Odoo with our books is not to be reached");
                let failures = store::count_failure(db, seller).await.context("count a failure")?;
                let pause = doubled(PAUSE, failures, LONGEST_PAUSE);
                store::set_away(db, seller, &why, now + pause).await.context("leave Odoo alone")?;
                let own = doubled(PAUSE, row.tries, LONGEST_REFUSAL_PAUSE).max(pause);
                let why = format!("Odoo is not to be reached: {why}");
                store::put_back(db, &row, (&why, None), now + own).await.context("put a row back")?;
                return Ok(Some(false));
            }
            Err(PushError::Failed(error)) => {
                let pause = doubled(REFUSAL_PAUSE, row.tries, LONGEST_REFUSAL_PAUSE);
                store::put_back(db, &row, (&chain::of_any(&error), None), now + pause)
                    .await
                    .context("put a row back")?;
                return Err(error);
            }
        };
        if desk.odoo.answers() > answers {
            store::set_seen(db, seller, now).await.context("note that Odoo answered")?;
        }
        Ok(Some(note(db, &row, outcome, now).await?))
    }
}

/// Notes what became of a try. Whether it is there now.
async fn note(db: &mut PgConnection, row: &Push, outcome: Outcome, now: DateTime<Utc>) -> anyhow::Result<bool> {
    match outcome {
        Outcome::There { odoo, carried } => {
            store::set_done(db, row, (odoo, &carried), now).await.context("note that it is there")?;
            Ok(true)
        }
        Outcome::Waits { why, odoo, pause } => {
            let uncounted = Push { tries: row.tries - 1, ..row.clone() };
            store::put_back(db, &uncounted, (&why, odoo), now + pause).await.context("put a row back")?;
            Ok(false)
        }
        Outcome::Again { why, pause } => {
            store::put_back(db, row, (&why, None), now + pause).await.context("put a row back")?;
            Ok(false)
        }
        Outcome::Parked { why, odoo } => {
            tracing::warn!(push = %row.id, why = why.as_str(), "something cannot be carried into our books");
            store::park(db, row, (&why, odoo)).await.context("park a row")?;
            Ok(false)
        }
    }
}

/// Returns a pause that doubles with each time (the first has number 1).
fn doubled(first: TimeDelta, times: i32, longest: TimeDelta) -> TimeDelta {
    let doublings = times.clamp(1, 20) - 1;
    first.checked_mul(1 << doublings).unwrap_or(longest).min(longest)
}

/// Looks again and again until told to stop. Several workers may do this.
pub async fn run(books: Books, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match books.look().await {
            Ok(done) if done != Done::default() => tracing::info!(?done, "books"),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(
                    error = chain::of_any(&error),
                    "carrying into our books failed and will be tried again"
                );
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
