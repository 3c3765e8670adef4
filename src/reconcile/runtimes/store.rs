//! The tables of runtimes and of machines, as far as the worker changes them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{DatabaseServerId, EnvironmentId, HostId, ImageId, RuntimeId, TemplateId};
use crate::db::StoreError;
use crate::hosts::{self, Cause, Placement};

use super::{Runtime, State};

/// Returns a runtime with what it needs to be built.
pub async fn find(db: &mut PgConnection, id: RuntimeId) -> anyhow::Result<Option<Runtime>> {
    let row = sqlx::query!(
        r#"
        SELECT runtimes.code
             , coalesce(runtimes.image_reference, images.digest) AS "image!"
             , host_images.state AS "supply?"
             , host_images.since AS "supply_since?"
             , templates.database_name
             , templates.modules
             , runtimes.cpu_millis
             , runtimes.memory_mb
             , runtimes.host_id AS "host: HostId"
             , hosts.node AS "node?"
             , coalesce(hosts.state = 'down', false) AS "is_lost!"
             , runtimes.is_rotating
             , runtimes.login_generation
             , runtimes.service_generation
             , runtimes.service_slot
             , runtimes.restarts_done
             , runtimes.personalised_at
             , runtimes.known_as
             , runtimes.asleep_since
             , runtimes.wakes_at
             , runtimes.awake_until
             , runtimes.state
             , runtimes.created_at
             , CASE WHEN runtimes.served_image_id IS NOT NULL
                    THEN coalesce((SELECT max(placed_at) FROM placements WHERE placements.runtime_id = runtimes.id)
                                , runtimes.created_at)
               END AS on_trial_since
          FROM runtimes
          JOIN images ON images.id = runtimes.image_id
          JOIN templates ON templates.id = runtimes.template_id
          LEFT JOIN hosts ON hosts.id = runtimes.host_id
          LEFT JOIN host_images ON host_images.host_id = runtimes.host_id AND host_images.image_id = runtimes.image_id
         WHERE runtimes.id = $1
        "#,
        id as RuntimeId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Runtime {
        id,
        code: row.code,
        image: row.image,
        supply: crate::reconcile::images::supply_of(row.supply.as_deref(), row.supply_since),
        template_database: row.database_name,
        modules: row.modules,
        cpu_millis: row.cpu_millis,
        memory_mb: row.memory_mb,
        host: row.host,
        node: row.node,
        is_lost: row.is_lost,
        is_rotating: row.is_rotating,
        login_generation: row.login_generation,
        service_generation: row.service_generation,
        service_slot: row.service_slot,
        replica: None,
        restarts_done: row.restarts_done,
        personalised_at: row.personalised_at,
        known_as: row.known_as,
        asleep_since: row.asleep_since,
        wakes_at: row.wakes_at,
        awake_until: row.awake_until,
        state: State::parse(&row.state)?,
        created_at: row.created_at,
        on_trial_since: row.on_trial_since,
    }))
}

/// What a new runtime is made of.
pub struct NewRuntime<'a> {
    /// Which one.
    pub id: RuntimeId,
    /// What everything of it is named after.
    pub code: &'a str,
    /// Whose it is; a spare has nobody.
    pub environment: Option<EnvironmentId>,
    /// Its image.
    pub image: ImageId,
    /// Its template.
    pub template: TemplateId,
    /// Its database server.
    pub database_server: DatabaseServerId,
    /// Its machine, and why that one.
    pub placement: &'a Placement,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// The restarts it begins with.
    pub restarts: i64,
    /// The sealed password of its login role.
    pub password_sealed: &'a [u8],
    /// When it is begun.
    pub now: DateTime<Utc>,
}

/// Writes a new runtime and its sealed password.
pub async fn insert(db: &mut PgConnection, new: &NewRuntime<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO runtimes
             ( id, code, environment_id, image_id, template_id, database_server_id, cpu_millis, memory_mb
             , wanted, restarts_done, state, created_at, claimed_at )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, 'building', $10
              , CASE WHEN $3::uuid IS NULL THEN NULL ELSE $10::timestamptz END)
        "#,
        new.id as RuntimeId,
        new.code,
        new.environment as Option<EnvironmentId>,
        new.image as ImageId,
        new.template as TemplateId,
        new.database_server as DatabaseServerId,
        new.cpu_millis,
        new.memory_mb,
        new.restarts,
        new.now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO runtime_secrets (runtime_id, password_sealed) VALUES ($1, $2)",
        new.id as RuntimeId,
        new.password_sealed
    )
    .execute(&mut *db)
    .await?;
    hosts::store::set_host(db, new.id, new.placement, Cause::Made, new.now).await
}

/// Whether containers of an image (its content, or its pinned name) must prove who they are.
pub async fn image_proves(db: &mut PgConnection, image: &str) -> Result<bool, StoreError> {
    let proves = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM images WHERE (digest = $1 OR pinned = $1) AND proves) AS "proves!""#,
        image
    )
    .fetch_one(db)
    .await?;
    Ok(proves)
}

/// Notes that a container of an image proved who it is.
pub async fn set_image_proves(db: &mut PgConnection, image: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE images SET proves = true WHERE (digest = $1 OR pinned = $1) AND NOT proves", image)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the sealed password of a runtime's login role.
pub async fn password_sealed(db: &mut PgConnection, id: RuntimeId) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed =
        sqlx::query_scalar!("SELECT password_sealed FROM runtime_secrets WHERE runtime_id = $1", id as RuntimeId)
            .fetch_optional(db)
            .await?;
    Ok(sealed)
}

/// Gives the service of a runtime that was given a machine a new generation.
pub async fn set_placed(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET wanted = 'running'
             , service_generation = service_generation + 1
         WHERE id = $1
        "#,
        id as RuntimeId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a runtime's login role another password, which the role itself gets later: until then nothing new may connect.
pub async fn begin_rotation(db: &mut PgConnection, id: RuntimeId, password_sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtime_secrets SET password_sealed = $2 WHERE runtime_id = $1",
        id as RuntimeId,
        password_sealed
    )
    .execute(&mut *db)
    .await?;
    set_rotating(db, id).await
}

/// Notes that the login role must get its password before anything is started.
pub async fn set_rotating(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE runtimes SET is_rotating = true WHERE id = $1", id as RuntimeId).execute(db).await?;
    Ok(())
}

/// Notes that the login role has the new password, and that nobody is connected with the old one.
pub async fn end_rotation(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE runtimes SET is_rotating = false WHERE id = $1", id as RuntimeId).execute(db).await?;
    Ok(())
}

/// Gives a runtime's service a new generation with this many restarts.
pub async fn renew(db: &mut PgConnection, id: RuntimeId, restarts: i64) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET restarts_done = $2
             , service_generation = service_generation + 1
         WHERE id = $1
           AND restarts_done < $2
        "#,
        id as RuntimeId,
        restarts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a runtime's service a new generation and returns it: commands of an older one are refused by the engine from then
/// on.
pub async fn bump(db: &mut PgConnection, id: RuntimeId) -> Result<i64, StoreError> {
    let generation = sqlx::query_scalar!(
        "UPDATE runtimes SET service_generation = service_generation + 1 WHERE id = $1 RETURNING service_generation",
        id as RuntimeId
    )
    .fetch_one(db)
    .await?;
    Ok(generation)
}

/// Notes that a runtime answers.
pub async fn set_ready(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE runtimes SET state = 'ready' WHERE id = $1 AND state <> 'gone'", id as RuntimeId)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that the image of a runtime serves: it is on trial no more.
pub async fn end_trial(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET served_image_id = NULL WHERE id = $1 AND served_image_id IS NOT NULL",
        id as RuntimeId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a runtime has no machine any more.
pub async fn set_stopped(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET state = 'stopped', host_id = NULL WHERE id = $1 AND state <> 'gone'",
        id as RuntimeId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the database was made the customer's own, and learned its address.
pub async fn set_personalised(
    db: &mut PgConnection,
    id: RuntimeId,
    known_as: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET personalised_at = $3, known_as = $2 WHERE id = $1",
        id as RuntimeId,
        known_as,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes which address the database knows; `None` while it is being told another one.
pub async fn set_known_as(db: &mut PgConnection, id: RuntimeId, known_as: Option<&str>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE runtimes SET known_as = $2 WHERE id = $1", id as RuntimeId, known_as).execute(db).await?;
    Ok(())
}

/// Notes that nothing of a runtime is left, and forgets its password.
pub async fn set_gone(db: &mut PgConnection, id: RuntimeId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET wanted = 'gone', state = 'gone', host_id = NULL, gone_at = $2 WHERE id = $1 AND state <> 'gone'",
        id as RuntimeId,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("DELETE FROM runtime_secrets WHERE runtime_id = $1", id as RuntimeId).execute(db).await?;
    Ok(())
}

/// Gives these spares up, as far as they still are spares, so that a customer's container has room. Returns whether one was.
pub async fn give_up_spares(db: &mut PgConnection, spares: &[RuntimeId]) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE runtimes SET wanted = 'gone' WHERE id = ANY ($1) AND environment_id IS NULL AND wanted = 'running'",
        spares as &[RuntimeId]
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
