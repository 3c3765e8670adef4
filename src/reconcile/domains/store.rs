//! Domains, as far as the worker reads and writes them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{DomainId, EnvironmentId};
use crate::db::StoreError;

/// A domain as the worker needs it.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Which one.
    pub id: DomainId,
    /// The environment that it leads to.
    pub environment: EnvironmentId,
    /// The name.
    pub hostname: String,
    /// What a TXT record must say.
    pub token: String,
    /// How far it has come.
    pub state: String,
    /// What is in the way.
    pub problem: Option<Value>,
    /// How many times in a row a certificate could not be had.
    pub failures: i32,
    /// Until when no other try is made.
    pub retry_at: Option<DateTime<Utc>>,
    /// Since when somebody waits for it: added, or another look asked for.
    pub waited_for_since: DateTime<Utc>,
    /// Whether the customer and the environment still want it.
    pub is_wanted: bool,
    /// The environment's name below the instances' domain.
    pub subdomain: Option<String>,
}

/// Makes due whatever has become wanted, or unwanted.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT 'domains', wanted.id, $1, wanted.marker
          FROM (SELECT domains.id
                     , concat_ws('/', domains.looks_asked, domains.removed_at IS NULL, environments.status = 'deleted') AS marker
                  FROM domains
                  JOIN environments ON environments.id = domains.environment_id) AS wanted
          LEFT JOIN turns ON turns.task = 'domains' AND turns.subject = wanted.id
         WHERE turns.subject IS NULL
            OR turns.marker <> wanted.marker
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns a domain.
pub async fn find(db: &mut PgConnection, id: DomainId) -> Result<Option<Domain>, StoreError> {
    let domain = sqlx::query_as!(
        Domain,
        r#"
        SELECT domains.id AS "id: DomainId"
             , domains.environment_id AS "environment: EnvironmentId"
             , domains.hostname
             , domains.token
             , domains.state
             , domains.problem
             , domains.failures
             , domains.retry_at
             , greatest(domains.created_at, domains.looked_asked_at) AS "waited_for_since!"
             , (domains.removed_at IS NULL AND environments.status <> 'deleted') AS "is_wanted!"
             , subdomains.name AS "subdomain?"
          FROM domains
          JOIN environments ON environments.id = domains.environment_id
          LEFT JOIN subdomains ON subdomains.environment_id = environments.id
         WHERE domains.id = $1
        "#,
        id as DomainId
    )
    .fetch_optional(db)
    .await?;
    Ok(domain)
}

/// Says what is in the way of a domain.
pub async fn set_problem(
    db: &mut PgConnection,
    id: DomainId,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE domains SET problem = $2, looked_at = $3 WHERE id = $1", id as DomainId, problem, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that there is no certificate, and when the next try may be made.
pub async fn set_failed(
    db: &mut PgConnection,
    id: DomainId,
    problem: &Value,
    retry_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE domains
           SET problem = $2
             , failures = failures + 1
             , retry_at = $3
             , looked_at = $4
         WHERE id = $1
        "#,
        id as DomainId,
        problem,
        retry_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a domain is proved; `false` when somebody else holds it.
pub async fn set_proven(db: &mut PgConnection, id: DomainId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE domains
           SET state = 'proven'
             , proven_at = $2
             , problem = NULL
             , looked_at = $2
         WHERE id = $1
           AND NOT EXISTS (SELECT FROM domains AS held
                            WHERE held.hostname = domains.hostname AND held.state <> 'waiting')
        "#,
        id as DomainId,
        now
    )
    .execute(db)
    .await;
    match done.map_err(StoreError::from) {
        Ok(done) => Ok(done.rows_affected() == 1),
        // Two at the same instant.
        Err(error) if error.constraint() == Some("domains_one_holder") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes that there is a certificate, and when the next one may be asked for at the earliest.
pub async fn set_certified(
    db: &mut PgConnection,
    id: DomainId,
    retry_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE domains SET problem = NULL, failures = 0, retry_at = $2, looked_at = $3 WHERE id = $1",
        id as DomainId,
        retry_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a domain lead to its environment.
pub async fn set_serving(db: &mut PgConnection, id: DomainId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE domains SET state = 'serving', problem = NULL, looked_at = $2 WHERE id = $1",
        id as DomainId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a domain.
pub async fn delete(db: &mut PgConnection, id: DomainId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM domains WHERE id = $1", id as DomainId).execute(db).await?;
    Ok(())
}

/// Adds an event to the environment's history.
pub async fn add_event(
    db: &mut PgConnection,
    environment: EnvironmentId,
    kind: &str,
    detail: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO environment_events (environment_id, at, kind, detail) VALUES ($1, $2, $3, $4)",
        environment as EnvironmentId,
        now,
        kind,
        detail
    )
    .execute(db)
    .await?;
    Ok(())
}
