//! Staff wake an environment that sleeps, as its first request would.

use anyhow::Context;

use super::StaffMember;
use crate::audit::{self, Actor};
use crate::base::ids::EnvironmentId;
use crate::environments::steering;
use crate::portal::Portal;

/// Asks for it to be woken. `None` when there is no such environment, false when it does not sleep.
pub async fn wake(portal: &Portal, by: &StaffMember, id: EnvironmentId) -> anyhow::Result<Option<bool>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some((account, is_asked)) = steering::wake_of_any_account(&mut tx, id, now).await? else { return Ok(None) };
    if is_asked {
        let entry = audit::Entry::new("environment.wake-asked").account(account).environment(id);
        audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(Some(is_asked))
}
