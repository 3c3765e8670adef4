//! Who is told that sessions of an instance were ended.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::EnvironmentId;
use crate::db::StoreError;
use crate::tenant_db::DatabaseName;

use super::plan::Why;

/// The kind of the event.
pub const EVENT: &str = "database.ended";

/// Returns the environment of a database, unless it has been told the same since then. A spare has none.
pub async fn untold(
    db: &mut PgConnection,
    database: &DatabaseName,
    why: Why,
    since: DateTime<Utc>,
) -> Result<Option<EnvironmentId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT runtimes.environment_id AS "environment!: EnvironmentId"
          FROM runtimes
         WHERE runtimes.code = $1
           AND runtimes.environment_id IS NOT NULL
           AND NOT EXISTS (SELECT
                             FROM environment_events
                            WHERE environment_events.environment_id = runtimes.environment_id
                              AND environment_events.kind = $2
                              AND environment_events.detail ->> 'by' = $3
                              AND environment_events.at > $4)
        "#,
        database.as_str(),
        EVENT,
        why.as_str(),
        since
    )
    .fetch_optional(db)
    .await?)
}
