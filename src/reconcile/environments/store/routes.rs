//! Where the names of environments lead: what the proxies read.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::Environment;
use crate::base::ids::EnvironmentId;
use crate::base::proof::ProofKeys;
use crate::db::StoreError;
use crate::odoo::capacity;

/// Where a name leads.
#[derive(Clone, Debug)]
pub struct RouteRow {
    /// The name.
    pub hostname: String,
    /// `serving` or the page that stands in.
    pub state: String,
    /// Where it leads.
    pub upstreams: Vec<String>,
    /// What must be proved there.
    pub proofs: ProofKeys,
}

/// Returns the environment's routes.
pub async fn routes(db: &mut PgConnection, id: EnvironmentId) -> Result<Vec<RouteRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT routes.hostname
             , routes.state
             , routes.upstreams
             , route_proofs.proofs AS "proofs?: Json<ProofKeys>"
          FROM routes
          LEFT JOIN route_proofs ON route_proofs.environment_id = routes.environment_id
         WHERE routes.environment_id = $1
        "#,
        id as EnvironmentId
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| RouteRow {
        hostname: row.hostname,
        state: row.state,
        upstreams: row.upstreams,
        proofs: row.proofs.map(|proofs| proofs.0).unwrap_or_default(),
    });
    Ok(rows.collect())
}

/// Leads this name, and no other, to the environment. Returns how many old names stopped leading there.
pub async fn set_route(
    db: &mut PgConnection,
    environment: &Environment,
    route: &RouteRow,
    websockets: &[String],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let old = sqlx::query!(
        "DELETE FROM routes WHERE environment_id = $1 AND hostname <> $2",
        environment.id as EnvironmentId,
        route.hostname
    )
    .execute(&mut *db)
    .await?;
    // First, so that a proxy that reads the route finds it.
    sqlx::query!(
        r#"
        INSERT INTO route_proofs (environment_id, proofs)
        VALUES ($1, $2)
            ON CONFLICT (environment_id) DO UPDATE SET proofs = excluded.proofs
        "#,
        environment.id as EnvironmentId,
        Json(&route.proofs) as _
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO routes (hostname, environment_id, state, upstreams, websockets, language, updated_at, requests_at_once)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (hostname)
            DO UPDATE SET environment_id = excluded.environment_id
                        , state = excluded.state
                        , upstreams = excluded.upstreams
                        , websockets = excluded.websockets
                        , language = excluded.language
                        , updated_at = excluded.updated_at
                        , requests_at_once = excluded.requests_at_once
        "#,
        route.hostname,
        environment.id as EnvironmentId,
        route.state,
        &route.upstreams,
        websockets,
        // The proxy's pages speak three languages: `fr_FR` is `fr`.
        environment.language.get(..2).unwrap_or("en"),
        now,
        capacity::REQUESTS_AT_ONCE
    )
    .execute(db)
    .await?;
    Ok(old.rows_affected())
}

/// Takes one container out of the environment's route, unless it is the only one there.
pub async fn remove_upstream(
    db: &mut PgConnection,
    id: EnvironmentId,
    address: &str,
    websocket: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE routes
           SET upstreams = array_remove(upstreams, $2)
             , websockets = array_remove(websockets, $3)
             , updated_at = $4
         WHERE environment_id = $1
           AND state = 'serving'
           AND $2 = ANY (upstreams)
           AND cardinality(upstreams) > 1
        "#,
        id as EnvironmentId,
        address,
        websocket,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leads every name of the environment nowhere.
pub async fn delete_routes(db: &mut PgConnection, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM routes WHERE environment_id = $1", id as EnvironmentId).execute(&mut *db).await?;
    sqlx::query!("DELETE FROM route_proofs WHERE environment_id = $1", id as EnvironmentId).execute(db).await?;
    Ok(())
}
