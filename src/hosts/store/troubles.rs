//! The table of what keeps environments from being as they are wanted.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::{EnvironmentId, HostId};
use crate::db::StoreError;

/// How long what happened once is shown.
const SHOWN_FOR: TimeDelta = TimeDelta::days(7);

/// Returns what was noted of a kind last, and when.
pub async fn find_trouble(
    db: &mut PgConnection,
    id: EnvironmentId,
    kind: &str,
) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
    let row = sqlx::query!(
        "SELECT explanation, seen_at FROM environment_troubles WHERE environment_id = $1 AND kind = $2",
        id as EnvironmentId,
        kind
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.explanation, row.seen_at)))
}

/// Writes down what is wrong.
pub async fn put_trouble(
    db: &mut PgConnection,
    id: EnvironmentId,
    kind: &str,
    explanation: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_troubles (environment_id, kind, explanation, began_at, seen_at)
        VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT (environment_id, kind)
            DO UPDATE SET explanation = excluded.explanation
                        , seen_at = excluded.seen_at
        "#,
        id as EnvironmentId,
        kind,
        explanation,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what was noted of these kinds.
pub async fn delete_troubles(db: &mut PgConnection, id: EnvironmentId, kinds: &[String]) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM environment_troubles WHERE environment_id = $1 AND kind = ANY ($2)",
        id as EnvironmentId,
        kinds
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is wrong with an environment, for people.
#[derive(Clone, Debug)]
pub struct TroubleRow {
    /// Which environment.
    pub environment: EnvironmentId,
    /// Its name.
    pub name: String,
    /// What kind of trouble.
    pub kind: String,
    /// The words of whoever refused.
    pub explanation: String,
    /// Since when, for what lasts.
    pub began_at: DateTime<Utc>,
    /// When it was seen last.
    pub seen_at: DateTime<Utc>,
}

/// Returns what is wrong with one environment, with those on one host, or of one kind.
pub async fn troubles(
    db: &mut PgConnection,
    (environment, host, kind): (Option<EnvironmentId>, Option<HostId>, Option<&str>),
    now: DateTime<Utc>,
) -> Result<Vec<TroubleRow>, StoreError> {
    let rows = sqlx::query_as!(
        TroubleRow,
        r#"
        SELECT environments.id AS "environment: EnvironmentId"
             , environments.name
             , environment_troubles.kind
             , environment_troubles.explanation
             , environment_troubles.began_at
             , environment_troubles.seen_at
          FROM environment_troubles
          JOIN environments ON environments.id = environment_troubles.environment_id
         WHERE ($1::uuid IS NULL OR environments.id = $1)
           AND ($2::uuid IS NULL OR EXISTS (SELECT FROM runtimes
                                             WHERE runtimes.environment_id = environments.id
                                               AND runtimes.host_id = $2))
           AND ($3::text IS NULL OR environment_troubles.kind = $3)
           AND environment_troubles.seen_at > $4
           AND environments.status <> 'deleted'
         ORDER BY environment_troubles.seen_at DESC
         LIMIT 100
        "#,
        environment as Option<EnvironmentId>,
        host as Option<HostId>,
        kind,
        now - SHOWN_FOR
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
