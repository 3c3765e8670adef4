//! The readings of a meter, source after source.

use sqlx::postgres::PgConnection;

use crate::base::ids::{EnvironmentId, MeterEpochId};
use crate::db::StoreError;
use crate::metering::readings::{Reading, Wanted};

/// Returns the sources that may speak of a time, the newest first.
pub async fn list_sources(db: &mut PgConnection, wanted: &Wanted) -> Result<Vec<(MeterEpochId, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: MeterEpochId"
             , source
          FROM meter_epochs
         WHERE environment_id = $1
           AND meter = $2
           AND last_observed_at >= $3
           AND opened_at < $4
         ORDER BY opened_at DESC, id DESC
        "#,
        wanted.environment as EnvironmentId,
        wanted.meter,
        wanted.from,
        wanted.until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.source)).collect())
}

/// Returns what a source read that speaks of a time, after one of its numbers.
pub async fn list_readings(
    db: &mut PgConnection,
    source: MeterEpochId,
    wanted: &Wanted,
    after: i64,
    limit: i64,
) -> Result<Vec<Reading>, StoreError> {
    Ok(sqlx::query_as!(
        Reading,
        r#"
        SELECT seq
             , observed_at AS read_at
             , value
             , from_at AS "from"
             , until_at AS "until"
             , quantity
             , quality
          FROM meter_samples
         WHERE epoch_id = $1
           AND seq > $2
           AND until_at >= $3
           AND from_at < $4
         ORDER BY seq
         LIMIT $5
        "#,
        source as MeterEpochId,
        after,
        wanted.from,
        wanted.until,
        limit,
    )
    .fetch_all(db)
    .await?)
}
