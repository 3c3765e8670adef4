//! The books look at themselves: each rule that the database can be asked about is asked of all rows, every night.
//!
//! Most of these rules the database holds by itself (a trigger, a constraint). This finds what got past: a row changed by hand
//! with triggers off, a backup that came back in part, a disk that forgot, a fault of ours. It shares nothing with the program
//! that wrote the rows: each rule is a question in SQL, and what is added up is added up by the database, in its memory.

mod store;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::ids::{AccountId, SelfAuditId};
use crate::portal::Portal;

/// When in the night (UTC) the books are looked at.
const AT: TimeDelta = TimeDelta::hours(2);
/// Time between two questions whether a night's look is due.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// What was measured before is looked at once, the night after it came in: a day, and what a look before may have taken.
pub const NIGHTLY: TimeDelta = TimeDelta::hours(26);
/// A worker that began and did not end within this has died: another one begins anew.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(2);
/// How long what was found is kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(400);

/// A rule: what is asked of the database.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its word, in texts and tables.
    pub code: &'static str,
    /// Which invariants of docs/billing.md it is.
    pub rules: &'static str,
    /// Rows of `account_id`, `subject` and `is_wrong`; `$3` is since when what was measured is looked at.
    sql: &'static str,
}

/// Every rule, in the order in which they are shown.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    store::CHECKS.iter().copied().flatten()
}

/// What a rule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The rule's word.
    pub code: String,
    /// Which invariants it is; empty when this program does not know the rule any more.
    pub rules: &'static str,
    /// How many rows were looked at.
    pub looked_at: i64,
    /// How many of them are wrong.
    pub wrong: i64,
    /// The first ones, in the words of their tables.
    pub examples: Vec<String>,
    /// How long it took.
    pub took: TimeDelta,
}

/// A look through the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Since when what was measured was looked at.
    pub since: DateTime<Utc>,
    /// What it found.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// How many rows are wrong, of all rules.
    #[must_use]
    pub fn wrong(&self) -> i64 {
        self.outcomes.iter().map(|outcome| outcome.wrong).sum()
    }

    /// How many rows were looked at.
    #[must_use]
    pub fn looked_at(&self) -> i64 {
        self.outcomes.iter().map(|outcome| outcome.looked_at).sum()
    }
}

/// Looks through the books every night until told to stop. Of several workers one does it.
pub async fn run(portal: Portal, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = nightly(&portal).await {
            tracing::error!(error = chain::of_any(&error), "the self-audit failed and will be tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does tonight's look, if nobody did. Returns what it found.
pub async fn nightly(portal: &Portal) -> anyhow::Result<Option<Report>> {
    let now = portal.clock.now();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let night = (now - AT).date_naive();
    let Some(id) = begin(&mut db, Some(night), now - NIGHTLY, now).await? else { return Ok(None) };
    let report = look(&mut db, id, now).await?;
    for outcome in report.outcomes.iter().filter(|outcome| outcome.wrong > 0) {
        let (code, wrong, examples) = (&outcome.code, outcome.wrong, outcome.examples.join("; "));
        tracing::error!(code, wrong, examples, "the books are wrong");
    }
    Ok(Some(report))
}

/// Looks through the books now. What was measured before `since` is left out; documents and books are looked at from the beginning.
pub async fn audit(db: &mut PgConnection, since: DateTime<Utc>, now: DateTime<Utc>) -> anyhow::Result<Report> {
    let id = begin(db, None, since, now).await?.context("a look that is of no night is always begun")?;
    look(db, id, now).await
}

async fn begin(
    db: &mut PgConnection,
    night: Option<NaiveDate>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<SelfAuditId>> {
    let id = SelfAuditId::new(now);
    store::begin(db, id, night, (since, now), now - GIVEN_UP_AFTER).await.context("begin a self-audit")
}

/// Asks one rule after the other, each in a transaction of its own. A rule that cannot be asked is wrong.
async fn look(db: &mut PgConnection, id: SelfAuditId, now: DateTime<Utc>) -> anyhow::Result<Report> {
    for (position, check) in (1..).zip(checks()) {
        let began = std::time::Instant::now();
        let mut tx = db.begin().await.context("begin")?;
        let asked = {
            let mut inner = tx.begin().await.context("begin")?;
            let asked = store::ask(&mut inner, id, check).await;
            match asked {
                Ok(()) => inner.commit().await.context("commit")?,
                Err(_) => inner.rollback().await.context("roll back")?,
            }
            asked
        };
        if let Err(error) = asked {
            store::note_unasked(&mut tx, id, check.code, &chain::of(&error)).await.context("note a rule")?;
        }
        let millis = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        store::add_up(&mut tx, id, (position, check.code), millis).await.context("add a rule up")?;
        tx.commit().await.context("commit")?;
    }
    store::end(db, id, now, now - KEPT_FOR).await.context("end a self-audit")?;
    store::report(db, id).await.context("read a self-audit")?.context("a self-audit that ended is there")
}

/// Returns what the newest look found that came to its end.
pub async fn newest(db: &mut PgConnection) -> anyhow::Result<Option<Report>> {
    store::newest(db).await.context("read the newest self-audit")
}

/// Returns what it found of one customer's own rows. `None` before the first look.
pub async fn newest_of(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Report>> {
    store::newest_of(db, account).await.context("read a customer's part of the newest self-audit")
}
