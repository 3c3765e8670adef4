//! Updates that customers ask for.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId, HostId, ImageId, PlanVersionId, UpdateId};
use crate::db::StoreError;
use crate::hosts::placement::Need;

/// Whether the account's environment has an update that has not ended.
pub async fn has_open(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> Result<bool, StoreError> {
    let has = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT
                         FROM environment_updates
                         JOIN environments ON environments.id = environment_updates.environment_id
                        WHERE environments.id = $1
                          AND environments.account_id = $2
                          AND environment_updates.leaves_host_id IS NULL
                          AND environment_updates.ended_at IS NULL) AS "has!"
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .fetch_one(db)
    .await?;
    Ok(has)
}

/// The image that the account's environment runs.
pub async fn image(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
) -> Result<Option<ImageId>, StoreError> {
    let image = sqlx::query_scalar!(
        r#"
        SELECT runtimes.image_id AS "image: ImageId"
          FROM runtimes
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE environments.id = $1
           AND environments.account_id = $2
           AND runtimes.wanted <> 'gone'
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?;
    Ok(image)
}

/// An update to another plan.
pub struct NewUpdate<'a> {
    pub id: UpdateId,
    pub environment: EnvironmentId,
    pub image: ImageId,
    pub version: PlanVersionId,
    pub host: Option<HostId>,
    pub need: Need,
    pub asked_by: &'a str,
}

/// Inserts an update, with the room that is set aside for it.
pub async fn insert(db: &mut PgConnection, new: &NewUpdate<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_updates
             (id, environment_id, image_id, plan_version_id, host_id, cpu_millis, memory_mb, asked_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        new.id as UpdateId,
        new.environment as EnvironmentId,
        new.image as ImageId,
        new.version as PlanVersionId,
        new.host as Option<HostId>,
        new.need.cpu_millis,
        new.need.memory_mb,
        new.asked_by,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
