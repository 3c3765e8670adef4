//! The tables of templates and images.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{DatabaseServerId, ImageId, TemplateId};
use crate::db::StoreError;

use super::{Key, Template};

/// Returns the template of a key.
pub async fn find(db: &mut PgConnection, key: &Key) -> Result<Option<Template>, StoreError> {
    let row = sqlx::query_as!(
        Template,
        r#"
        SELECT templates.id AS "id: TemplateId"
             , templates.image_id AS "image: ImageId"
             , templates.database_server_id AS "database_server: DatabaseServerId"
             , templates.language
             , templates.country
             , templates.modules
             , templates.database_name
             , templates.state
             , images.digest AS image_digest
             , images.state = 'current' AS "is_current!"
          FROM templates
          JOIN images ON images.id = templates.image_id
         WHERE templates.database_server_id = $1
           AND templates.image_id = $2
           AND templates.language = $3
           AND templates.country = $4
           AND templates.modules = $5
        "#,
        key.database_server as DatabaseServerId,
        key.image as ImageId,
        key.language,
        key.country,
        &key.modules
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Returns a template.
pub async fn get(db: &mut PgConnection, id: TemplateId) -> Result<Option<Template>, StoreError> {
    let row = sqlx::query_as!(
        Template,
        r#"
        SELECT templates.id AS "id: TemplateId"
             , templates.image_id AS "image: ImageId"
             , templates.database_server_id AS "database_server: DatabaseServerId"
             , templates.language
             , templates.country
             , templates.modules
             , templates.database_name
             , templates.state
             , images.digest AS image_digest
             , images.state = 'current' AS "is_current!"
          FROM templates
          JOIN images ON images.id = templates.image_id
         WHERE templates.id = $1
        "#,
        id as TemplateId
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Asks for a template, if nobody has yet.
pub async fn order(
    db: &mut PgConnection,
    key: &Key,
    database_name: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO templates
             (id, database_server_id, image_id, language, country, modules, database_name, state, used_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'wanted', $8, $8)
            ON CONFLICT (database_server_id, image_id, language, country, modules) DO NOTHING
        "#,
        TemplateId::new(now) as TemplateId,
        key.database_server as DatabaseServerId,
        key.image as ImageId,
        key.language,
        key.country,
        &key.modules,
        database_name,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes due every template that is not looked after yet.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at)
        SELECT 'templates', id, $1
          FROM templates
         WHERE state IN ('wanted', 'failed')
           AND NOT EXISTS (SELECT FROM turns WHERE task = 'templates' AND subject = templates.id)
            ON CONFLICT (task, subject) DO NOTHING
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a template can be cloned, and how long it took where that is known.
pub async fn set_ready(db: &mut PgConnection, id: TemplateId, built_in_ms: Option<i64>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE templates SET state = 'ready', failure = NULL, built_in_ms = $2 WHERE id = $1",
        id as TemplateId,
        built_in_ms
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a template could not be built.
pub async fn set_failed(db: &mut PgConnection, id: TemplateId, failure: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE templates SET state = 'failed', failure = $2 WHERE id = $1", id as TemplateId, failure)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a template was cloned.
pub async fn set_used(db: &mut PgConnection, id: TemplateId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE templates SET used_at = $2 WHERE id = $1", id as TemplateId, now).execute(db).await?;
    Ok(())
}

/// The image that new environments run, and the server that their databases are made on.
pub struct Current {
    /// The image.
    pub image: ImageId,
    /// The server.
    pub database_server: DatabaseServerId,
}

/// Returns what new environments are made of; `None` before `sayoo setup` has registered both.
pub async fn current(db: &mut PgConnection) -> Result<Option<Current>, StoreError> {
    let row = sqlx::query_as!(
        Current,
        r#"
        SELECT images.id AS "image: ImageId"
             , database_servers.id AS "database_server: DatabaseServerId"
          FROM images
             , database_servers
         WHERE images.state = 'current'
           AND database_servers.state = 'active'
         ORDER BY images.odoo_version DESC
                , database_servers.created_at
         LIMIT 1
        "#
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Returns how long the last template took to build, for people who wait for one; nothing before the first one.
pub async fn expected_seconds(db: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let milliseconds = sqlx::query_scalar!(
        "SELECT built_in_ms FROM templates WHERE built_in_ms IS NOT NULL ORDER BY cardinality(modules) DESC, created_at DESC LIMIT 1"
    )
    .fetch_optional(db)
    .await?
    .flatten();
    Ok(milliseconds.map(|milliseconds| milliseconds / 1000))
}

/// Makes the environments that wait for a template due at once.
pub async fn call_waiting(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $1
          FROM environments
         WHERE turns.task = 'environments'
           AND turns.subject = environments.id
           AND environments.status IN ('preparing', 'failing')
           AND turns.due_at > $1
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
