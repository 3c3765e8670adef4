//! The history of an environment: steps of its creation, starts, stops, renames. Written once, shown live and kept.

mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};

pub use store::Event;

/// A creation has some ten steps, each of which may fail and begin anew.
const STEPS: i64 = 500;

/// Adds an event. Pages that show the environment are told when the transaction commits.
pub async fn record(
    db: &mut PgConnection,
    environment: EnvironmentId,
    kind: &str,
    actor: &str,
    detail: Value,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::insert(db, environment, kind, actor, &detail, now).await.with_context(|| format!("record the event {kind}"))
}

/// Returns the steps of the creation, oldest first.
pub async fn steps(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> anyhow::Result<Vec<Event>> {
    let mut steps = store::latest(db, account, environment, true, STEPS).await.context("read the steps")?;
    steps.reverse();
    Ok(steps)
}

/// Returns the latest events that are no steps, newest first.
pub async fn latest(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    limit: i64,
) -> anyhow::Result<Vec<Event>> {
    store::latest(db, account, environment, false, limit).await.context("read the history")
}

/// Returns a number that grows with each event and status change: a page compares it to know whether it is out of date.
pub async fn version(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> anyhow::Result<Option<String>> {
    store::version(db, account, environment).await.context("read the version of a page")
}

/// Returns what an event of this kind said last.
pub async fn last_detail(
    db: &mut PgConnection,
    environment: EnvironmentId,
    kind: &str,
) -> anyhow::Result<Option<Value>> {
    store::last_detail(db, environment, kind).await.context("read an event")
}
