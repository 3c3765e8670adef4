//! Placements that were made, and how long each took until it answered.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::{EnvironmentId, HostId, RuntimeId};
use crate::db::StoreError;
use crate::hosts::Placement;

/// Notes that a runtime answers where it was placed last.
pub async fn set_served(db: &mut PgConnection, runtime: RuntimeId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE placements
           SET served_at = $2
         WHERE id = (SELECT max(id) FROM placements WHERE runtime_id = $1 AND replica IS NULL)
           AND served_at IS NULL
        "#,
        runtime as RuntimeId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down which host a replica is on, and why.
pub async fn add_of_replica(
    db: &mut PgConnection,
    (runtime, number): (RuntimeId, i32),
    placement: &Placement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO placements (runtime_id, host_id, replica, cause, explanation, placed_at)
        VALUES ($1, $2, $3, 'replicated', $4, $5)
        "#,
        runtime as RuntimeId,
        placement.host as HostId,
        number,
        placement.explanation,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a replica answers.
pub async fn set_replica_served(
    db: &mut PgConnection,
    (runtime, number): (RuntimeId, i32),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE placements SET served_at = $3 WHERE runtime_id = $1 AND replica = $2 AND served_at IS NULL",
        runtime as RuntimeId,
        number,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how many seconds a move took lately, from the decision to the end of the old container.
pub async fn seconds_of_a_move(db: &mut PgConnection) -> Result<Option<f64>, StoreError> {
    let seconds = sqlx::query_scalar!(
        r#"
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at)::double precision) AS seconds
          FROM (SELECT created_at, ended_at
                  FROM environment_updates
                 WHERE leaves_host_id IS NOT NULL
                   AND state = 'done'
                 ORDER BY created_at DESC
                 LIMIT 20) AS lately
        "#
    )
    .fetch_one(db)
    .await?;
    Ok(seconds)
}

/// A placement that was made, for people.
#[derive(Clone, Debug)]
pub struct PlacementRow {
    /// When.
    pub placed_at: DateTime<Utc>,
    /// Why it was made.
    pub cause: String,
    /// Why there.
    pub explanation: String,
    /// The host's name.
    pub host: String,
    /// The environment, if the runtime has one.
    pub environment: Option<EnvironmentId>,
    /// Its name.
    pub name: Option<String>,
    /// The runtime's code.
    pub code: String,
    /// How many milliseconds it took until it answered, once it has.
    pub took_ms: Option<i64>,
}

/// Returns the newest placements on a host, or of an environment.
pub async fn placements(
    db: &mut PgConnection,
    host: Option<HostId>,
    environment: Option<EnvironmentId>,
    limit: i64,
) -> Result<Vec<PlacementRow>, StoreError> {
    let rows = sqlx::query_as!(
        PlacementRow,
        r#"
        SELECT placements.placed_at
             , placements.cause
             , placements.explanation
             , hosts.name AS host
             , runtimes.environment_id AS "environment: EnvironmentId"
             , environments.name AS "name?"
             , runtimes.code
             , (extract(epoch FROM placements.served_at - placements.placed_at) * 1000)::bigint AS took_ms
          FROM placements
          JOIN hosts ON hosts.id = placements.host_id
          JOIN runtimes ON runtimes.id = placements.runtime_id
          LEFT JOIN environments ON environments.id = runtimes.environment_id
         WHERE ($1::uuid IS NULL OR placements.host_id = $1)
           AND ($2::uuid IS NULL OR runtimes.environment_id = $2)
         ORDER BY placements.id DESC
         LIMIT $3
        "#,
        host as Option<HostId>,
        environment as Option<EnvironmentId>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
