//! Moves everybody who is on a version of a plan to a later one, from a month's beginning on: staff ask for it, customers are told
//! long before, and the worker moves each environment once. A step that was interrupted is done again.
//!
//! Only those are moved who were on the version when the move was asked for, and were told in time. Whoever changes the plan
//! before is left where they went.

mod store;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use super::plan_changes::{self, PlanChangeError};
use super::{Environment, Wanted, history};
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::audit::{self, Actor};
use crate::base::chain;
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::Money;
use crate::db;
use crate::plans::{self, Plan, Stage, Version};
use crate::portal::Portal;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Days from when a move is asked for until the month that it begins with.
pub const NOTICE_DAYS: u64 = 30;
/// Customers are told as soon as the worker comes to it. Who was told later than so long before is not moved.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(29);
/// When an environment that could not be moved is looked at again.
const AGAIN: TimeDelta = TimeDelta::minutes(10);
/// Environments that are moved in one look, so that others are not held up.
const AT_ONCE: usize = 500;

/// A move to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The version that is left.
    pub from: PlanVersionId,
    /// The month's first day.
    pub month: NaiveDate,
    /// When staff withdrew it.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Environments that are moved or were to be; 0 until the worker has written them down.
    pub all: i64,
    /// Of them, those whose people were told.
    pub told: i64,
    /// Of them, those that are on the version now because of it.
    pub moved: i64,
    /// Of them, those that stay where they are or went elsewhere.
    pub left: i64,
}

/// What becomes dearer or cheaper for an account.
#[derive(Clone, Debug)]
pub struct Told {
    /// The first day of the month that it begins with.
    pub month: NaiveDate,
    /// The plan.
    pub plan: Plan,
    /// The version that is left.
    pub before: Version,
    /// The version that comes.
    pub after: Version,
    /// The base price until then.
    pub monthly_before: Money,
    /// The base price from then on.
    pub monthly_after: Money,
    /// What the environments are called, by name.
    pub instances: Vec<String>,
}

/// Why a move is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A month begins on its first day, at least [`NOTICE_DAYS`] from now, and not before the version is sold.
    #[error("the month begins too early")]
    TooEarly,
    /// Nothing was sold before it.
    #[error("there is no version to move from")]
    NothingBefore,
}

/// Why a move is not asked for, or what we must look at.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Something that staff can change.
    #[error("the move was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Asks for a move from the version that is sold now to a published one. In the transaction that publishes it.
pub async fn ask(
    db: &mut PgConnection,
    (plan, version): (&Plan, &Version),
    (from, month): (Option<PlanVersionId>, NaiveDate),
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), MoveError> {
    let from = from.filter(|from| *from != version.id).ok_or(MoveError::Refused(Refusal::NothingBefore))?;
    if !may_begin(month, version.valid_from, now) {
        return Err(MoveError::Refused(Refusal::TooEarly));
    }
    store::insert(db, (from, version.id), month, by, now)
        .await
        .with_context(|| format!("ask for a move of those on {}", plan.code))?;
    Ok(())
}

/// Whether a move asked for at an instant may begin with a month. Days are those of UTC: whoever sells is at most a day away.
#[must_use]
pub fn may_begin(month: NaiveDate, valid_from: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let is_first = chrono::Datelike::day(&month) == 1;
    let is_told_in_time = now.date_naive().checked_add_days(Days::new(NOTICE_DAYS)).is_some_and(|day| day <= month);
    // Where somebody's day begins, UTC has the evening before: what is noon in between is the same day in both.
    let is_sold = valid_from.is_none_or(|from| (from + TimeDelta::hours(12)).date_naive() <= month);
    is_first && is_told_in_time && is_sold
}

/// Returns the move to a version, if there is one.
pub async fn find(db: &mut PgConnection, version: PlanVersionId) -> anyhow::Result<Option<Move>> {
    store::find(db, version).await.context("read a move")
}

/// Returns where an account's environment is moved to and with which month, once its people were told.
pub async fn coming(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> anyhow::Result<Option<(PlanVersionId, NaiveDate)>> {
    store::coming(db, account, environment).await.context("read the move of an environment")
}

/// Withdraws a move before its month begins anywhere; `false` when there is none that can be. Who was told of it is told so.
pub async fn withdraw(db: &mut PgConnection, version: PlanVersionId, now: DateTime<Utc>) -> anyhow::Result<bool> {
    store::withdraw(db, version, now).await.context("withdraw a move")
}

/// Returns what an account is told of a move; `None` when nothing of it is moved any more, or one version is not sold in its
/// currency.
pub async fn told(db: &mut PgConnection, account: AccountId, version: PlanVersionId) -> anyhow::Result<Option<Told>> {
    let rows = store::instances(db, account, version).await.context("list what is moved")?;
    let Some((month, from, currency)) = rows.first().map(|row| (row.month, row.from, row.currency)) else {
        return Ok(None);
    };
    let (Some((_, before)), Some((plan, after))) =
        (plans::version(db, from).await?, plans::version(db, version).await?)
    else {
        return Ok(None);
    };
    let (Some(monthly_before), Some(monthly_after)) = (before.monthly(currency), after.monthly(currency)) else {
        return Ok(None);
    };
    let instances = rows.into_iter().map(|row| row.name).collect();
    Ok(Some(Told { month, plan, before, after, monthly_before, monthly_after, instances }))
}

/// Looks again and again until told to stop.
pub async fn run(portal: Portal, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match look(&portal).await {
            Ok(0) => {}
            Ok(moved) => tracing::info!(moved, "environments are on a later version of their plan"),
            Err(error) => tracing::error!(error = chain::of_any(&error), "moves failed and will be tried again"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does whatever is due now: writes down who is moved, tells customers, moves. For the worker. Returns how many were moved.
pub async fn look(portal: &Portal) -> anyhow::Result<usize> {
    let now = portal.clock.now();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    while list_next(&mut db, now).await? {}
    while tell_next(&mut db, now).await? {}
    while tell_of_withdrawal(&mut db, now).await? {}
    let mut moved = 0;
    for _ in 0..AT_ONCE {
        match move_next(&mut db, now).await? {
            Some(is_moved) => moved += usize::from(is_moved),
            None => break,
        }
    }
    Ok(moved)
}

/// Writes down who is moved, of the next move that this was not done for.
async fn list_next(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = db.begin().await.context("begin")?;
    let Some(version) = store::lock_to_list(&mut tx).await.context("take a move")? else { return Ok(false) };
    store::list(&mut tx, version, now).await.context("write down who is moved")?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Tells the people of one account, while there is time: who cannot be told in time is not moved. The mails are enqueued in the
/// transaction that notes it.
async fn tell_next(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = db.begin().await.context("begin")?;
    let taken = store::take_to_tell(&mut tx, now, now + TOLD_BEFORE).await.context("take who is to be told")?;
    let Some((version, account, is_new)) = taken else { return Ok(false) };
    if is_new {
        let letter = |user| SendLetter::PlanMoves { user, account, plan_version: version };
        people::write_to_payers(&mut tx, account, letter, now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Ends what remains of a move that was withdrawn, for one account; who was told of it is told so.
async fn tell_of_withdrawal(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = db.begin().await.context("begin")?;
    let taken = store::take_withdrawn(&mut tx, now).await.context("take what was withdrawn")?;
    let Some((version, account, was_told)) = taken else { return Ok(false) };
    if was_told {
        let letter = |user| SendLetter::PlanStays { user, plan_version: version };
        people::write_to_payers(&mut tx, account, letter, now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// An environment that is to be moved.
struct Due {
    version: PlanVersionId,
    from: PlanVersionId,
    environment: EnvironmentId,
    account: AccountId,
    starts_at: DateTime<Utc>,
    told_at: Option<DateTime<Utc>>,
    is_asked: bool,
}

/// What becomes of an environment now.
enum Outcome {
    /// It has ended so.
    Ended(&'static str),
    /// It gets other limits, or has to wait for something.
    Later { is_asked: bool },
}

/// Moves the next environment whose month has begun; `None` when there is none, else whether it was moved.
async fn move_next(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Option<bool>> {
    let mut tx = db.begin().await.context("begin")?;
    let Some(due) = store::lock_due(&mut tx, now).await.context("take an environment")? else { return Ok(None) };
    let outcome = {
        // What fails in here is undone alone, and keeps nobody else.
        let mut inner = tx.begin().await.context("begin")?;
        match move_one(&mut inner, &due, now).await {
            Ok(outcome) => {
                inner.commit().await.context("commit")?;
                outcome
            }
            Err(error) if db::is_transient(&error) || db::is_away(&error) => return Err(error),
            Err(error) => {
                inner.rollback().await.context("roll back")?;
                tracing::error!(environment = %due.environment, error = chain::of_any(&error), "cannot be moved");
                Outcome::Later { is_asked: due.is_asked }
            }
        }
    };
    let is_moved = matches!(outcome, Outcome::Ended("moved"));
    match outcome {
        Outcome::Ended(state) => store::end(&mut tx, &due, state, now).await.context("note what became of it")?,
        Outcome::Later { is_asked } => {
            store::put_off(&mut tx, &due, is_asked, now + AGAIN).await.context("say when to look again")?;
        }
    }
    tx.commit().await.context("commit")?;
    Ok(Some(is_moved))
}

async fn move_one(db: &mut PgConnection, due: &Due, now: DateTime<Utc>) -> anyhow::Result<Outcome> {
    let environment = super::store::lock(db, due.account, due.environment).await.context("lock an environment")?;
    let Some(environment) = environment else { return Ok(Outcome::Ended("left")) };
    if environment.plan_version == due.version {
        return Ok(Outcome::Ended("moved"));
    }
    if environment.plan_version != due.from || matches!(environment.wanted, Wanted::Deleted { .. }) {
        return Ok(Outcome::Ended("left"));
    }
    if due.told_at.is_none_or(|at| at > due.starts_at - TOLD_BEFORE) {
        return Ok(Outcome::Ended("late"));
    }
    let (Some((_, before)), Some((plan, after))) =
        (plans::version(db, due.from).await?, plans::version(db, due.version).await?)
    else {
        return Ok(Outcome::Ended("left"));
    };
    if after.stage(now) != Stage::Valid {
        return Ok(Outcome::Later { is_asked: false });
    }
    if plan_changes::is_under_way(db, &environment).await? {
        return Ok(Outcome::Later { is_asked: due.is_asked });
    }
    let (was, is) = (&before.resources, &after.resources);
    if (was.cpu_millis, was.memory_mb) == (is.cpu_millis, is.memory_mb) {
        put_on(db, &environment, due, now).await?;
        return Ok(Outcome::Ended("moved"));
    }
    match plan_changes::ask(db, &environment, (&plan, &after), "", now).await {
        Ok(()) => {
            record(db, &environment, due, "plan.asked", now).await?;
            Ok(Outcome::Later { is_asked: true })
        }
        Err(PlanChangeError::Refused(why)) => {
            tracing::info!(environment = %environment.id, %why, "cannot be moved to another version yet");
            Ok(Outcome::Later { is_asked: due.is_asked })
        }
        Err(PlanChangeError::Failed(cause)) => Err(cause),
    }
}

/// The same limits at other prices: nothing of the environment changes but what it is charged, from the month's first instant.
async fn put_on(db: &mut PgConnection, environment: &Environment, due: &Due, now: DateTime<Utc>) -> anyhow::Result<()> {
    if let Some((from, to)) = plan_changes::put_on(db, environment.id, due.version, due.starts_at, now).await? {
        let detail = json!({ "from": from, "to": to, "why": "plan" });
        history::record(db, environment.id, "scaled", "", detail, now).await?;
    }
    record(db, environment, due, "plan.changed", now).await
}

async fn record(
    db: &mut PgConnection,
    environment: &Environment,
    due: &Due,
    kind: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let detail = json!({ "from": due.from, "to": due.version, "plan_version": due.version, "why": "moved" });
    history::record(db, environment.id, kind, "", detail.clone(), now).await?;
    let entry = audit::Entry::new("environment.plan-moved").account(environment.account).environment(environment.id);
    audit::record(db, &Actor::system(), entry.detail(detail), now).await?;
    db::wake(db).await.context("wake the worker")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_begins_with_a_month_that_is_thirty_days_away_and_not_before_its_version() {
        let now: DateTime<Utc> = "2026-11-28T22:30:00Z".parse().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(!may_begin(day("2026-12-01"), None, now));
        assert!(may_begin(day("2027-01-01"), None, now));
        assert!(!may_begin(day("2027-01-02"), None, now), "months begin on the first");
        let on_the_second = "2026-12-02T00:00:00Z".parse().unwrap();
        assert!(may_begin(day("2027-01-01"), None, on_the_second), "thirty days before");
        assert!(!may_begin(day("2027-01-01"), None, on_the_second + TimeDelta::days(1)), "twenty-nine days before");
        let midnight_in_paris = "2026-12-31T23:00:00Z".parse().unwrap();
        assert!(may_begin(day("2027-01-01"), Some(midnight_in_paris), now));
        assert!(!may_begin(day("2027-01-01"), Some(midnight_in_paris + TimeDelta::days(1)), now));
    }
}
