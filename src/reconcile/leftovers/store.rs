//! Who owns what, for finding what nobody owns.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::StoreError;

use super::plan::{Owner, Owners, Suspects};

/// Returns every runtime and template there has ever been.
pub async fn owners(db: &mut PgConnection) -> Result<Owners, StoreError> {
    let runtimes = sqlx::query!(
        r#"
        SELECT code
             , state = 'gone' AS "is_gone!"
             , service_slot
             , ARRAY (SELECT number FROM replicas WHERE replicas.runtime_id = runtimes.id) AS "replicas!"
             , EXISTS (SELECT FROM environment_updates
                        WHERE environment_updates.environment_id = runtimes.environment_id
                          AND environment_updates.ended_at IS NULL) AS "has_update!"
          FROM runtimes
        "#
    )
    .fetch_all(&mut *db)
    .await?;
    let templates =
        sqlx::query!(r#"SELECT database_name, state = 'retired' AS "is_gone!" FROM templates"#).fetch_all(db).await?;
    Ok(Owners {
        runtimes: runtimes
            .into_iter()
            .map(|row| {
                let owner = Owner {
                    is_gone: row.is_gone,
                    has_update: row.has_update,
                    slot: row.service_slot,
                    replicas: row.replicas.into_iter().collect(),
                };
                (row.code, owner)
            })
            .collect(),
        templates: templates.into_iter().map(|row| (row.database_name, row.is_gone)).collect(),
    })
}

/// Returns what the last good look suspected.
pub async fn suspects(db: &mut PgConnection, subject: Uuid) -> Result<Suspects, StoreError> {
    let status = sqlx::query_scalar!("SELECT status FROM turns WHERE task = 'leftovers' AND subject = $1", subject)
        .fetch_optional(db)
        .await?;
    // A status in an older form is a first look.
    Ok(status.and_then(|status| serde_json::from_value(status).ok()).unwrap_or_default())
}
