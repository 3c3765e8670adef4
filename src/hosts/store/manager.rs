//! Whether the manager takes orders, as the worker found it last.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::db::StoreError;

/// Returns since when the manager, or every machine, has not answered the worker; `None` when all is well.
pub async fn silent_since(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT min(unsettled_at) FROM turns WHERE task IN ('hosts', 'pulse') AND attempts > 0")
        .fetch_one(db)
        .await?)
}
