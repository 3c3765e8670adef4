//! Deletes an environment after its name was typed, and takes that back for seven days.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{By, Environment, Status, Wanted, history, store};
use crate::base::ids::EnvironmentId;
use crate::portal::Portal;
use crate::{audit, db};

/// How long a deletion can be taken back.
pub const UNDO_FOR: TimeDelta = TimeDelta::days(7);

/// Why nothing was deleted or taken back.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// Something the customer can understand.
    #[error("the deletion was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The typed name is not the environment's address.
    #[error("the typed name is not right")]
    WrongName,
    /// The seven days are over.
    #[error("it is too late")]
    TooLate,
}

/// Whether a person typed the name that stands in the address. Phones add a space or a capital; nothing else is forgiven.
#[must_use]
pub fn is_typed_right(environment: &Environment, typed: &str) -> bool {
    let name = environment.subdomain.as_ref().map_or(environment.name.as_str(), |name| name.as_str());
    !typed.trim().is_empty() && typed.trim().to_lowercase() == name.to_lowercase()
}

/// Wants an environment deleted in seven days; it stops now. `None` when the account has no such environment.
pub async fn ask(portal: &Portal, by: &By, id: EnvironmentId, typed: &str) -> Result<Option<()>, RemovalError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = store::lock(&mut tx, by.account, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return Ok(Some(()));
    }
    if !is_typed_right(&environment, typed) {
        return Err(RemovalError::Refused(Refusal::WrongName));
    }
    want_deleted(&mut tx, by, &environment, now + UNDO_FOR, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Takes a deletion back: what was wanted before is wanted again. `None` when the account has no such environment.
pub async fn undo(portal: &Portal, by: &By, id: EnvironmentId) -> Result<Option<()>, RemovalError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = store::lock(&mut tx, by.account, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    let Wanted::Deleted { purge_after } = environment.wanted else { return Ok(Some(())) };
    if now >= purge_after || environment.status == Status::Deleted {
        return Err(RemovalError::Refused(Refusal::TooLate));
    }
    want_back(&mut tx, by, id, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Wants every environment of an account deleted at `purge_after`, in the transaction that closes the account.
pub async fn ask_all(
    db: &mut PgConnection,
    by: &By,
    purge_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for listed in store::list(db, by.account).await.context("list the environments")? {
        let locked = store::lock(db, by.account, listed.id).await.context("lock an environment")?;
        if let Some(environment) = locked.filter(|environment| !matches!(environment.wanted, Wanted::Deleted { .. })) {
            want_deleted(db, by, &environment, purge_after, now).await?;
        }
    }
    db::wake(db).await.context("wake the worker")
}

/// Takes back what [`ask_all`] did for the same `purge_after`: what was deleted before stays deleted.
pub async fn undo_all(
    db: &mut PgConnection,
    by: &By,
    purge_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for listed in store::list(db, by.account).await.context("list the environments")? {
        let locked = store::lock(db, by.account, listed.id).await.context("lock an environment")?;
        let is_of_closing = |environment: &Environment| {
            environment.wanted == Wanted::Deleted { purge_after } && environment.status != Status::Deleted
        };
        if let Some(environment) = locked.filter(is_of_closing) {
            want_back(db, by, environment.id, now).await?;
        }
    }
    db::wake(db).await.context("wake the worker")
}

async fn want_deleted(
    db: &mut PgConnection,
    by: &By,
    environment: &Environment,
    purge_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let id = environment.id;
    store::set_wanted(db, by.account, id, Wanted::Deleted { purge_after }, now).await.context("want it deleted")?;
    let detail = json!({ "was": environment.wanted.code(), "purge_after": purge_after });
    history::record(db, id, "deletion.asked", &by.name, detail.clone(), now).await?;
    let entry = audit::Entry::new("environment.deletion-asked").account(by.account).environment(id).detail(detail);
    audit::record(db, &by.actor, entry, now).await
}

async fn want_back(db: &mut PgConnection, by: &By, id: EnvironmentId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let asked = history::last_detail(db, id, "deletion.asked").await?;
    let was_stopped = asked.is_some_and(|detail| detail["was"] == "stopped");
    let wanted = if was_stopped { Wanted::Stopped } else { Wanted::Running };
    store::set_wanted(db, by.account, id, wanted, now).await.context("want it back")?;
    history::record(db, id, "deletion.undone", &by.name, json!({}), now).await?;
    let entry = audit::Entry::new("environment.deletion-undone").account(by.account).environment(id);
    audit::record(db, &by.actor, entry, now).await
}
