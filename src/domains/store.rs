//! The domains table, as far as customers read and change it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::{Domain, State};
use crate::base::hostname::Hostname;
use crate::base::ids::{AccountId, DomainId, EnvironmentId};
use crate::db::StoreError;

/// A domain and its certificate's end.
pub struct Row {
    id: DomainId,
    environment: EnvironmentId,
    hostname: String,
    token: String,
    state: String,
    problem: Option<Value>,
    proof_missed_at: Option<DateTime<Utc>>,
    looked_at: Option<DateTime<Utc>>,
    certified_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Domain {
    type Error = anyhow::Error;

    fn try_from(row: Row) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.id,
            environment: row.environment,
            hostname: Hostname::kept(row.hostname),
            token: row.token,
            state: State::parse(&row.state)?,
            problem: row.problem,
            proof_missed_at: row.proof_missed_at,
            looked_at: row.looked_at,
            certified_until: row.certified_until,
            created_at: row.created_at,
        })
    }
}

/// Returns an environment's domains, oldest first.
pub async fn list(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT domains.id AS "id: DomainId"
             , domains.environment_id AS "environment: EnvironmentId"
             , domains.hostname
             , domains.token
             , domains.state
             , domains.problem
             , domains.proof_missed_at
             , domains.looked_at
             , certificates.not_after AS "certified_until?"
             , domains.created_at
          FROM domains
          LEFT JOIN certificates ON certificates.hostname = domains.hostname AND domains.state <> 'waiting'
         WHERE domains.account_id = $1
           AND domains.environment_id = $2
           AND domains.removed_at IS NULL
         ORDER BY domains.created_at, domains.id
        "#,
        account as AccountId,
        environment as EnvironmentId
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// What a new row holds.
pub struct New<'a> {
    /// Which one.
    pub id: DomainId,
    /// The environment that it is to lead to.
    pub environment: EnvironmentId,
    /// The name.
    pub hostname: &'a Hostname,
    /// What proves it.
    pub token: &'a str,
}

/// Inserts a domain that nobody has proved.
pub async fn insert(
    db: &mut PgConnection,
    account: AccountId,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO domains (id, account_id, environment_id, hostname, token, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        new.id as DomainId,
        account as AccountId,
        new.environment as EnvironmentId,
        new.hostname.as_str(),
        new.token,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says that a domain is to go; returns its name.
pub async fn set_removed(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    id: DomainId,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let removed = sqlx::query_scalar!(
        r#"
        UPDATE domains
           SET removed_at = $4
         WHERE account_id = $1
           AND environment_id = $2
           AND id = $3
           AND removed_at IS NULL
        RETURNING hostname
        "#,
        account as AccountId,
        environment as EnvironmentId,
        id as DomainId,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(removed)
}

/// Asks for another look, unless one was asked for lately; tells whether there is such a domain.
pub async fn ask_for_look(
    db: &mut PgConnection,
    (account, environment, id): (AccountId, EnvironmentId, DomainId),
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let found = sqlx::query!(
        r#"
        UPDATE domains
           SET looks_asked = looks_asked + CASE WHEN looked_asked_at > $5 THEN 0 ELSE 1 END
             , looked_asked_at = CASE WHEN looked_asked_at > $5 THEN looked_asked_at ELSE $4 END
         WHERE account_id = $1
           AND environment_id = $2
           AND id = $3
           AND removed_at IS NULL
        "#,
        account as AccountId,
        environment as EnvironmentId,
        id as DomainId,
        now,
        before
    )
    .execute(db)
    .await?;
    Ok(found.rows_affected() == 1)
}
