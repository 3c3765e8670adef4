//! How many requests in a second one environment gets, where staff set it apart from the others, and what was turned away.
//!
//! Only rows change; the proxies read them with the routes, at once and without the worker.

mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::StaffMember;
use crate::audit::{self, Actor};
use crate::base::ids::EnvironmentId;
use crate::portal::Portal;

/// What staff look back at.
pub const LOOK_BACK: TimeDelta = TimeDelta::hours(24);

/// More is no limit.
const MOST: u32 = 100_000;

/// What an environment gets of the public's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// How many in a second, where staff said so.
    pub requests_per_second: Option<i32>,
    /// How many were one too many in a second, within [`LOOK_BACK`].
    pub limited: i64,
    /// How many found no place at their container in time, within [`LOOK_BACK`].
    pub busy: i64,
}

/// Reads it.
pub async fn traffic(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> anyhow::Result<Traffic> {
    store::traffic(db, id, now - LOOK_BACK).await.context("read what was turned away")
}

/// Understands what was typed: nothing means the installation's own limit.
#[must_use]
pub fn parse(typed: &str) -> Option<Option<u32>> {
    match typed.trim() {
        "" => Some(None),
        digits => digits.parse().ok().filter(|limit| (1..=MOST).contains(limit)).map(Some),
    }
}

/// Gives an environment a limit of its own, or the installation's with `None`. False when there is no such environment.
pub async fn set(portal: &Portal, by: &StaffMember, id: EnvironmentId, limit: Option<u32>) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(account) = store::lock_environment(&mut tx, id).await.context("find it")? else { return Ok(false) };
    match limit {
        Some(limit) => store::put(&mut tx, id, limit, by.id, now).await,
        None => store::delete(&mut tx, id).await,
    }
    .context("write the limit")?;
    let entry = audit::Entry::new("environment.limit-set")
        .account(account)
        .environment(id)
        .detail(serde_json::json!({ "requests_per_second": limit }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Deletes what was turned away long ago. For the worker, now and then.
pub async fn forget_old(portal: &Portal, before: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    store::delete_old(&mut db, before).await.context("delete old numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_nothing() {
        assert_eq!(parse("  "), Some(None));
        assert_eq!(parse(" 50 "), Some(Some(50)));
        for typed in ["0", "-1", "1.5", "a", "100001", "99999999999"] {
            assert_eq!(parse(typed), None, "{typed}");
        }
    }
}
