//! The log_watches and log_lines tables.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// One line of a log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Grows with each line that was copied.
    pub id: i64,
    /// The engine's own time, in nanoseconds since 1970.
    pub at_nanos: i64,
    /// Which of the environment's containers wrote it.
    pub source: String,
    /// What was written, as it was written.
    pub line: String,
}

/// Prolongs the watch; `false` if it is not the account's environment.
pub async fn watch(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    until: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO log_watches (environment_id, watched_until)
        SELECT id, $3 FROM environments WHERE id = $1 AND account_id = $2
        ON CONFLICT (environment_id) DO UPDATE SET watched_until = EXCLUDED.watched_until
        "#,
        environment as EnvironmentId,
        account as AccountId,
        until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The latest lines that contain `filter`, oldest first.
pub async fn latest(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    filter: &str,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let mut lines = sqlx::query_as!(
        Line,
        r#"
        SELECT log_lines.id
             , log_lines.at_nanos
             , log_lines.source
             , log_lines.line
          FROM log_lines
          JOIN environments ON environments.id = log_lines.environment_id
         WHERE environments.id = $1
           AND environments.account_id = $2
           AND ($3 = '' OR strpos(lower(log_lines.line), lower($3)) > 0)
         ORDER BY log_lines.id DESC
         LIMIT $4
        "#,
        environment as EnvironmentId,
        account as AccountId,
        filter,
        limit
    )
    .fetch_all(db)
    .await?;
    lines.reverse();
    Ok(lines)
}

/// The lines after `id`, oldest first.
pub async fn after(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    id: i64,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    Ok(sqlx::query_as!(
        Line,
        r#"
        SELECT log_lines.id
             , log_lines.at_nanos
             , log_lines.source
             , log_lines.line
          FROM log_lines
          JOIN environments ON environments.id = log_lines.environment_id
         WHERE environments.id = $1
           AND environments.account_id = $2
           AND log_lines.id > $3
         ORDER BY log_lines.id
         LIMIT $4
        "#,
        environment as EnvironmentId,
        account as AccountId,
        id,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// Whether lines of more than one container are there.
pub async fn has_several(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> Result<bool, StoreError> {
    let several = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM log_lines
                         JOIN environments ON environments.id = log_lines.environment_id
                        WHERE log_lines.environment_id = $1
                          AND log_lines.source > ''
                          AND environments.account_id = $2) AS "several!"
        "#,
        environment as EnvironmentId,
        account as AccountId
    )
    .fetch_one(db)
    .await?;
    Ok(several)
}
