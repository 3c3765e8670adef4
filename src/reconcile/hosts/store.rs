//! What the public is sent to, for noticing what is no longer there.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{EnvironmentId, HostId, ReplicaId, RuntimeId, UpdateId};
use crate::db::StoreError;
use crate::hosts::Placement;

/// A runtime that the public is sent to.
pub struct Serving {
    /// Which one.
    pub runtime: RuntimeId,
    /// What its services are named after.
    pub code: String,
    /// Where.
    pub upstreams: Vec<String>,
}

/// Returns every runtime that the public is sent to.
pub async fn serving(db: &mut PgConnection) -> Result<Vec<Serving>, StoreError> {
    let rows = sqlx::query_as!(
        Serving,
        r#"
        SELECT runtimes.id AS "runtime: RuntimeId"
             , runtimes.code
             , routes.upstreams
          FROM routes
          JOIN runtimes ON runtimes.environment_id = routes.environment_id AND runtimes.wanted <> 'gone'
         WHERE routes.state = 'serving'
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Makes every host known to the task that looks after machines; what staff want of one, or set of it, is due at once.
pub async fn refresh_machines(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT $1, hosts.id, $2, steered.marker
          FROM hosts
         CROSS JOIN LATERAL (SELECT concat_ws(' ', hosts.wanted, hosts.zone, hosts.pool, hosts.address_wanted) AS marker) AS steered
          LEFT JOIN turns ON turns.task = $1 AND turns.subject = hosts.id
         WHERE turns.subject IS NULL
            OR turns.marker <> steered.marker
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
        "#,
        task,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The image that new environments run.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its content.
    pub digest: String,
    /// The name by which machines get it, if it is in a registry.
    pub pinned: Option<String>,
}

/// Returns the image that new environments run: one that is in a registry, if there is one.
pub async fn image(db: &mut PgConnection) -> Result<Option<Image>, StoreError> {
    let image = sqlx::query_as!(
        Image,
        r#"
        SELECT digest, pinned
          FROM images
         WHERE state = 'current'
         ORDER BY pinned IS NOT NULL DESC, created_at DESC
         LIMIT 1
        "#
    )
    .fetch_optional(db)
    .await?;
    Ok(image)
}

/// Gives up the spares on a host. Returns whether there were any.
pub async fn give_up_spares(db: &mut PgConnection, host: HostId) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE runtimes SET wanted = 'gone' WHERE host_id = $1 AND environment_id IS NULL AND wanted = 'running'",
        host as HostId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns the environments' runtimes that are on a host, or have an update's container or a replica there.
pub async fn environments_on(db: &mut PgConnection, host: HostId) -> Result<Vec<RuntimeId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: RuntimeId"
          FROM runtimes
         WHERE environment_id IS NOT NULL
           AND state <> 'gone'
           AND (host_id = $1
                OR environment_id IN (SELECT environment_id
                                        FROM environment_updates
                                       WHERE host_id = $1
                                         AND state <> 'waiting')
                OR id IN (SELECT runtime_id FROM replicas WHERE replicas.host_id = $1))
        "#,
        host as HostId
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Returns how many runtimes are on a host, spares, replicas and the second containers of updates among them.
pub async fn runtimes_on(db: &mut PgConnection, host: HostId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT (SELECT count(*) FROM runtimes WHERE host_id = $1 AND state <> 'gone')
             + (SELECT count(*) FROM environment_updates WHERE host_id = $1)
             + (SELECT count(*) FROM replicas WHERE host_id = $1) AS "count!"
        "#,
        host as HostId
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns how many moves off machines that are emptied have not ended: of first containers and of replicas.
pub async fn moves(db: &mut PgConnection) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT (SELECT count(*) FROM environment_updates WHERE leaves_host_id IS NOT NULL AND ended_at IS NULL)
             + (SELECT count(*) FROM replicas WHERE moves_at IS NOT NULL) AS "count!"
        "#
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Inserts the move of a runtime off a host, with the room that is set aside for it elsewhere.
pub async fn insert_move(
    db: &mut PgConnection,
    (runtime, leaves): (RuntimeId, HostId),
    placement: &Placement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_updates
             (id, environment_id, image_id, host_id, leaves_host_id, explanation, cpu_millis, memory_mb, asked_by, created_at)
        SELECT $1, environment_id, image_id, $3, $4, $5, cpu_millis, memory_mb, 'drain', $6
          FROM runtimes
         WHERE id = $2
           AND environment_id IS NOT NULL
        "#,
        UpdateId::new(now) as UpdateId,
        runtime as RuntimeId,
        placement.host as HostId,
        leaves as HostId,
        placement.explanation,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cancels the moves off hosts that are no longer to be emptied, as far as they have not begun.
pub async fn cancel_moves(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'cancelled'
             , host_id = NULL
             , ended_at = $1
          FROM hosts
         WHERE hosts.id = environment_updates.leaves_host_id
           AND hosts.wanted <> 'empty'
           AND environment_updates.state = 'waiting'
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the runtimes on a host that could serve elsewhere, the largest first: they are the hardest to place. What fails here
/// may well serve there. One that did not come up elsewhere since `since` is left in peace for a while.
pub async fn movable(
    db: &mut PgConnection,
    host: HostId,
    since: DateTime<Utc>,
) -> Result<Vec<(RuntimeId, EnvironmentId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT runtimes.id AS "id: RuntimeId"
             , environments.id AS "environment: EnvironmentId"
          FROM runtimes
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE runtimes.host_id = $1
           AND (runtimes.state = 'ready' OR runtimes.personalised_at IS NOT NULL AND environments.status = 'failing')
           AND runtimes.asleep_since IS NULL
           AND environments.wanted = 'running'
           -- One at a time; and one that waits for its turn, or for room, keeps nobody.
           AND NOT EXISTS (SELECT FROM environment_updates
                            WHERE environment_updates.environment_id = environments.id
                              AND environment_updates.ended_at IS NULL
                              AND (environment_updates.state <> 'waiting' OR environment_updates.leaves_host_id IS NOT NULL))
           AND NOT EXISTS (SELECT FROM environment_updates
                            WHERE environment_updates.environment_id = environments.id
                              AND environment_updates.leaves_host_id = $1
                              AND environment_updates.state = 'failed'
                              AND environment_updates.ended_at > $2)
         ORDER BY runtimes.memory_mb DESC, runtimes.cpu_millis DESC, runtimes.id
        "#,
        host as HostId,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.environment)).collect())
}

/// Returns the replicas on a host whose turn to leave it may come, the largest first, each with its runtime: one at a time of
/// each environment. Where none found room just now, others go first.
pub async fn movable_replicas(
    db: &mut PgConnection,
    host: HostId,
    now: DateTime<Utc>,
) -> Result<Vec<(ReplicaId, RuntimeId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (replicas.runtime_id)
               replicas.id AS "id: ReplicaId"
             , replicas.runtime_id AS "runtime: RuntimeId"
             , replicas.memory_mb
          FROM replicas
         WHERE replicas.host_id = $1
           AND replicas.moves_at IS NULL
           AND replicas.state <> 'leaving'
           AND NOT EXISTS (SELECT FROM replicas AS other
                            WHERE other.runtime_id = replicas.runtime_id
                              AND other.moves_at IS NOT NULL)
           AND NOT EXISTS (SELECT FROM replica_troubles
                            WHERE replica_troubles.runtime_id = replicas.runtime_id
                              AND replica_troubles.retry_at > $2)
         ORDER BY replicas.runtime_id, replicas.number
        "#,
        host as HostId,
        now
    )
    .fetch_all(db)
    .await?;
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.memory_mb, row.id, row.runtime)).collect();
    rows.sort_by_key(|(memory_mb, ..)| std::cmp::Reverse(*memory_mb));
    Ok(rows.into_iter().map(|(_, id, runtime)| (id, runtime)).collect())
}

/// Notes that it is a replica's turn to leave its host.
pub async fn set_moving(db: &mut PgConnection, id: ReplicaId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE replicas SET moves_at = $2 WHERE id = $1", id as ReplicaId, now).execute(db).await?;
    Ok(())
}

/// Takes their turn from replicas whose host is no longer to be emptied, and from those that found no other place just now,
/// unless they may end without one.
pub async fn cancel_replica_moves(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE replicas
           SET moves_at = NULL
          FROM hosts
         WHERE hosts.id = replicas.host_id
           AND replicas.moves_at IS NOT NULL
           AND replicas.state <> 'leaving'
           AND (hosts.wanted <> 'empty'
                OR NOT hosts.may_have_fewer
                   AND EXISTS (SELECT FROM replica_troubles
                                WHERE replica_troubles.runtime_id = replicas.runtime_id
                                  AND replica_troubles.retry_at > $1))
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes due the looks at machines in use that did not answer just now: nothing new is placed on one that is found silent.
pub async fn look_soon(
    db: &mut PgConnection,
    task: &str,
    upstream_addresses: &[String],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $3
          FROM hosts
         WHERE turns.task = $1
           AND turns.subject = hosts.id
           AND turns.due_at > $3
           AND turns.lease_token IS NULL
           AND hosts.state = 'active'
           AND hosts.upstream_address = ANY ($2)
        "#,
        task,
        upstream_addresses,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes due the looks at machines that are back: before that nothing is placed on them.
pub async fn look_now(
    db: &mut PgConnection,
    task: &str,
    hosts: &[HostId],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE turns SET due_at = $3 WHERE task = $1 AND subject = ANY ($2) AND due_at > $3 AND lease_token IS NULL",
        task,
        hosts as &[HostId],
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
