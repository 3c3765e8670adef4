//! The tables of updates and rollouts, as far as the worker changes them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Update;
use crate::base::ids::{EnvironmentId, HostId, ImageId, PlanVersionId, RolloutId, RuntimeId, UpdateId};
use crate::db::StoreError;
use crate::hosts::{self, Cause, Placement};

/// Returns the environment's update that has not ended: the one that is under way, else the one that only moves it, since
/// the other may wait for long.
pub async fn find_open(db: &mut PgConnection, id: EnvironmentId) -> Result<Option<Update>, StoreError> {
    let update = sqlx::query_as!(
        Update,
        r#"
        SELECT environment_updates.id AS "id: UpdateId"
             , environment_updates.rollout_id AS "rollout: RolloutId"
             , environment_updates.image_id AS "image: ImageId"
             , images.digest
             , images.pinned
             , host_images.state AS "supply?"
             , host_images.since AS "supply_since?"
             , coalesce(plans.kind, environments.kind) AS "kind!"
             , environment_updates.leaves_host_id AS "leaves: HostId"
             , environment_updates.plan_version_id AS "plan_version: PlanVersionId"
             , environment_updates.host_id AS "host: HostId"
             , hosts.node AS "node?"
             , coalesce(hosts.state = 'down', false) AS "is_lost!"
             , environment_updates.explanation
             , environment_updates.cpu_millis
             , environment_updates.memory_mb
             , environment_updates.state
             , environment_updates.generation
             , environment_updates.reason
             , environment_updates.began_at
             , environment_updates.switched_at
             , environment_activity.leaving_at AS "leaving_at?"
          FROM environment_updates
          JOIN images ON images.id = environment_updates.image_id
          JOIN environments ON environments.id = environment_updates.environment_id
          LEFT JOIN plan_versions ON plan_versions.id = environment_updates.plan_version_id
          LEFT JOIN plans ON plans.id = plan_versions.plan_id
          LEFT JOIN hosts ON hosts.id = environment_updates.host_id
          LEFT JOIN host_images
            ON host_images.host_id = environment_updates.host_id AND host_images.image_id = environment_updates.image_id
          LEFT JOIN environment_activity ON environment_activity.environment_id = environment_updates.environment_id
         WHERE environment_updates.environment_id = $1
           AND environment_updates.ended_at IS NULL
         ORDER BY environment_updates.state = 'waiting', environment_updates.leaves_host_id IS NULL
         LIMIT 1
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await?;
    Ok(update)
}

/// Locks a rollout, and returns its state and how many of its updates may be under way at once.
async fn lock_rollout(db: &mut PgConnection, rollout: RolloutId) -> Result<(String, i32), StoreError> {
    let row = sqlx::query!("SELECT state, at_once FROM rollouts WHERE id = $1 FOR UPDATE", rollout as RolloutId)
        .fetch_one(db)
        .await?;
    Ok((row.state, row.at_once))
}

/// Whether an update of a rollout may begin now. Locks the rollout: two that ask at once are not both the last one allowed.
///
/// The first one that runs goes alone. What does not run cannot prove an image: it waits until one that runs has, or until
/// none is left.
pub async fn may_begin(db: &mut PgConnection, rollout: RolloutId, runs: bool) -> Result<bool, StoreError> {
    let (state, at_once) = lock_rollout(db, rollout).await?;
    let counts = sqlx::query!(
        r#"
        SELECT count(*) FILTER (WHERE updates.state IN ('starting', 'switched', 'failing', 'withdrawing')) AS "under_way!"
             , count(*) FILTER (WHERE updates.state = 'done' AND updates.switched_at IS NOT NULL) AS "proved!"
             , count(*) FILTER (WHERE updates.ended_at IS NULL AND environments.status = 'running') AS "to_prove!"
          FROM environment_updates AS updates
          JOIN environments ON environments.id = updates.environment_id
         WHERE updates.rollout_id = $1
        "#,
        rollout as RolloutId
    )
    .fetch_one(db)
    .await?;
    let at_once = if counts.proved == 0 { 1 } else { i64::from(at_once) };
    let is_its_turn = runs || counts.proved > 0 || counts.to_prove == 0;
    Ok(state == "running" && counts.under_way < at_once && is_its_turn)
}

/// Notes that an update begins: where its container goes, and under which generation, which no other try ever had.
pub async fn set_starting(
    db: &mut PgConnection,
    id: UpdateId,
    placement: &Placement,
    generation: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'starting'
             , host_id = $2
             , generation = greatest($3, (SELECT max(tried.generation) + 1
                                            FROM environment_updates AS tried
                                           WHERE tried.environment_id = environment_updates.environment_id))
             , began_at = $4
             , explanation = $5
         WHERE id = $1
           AND state = 'waiting'
        "#,
        id as UpdateId,
        placement.host as HostId,
        generation,
        now,
        placement.explanation,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The size, image and machine of a runtime change places with those of the update: from now on the room that the
/// update holds is the old container's.
pub async fn switch(
    db: &mut PgConnection,
    update: &Update,
    runtime: RuntimeId,
    placement: &Placement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'switched'
             , switched_at = $3
             , host_id = runtimes.host_id
             , cpu_millis = runtimes.cpu_millis
             , memory_mb = runtimes.memory_mb
             -- Whichever is newer: no service of these two is.
             , generation = greatest(environment_updates.generation, runtimes.service_generation)
          FROM runtimes
         WHERE environment_updates.id = $1
           AND environment_updates.state = 'starting'
           AND runtimes.id = $2
        "#,
        update.id as UpdateId,
        runtime as RuntimeId,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET image_id = $2
             , cpu_millis = $3
             , memory_mb = $4
             -- Never an older one: another restart was asked for meanwhile, and is done there.
             , service_generation = greatest(service_generation, $5)
             , service_slot = 1 - service_slot
             , served_image_id = NULL
         WHERE id = $1
        "#,
        runtime as RuntimeId,
        update.image as ImageId,
        update.cpu_millis,
        update.memory_mb,
        update.generation.unwrap_or(1),
    )
    .execute(&mut *db)
    .await?;
    let cause = if update.leaves.is_some() { Cause::Drained } else { Cause::Updated };
    hosts::store::set_host(db, runtime, placement, cause, update.began_at.unwrap_or(now)).await?;
    hosts::store::set_served(db, runtime, now).await
}

/// Gives a runtime that does not run the update's image and size: its next start uses them. Where an image `has_served`, it
/// is remembered until the new one has.
pub async fn adopt(
    db: &mut PgConnection,
    update: &Update,
    runtime: RuntimeId,
    has_served: bool,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET image_id = $2
             , image_reference = $5
             , cpu_millis = $3
             , memory_mb = $4
             , service_generation = service_generation + 1
             , served_image_id = nullif(CASE WHEN $6 AND image_id <> $2
                                             THEN coalesce(served_image_id, image_id)
                                             ELSE served_image_id
                                        END, $2)
         WHERE id = $1
        "#,
        runtime as RuntimeId,
        update.image as ImageId,
        update.cpu_millis,
        update.memory_mb,
        update.pinned.as_deref(),
        has_served,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a runtime the image back that served last. Returns the one that it had instead, with its content; `None` when it
/// has served meanwhile.
pub async fn put_back(db: &mut PgConnection, runtime: RuntimeId) -> Result<Option<(ImageId, String)>, StoreError> {
    let row = sqlx::query!(
        r#"
        UPDATE runtimes
           SET image_id = served.id
             , image_reference = served.pinned
             , served_image_id = NULL
             , service_generation = runtimes.service_generation + 1
          FROM images AS served
             , runtimes AS before
          JOIN images AS tried ON tried.id = before.image_id
         WHERE runtimes.id = $1
           AND before.id = runtimes.id
           AND served.id = runtimes.served_image_id
        RETURNING tried.id AS "image!: ImageId", tried.digest AS "digest!"
        "#,
        runtime as RuntimeId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.image, row.digest)))
}

/// Notes that the update by which an environment got an image at rest failed after all. Returns its rollout.
pub async fn fail_adopted(
    db: &mut PgConnection,
    (id, image): (EnvironmentId, ImageId),
    reason: &str,
) -> Result<Option<RolloutId>, StoreError> {
    let rollout = sqlx::query_scalar!(
        r#"
        UPDATE environment_updates
           SET state = 'failed'
             , reason = $3
         WHERE id = (SELECT id
                       FROM environment_updates
                      WHERE environment_id = $1
                        AND image_id = $2
                        AND plan_version_id IS NULL
                        AND state = 'done'
                      ORDER BY ended_at DESC
                      LIMIT 1)
        RETURNING rollout_id AS "rollout: RolloutId"
        "#,
        id as EnvironmentId,
        image as ImageId,
        reason
    )
    .fetch_optional(db)
    .await?;
    Ok(rollout.flatten())
}

/// Notes that an update is being taken back.
pub async fn set_leaving(
    db: &mut PgConnection,
    id: UpdateId,
    state: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environment_updates SET state = $2, reason = $3 WHERE id = $1 AND state = 'starting'",
        id as UpdateId,
        state,
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts an update back into the queue: nothing of it is left.
pub async fn set_waiting(db: &mut PgConnection, id: UpdateId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'waiting'
             , host_id = NULL
             , began_at = NULL
         WHERE id = $1
        "#,
        id as UpdateId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an update and gives the second container's room back.
pub async fn end(db: &mut PgConnection, id: UpdateId, state: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environment_updates SET state = $2, host_id = NULL, ended_at = $3 WHERE id = $1 AND ended_at IS NULL",
        id as UpdateId,
        state,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cancels whatever update an environment has: it is gone.
pub async fn cancel_all(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'cancelled'
             , host_id = NULL
             , ended_at = $2
         WHERE environment_id = $1
           AND ended_at IS NULL
        "#,
        id as EnvironmentId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// After one update of a rollout has ended: pauses it when that one failed, ends it when it was the last one, and makes
/// the next ones due. Locks the rollout: of two that end at once neither sees the end of the other otherwise.
pub async fn go_on(
    db: &mut PgConnection,
    rollout: RolloutId,
    has_failed: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    lock_rollout(db, rollout).await?;
    sqlx::query!(
        r#"
        UPDATE rollouts
           SET state = CASE WHEN rest.is_over THEN 'done' WHEN $2 THEN 'paused' ELSE state END
             , ended_at = CASE WHEN rest.is_over THEN $3 ELSE ended_at END
          FROM (SELECT NOT EXISTS (SELECT FROM environment_updates WHERE rollout_id = $1 AND ended_at IS NULL) AS is_over) AS rest
         WHERE id = $1
           AND state IN ('running', 'paused')
        "#,
        rollout as RolloutId,
        has_failed,
        now
    )
    .execute(&mut *db)
    .await?;
    let next: Vec<Uuid> = sqlx::query_scalar!(
        r#"
        SELECT environment_updates.environment_id
          FROM environment_updates
          JOIN rollouts ON rollouts.id = environment_updates.rollout_id
          JOIN environments ON environments.id = environment_updates.environment_id
         WHERE rollouts.id = $1
           AND rollouts.state = 'running'
           AND environment_updates.state = 'waiting'
         ORDER BY environments.status <> 'running', environment_updates.created_at, environment_updates.id
         LIMIT (SELECT at_once FROM rollouts WHERE id = $1)
        "#,
        rollout as RolloutId
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE turns SET due_at = $2 WHERE task = 'environments' AND subject = ANY ($1) AND due_at > $2",
        &next,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
