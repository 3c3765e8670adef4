//! The tables of log lines and of those who look at them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::EnvironmentId;
use crate::db::StoreError;

/// Makes due every environment whose log somebody has begun to look at.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at)
        SELECT 'logs', environment_id, $1
          FROM log_watches
         WHERE watched_until > $1
           AND NOT EXISTS (SELECT FROM turns WHERE task = 'logs' AND subject = log_watches.environment_id)
            ON CONFLICT (task, subject) DO NOTHING
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is to be copied.
pub struct Watch {
    /// The code of the environment's runtime, if it has one.
    pub code: Option<String>,
    /// Which of its two names its service has.
    pub slot: Option<i16>,
    /// How far an update is that has a second service now.
    pub update: Option<String>,
    /// The numbers of its replicas.
    pub replicas: Vec<i32>,
}

/// Returns what is to be copied, while somebody is looking.
pub async fn watch(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<Option<Watch>, StoreError> {
    let row = sqlx::query_as!(
        Watch,
        r#"
        SELECT runtimes.code AS "code?"
             , runtimes.service_slot AS "slot?"
             , (SELECT state
                  FROM environment_updates
                 WHERE environment_updates.environment_id = log_watches.environment_id
                   AND state IN ('starting', 'failing', 'switched')
                 LIMIT 1) AS "update?"
             , ARRAY (SELECT number FROM replicas WHERE replicas.runtime_id = runtimes.id ORDER BY number) AS "replicas!"
          FROM log_watches
          LEFT JOIN runtimes ON runtimes.environment_id = log_watches.environment_id AND runtimes.wanted <> 'gone'
         WHERE log_watches.environment_id = $1
           AND log_watches.watched_until > $2
        "#,
        id as EnvironmentId,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// Returns when the last line of each source was written that is there already, in nanoseconds since 1970.
pub async fn since(db: &mut PgConnection, id: EnvironmentId, sources: &[String]) -> Result<Vec<i64>, StoreError> {
    let since = sqlx::query_scalar!(
        r#"
        SELECT coalesce((SELECT at_nanos
                           FROM log_lines
                          WHERE log_lines.environment_id = $1
                            AND log_lines.source = wanted.source
                          ORDER BY id DESC
                          LIMIT 1), 0) AS "since!"
          FROM unnest($2::text[]) WITH ORDINALITY AS wanted (source, place)
         ORDER BY wanted.place
        "#,
        id as EnvironmentId,
        sources
    )
    .fetch_all(db)
    .await?;
    Ok(since)
}

/// Lines in columns, to be written with one statement.
pub struct Lines {
    /// The containers' ids.
    pub containers: Vec<String>,
    /// Which of the environment's containers each is.
    pub sources: Vec<String>,
    /// The engine's times.
    pub at_nanos: Vec<i64>,
    /// `out` or `err`.
    pub streams: Vec<String>,
    /// The texts.
    pub texts: Vec<String>,
}

/// Writes lines; those that are there already stay as they are.
pub async fn insert(db: &mut PgConnection, id: EnvironmentId, lines: &Lines) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO log_lines (environment_id, container, source, at_nanos, stream, line)
        SELECT $1, fresh.container, fresh.source, fresh.at_nanos, fresh.stream, fresh.line
          FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY
            AS fresh (container, source, at_nanos, stream, line, place)
         ORDER BY fresh.place
            ON CONFLICT DO NOTHING
        "#,
        id as EnvironmentId,
        &lines.containers,
        &lines.sources,
        &lines.at_nanos,
        &lines.streams,
        &lines.texts
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets old lines.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM log_lines WHERE at_nanos < $1", before.timestamp_nanos_opt().unwrap_or(0))
        .execute(db)
        .await?;
    Ok(())
}
