//! Spares, as far as their room is somebody else's.

use sqlx::postgres::PgConnection;

use crate::base::ids::{HostId, RuntimeId};
use crate::db::StoreError;
use crate::hosts::{Load, Spare};

/// Adds to each host the spares that are on it.
pub(super) async fn add(db: &mut PgConnection, loads: &mut [Load]) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "runtime: RuntimeId"
             , host_id AS "host!: HostId"
             , cpu_millis
             , memory_mb
             , wanted = 'gone' AS "is_going!"
          FROM runtimes
         WHERE environment_id IS NULL
           AND state <> 'gone'
           AND host_id IS NOT NULL
         ORDER BY created_at, id
        "#
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        if let Some(load) = loads.iter_mut().find(|load| load.host.id == row.host) {
            load.spares.push(Spare {
                runtime: row.runtime,
                cpu_millis: row.cpu_millis,
                memory_mb: row.memory_mb,
                is_going: row.is_going,
            });
        }
    }
    Ok(())
}
