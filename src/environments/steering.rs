//! Start, stop, restart and wake: each only says what is wanted.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{By, Status, Wanted, history, store};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::portal::Portal;
use crate::{audit, db};

/// What a customer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// To run.
    Start,
    /// Not to run, and to keep everything.
    Stop,
    /// To stop and start again.
    Restart,
    /// To wake up now, rather than with the next request.
    Wake,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum SteeringError {
    /// Something the customer can understand.
    #[error("the change was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Staff keep it from running.
    #[error("the environment is suspended")]
    Suspended,
    /// It is being deleted.
    #[error("the environment is being deleted")]
    BeingDeleted,
    /// What is stopped cannot be restarted.
    #[error("the environment is stopped")]
    Stopped,
}

/// Makes a change wanted. `None` when the account has no such environment. Asking twice is the same as asking once.
pub async fn change(portal: &Portal, by: &By, id: EnvironmentId, change: Change) -> Result<Option<()>, SteeringError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = store::lock(&mut tx, by.account, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    let refused = |why| Err(SteeringError::Refused(why));
    let (event, action) = match (change, environment.wanted) {
        (_, Wanted::Deleted { .. }) => return refused(Refusal::BeingDeleted),
        (Change::Start | Change::Restart | Change::Wake, _) if environment.suspension.is_some() => {
            return refused(Refusal::Suspended);
        }
        (Change::Start, Wanted::Running) | (Change::Stop, Wanted::Stopped) => return Ok(Some(())),
        (Change::Wake, Wanted::Running) if environment.status != Status::Asleep => return Ok(Some(())),
        (Change::Restart | Change::Wake, Wanted::Stopped) => return refused(Refusal::Stopped),
        (Change::Start, Wanted::Stopped) => {
            store::set_wanted(&mut tx, by.account, id, Wanted::Running, now).await.context("want it running")?;
            ("start.asked", "environment.start-asked")
        }
        (Change::Stop, Wanted::Running) => {
            store::set_wanted(&mut tx, by.account, id, Wanted::Stopped, now).await.context("want it stopped")?;
            ("stop.asked", "environment.stop-asked")
        }
        (Change::Restart, Wanted::Running) => {
            store::add_restart(&mut tx, by.account, id).await.context("want a restart")?;
            ("restart.asked", "environment.restart-asked")
        }
        (Change::Wake, Wanted::Running) => {
            if !store::insert_wish(&mut tx, id, now).await.context("want it woken")? {
                return Ok(Some(()));
            }
            ("wake.asked", "environment.wake-asked")
        }
    };
    history::record(&mut tx, id, event, &by.name, json!({}), now).await?;
    let entry = audit::Entry::new(action).account(by.account).environment(id);
    audit::record(&mut tx, &by.actor, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Asks, for staff, for an environment to be woken. Returns whose it is and whether it sleeps and nobody had asked yet.
pub async fn wake_of_any_account(
    db: &mut PgConnection,
    id: EnvironmentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<(AccountId, bool)>> {
    let found = store::sleeper_of_any_account(db, id).await.context("look whether it sleeps")?;
    let Some((account, is_asleep)) = found else { return Ok(None) };
    let is_asked = is_asleep && store::insert_wish(db, id, now).await.context("want it woken")?;
    if is_asked {
        history::record(db, id, "wake.asked", "", json!({}), now).await?;
    }
    Ok(Some((account, is_asked)))
}
