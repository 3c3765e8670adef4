//! An instance that is closed to the public while somebody works on it. Its containers stay as they are.
//!
//! Only rows change; the proxies read them with the routes, at once and without the worker.

mod store;

pub use store::begun_at;

use anyhow::Context;
use serde_json::json;

use super::history;
use crate::audit::{self, Actor};
use crate::base::ids::EnvironmentId;
use crate::portal::Portal;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Visitors read that it is worked on.
    Begin,
    /// They reach it again.
    End,
}

/// Begins or ends it, for any account's instance. False when it is so already.
pub async fn change_of_any_account(
    portal: &Portal,
    by: &Actor,
    id: EnvironmentId,
    change: Change,
) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let (action, event, is_changed) = match change {
        Change::Begin => ("environment.maintenance-begun", "maintenance.begun", store::insert(&mut tx, id, now).await),
        Change::End => ("environment.maintenance-ended", "maintenance.ended", store::delete(&mut tx, id).await),
    };
    if !is_changed.context("write it down")? {
        return Ok(false);
    }
    let account = store::account(&mut tx, id).await.context("find the account")?;
    audit::record(&mut tx, by, audit::Entry::new(action).account(account).environment(id), now).await?;
    history::record(&mut tx, id, event, "", json!({}), now).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}
