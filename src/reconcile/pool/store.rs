//! Counts spares.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{DatabaseServerId, ImageId, TemplateId};
use crate::db::StoreError;

/// One kind of spare: a size and a template, with how many there are.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The image.
    pub image: ImageId,
    /// The template.
    pub template: TemplateId,
    /// Where its database is made.
    pub database_server: DatabaseServerId,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// How many there are, with those that are being built.
    pub there: i64,
}

/// Returns the kinds that are kept: the sizes of the plans on offer, times the ready templates without applications.
/// Those with the fewest come first.
pub async fn kinds(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Kind>, StoreError> {
    let rows = sqlx::query_as!(
        Kind,
        r#"
        WITH sizes AS (
            SELECT DISTINCT sold.cpu_millis, sold.memory_mb
              FROM plans
              JOIN plan_versions_sold($1) AS sold ON sold.plan_id = plans.id
             WHERE plans.is_offered
        )
        SELECT images.id AS "image: ImageId"
             , templates.id AS "template: TemplateId"
             , templates.database_server_id AS "database_server: DatabaseServerId"
             , sizes.cpu_millis AS "cpu_millis!"
             , sizes.memory_mb AS "memory_mb!"
             , (SELECT count(*)
                  FROM runtimes
                 WHERE runtimes.environment_id IS NULL
                   AND runtimes.wanted = 'running'
                   AND runtimes.template_id = templates.id
                   AND runtimes.cpu_millis = sizes.cpu_millis
                   AND runtimes.memory_mb = sizes.memory_mb) AS "there!"
          FROM sizes
         CROSS JOIN templates
          JOIN images ON images.id = templates.image_id
         WHERE templates.state = 'ready'
           AND templates.modules = '{}'
           AND templates.country = ''
           AND images.state = 'current'
         ORDER BY 6, sizes.memory_mb, templates.created_at
        "#,
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Whether no spare is to be made now: a host is emptied, and its instances need the room; or one that was given up for
/// somebody (since `since`) has not gone yet, and its room is not for another one.
pub async fn must_wait(db: &mut PgConnection, since: DateTime<Utc>) -> Result<bool, StoreError> {
    let must = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT
                         FROM hosts
                        WHERE hosts.wanted = 'empty'
                          AND (EXISTS (SELECT FROM runtimes WHERE runtimes.host_id = hosts.id AND runtimes.state <> 'gone')
                               OR EXISTS (SELECT FROM replicas WHERE replicas.host_id = hosts.id)
                               OR EXISTS (SELECT FROM environment_updates WHERE environment_updates.host_id = hosts.id)))
            OR EXISTS (SELECT
                         FROM runtimes
                         LEFT JOIN turns ON turns.task = 'spares' AND turns.subject = runtimes.id
                        WHERE runtimes.environment_id IS NULL
                          AND runtimes.wanted = 'gone'
                          AND runtimes.state <> 'gone'
                          AND coalesce(turns.unsettled_at, turns.due_at, 'infinity') > $1) AS "must!"
        "#,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(must)
}

/// Returns how many spares are being built.
pub async fn being_built(db: &mut PgConnection) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
          FROM runtimes
         WHERE environment_id IS NULL
           AND wanted = 'running'
           AND state = 'building'
        "#
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Gives up the spares that nobody can be given any more: of an old image, or of a size that is no longer sold.
pub async fn give_up_old(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET wanted = 'gone'
          FROM images
         WHERE images.id = runtimes.image_id
           AND runtimes.environment_id IS NULL
           AND runtimes.wanted = 'running'
           AND (images.state <> 'current'
                OR NOT EXISTS (SELECT
                                 FROM plan_versions
                                 JOIN plans ON plans.id = plan_versions.plan_id
                                WHERE plans.is_offered
                                  AND plan_versions.state = 'published'
                                  AND plan_versions.cpu_millis = runtimes.cpu_millis
                                  AND plan_versions.memory_mb = runtimes.memory_mb))
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives up the oldest spares of each kind that has more than `wanted`.
pub async fn give_up_surplus(db: &mut PgConnection, wanted: i64) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET wanted = 'gone'
         WHERE environment_id IS NULL
           AND wanted = 'running'
           AND id IN (SELECT id
                        FROM (SELECT id
                                   , row_number() OVER (PARTITION BY template_id, cpu_millis, memory_mb
                                                            ORDER BY (state = 'ready') DESC, created_at DESC) AS place
                                FROM runtimes
                               WHERE environment_id IS NULL
                                 AND wanted = 'running') AS placed
                       WHERE place > $1)
        "#,
        wanted
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how many default templates and how many spares there are, and how many there should be: for `wait-ready`.
pub struct Readiness {
    /// Templates without applications for the present image.
    pub templates: i64,
    /// Those of them that can be cloned.
    pub templates_ready: i64,
    /// What the last failure of one of them said.
    pub failure: Option<String>,
    /// Spares that can be handed out.
    pub spares_ready: i64,
    /// Spares that are being built.
    pub spares_building: i64,
    /// Pairs of a size on offer and a template without applications that have no spare to hand out.
    pub kinds_without_spare: i64,
    /// Whether the pool has been counted and nothing more is to be begun.
    pub is_pool_settled: bool,
}

/// Counts what is ready.
pub async fn readiness(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Readiness, StoreError> {
    let row = sqlx::query_as!(
        Readiness,
        r#"
        SELECT count(*) AS "templates!"
             , count(*) FILTER (WHERE templates.state = 'ready') AS "templates_ready!"
             , max(templates.failure) AS failure
             , (SELECT count(*) FROM runtimes WHERE environment_id IS NULL AND wanted = 'running' AND state = 'ready') AS "spares_ready!"
             , (SELECT count(*) FROM runtimes WHERE environment_id IS NULL AND wanted = 'running' AND state = 'building') AS "spares_building!"
             , (SELECT count(DISTINCT (sold.cpu_millis, sold.memory_mb, cloned.id))
                  FROM plan_versions_sold($1) AS sold
                  JOIN plans ON plans.id = sold.plan_id
                  JOIN images AS running ON running.state = 'current'
                  JOIN templates AS cloned ON cloned.image_id = running.id AND cloned.modules = '{}' AND cloned.country = ''
                 WHERE plans.is_offered
                   AND NOT EXISTS (SELECT FROM runtimes
                                    WHERE runtimes.environment_id IS NULL
                                      AND runtimes.wanted = 'running'
                                      AND runtimes.state = 'ready'
                                      AND runtimes.template_id = cloned.id
                                      AND runtimes.cpu_millis = sold.cpu_millis
                                      AND runtimes.memory_mb = sold.memory_mb)) AS "kinds_without_spare!"
             , EXISTS (SELECT FROM turns WHERE task = 'pool' AND turned_at IS NOT NULL AND unsettled_at IS NULL) AS "is_pool_settled!"
          FROM templates
          JOIN images ON images.id = templates.image_id
         WHERE images.state = 'current'
           AND templates.modules = '{}'
           AND templates.country = ''
        "#,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(row)
}
