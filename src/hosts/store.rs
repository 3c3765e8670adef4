//! The hosts table, and what runtimes have been promised. The only SQL about hosts.

mod drains;
mod images;
mod left;
mod manager;
mod placements;
mod residents;
mod settings;
mod spares;
mod troubles;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::checks::Check;
use super::placement::{Need, Tenant};
use super::probes::Probes;
use super::{Cause, Host, HostState, Load, Pool, Wanted};
use crate::base::ids::{HostId, ImageId, RuntimeId};
use crate::db::StoreError;
use crate::engine::NodeSeen;

pub use drains::set_may_have_fewer;
pub use images::{SupplyRow, note_out_of_reach, supplies_of};
pub use left::{LeftRow, left};
pub use manager::silent_since;
pub use placements::{PlacementRow, add_of_replica, placements, seconds_of_a_move, set_replica_served, set_served};
pub use residents::{Places, places, residents};
pub use settings::{Set, customers_on, set_address, set_settings};
pub use troubles::{TroubleRow, delete_troubles, find_trouble, put_trouble, troubles};

/// Why a machine that is back is not used at once.
const RETURNED: &str = "it was lost: it is looked at before it is used again";
/// Why a machine is lost of which the Swarm has no trace.
const MISSING: &str = "the Swarm does not know it any more (docker node rm): remove it here too, then add it again";

struct Row {
    id: HostId,
    name: String,
    node: Option<String>,
    docker_endpoint: String,
    upstream_address: String,
    zone: String,
    pool: String,
    cpu_millis: i32,
    memory_mb: i32,
    cpu_percent: i32,
    memory_kept_mb: i32,
    wanted: String,
    wanted_reason: String,
    state: String,
    state_reason: Option<String>,
    findings: Json<Vec<Check>>,
    checked_at: Option<DateTime<Utc>>,
    probes: Json<Probes>,
    seen_at: Option<DateTime<Utc>>,
    lost_at: Option<DateTime<Utc>>,
    lost_times: Vec<DateTime<Utc>>,
    address_wanted: Option<String>,
    cpu_promised_millis: i64,
    memory_promised_mb: i64,
    runtimes: i64,
}

impl From<Row> for Load {
    fn from(row: Row) -> Self {
        Self {
            host: Host {
                id: row.id,
                name: row.name,
                node: row.node.unwrap_or_default(),
                docker_endpoint: row.docker_endpoint,
                upstream_address: row.upstream_address,
                zone: row.zone,
                pool: Pool::from_word(&row.pool).unwrap_or(Pool::Any),
                cpu_millis: row.cpu_millis,
                memory_mb: row.memory_mb,
                cpu_percent: row.cpu_percent,
                memory_kept_mb: row.memory_kept_mb,
                wanted: Wanted::from_word(&row.wanted).unwrap_or(Wanted::Closed),
                wanted_reason: row.wanted_reason,
                // The schema allows nothing else; a word from a newer version takes no new runtimes.
                state: HostState::from_word(&row.state).unwrap_or(HostState::Cordoned),
                state_reason: row.state_reason,
                findings: row.findings.0,
                checked_at: row.checked_at,
                probes: row.probes.0,
                seen_at: row.seen_at,
                lost_at: row.lost_at,
                lost_times: row.lost_times,
                address_wanted: row.address_wanted,
            },
            cpu_promised_millis: row.cpu_promised_millis,
            memory_promised_mb: row.memory_promised_mb,
            runtimes: row.runtimes,
            spares: Vec::new(),
            images: BTreeMap::new(),
        }
    }
}

/// What a runtime needs, and where it is already.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What it needs.
    pub need: Need,
    /// Its host, when it has one.
    pub host: Option<HostId>,
    /// Where its replicas are.
    pub replicas: Vec<HostId>,
}

/// Returns every host with what has been promised on it. What is moving counts twice: where it goes and where it was.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Load>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT h.id AS "id: HostId"
             , h.name
             , h.node
             , h.docker_endpoint
             , h.upstream_address
             , h.zone
             , h.pool
             , h.cpu_millis
             , h.memory_mb
             , h.cpu_percent
             , h.memory_kept_mb
             , h.wanted
             , h.wanted_reason
             , h.state
             , h.state_reason
             , h.findings AS "findings: Json<Vec<Check>>"
             , h.checked_at
             , h.probes AS "probes: Json<Probes>"
             , h.seen_at
             , h.lost_at
             , h.lost_times
             , h.address_wanted
             , coalesce(sum(r.cpu_millis), 0) AS "cpu_promised_millis!"
             , coalesce(sum(r.memory_mb), 0)  AS "memory_promised_mb!"
             , count(r.id)                    AS "runtimes!"
          FROM hosts h
          LEFT JOIN (SELECT id, host_id, cpu_millis, memory_mb
                       FROM runtimes
                      WHERE state <> 'gone'
                      UNION ALL
                     -- A second container's room, while an update is under way.
                     SELECT NULL, host_id, cpu_millis, memory_mb
                       FROM environment_updates
                      WHERE host_id IS NOT NULL
                      UNION ALL
                     -- Further containers of the same environment.
                     SELECT NULL, host_id, cpu_millis, memory_mb
                       FROM replicas) AS r ON r.host_id = h.id
         GROUP BY h.id
         ORDER BY h.id
        "#,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut loads: Vec<Load> = rows.into_iter().map(Load::from).collect();
    spares::add(db, &mut loads).await?;
    images::add(db, &mut loads).await?;
    Ok(loads)
}

/// Returns a host by its id.
pub async fn find(db: &mut PgConnection, id: HostId) -> Result<Option<Host>, StoreError> {
    Ok(list(db).await?.into_iter().map(|load| load.host).find(|host| host.id == id))
}

/// Locks all hosts until the end of the transaction, then returns them with what has been promised.
///
/// Two statements: under READ COMMITTED the second one sees what the transaction that held the lock has written.
pub async fn lock_loads(tx: &mut PgConnection) -> Result<Vec<Load>, StoreError> {
    sqlx::query!("SELECT id FROM hosts ORDER BY id FOR NO KEY UPDATE").fetch_all(&mut *tx).await?;
    list(tx).await
}

/// Returns what a runtime needs.
pub async fn find_claim(db: &mut PgConnection, runtime: RuntimeId) -> Result<Option<Claim>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT runtimes.cpu_millis
             , runtimes.memory_mb
             , runtimes.image_id AS "image: ImageId"
             , runtimes.host_id AS "host: HostId"
             , environments.kind AS "kind?"
             , ARRAY (SELECT replicas.host_id
                        FROM replicas
                       WHERE replicas.runtime_id = runtimes.id
                         AND replicas.state <> 'leaving') AS "replicas!: Vec<HostId>"
          FROM runtimes
          LEFT JOIN environments ON environments.id = runtimes.environment_id
         WHERE runtimes.id = $1
        "#,
        runtime as RuntimeId,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Claim {
        need: Need {
            cpu_millis: row.cpu_millis,
            memory_mb: row.memory_mb,
            tenant: Tenant::of_kind(row.kind.as_deref()),
            not_on: None,
            image: Some(row.image),
        },
        host: row.host,
        replicas: row.replicas,
    }))
}

/// Writes down which host a runtime is on, and why. Its machine gets the image from the registry, if there is one.
pub async fn set_host(
    db: &mut PgConnection,
    runtime: RuntimeId,
    placement: &super::Placement,
    cause: Cause,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET host_id = $2
             , image_reference = images.pinned
          FROM images
         WHERE runtimes.id = $1
           AND images.id = runtimes.image_id
        "#,
        runtime as RuntimeId,
        placement.host as HostId,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO placements (runtime_id, host_id, cause, explanation, placed_at)
        VALUES ($1, $2, $3, $4, $5)
        "#,
        runtime as RuntimeId,
        placement.host as HostId,
        cause.as_str(),
        placement.explanation,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down this machine as the engine shows it: a new one takes runtimes at once.
///
/// `docker` and `upstream_address` are used for a new one only.
pub async fn record(
    db: &mut PgConnection,
    seen: &NodeSeen,
    docker: &str,
    upstream_address: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, state, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8)
            ON CONFLICT (node) DO NOTHING
        "#,
        HostId::new(now) as HostId,
        seen.hostname,
        seen.node,
        docker,
        upstream_address,
        seen.cpu_millis,
        seen.memory_mb,
        now,
    )
    .execute(&mut *db)
    .await?;
    note(db, seen, now).await
}

/// Writes down how the Swarm sees a machine. One that is lost is down until it is ready again, and takes nothing then before it
/// was looked at; one of which nothing is known stays as it was; one that staff or a check closed stays closed.
pub async fn note(db: &mut PgConnection, seen: &NodeSeen, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET cpu_millis = $2
             , memory_mb = $3
             , seen_at = CASE WHEN $4 THEN $6 ELSE seen_at END
             , lost_at = CASE WHEN $5 THEN coalesce(lost_at, $6) WHEN $4 THEN NULL ELSE lost_at END
             , lost_times = CASE
                            WHEN $5 AND state NOT IN ('joining', 'down')
                            THEN (lost_times || $6::timestamptz)[cardinality(lost_times) - 1 :]
                            ELSE lost_times
                            END
             , state_reason = CASE WHEN $4 AND state = 'down' THEN $7 ELSE state_reason END
             , probes = CASE WHEN $4 AND state = 'down' THEN probes - 'tried_at' ELSE probes END
             , state = CASE
                       WHEN state = 'joining' THEN state
                       WHEN $5 THEN 'down'
                       WHEN $4 AND state = 'down' THEN 'cordoned'
                       ELSE state
                       END
         WHERE node = $1
        "#,
        seen.node,
        seen.cpu_millis,
        seen.memory_mb,
        seen.is_ready,
        seen.is_lost,
        now,
        RETURNED,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down that the Swarm knows all its machines but not those hosts whose nodes are not among these: they are lost. One
/// that it never showed is not missing. Returns the names of those that were not down yet.
pub async fn note_missing(
    db: &mut PgConnection,
    nodes: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar!(
        r#"
        UPDATE hosts
           SET lost_at = coalesce(lost_at, $2)
             , lost_times = CASE
                            WHEN state = 'down' THEN lost_times
                            ELSE (lost_times || $2::timestamptz)[cardinality(lost_times) - 1 :]
                            END
             , state = 'down'
             , state_reason = $3
         WHERE node <> ALL ($1)
           AND seen_at IS NOT NULL
           AND state <> 'joining'
           AND (state <> 'down' OR state_reason IS DISTINCT FROM $3)
        RETURNING name
        "#,
        nodes,
        now,
        MISSING,
    )
    .fetch_all(db)
    .await?;
    Ok(names)
}

/// Writes down what the checks of a machine found. A fault closes it; without one it is as staff want it.
///
/// What is lost stays lost, and what is joining is not in yet: others decide about these.
pub async fn set_findings(
    db: &mut PgConnection,
    id: HostId,
    findings: &[Check],
    complaint: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET findings = $2
             , checked_at = $4
             , state_reason = $3
             , state = CASE
                       WHEN state IN ('joining', 'down') THEN state
                       WHEN $3::text IS NOT NULL OR wanted <> 'open' THEN 'cordoned'
                       ELSE 'active'
                       END
         WHERE id = $1
        "#,
        id as HostId,
        Json(findings) as _,
        complaint,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down what was found from inside a container. Whether that closes the machine is said with its checks.
pub async fn set_probes(db: &mut PgConnection, id: HostId, probes: &Probes) -> Result<(), StoreError> {
    sqlx::query!("UPDATE hosts SET probes = $2 WHERE id = $1", id as HostId, Json(probes) as _).execute(db).await?;
    Ok(())
}

/// Writes down what staff want of a host. What follows at once for placing is written too: a host that is not to take
/// runtimes takes none from this moment on.
pub async fn set_wanted(db: &mut PgConnection, id: HostId, wanted: Wanted, reason: &str) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET wanted = $2
             , wanted_reason = $3
             , state = CASE
                       WHEN state IN ('joining', 'down') THEN state
                       WHEN $2 <> 'open' OR state_reason IS NOT NULL THEN 'cordoned'
                       ELSE 'active'
                       END
         WHERE id = $1
        "#,
        id as HostId,
        wanted.as_str(),
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A host that staff add.
#[derive(Clone, Debug)]
pub struct NewHost<'a> {
    /// Its id.
    pub id: HostId,
    /// Its name.
    pub name: &'a str,
    /// How its daemon is reached.
    pub docker_endpoint: &'a str,
    /// How the proxy reaches ports published on it.
    pub upstream_address: &'a str,
    /// What fails together with it.
    pub zone: &'a str,
    /// What is placed on it.
    pub pool: Pool,
}

/// Writes down a host that is to join. Returns whether it was new: name and address are each used once.
pub async fn insert(db: &mut PgConnection, new: &NewHost<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO hosts (id, name, docker_endpoint, upstream_address, zone, pool, cpu_millis, memory_mb, state, created_at)
        SELECT $1, $2, $3, $4, $5, $6, 0, 0, 'joining', $7
         WHERE NOT EXISTS (SELECT FROM hosts WHERE name = $2 OR upstream_address = $4)
            ON CONFLICT DO NOTHING
        "#,
        new.id as HostId,
        new.name,
        new.docker_endpoint,
        new.upstream_address,
        new.zone,
        new.pool.as_str(),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a host is in the Swarm, under this id.
pub async fn set_joined(db: &mut PgConnection, id: HostId, node: &str, size: (i32, i32)) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET node = $2
             , cpu_millis = $3
             , memory_mb = $4
             , state = CASE WHEN wanted = 'open' THEN 'active' ELSE 'cordoned' END
             , state_reason = NULL
         WHERE id = $1
           AND state = 'joining'
        "#,
        id as HostId,
        node,
        size.0,
        size.1,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes the node of a host that joins: from now on it is ours to send away.
pub async fn set_node(db: &mut PgConnection, id: HostId, node: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE hosts SET node = $2 WHERE id = $1 AND state = 'joining'", id as HostId, node)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets a host that has nothing any more, unless staff want it again.
pub async fn delete(db: &mut PgConnection, id: HostId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM hosts WHERE id = $1 AND wanted = 'gone'", id as HostId).execute(db).await?;
    Ok(())
}
