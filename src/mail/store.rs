//! Mails that were caught instead of sent, in development. The only SQL about them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Message;
use crate::base::ids::JobId;
use crate::db::StoreError;

/// A caught mail.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The job that sent it.
    pub id: JobId,
    /// The receiver's address.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text_body: String,
    /// The HTML.
    pub html_body: String,
    /// When it was caught.
    pub caught_at: DateTime<Utc>,
}

/// Keeps a mail instead of sending it; the same job's mail is kept once.
pub async fn catch(pool: &PgPool, job: JobId, message: &Message, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO caught_mails (id, recipient, subject, text_body, html_body, caught_at)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (id) DO NOTHING
        "#,
        job as JobId,
        message.to,
        message.subject,
        message.text,
        message.html,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The newest caught mails.
pub async fn newest(pool: &PgPool, limit: i64) -> Result<Vec<Caught>, StoreError> {
    Ok(sqlx::query_as!(
        Caught,
        r#"
        SELECT id AS "id: JobId"
             , recipient
             , subject
             , text_body
             , html_body
             , caught_at
          FROM caught_mails
         ORDER BY caught_at DESC, id DESC
         LIMIT $1
        "#,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

/// One caught mail.
pub async fn find(pool: &PgPool, id: JobId) -> Result<Option<Caught>, StoreError> {
    Ok(sqlx::query_as!(
        Caught,
        r#"
        SELECT id AS "id: JobId"
             , recipient
             , subject
             , text_body
             , html_body
             , caught_at
          FROM caught_mails
         WHERE id = $1
        "#,
        id as JobId,
    )
    .fetch_optional(pool)
    .await?)
}
