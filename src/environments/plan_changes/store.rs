//! Updates that customers ask for.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId, HostId, ImageId, PlanVersionId, RuntimeId, UpdateId};
use crate::db::StoreError;
use crate::hosts::Placement;
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

/// The runtime of the account's environment, and the image that it runs.
pub async fn runtime(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
) -> Result<Option<(RuntimeId, ImageId)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT runtimes.id AS "id: RuntimeId"
             , runtimes.image_id AS "image: ImageId"
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
    Ok(row.map(|row| (row.id, row.image)))
}

/// An update to another plan.
pub struct NewUpdate<'a> {
    pub id: UpdateId,
    pub environment: EnvironmentId,
    pub image: ImageId,
    pub version: PlanVersionId,
    pub placement: Option<&'a Placement>,
    pub need: Need,
    pub asked_by: &'a str,
}

/// Inserts an update, with the room that is set aside for it.
pub async fn insert(db: &mut PgConnection, new: &NewUpdate<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_updates
             (id, environment_id, image_id, plan_version_id, host_id, explanation, cpu_millis, memory_mb, asked_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $10, $6, $7, $8, $9)
        "#,
        new.id as UpdateId,
        new.environment as EnvironmentId,
        new.image as ImageId,
        new.version as PlanVersionId,
        new.placement.map(|placement| placement.host) as Option<HostId>,
        new.need.cpu_millis,
        new.need.memory_mb,
        new.asked_by,
        now,
        new.placement.map(|placement| placement.explanation.as_str())
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts an environment on its new plan, charged since an instant. Returns how many containers were wanted and how many are, where
/// the plan allows fewer.
pub async fn set_plan(
    db: &mut PgConnection,
    id: EnvironmentId,
    version: PlanVersionId,
    (since, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<(i32, i32)>, StoreError> {
    let row = sqlx::query!(
        r#"
        UPDATE environments
           SET plan_version_id = plan_versions.id
             , charged_since = $3
             , kind = plans.kind
             , replicas = least(before.replicas, plan_versions.max_replicas)
             , scaled_at = CASE WHEN before.replicas > plan_versions.max_replicas THEN $4 ELSE environments.scaled_at END
          FROM plan_versions
          JOIN plans ON plans.id = plan_versions.plan_id
             , (SELECT replicas FROM environments WHERE id = $1 FOR UPDATE) AS before
         WHERE environments.id = $1
           AND plan_versions.id = $2
        RETURNING before.replicas AS "before!", environments.replicas AS after
        "#,
        id as EnvironmentId,
        version as PlanVersionId,
        since,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.before, row.after)).filter(|(before, after)| before != after))
}
