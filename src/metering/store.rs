//! The metering tables: what there is to look at, and where it comes in. The only SQL about them, but for exports.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use super::{Meter, Observation};
use crate::base::ids::{EnvironmentId, RuntimeId};
use crate::db::StoreError;

mod generations;
mod hours;
mod readings;
mod refusals;
mod samples;
mod usage;
mod users;

pub use hours::{HourKey, add_up_days, list_slices, mark_due, put_hours, take_due};
pub use readings::{list_readings, list_sources};
pub use refusals::list_refusals;
pub use samples::{Batch, Holders, ingest, ingest_held};
pub use usage::{Step, last_value, list_coverage, list_steps, list_steps_of_hours, list_totals};
pub use users::{count_users, keep_users, note_look, take_users_due};

/// A runtime that belongs to an environment.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its code, which is its database's name.
    pub code: String,
    /// Whose it is.
    pub environment: EnvironmentId,
    /// Since when.
    pub claimed_at: DateTime<Utc>,
    /// The machines that its containers are on; elsewhere they are left over and nobody's.
    pub nodes: Vec<String>,
}

/// Begins a look of one kind unless somebody has begun one a moment ago. Says whether it is this process's turn.
pub async fn begin_look(
    db: &mut PgConnection,
    kind: &str,
    now: DateTime<Utc>,
    every: TimeDelta,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO meter_looks (kind, looked_at)
        VALUES ($1, $2)
            ON CONFLICT (kind) DO UPDATE
           SET looked_at = excluded.looked_at
         WHERE meter_looks.looked_at <= $3
            -- The clock has stepped back.
            OR meter_looks.looked_at > $4
        "#,
        kind,
        now,
        now - every,
        now + every,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns every runtime that belongs to an environment and is not gone.
pub async fn list_claimed(db: &mut PgConnection) -> Result<Vec<Claimed>, StoreError> {
    Ok(sqlx::query_as!(
        Claimed,
        r#"
        SELECT id             AS "runtime: RuntimeId"
             , code
             , environment_id AS "environment!: EnvironmentId"
             , claimed_at     AS "claimed_at!"
             , ARRAY (SELECT node
                        FROM hosts
                       WHERE node IS NOT NULL
                         AND (hosts.id = runtimes.host_id
                              OR hosts.id IN (SELECT host_id
                                          FROM environment_updates
                                         WHERE environment_updates.environment_id = runtimes.environment_id)
                              OR hosts.id IN (SELECT replicas.host_id
                                                FROM replicas
                                               WHERE replicas.runtime_id = runtimes.id))) AS "nodes!"
          FROM runtimes
         WHERE environment_id IS NOT NULL
           AND state <> 'gone'
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// Takes what the proxies have written, up to `limit` rows, oldest first. They are gone when the transaction commits.
///
/// Rows of environments that do not exist (any more) are taken and dropped.
pub async fn take_traffic(tx: &mut PgConnection, limit: i64) -> Result<Vec<Observation>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH taken AS (
            DELETE FROM traffic_samples
             WHERE (proxy_epoch, environment_id, seq) IN (
                SELECT proxy_epoch, environment_id, seq
                  FROM traffic_samples
                 ORDER BY observed_at
                 LIMIT $1
                   FOR UPDATE SKIP LOCKED
             )
            RETURNING proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes
        )
        SELECT t.proxy_epoch    AS "proxy_epoch!"
             , t.environment_id AS "environment!: EnvironmentId"
             , t.observed_at    AS "observed_at!"
             , t.requests       AS "requests!"
             , t.egress_bytes   AS "egress_bytes!"
          FROM taken t
          JOIN environments e ON e.id = t.environment_id
         ORDER BY t.proxy_epoch, t.environment_id, t.seq
        "#,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let both = rows.into_iter().flat_map(|row| {
        [(Meter::Requests, row.requests), (Meter::Egress, row.egress_bytes)].map(|(meter, value)| Observation {
            environment: row.environment,
            meter,
            source: format!("proxy:{}", row.proxy_epoch),
            opened_at: row.observed_at,
            is_inherited: false,
            observed_at: row.observed_at,
            value,
        })
    });
    Ok(both.collect())
}
