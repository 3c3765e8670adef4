//! The environment_events table.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// Something that happened to an environment.
#[derive(Clone, Debug)]
pub struct Event {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What: `step.database.done`, `stopped` …
    pub kind: String,
    /// Who; empty for the program itself.
    pub actor: String,
    /// What else is worth knowing.
    pub detail: Value,
}

/// Appends an event.
pub async fn insert(
    db: &mut PgConnection,
    environment: EnvironmentId,
    kind: &str,
    actor: &str,
    detail: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO environment_events (environment_id, at, kind, actor, detail) VALUES ($1, $2, $3, $4, $5)",
        environment as EnvironmentId,
        now,
        kind,
        actor,
        detail
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The latest events, newest first: the steps of creations, or all others.
pub async fn latest(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    are_steps: bool,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    Ok(sqlx::query_as!(
        Event,
        r#"
        SELECT environment_events.id
             , environment_events.at
             , environment_events.kind
             , environment_events.actor
             , environment_events.detail
          FROM environment_events
          JOIN environments ON environments.id = environment_events.environment_id
         WHERE environments.id = $1
           AND environments.account_id = $2
           AND (environment_events.kind LIKE 'step.%') = $3
         ORDER BY environment_events.id DESC
         LIMIT $4
        "#,
        environment as EnvironmentId,
        account as AccountId,
        are_steps,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// The last event's number with the status and its time; `None` when it is not the account's.
pub async fn version(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT concat_ws('-'
             , (SELECT COALESCE(max(id), 0) FROM environment_events WHERE environment_id = environments.id)
             , status
             , (EXTRACT(EPOCH FROM status_since) * 1000)::bigint
             , md5(status_reason::text)) AS "version!"
          FROM environments
         WHERE id = $1
           AND account_id = $2
        "#,
        environment as EnvironmentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}

/// What the last event of a kind said.
pub async fn last_detail(
    db: &mut PgConnection,
    environment: EnvironmentId,
    kind: &str,
) -> Result<Option<Value>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT detail FROM environment_events WHERE environment_id = $1 AND kind = $2 ORDER BY id DESC LIMIT 1",
        environment as EnvironmentId,
        kind
    )
    .fetch_optional(db)
    .await?)
}
