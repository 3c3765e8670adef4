//! Domains, as far as the worker reads and writes them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, DomainId, EnvironmentId};
use crate::db::StoreError;

/// A domain as the worker needs it.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Which one.
    pub id: DomainId,
    /// Whose it is.
    pub account: AccountId,
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
    /// Since when looks find no proof any more.
    pub proof_missed_at: Option<DateTime<Utc>>,
    /// Whether somebody else has proved it since.
    pub has_rival: bool,
    /// The environment's names below the instances' domain: the present one, and former ones that nobody else has.
    pub subdomains: Vec<String>,
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
             , domains.account_id AS "account: AccountId"
             , domains.environment_id AS "environment: EnvironmentId"
             , domains.hostname
             , domains.token
             , domains.state
             , domains.problem
             , domains.failures
             , domains.retry_at
             , greatest(domains.created_at, domains.looked_asked_at, domains.proof_lost_at) AS "waited_for_since!"
             , (domains.removed_at IS NULL AND environments.status <> 'deleted') AS "is_wanted!"
             , domains.proof_missed_at
             , EXISTS (SELECT FROM domains AS rival
                        WHERE rival.hostname = domains.hostname
                          AND rival.id <> domains.id
                          AND rival.state = 'waiting'
                          AND rival.removed_at IS NULL
                          AND rival.problem ->> 'key' = 'domain-problem-taken') AS "has_rival!"
             , ARRAY (SELECT subdomains.name
                        FROM subdomains
                       WHERE subdomains.environment_id = environments.id
                          OR (    subdomains.environment_id IS NULL
                              AND subdomains.account_id = domains.account_id
                              AND subdomains.name IN (SELECT renamed.detail ->> 'address_from'
                                                        FROM environment_events AS renamed
                                                       WHERE renamed.environment_id = environments.id
                                                         AND renamed.kind = 'renamed'))) AS "subdomains!"
          FROM domains
          JOIN environments ON environments.id = domains.environment_id
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

/// Makes due whoever holds a name that somebody else has proved.
pub async fn hasten_holder(db: &mut PgConnection, hostname: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $2
          FROM domains
         WHERE turns.task = 'domains'
           AND turns.subject = domains.id
           AND turns.due_at > $2
           AND domains.hostname = $1
           AND domains.state <> 'waiting'
        "#,
        hostname,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the proof is not there.
pub async fn set_missed(
    db: &mut PgConnection,
    id: DomainId,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE domains SET proof_missed_at = $3, problem = $2, looked_at = $3 WHERE id = $1",
        id as DomainId,
        problem,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the proof is there again.
pub async fn set_found(db: &mut PgConnection, id: DomainId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE domains SET proof_missed_at = NULL, problem = NULL, looked_at = $2 WHERE id = $1",
        id as DomainId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a domain lead nowhere until it is proved again, and makes due whoever waits for its name.
pub async fn set_lost(
    db: &mut PgConnection,
    id: DomainId,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE domains
           SET state = 'waiting'
             , proven_at = NULL
             , proof_missed_at = NULL
             , proof_lost_at = $3
             , problem = $2
             , looked_at = $3
         WHERE id = $1
        "#,
        id as DomainId,
        problem,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $2
          FROM domains AS lost
          JOIN domains ON domains.hostname = lost.hostname AND domains.id <> lost.id
         WHERE lost.id = $1
           AND turns.task = 'domains'
           AND turns.subject = domains.id
           AND turns.due_at > $2
        "#,
        id as DomainId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether another row holds the same name, and its certificate.
pub async fn is_held_by_another(db: &mut PgConnection, id: DomainId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT
                         FROM domains
                         JOIN domains AS held ON held.hostname = domains.hostname AND held.id <> domains.id
                        WHERE domains.id = $1
                          AND held.state <> 'waiting') AS "is_held!"
        "#,
        id as DomainId
    )
    .fetch_one(db)
    .await?)
}

/// What was asked of the authority lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Certificates that came, for this name.
    pub granted_for_name: i64,
    /// Orders of this account.
    pub by_account: i64,
    /// Orders of everybody.
    pub by_all: i64,
}

/// Counts what was asked since then: for the name, by the account, by everybody.
pub async fn asked(
    db: &mut PgConnection,
    domain: &Domain,
    (for_name, by_account, by_all): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
) -> Result<Asked, StoreError> {
    Ok(sqlx::query_as!(
        Asked,
        r#"
        SELECT count(*) FILTER (WHERE hostname = $1 AND is_granted AND ordered_at > $3) AS "granted_for_name!"
             , count(*) FILTER (WHERE account_id = $2 AND ordered_at > $4) AS "by_account!"
             , count(*) FILTER (WHERE ordered_at > $5) AS "by_all!"
          FROM certificate_orders
         WHERE ordered_at > least($3, $4, $5)
        "#,
        domain.hostname,
        domain.account as AccountId,
        for_name,
        by_account,
        by_all
    )
    .fetch_one(db)
    .await?)
}

/// Notes that the authority is asked; forgets what is long ago.
pub async fn insert_order(
    db: &mut PgConnection,
    domain: &Domain,
    now: DateTime<Utc>,
    forget_before: DateTime<Utc>,
) -> Result<i64, StoreError> {
    sqlx::query!("DELETE FROM certificate_orders WHERE ordered_at < $1", forget_before).execute(&mut *db).await?;
    Ok(sqlx::query_scalar!(
        "INSERT INTO certificate_orders (hostname, account_id, ordered_at) VALUES ($1, $2, $3) RETURNING id",
        domain.hostname,
        domain.account as AccountId,
        now
    )
    .fetch_one(db)
    .await?)
}

/// Notes that an order was granted.
pub async fn set_granted(db: &mut PgConnection, order: i64) -> Result<(), StoreError> {
    sqlx::query!("UPDATE certificate_orders SET is_granted = true WHERE id = $1", order).execute(db).await?;
    Ok(())
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
