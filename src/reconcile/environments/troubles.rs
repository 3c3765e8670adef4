//! Keeps for staff why an environment is not as it is wanted, in the words of whoever refused; tells its people what helps them.

use serde_json::json;

use super::observe::Sight;
use super::plan::{Awaited, Next};
use super::store;
use crate::base::ids::RuntimeId;
use crate::hosts::NoRoom;
use crate::hosts::troubles::{self, Kind};
use crate::reconcile::lease::{Fenced, Lease};
use crate::reconcile::runtimes::Runtime;
use crate::reconcile::{Site, runtimes};

/// Whether a container is awaited that does not come: then the engine is asked why.
#[must_use]
pub fn is_awaited(next: Next) -> bool {
    matches!(next, Next::Wait(Awaited::Container | Awaited::CrashingContainer))
}

/// Notes what the engine says of a container that does not come. Only a word more than people are told: without an answer
/// nothing is noted.
pub async fn ask(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    if let Some(text) = said(site, runtime).await? {
        let mut tx = lease.begin(&site.db).await?;
        troubles::note(&mut tx, sight.environment.id, Kind::Engine, &text, site.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Returns what the engine says of a service, if it says anything.
pub async fn said(site: &Site, runtime: &Runtime) -> anyhow::Result<Option<String>> {
    let name = runtime.service(&site.installation)?;
    Ok(site.engine.trouble(&name).await.unwrap_or_else(|error| {
        tracing::debug!(runtime = %runtime.id, %error, "the engine was asked why");
        None
    }))
}

/// Notes that the kernel ended a container for using too much memory: once for each, and its people read it, but not more
/// than once in an hour.
pub async fn note_memory(site: &Site, lease: &Lease, sight: &Sight) -> anyhow::Result<()> {
    let (Some(container), Some(runtime)) = (&sight.killed, &sight.runtime) else { return Ok(()) };
    let now = site.clock.now();
    let memory = runtime.memory_mb;
    let text = format!("the kernel ended container {container}: it used more than its {memory} MiB of memory");
    let mut tx = lease.begin(&site.db).await?;
    if troubles::note(&mut tx, sight.environment.id, Kind::Memory, &text, now).await? {
        store::add_event(&mut tx, sight.environment.id, "memory.full", &json!({}), now).await?;
    }
    Ok(tx.commit().await?)
}

/// Notes that no machine has room, and gives up the spares that are in the way: the next turn finds their room.
pub async fn note_no_room(site: &Site, tx: &mut Fenced, sight: &Sight, why: &NoRoom) -> anyhow::Result<()> {
    troubles::note(tx, sight.environment.id, Kind::Room, &why.to_string(), site.clock.now()).await?;
    make_room(tx, &why.spares).await
}

/// Gives up spares for a customer.
pub async fn make_room(tx: &mut Fenced, spares: &[RuntimeId]) -> anyhow::Result<()> {
    if runtimes::store::give_up_spares(tx, spares).await? {
        crate::db::wake(tx).await?;
    }
    Ok(())
}
