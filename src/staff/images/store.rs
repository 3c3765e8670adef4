//! Images, rollouts and the updates that belong to them, as staff see and begin them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{AccountId, EnvironmentId, ImageId, RolloutId};
use crate::db::StoreError;

/// An image and who runs it.
#[derive(Clone, Debug)]
pub struct ImageRow {
    /// Which one.
    pub id: ImageId,
    /// The name that it was registered by.
    pub reference: String,
    /// Its content.
    pub digest: String,
    /// Its version of Odoo.
    pub odoo_version: String,
    /// Whether new environments get it.
    pub is_current: bool,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// How many environments run it.
    pub environments: i64,
}

/// Every image, newest first.
pub async fn list(db: &mut PgConnection) -> Result<Vec<ImageRow>, StoreError> {
    Ok(sqlx::query_as!(
        ImageRow,
        r#"
        SELECT images.id AS "id: ImageId"
             , images.reference
             , images.digest
             , images.odoo_version
             , images.state = 'current' AS "is_current!"
             , images.created_at
             , (SELECT count(*)
                  FROM runtimes
                 WHERE runtimes.image_id = images.id
                   AND runtimes.environment_id IS NOT NULL
                   AND runtimes.wanted <> 'gone') AS "environments!"
          FROM images
         ORDER BY images.created_at DESC
         LIMIT 50
        "#
    )
    .fetch_all(db)
    .await?)
}

/// An environment that runs an older image.
#[derive(Clone, Debug)]
pub struct Behind {
    /// Which one.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its status' word.
    pub status: String,
    /// Since when.
    pub status_since: DateTime<Utc>,
    /// Whose it is.
    pub account: AccountId,
    /// That account's name.
    pub account_name: String,
    /// The content of its image.
    pub digest: String,
    /// Its version of Odoo.
    pub odoo_version: String,
    /// How far an update of it is, if there is one that has not ended.
    pub update: Option<String>,
    /// The key of the sentence that says why the last one failed, if it did.
    pub failure: Option<String>,
}

/// Environments with an older image than the present one of their Odoo version.
pub async fn behind(db: &mut PgConnection) -> Result<Vec<Behind>, StoreError> {
    Ok(sqlx::query_as!(
        Behind,
        r#"
        SELECT environments.id AS "id: EnvironmentId"
             , environments.name
             , environments.status
             , environments.status_since
             , accounts.id AS "account: AccountId"
             , accounts.name AS account_name
             , images.digest
             , images.odoo_version
             , open.state AS "update?"
             , CASE WHEN last.state = 'failed' THEN last.reason END AS failure
          FROM runtimes
          JOIN images ON images.id = runtimes.image_id
          JOIN environments ON environments.id = runtimes.environment_id
          JOIN accounts ON accounts.id = environments.account_id
          LEFT JOIN environment_updates AS open
            ON open.environment_id = environments.id AND open.ended_at IS NULL AND open.leaves_host_id IS NULL
          LEFT JOIN LATERAL (SELECT state, reason
                               FROM environment_updates
                              WHERE environment_id = environments.id
                                AND leaves_host_id IS NULL
                                AND ended_at IS NOT NULL
                              ORDER BY created_at DESC
                              LIMIT 1) AS last ON true
         WHERE runtimes.wanted <> 'gone'
           AND environments.wanted <> 'deleted'
           AND images.state <> 'current'
           AND EXISTS (SELECT FROM images AS present
                        WHERE present.odoo_version = images.odoo_version AND present.state = 'current')
         ORDER BY environments.created_at, environments.id
         LIMIT 500
        "#
    )
    .fetch_all(db)
    .await?)
}

/// A rollout and how far it is.
#[derive(Clone, Debug)]
pub struct RolloutRow {
    /// Which one.
    pub id: RolloutId,
    /// The content of the image that it brings.
    pub digest: String,
    /// How many at once.
    pub at_once: i32,
    /// `running`, `paused`, `stopped` or `done`.
    pub state: String,
    /// Who began it.
    pub started_by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// How many environments it is for.
    pub total: i64,
    /// How many are done.
    pub done: i64,
    /// How many failed.
    pub failed: i64,
}

/// The latest rollouts, newest first.
pub async fn rollouts(db: &mut PgConnection) -> Result<Vec<RolloutRow>, StoreError> {
    Ok(sqlx::query_as!(
        RolloutRow,
        r#"
        SELECT rollouts.id AS "id: RolloutId"
             , images.digest
             , rollouts.at_once
             , rollouts.state
             , rollouts.started_by
             , rollouts.started_at
             , count(updates.id) AS "total!"
             , count(updates.id) FILTER (WHERE updates.state = 'done') AS "done!"
             , count(updates.id) FILTER (WHERE updates.state = 'failed') AS "failed!"
          FROM rollouts
          JOIN images ON images.id = rollouts.image_id
          LEFT JOIN environment_updates AS updates ON updates.rollout_id = rollouts.id
         GROUP BY rollouts.id, images.digest
         ORDER BY rollouts.started_at DESC
         LIMIT 20
        "#
    )
    .fetch_all(db)
    .await?)
}

/// The present images to which environments (`only` these, or all) can be moved.
pub async fn targets(db: &mut PgConnection, only: Option<&[Uuid]>) -> Result<Vec<ImageId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT DISTINCT present.id AS "id: ImageId"
          FROM runtimes
          JOIN images ON images.id = runtimes.image_id
          JOIN images AS present ON present.odoo_version = images.odoo_version AND present.state = 'current'
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE runtimes.wanted <> 'gone'
           AND environments.wanted <> 'deleted'
           -- What is being made for the first time is left alone, unless its image may be what keeps it from running.
           AND (environments.first_ready_at IS NOT NULL OR environments.status = 'failing')
           AND present.id <> images.id
           AND ($1::uuid[] IS NULL OR environments.id = ANY ($1))
           AND NOT EXISTS (SELECT FROM environment_updates AS open
                            WHERE open.environment_id = environments.id
                              AND open.ended_at IS NULL
                              AND open.leaves_host_id IS NULL)
        "#,
        only
    )
    .fetch_all(db)
    .await?)
}

/// Inserts a rollout that runs.
pub async fn insert_rollout(
    db: &mut PgConnection,
    id: RolloutId,
    image: ImageId,
    at_once: i32,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO rollouts (id, image_id, at_once, state, started_by, started_at)
        VALUES ($1, $2, $3, 'running', $4, $5)
        "#,
        id as RolloutId,
        image as ImageId,
        at_once,
        by,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts an update for each environment with an older image than `image` of the same Odoo version.
pub async fn insert_updates(
    db: &mut PgConnection,
    (rollout, image): (RolloutId, ImageId),
    only: Option<&[Uuid]>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO environment_updates
             (id, environment_id, rollout_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
        SELECT gen_random_uuid(), environments.id, $1, present.id, runtimes.cpu_millis, runtimes.memory_mb, $4, $5
          FROM runtimes
          JOIN images ON images.id = runtimes.image_id
          JOIN images AS present ON present.id = $2 AND present.odoo_version = images.odoo_version
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE runtimes.wanted <> 'gone'
           AND environments.wanted <> 'deleted'
           -- What is being made for the first time is left alone, unless its image may be what keeps it from running.
           AND (environments.first_ready_at IS NOT NULL OR environments.status = 'failing')
           AND present.id <> images.id
           AND ($3::uuid[] IS NULL OR environments.id = ANY ($3))
           AND NOT EXISTS (SELECT FROM environment_updates AS open
                            WHERE open.environment_id = environments.id
                              AND open.ended_at IS NULL
                              AND open.leaves_host_id IS NULL)
            ON CONFLICT DO NOTHING
        "#,
        rollout as RolloutId,
        image as ImageId,
        only,
        by,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Stops a rollout and cancels what waits.
pub async fn stop(db: &mut PgConnection, id: RolloutId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE rollouts SET state = 'stopped', ended_at = $2 WHERE id = $1 AND state IN ('running', 'paused')",
        id as RolloutId,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        UPDATE environment_updates
           SET state = 'cancelled'
             , host_id = NULL
             , ended_at = $2
         WHERE rollout_id = $1
           AND state = 'waiting'
        "#,
        id as RolloutId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets a paused rollout go on.
pub async fn resume(db: &mut PgConnection, id: RolloutId) -> Result<bool, StoreError> {
    let done =
        sqlx::query!("UPDATE rollouts SET state = 'running' WHERE id = $1 AND state = 'paused'", id as RolloutId)
            .execute(db)
            .await?;
    Ok(done.rows_affected() > 0)
}
