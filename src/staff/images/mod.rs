//! Images, who runs them, and bringing a new one to environments: a few at a time, stopped by the first failure.

mod store;

use anyhow::Context;
use serde_json::json;
use sqlx::PgConnection;

use crate::audit::{self, Actor};
use crate::base::ids::{EnvironmentId, RolloutId};
use crate::db;
use crate::portal::Portal;

pub use store::{Behind, ImageRow, RolloutRow};

/// How many may be updated at once.
pub const AT_ONCE: std::ops::RangeInclusive<i32> = 1..=20;

/// Every image with how many environments run it, newest first.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<ImageRow>> {
    store::list(db).await.context("list the images")
}

/// Environments that run an older image than the present one of the same Odoo version.
pub async fn behind(db: &mut PgConnection) -> anyhow::Result<Vec<Behind>> {
    store::behind(db).await.context("list the environments with an old image")
}

/// The latest rollouts with how far they are, newest first.
pub async fn rollouts(db: &mut PgConnection) -> anyhow::Result<Vec<RolloutRow>> {
    store::rollouts(db).await.context("list the rollouts")
}

/// Which environments are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that run an older image.
    All,
    /// These, as far as they do.
    Some(Vec<EnvironmentId>),
}

/// Begins to move environments to the present image of their Odoo version. Returns a rollout for each such image with the
/// number of environments; those that an update is under way for already are left out.
pub async fn begin(
    portal: &Portal,
    actor: &Actor,
    by: &str,
    which: &Which,
    at_once: i32,
) -> anyhow::Result<Vec<(RolloutId, u64)>> {
    let now = portal.clock.now();
    let at_once = at_once.clamp(*AT_ONCE.start(), *AT_ONCE.end());
    let mut tx = portal.db.begin().await.context("begin")?;
    let only: Option<Vec<uuid::Uuid>> = match which {
        Which::All => None,
        Which::Some(ids) => Some(ids.iter().map(|id| id.uuid()).collect()),
    };
    let mut begun = Vec::new();
    for image in store::targets(&mut tx, only.as_deref()).await.context("find what is behind")? {
        let id = RolloutId::new(now);
        store::insert_rollout(&mut tx, id, image, at_once, by, now).await.context("insert a rollout")?;
        let count = store::insert_updates(&mut tx, (id, image), only.as_deref(), by, now)
            .await
            .context("insert its updates")?;
        record(&mut tx, actor, "rollout.started", json!({ "rollout": id, "image": image, "count": count }), now)
            .await?;
        begun.push((id, count));
    }
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(begun)
}

/// Stops a rollout: what has begun ends, what waits is cancelled. False when it has ended already.
pub async fn stop(portal: &Portal, actor: &Actor, id: RolloutId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::stop(&mut tx, id, now).await.context("stop a rollout")? {
        return Ok(false);
    }
    record(&mut tx, actor, "rollout.stopped", json!({ "rollout": id }), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Lets a rollout go on that a failure had paused. False when it is not paused.
pub async fn resume(portal: &Portal, actor: &Actor, id: RolloutId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::resume(&mut tx, id).await.context("resume a rollout")? {
        return Ok(false);
    }
    record(&mut tx, actor, "rollout.resumed", json!({ "rollout": id }), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

async fn record(
    db: &mut PgConnection,
    actor: &Actor,
    action: &'static str,
    detail: serde_json::Value,
    now: chrono::DateTime<chrono::Utc>,
) -> anyhow::Result<()> {
    audit::record(db, actor, audit::Entry::new(action).detail(detail), now).await
}

/// Names an image for people: its content's first digits.
#[must_use]
pub fn short(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest).get(..12).unwrap_or(digest)
}
