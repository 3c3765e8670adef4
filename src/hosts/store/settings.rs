//! What staff set of a host, and who is still on one that is to go.

use sqlx::postgres::PgConnection;

use crate::base::ids::HostId;
use crate::db::StoreError;
use crate::hosts::Pool;

/// What staff set of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// What fails together with it.
    pub zone: String,
    /// What is placed on it.
    pub pool: Pool,
    /// How much CPU may be promised, in percent of what there is.
    pub cpu_percent: i32,
    /// MiB kept for the machine itself.
    pub memory_kept_mb: i32,
    /// Another address at which it is to be reached.
    pub address_wanted: Option<String>,
}

/// Writes down what staff set of a host.
pub async fn set_settings(db: &mut PgConnection, id: HostId, set: &Set) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET zone = $2
             , pool = $3
             , cpu_percent = $4
             , memory_kept_mb = $5
             , address_wanted = $6
         WHERE id = $1
        "#,
        id as HostId,
        set.zone,
        set.pool.as_str(),
        set.cpu_percent,
        set.memory_kept_mb,
        set.address_wanted,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes over the address that staff want, if it is still this one.
pub async fn set_address(db: &mut PgConnection, id: HostId, address: &str, endpoint: &str) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE hosts
           SET upstream_address = $2
             , docker_endpoint = $3
             , address_wanted = NULL
         WHERE id = $1
           AND address_wanted = $2
        "#,
        id as HostId,
        address,
        endpoint,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how many containers of customers are on a host or on their way to it: replicas and updates among them.
pub async fn customers_on(db: &mut PgConnection, id: HostId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT (SELECT count(*) FROM runtimes
                 WHERE host_id = $1
                   AND environment_id IS NOT NULL
                   AND state <> 'gone'
                   AND wanted <> 'gone')
             + (SELECT count(*) FROM environment_updates WHERE host_id = $1)
             + (SELECT count(*) FROM replicas WHERE host_id = $1) AS "count!"
        "#,
        id as HostId
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}
