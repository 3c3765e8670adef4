//! The tables of replicas and of what keeps them from being as many as wanted.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::act::NO_ROOM;
use super::{Replica, Trouble};
use crate::base::ids::{EnvironmentId, HostId, ReplicaId, RuntimeId};
use crate::db::StoreError;
use crate::hosts::{self, Placement};

/// The first pause after a try that failed; each further one is twice as long.
const RETRY_AFTER: TimeDelta = TimeDelta::seconds(10);
/// The longest pause after a container that did not come up: each try costs a machine a start.
const RETRY_AT_MOST: TimeDelta = TimeDelta::minutes(5);
/// The longest pause while no machine has room: a try costs one transaction, and room may come from anything at any time (a
/// machine that is back, another customer who leaves).
const ROOM_AT_MOST: TimeDelta = TimeDelta::seconds(20);

/// Returns the replicas of a runtime, the oldest first.
pub async fn list(db: &mut PgConnection, runtime: RuntimeId) -> Result<Vec<Replica>, StoreError> {
    let rows = sqlx::query_as!(
        Replica,
        r#"
        SELECT replicas.id AS "id: ReplicaId"
             , replicas.number
             , replicas.host_id AS "host: HostId"
             , hosts.node AS "node?"
             , hosts.state = 'down' AS "is_lost!"
             , hosts.wanted = 'gone' OR hosts.wanted = 'empty' AND replicas.moves_at IS NOT NULL AS "must_move!"
             , hosts.wanted = 'empty' AND hosts.may_have_fewer AS "may_end!"
             , coalesce(replicas.image_reference, images.digest) AS "image!"
             , host_images.state AS "supply?"
             , host_images.since AS "supply_since?"
             , replicas.cpu_millis
             , replicas.memory_mb
             , replicas.restarts
             , replicas.login_generation
             , replicas.image_id <> runtimes.image_id
               OR replicas.cpu_millis <> runtimes.cpu_millis
               OR replicas.memory_mb <> runtimes.memory_mb
               OR replicas.restarts < runtimes.restarts_done
               OR replicas.login_generation <> runtimes.login_generation AS "is_outdated!"
             , replicas.host_id IS NOT DISTINCT FROM runtimes.host_id AS "is_beside!"
             , replicas.state
             , replicas.address
             , replicas.websocket
             , replicas.began_at
             , replicas.served_at
             , replicas.left_at
             , environment_activity.leaving_at AS "leaving_at?"
          FROM replicas
          JOIN runtimes ON runtimes.id = replicas.runtime_id
          JOIN images ON images.id = replicas.image_id
          JOIN hosts ON hosts.id = replicas.host_id
          LEFT JOIN host_images ON host_images.host_id = replicas.host_id AND host_images.image_id = replicas.image_id
          LEFT JOIN environment_activity ON environment_activity.environment_id = runtimes.environment_id
         WHERE replicas.runtime_id = $1
         ORDER BY replicas.number
        "#,
        runtime as RuntimeId
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// A replica that begins.
pub struct NewReplica<'a> {
    /// Which one.
    pub id: ReplicaId,
    /// Whose.
    pub runtime: RuntimeId,
    /// Its machine, and why that one.
    pub placement: &'a Placement,
    /// The sealed password of its login role.
    pub password_sealed: &'a [u8],
    /// When it begins.
    pub now: DateTime<Utc>,
}

/// Writes down a replica that is like its runtime's first container, with a number that none of its runtime ever had.
pub async fn insert(db: &mut PgConnection, new: &NewReplica<'_>) -> Result<(), StoreError> {
    let number = sqlx::query_scalar!(
        r#"
        WITH counted AS (
            UPDATE runtimes
               SET replicas_made = replicas_made + 1
             WHERE id = $2
            RETURNING replicas_made, image_id, cpu_millis, memory_mb, restarts_done, login_generation
        )
        INSERT INTO replicas ( id, runtime_id, number, host_id, explanation, image_id, image_reference, cpu_millis, memory_mb
                             , restarts, login_generation, began_at )
        SELECT $1, $2, counted.replicas_made, $3, $4, counted.image_id, images.pinned, counted.cpu_millis, counted.memory_mb
             , counted.restarts_done, counted.login_generation, $5
          FROM counted
          JOIN images ON images.id = counted.image_id
        RETURNING number
        "#,
        new.id as ReplicaId,
        new.runtime as RuntimeId,
        new.placement.host as HostId,
        new.placement.explanation,
        new.now,
    )
    .fetch_one(&mut *db)
    .await?;
    hosts::store::add_of_replica(&mut *db, (new.runtime, number), new.placement, new.now).await?;
    sqlx::query!(
        "INSERT INTO replica_secrets (replica_id, password_sealed) VALUES ($1, $2)",
        new.id as ReplicaId,
        new.password_sealed
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the sealed password of a replica's login role.
pub async fn password_sealed(db: &mut PgConnection, id: ReplicaId) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed =
        sqlx::query_scalar!("SELECT password_sealed FROM replica_secrets WHERE replica_id = $1", id as ReplicaId)
            .fetch_optional(db)
            .await?;
    Ok(sealed)
}

/// Notes that the public is sent to a replica, and where.
pub async fn set_serving(
    db: &mut PgConnection,
    id: ReplicaId,
    address: &str,
    websocket: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE replicas
           SET state = 'serving'
             , address = $2
             , websocket = $3
             , served_at = coalesce(served_at, $4)
         WHERE id = $1
           AND state <> 'leaving'
        "#,
        id as ReplicaId,
        address,
        websocket,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the public is sent to a replica no more.
pub async fn set_leaving(db: &mut PgConnection, id: ReplicaId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE replicas SET state = 'leaving', left_at = $2 WHERE id = $1 AND state <> 'leaving'",
        id as ReplicaId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a replica of which nothing is left, and gives its room back.
pub async fn delete(db: &mut PgConnection, id: ReplicaId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM replicas WHERE id = $1", id as ReplicaId).execute(db).await?;
    Ok(())
}

/// Returns why some are missing, if that was noted.
pub async fn find_trouble(db: &mut PgConnection, runtime: RuntimeId) -> Result<Option<Trouble>, StoreError> {
    let trouble = sqlx::query_as!(
        Trouble,
        "SELECT wanted, reason, retry_at FROM replica_troubles WHERE runtime_id = $1",
        runtime as RuntimeId
    )
    .fetch_optional(db)
    .await?;
    Ok(trouble)
}

/// Notes why some are missing, and that the next try is made after a pause. Returns whether that is news.
pub async fn note_trouble(
    db: &mut PgConnection,
    runtime: RuntimeId,
    wanted: i32,
    (reason, explanation): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let before = find_trouble(&mut *db, runtime).await?;
    let tries = sqlx::query_scalar!(
        r#"
        INSERT INTO replica_troubles (runtime_id, wanted, reason, explanation, noted_at, retry_at)
        VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT (runtime_id)
            DO UPDATE SET wanted = excluded.wanted
                        , reason = excluded.reason
                        , explanation = excluded.explanation
                        , tries = CASE WHEN (replica_troubles.wanted, replica_troubles.reason) = (excluded.wanted, excluded.reason)
                                       THEN replica_troubles.tries + 1
                                       ELSE 1
                                   END
        RETURNING tries
        "#,
        runtime as RuntimeId,
        wanted,
        reason,
        explanation,
        now
    )
    .fetch_one(&mut *db)
    .await?;
    let at_most = if reason == NO_ROOM { ROOM_AT_MOST } else { RETRY_AT_MOST };
    let retry_at = now + pause_after(tries, at_most);
    sqlx::query!("UPDATE replica_troubles SET retry_at = $2 WHERE runtime_id = $1", runtime as RuntimeId, retry_at)
        .execute(db)
        .await?;
    Ok(before.is_none_or(|before| before.wanted != wanted || before.reason != reason))
}

fn pause_after(tries: i32, at_most: TimeDelta) -> TimeDelta {
    let doublings = u32::try_from(tries.clamp(1, 10) - 1).unwrap_or(0);
    (RETRY_AFTER * 2_i32.pow(doublings)).min(at_most)
}

/// Notes that none is missing any more.
pub async fn forgive(db: &mut PgConnection, runtime: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM replica_troubles WHERE runtime_id = $1", runtime as RuntimeId).execute(db).await?;
    Ok(())
}

/// Returns where an environment has an update's second container.
pub async fn hosts_of_update(db: &mut PgConnection, id: EnvironmentId) -> Result<Vec<HostId>, StoreError> {
    let hosts = sqlx::query_scalar!(
        r#"SELECT host_id AS "host!: HostId" FROM environment_updates WHERE environment_id = $1 AND host_id IS NOT NULL"#,
        id as EnvironmentId
    )
    .fetch_all(db)
    .await?;
    Ok(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_between_tries_doubles_and_has_an_end() {
        let pauses = |at_most| [1, 2, 3, 6, 100].map(|tries| pause_after(tries, at_most).num_seconds());
        assert_eq!(pauses(RETRY_AT_MOST), [10, 20, 40, 300, 300]);
        assert_eq!(pauses(ROOM_AT_MOST), [10, 20, 20, 20, 20]);
    }
}
