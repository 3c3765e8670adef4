//! What the public is sent to, for noticing what is no longer there.

use sqlx::PgConnection;

use crate::base::ids::RuntimeId;
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
