//! What a new version of a plan would mean for those who are on the present one: each one's last closed month, with all of its
//! time on the present version and on the new one. Asked for by staff, computed by the worker some environments at a time;
//! nothing of it stands on a document.

mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rating::account::{self, Month};
use super::run;
use crate::base::chain;
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::portal::Portal;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Environments that are computed between two commits: a worker that is stopped loses no more.
const AT_ONCE: i64 = 50;
/// Lines of a page.
pub const PAGE: i64 = 50;

/// How far a preview is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Which one.
    pub id: Uuid,
    /// The version that is compared with.
    pub compared: PlanVersionId,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When the last environment was looked at.
    pub done_at: Option<DateTime<Utc>>,
    /// Environments on the compared version.
    pub environments: i64,
    /// Customers that they belong to.
    pub accounts: i64,
    /// Environments looked at.
    pub looked_at: i64,
    /// Of them, those that no month was closed of.
    pub without_month: i64,
    /// Of them, those that could not be computed.
    pub failed: i64,
}

/// What those who pay in a currency would have paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Environments.
    pub count: i64,
    /// On the present version.
    pub before: Money,
    /// On the new one.
    pub after: Money,
}

/// An environment's last closed month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// Which environment.
    pub environment: EnvironmentId,
    /// What it is called.
    pub name: String,
    /// When its month began; `None` when none was closed.
    pub month: Option<DateTime<Utc>>,
    /// On the present version and on the new one.
    pub parts: Option<(Money, Money)>,
    /// Why it could not be computed.
    pub problem: String,
}

/// Asks for a preview. The worker computes it.
pub async fn ask(
    db: &mut PgConnection,
    (version, compared): (PlanVersionId, PlanVersionId),
    by: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::insert(db, (version, compared), by, now).await.context("ask for a preview")
}

/// Returns the newest preview of a version.
pub async fn find(db: &mut PgConnection, version: PlanVersionId) -> anyhow::Result<Option<Preview>> {
    store::find(db, version).await.context("read a preview")
}

/// Returns what all of it comes to, by currency.
pub async fn sums(db: &mut PgConnection, preview: Uuid) -> anyhow::Result<Vec<Sum>> {
    store::sums(db, preview).await.context("add a preview up")
}

/// Returns environments, the biggest differences first: `limit` of them from `offset` on.
pub async fn rows(db: &mut PgConnection, preview: Uuid, (offset, limit): (i64, i64)) -> anyhow::Result<Vec<Row>> {
    store::rows(db, preview, (offset, limit)).await.context("list a preview")
}

/// Looks again and again until told to stop.
pub async fn run(portal: Portal, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = look(&portal, &stop).await {
            tracing::error!(error = chain::of_any(&error), "a preview failed and will be tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Computes the previews that were asked for. What was computed stays when it is interrupted. Returns how many environments.
pub async fn look(portal: &Portal, stop: &CancellationToken) -> anyhow::Result<usize> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let mut computed = 0;
    while !stop.is_cancelled() {
        let now = portal.clock.now();
        let mut tx = db.begin().await.context("begin")?;
        let Some(open) = store::lock_open(&mut tx).await.context("take a preview")? else { break };
        if !open.is_listed {
            store::list(&mut tx, &open, now).await.context("write down who is on a version")?;
        }
        let some = store::to_look_at(&mut tx, open.id, AT_ONCE).await.context("list what is to be computed")?;
        if some.is_empty() {
            store::end(&mut tx, open.id, now).await.context("end a preview")?;
        }
        computed += some.len();
        compute(&mut tx, &open, &some, now).await?;
        tx.commit().await.context("commit")?;
    }
    Ok(computed)
}

/// A preview that is not done.
struct Open {
    id: Uuid,
    version: PlanVersionId,
    compared: PlanVersionId,
    is_listed: bool,
}

async fn compute(
    db: &mut PgConnection,
    open: &Open,
    some: &[(AccountId, EnvironmentId)],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut months: BTreeMap<AccountId, Option<run::Period>> = BTreeMap::new();
    for (account, environment) in some {
        if !months.contains_key(account) {
            months.insert(*account, run::last_closed(db, *account).await?);
        }
        let looked = match months.get(account).and_then(Option::as_ref) {
            None => Looked::default(),
            Some(period) => {
                // What fails in here fails alone.
                let mut inner = db.begin().await.context("begin")?;
                match compare(&mut inner, open, period, *environment).await {
                    Ok(looked) => {
                        inner.commit().await.context("commit")?;
                        looked
                    }
                    Err(error) if crate::db::is_transient(&error) || crate::db::is_away(&error) => return Err(error),
                    Err(error) => {
                        inner.rollback().await.context("roll back")?;
                        Looked { problem: chain::of_any(&error), ..Looked::default() }
                    }
                }
            }
        };
        store::put(db, (open.id, *environment), &looked, now).await.context("write down what a month comes to")?;
    }
    Ok(())
}

/// What was found of an environment.
#[derive(Default)]
struct Looked {
    month: Option<(Currency, DateTime<Utc>)>,
    minors: Option<(i64, i64)>,
    problem: String,
}

async fn compare(
    db: &mut PgConnection,
    open: &Open,
    period: &run::Period,
    environment: EnvironmentId,
) -> anyhow::Result<Looked> {
    let currency = period.whose.currency;
    let month = Month { account: period.account, currency, period: period.span, only: None };
    let versions = [open.compared, open.version];
    let Some(compared) = account::compare(db, month, environment, &versions).await? else {
        return Ok(Looked::default());
    };
    let of = |version: PlanVersionId| compared.would_be.get(&version).map(|parts| parts.total.minor);
    let minors =
        of(open.compared).zip(of(open.version)).context("a version is not sold in the currency of the month")?;
    Ok(Looked { month: Some((currency, period.span.from)), minors: Some(minors), problem: String::new() })
}
