//! What the public is sent to, for noticing what is no longer there.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{HostId, RuntimeId};
use crate::db::StoreError;

/// A runtime that the public is sent to.
pub struct Serving {
    /// Which one.
    pub runtime: RuntimeId,
    /// Where.
    pub upstreams: Vec<String>,
}

/// Returns every runtime that the public is sent to.
pub async fn serving(db: &mut PgConnection) -> Result<Vec<Serving>, StoreError> {
    let rows = sqlx::query_as!(
        Serving,
        r#"
        SELECT runtimes.id AS "runtime: RuntimeId"
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

/// Makes every host known to the task that looks after machines; what staff want of one is due at once.
pub async fn refresh_machines(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT $1, hosts.id, $2, hosts.wanted
          FROM hosts
          LEFT JOIN turns ON turns.task = $1 AND turns.subject = hosts.id
         WHERE turns.subject IS NULL
            OR turns.marker <> hosts.wanted
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

/// Returns the environments' runtimes that are on a host, about to leave it, or have an update's container or a replica there.
pub async fn environments_on(db: &mut PgConnection, host: HostId) -> Result<Vec<RuntimeId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: RuntimeId"
          FROM runtimes
         WHERE environment_id IS NOT NULL
           AND state <> 'gone'
           AND (host_id = $1
                OR leaving_host_id = $1
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

/// Returns how many runtimes are on a host or about to leave it, spares, replicas and the second containers of updates among
/// them.
pub async fn runtimes_on(db: &mut PgConnection, host: HostId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT (SELECT count(*) FROM runtimes WHERE (host_id = $1 OR leaving_host_id = $1) AND state <> 'gone')
             + (SELECT count(*) FROM environment_updates WHERE host_id = $1)
             + (SELECT count(*) FROM replicas WHERE host_id = $1) AS "count!"
        "#,
        host as HostId
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns the runtimes that are about to leave a host.
pub async fn leaving(db: &mut PgConnection, host: HostId) -> Result<Vec<RuntimeId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id: RuntimeId" FROM runtimes WHERE leaving_host_id = $1 AND state <> 'gone'"#,
        host as HostId
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Returns the runtimes on a host that serve and could serve elsewhere, the largest first: they are the hardest to place.
pub async fn movable(db: &mut PgConnection, host: HostId) -> Result<Vec<RuntimeId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT runtimes.id AS "id: RuntimeId"
          FROM runtimes
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE runtimes.host_id = $1
           AND runtimes.leaving_host_id IS NULL
           AND runtimes.state = 'ready'
           AND runtimes.asleep_since IS NULL
           AND environments.wanted = 'running'
           -- One way of moving at a time.
           AND NOT EXISTS (SELECT FROM environment_updates
                            WHERE environment_updates.environment_id = environments.id
                              AND environment_updates.ended_at IS NULL
                              AND environment_updates.state <> 'waiting')
         ORDER BY runtimes.memory_mb DESC, runtimes.cpu_millis DESC, runtimes.id
        "#,
        host as HostId
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}
