//! Who is on which host.

use sqlx::postgres::PgConnection;

use crate::base::ids::{EnvironmentId, HostId, ImageId, RuntimeId};
use crate::db::StoreError;
use crate::hosts::placement::{Need, Tenant};
use crate::hosts::preview::Resident;

/// Returns every runtime that has a host, and every replica, with what it needs.
pub async fn residents(db: &mut PgConnection) -> Result<Vec<Resident>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT runtimes.id AS "runtime: RuntimeId"
             , runtimes.environment_id AS "environment: EnvironmentId"
             , runtimes.image_id AS "image: ImageId"
             , places.host_id AS "host!: HostId"
             , places.is_replica AS "is_replica!"
             , places.is_leaving AS "is_leaving!"
             , places.cpu_millis AS "cpu_millis!"
             , places.memory_mb AS "memory_mb!"
             , environments.kind AS "kind?"
             , environments.name AS "name?"
             , accounts.name AS "account?"
          FROM runtimes
          JOIN (SELECT id, host_id, false AS is_replica, EXISTS (SELECT FROM environment_updates
                                                               WHERE environment_updates.environment_id = runtimes.environment_id
                                                                 AND environment_updates.leaves_host_id = runtimes.host_id
                                                                 AND environment_updates.ended_at IS NULL) AS is_leaving
                     , cpu_millis
                     , memory_mb
                  FROM runtimes
                 WHERE host_id IS NOT NULL
                 UNION ALL
                SELECT runtime_id, host_id, true, state = 'leaving', cpu_millis, memory_mb
                  FROM replicas) AS places ON places.id = runtimes.id
          LEFT JOIN environments ON environments.id = runtimes.environment_id
          LEFT JOIN accounts ON accounts.id = environments.account_id
         WHERE runtimes.state <> 'gone'
           AND runtimes.wanted <> 'gone'
         ORDER BY runtimes.id, places.is_replica, places.host_id
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Resident {
            runtime: row.runtime,
            environment: row.environment,
            name: row.name.unwrap_or_default(),
            account: row.account.unwrap_or_default(),
            host: row.host,
            is_replica: row.is_replica,
            need: Need {
                cpu_millis: row.cpu_millis,
                memory_mb: row.memory_mb,
                tenant: Tenant::of_kind(row.kind.as_deref()),
                not_on: None,
                image: Some(row.image),
            },
            is_leaving: row.is_leaving,
        })
        .collect())
}

/// Where an environment's containers are, for staff.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The hosts' names: the first container's, then those of its replicas.
    pub hosts: Vec<String>,
    /// Why there are fewer than are wanted, in a sentence.
    pub shortage: Option<String>,
}

/// Returns where an environment's containers are.
pub async fn places(db: &mut PgConnection, id: EnvironmentId) -> Result<Places, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT array_remove( array_prepend(hosts.name, ARRAY (SELECT there.name
                                                                FROM replicas
                                                                JOIN hosts AS there ON there.id = replicas.host_id
                                                               WHERE replicas.runtime_id = runtimes.id
                                                               ORDER BY replicas.number))
                           , NULL) AS "hosts!"
             , replica_troubles.explanation AS "shortage?"
          FROM runtimes
          LEFT JOIN hosts ON hosts.id = runtimes.host_id
          LEFT JOIN replica_troubles ON replica_troubles.runtime_id = runtimes.id
         WHERE runtimes.environment_id = $1
           AND runtimes.wanted <> 'gone'
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Places { hosts: row.hosts, shortage: row.shortage }).unwrap_or_default())
}
