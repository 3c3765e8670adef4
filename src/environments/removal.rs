//! Deletes an environment after its name was typed, and takes that back for seven days.

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::json;

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
    let purge_after = now + UNDO_FOR;
    store::set_wanted(&mut tx, by.account, id, Wanted::Deleted { purge_after }).await.context("want it deleted")?;
    let detail = json!({ "was": environment.wanted.code(), "purge_after": purge_after });
    history::record(&mut tx, id, "deletion.asked", &by.name, detail.clone(), now).await?;
    let entry = audit::Entry::new("environment.deletion-asked").account(by.account).environment(id).detail(detail);
    audit::record(&mut tx, &by.actor, entry, now).await?;
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
    let asked = history::last_detail(&mut tx, id, "deletion.asked").await?;
    let was_stopped = asked.is_some_and(|detail| detail["was"] == "stopped");
    let wanted = if was_stopped { Wanted::Stopped } else { Wanted::Running };
    store::set_wanted(&mut tx, by.account, id, wanted).await.context("want it back")?;
    history::record(&mut tx, id, "deletion.undone", &by.name, json!({}), now).await?;
    let entry = audit::Entry::new("environment.deletion-undone").account(by.account).environment(id);
    audit::record(&mut tx, &by.actor, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}
