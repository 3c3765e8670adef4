//! The hosts table, and what runtimes have been promised. The only SQL about hosts.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::placement::Need;
use super::{Host, HostState, Load};
use crate::base::ids::{HostId, RuntimeId};
use crate::db::StoreError;
use crate::engine::NodeSeen;

struct Row {
    id: HostId,
    name: String,
    node: String,
    upstream_address: String,
    cpu_millis: i32,
    memory_mb: i32,
    cpu_percent: i32,
    memory_kept_mb: i32,
    state: String,
    state_reason: Option<String>,
    seen_at: Option<DateTime<Utc>>,
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
                node: row.node,
                upstream_address: row.upstream_address,
                cpu_millis: row.cpu_millis,
                memory_mb: row.memory_mb,
                cpu_percent: row.cpu_percent,
                memory_kept_mb: row.memory_kept_mb,
                // The schema allows nothing else; a word from a newer version takes no new runtimes.
                state: HostState::from_word(&row.state).unwrap_or(HostState::Cordoned),
                state_reason: row.state_reason,
                seen_at: row.seen_at,
            },
            cpu_promised_millis: row.cpu_promised_millis,
            memory_promised_mb: row.memory_promised_mb,
            runtimes: row.runtimes,
        }
    }
}

/// What a runtime needs, and where it is already.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What it needs.
    pub need: Need,
    /// Its host, when it has one.
    pub host: Option<HostId>,
}

/// Returns every host with what has been promised on it.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Load>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT h.id AS "id: HostId"
             , h.name
             , h.node
             , h.upstream_address
             , h.cpu_millis
             , h.memory_mb
             , h.cpu_percent
             , h.memory_kept_mb
             , h.state
             , h.state_reason
             , h.seen_at
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
                      WHERE host_id IS NOT NULL) AS r ON r.host_id = h.id
         GROUP BY h.id
         ORDER BY h.id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Load::from).collect())
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
        SELECT cpu_millis
             , memory_mb
             , host_id AS "host: HostId"
          FROM runtimes
         WHERE id = $1
        "#,
        runtime as RuntimeId,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Claim { need: Need { cpu_millis: row.cpu_millis, memory_mb: row.memory_mb }, host: row.host }))
}

/// Writes down which host a runtime is on.
pub async fn set_host(db: &mut PgConnection, runtime: RuntimeId, host: HostId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE runtimes
           SET host_id = $2
         WHERE id = $1
        "#,
        runtime as RuntimeId,
        host as HostId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down a machine that the engine shows: a new one takes runtimes at once, one that staff closed stays closed.
///
/// `docker` and `upstream_address` are used for a new one only.
pub async fn record(
    db: &mut PgConnection,
    seen: &NodeSeen,
    docker: &str,
    upstream_address: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let id = HostId::new(now);
    sqlx::query!(
        r#"
        INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, state, seen_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN 'active' ELSE 'down' END, CASE WHEN $8 THEN $9::timestamptz END, $9)
            ON CONFLICT (node) DO UPDATE
           SET cpu_millis = excluded.cpu_millis
             , memory_mb = excluded.memory_mb
             , seen_at = coalesce(excluded.seen_at, hosts.seen_at)
             , state = CASE WHEN hosts.state = 'cordoned' THEN hosts.state ELSE excluded.state END
        "#,
        id as HostId,
        seen.hostname,
        seen.node,
        docker,
        upstream_address,
        seen.cpu_millis,
        seen.memory_mb,
        seen.is_ready && seen.is_active,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Closes a host for new runtimes, or opens it again.
pub async fn set_state(
    db: &mut PgConnection,
    id: HostId,
    state: HostState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET state = $2
             , state_reason = $3
         WHERE id = $1
        "#,
        id as HostId,
        state.as_str(),
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}
