//! Who is still on a host, with what keeps each there.

use sqlx::postgres::PgConnection;

use crate::base::ids::{EnvironmentId, HostId};
use crate::db::StoreError;
use crate::hosts::left::Standing;

/// Somebody who is still on a host.
#[derive(Clone, Debug)]
pub struct LeftRow {
    /// Whose container it is.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub name: String,
    /// The customer's name.
    pub account: String,
    /// How it stands.
    pub standing: Standing,
    /// What was said when it could not go, for staff.
    pub explanation: Option<String>,
}

/// Returns every container of environments that has room on a host.
pub async fn left(db: &mut PgConnection, host: HostId) -> Result<Vec<LeftRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT environments.id AS "environment: EnvironmentId"
             , environments.name
             , accounts.name AS account
             , places.is_replica AS "is_replica!"
             , places.is_second AS "is_second!"
             , places.is_going AS "is_going!"
             , places.has_turn OR EXISTS (SELECT FROM environment_updates AS move
                                           WHERE move.environment_id = environments.id
                                             AND move.leaves_host_id = $1
                                             AND move.ended_at IS NULL
                                             AND NOT places.is_replica) AS "is_moving!"
             , EXISTS (SELECT FROM environment_updates AS other
                        WHERE other.environment_id = environments.id
                          AND other.leaves_host_id IS NULL
                          AND other.state <> 'waiting'
                          AND other.ended_at IS NULL) AS "has_update!"
             , environments.wanted = 'running' AND runtimes.asleep_since IS NULL AS "is_wanted!"
             , runtimes.state = 'ready' AS "is_ready!"
             , environments.status = 'failing' AS "is_failing!"
             , CASE WHEN places.is_replica THEN coalesce(replica_troubles.reason = 'reason-replicas-no-room', false)
                    ELSE room.kind IS NOT NULL
                END AS "lacks_room!"
             , failed.kind IS NOT NULL AS "has_failed!"
             , CASE WHEN places.is_replica THEN replica_troubles.explanation
                    ELSE coalesce(room.explanation, failed.explanation, engine.explanation)
                END AS explanation
          FROM (SELECT id AS runtime_id, false AS is_replica, false AS is_second, false AS is_going, false AS has_turn
                  FROM runtimes
                 WHERE host_id = $1
                   AND environment_id IS NOT NULL
                   AND state <> 'gone'
                 UNION ALL
                SELECT runtime_id, true, false, state = 'leaving', moves_at IS NOT NULL
                  FROM replicas
                 WHERE host_id = $1
                 UNION ALL
                SELECT runtimes.id, false, true, environment_updates.state = 'switched', false
                  FROM environment_updates
                  JOIN runtimes ON runtimes.environment_id = environment_updates.environment_id AND runtimes.wanted <> 'gone'
                 WHERE environment_updates.host_id = $1) AS places
          JOIN runtimes ON runtimes.id = places.runtime_id
          JOIN environments ON environments.id = runtimes.environment_id
          JOIN accounts ON accounts.id = environments.account_id
          LEFT JOIN replica_troubles ON replica_troubles.runtime_id = runtimes.id
          LEFT JOIN environment_troubles AS room ON room.environment_id = environments.id AND room.kind = 'room'
          LEFT JOIN environment_troubles AS failed ON failed.environment_id = environments.id AND failed.kind = 'move'
          LEFT JOIN environment_troubles AS engine ON engine.environment_id = environments.id AND engine.kind = 'engine'
         ORDER BY runtimes.memory_mb DESC, environments.name, environments.id, places.is_replica
        "#,
        host as HostId
    )
    .fetch_all(db)
    .await?;
    let standing = rows.into_iter().map(|row| LeftRow {
        environment: row.environment,
        name: row.name,
        account: row.account,
        standing: Standing {
            is_replica: row.is_replica,
            is_second: row.is_second,
            is_going: row.is_going,
            is_moving: row.is_moving,
            has_update: row.has_update,
            is_wanted: row.is_wanted,
            is_ready: row.is_ready,
            is_failing: row.is_failing,
            lacks_room: row.lacks_room,
            has_failed: row.has_failed,
        },
        explanation: row.explanation,
    });
    Ok(standing.collect())
}
