//! The tables of certificates that the worker got, and of what authorities ask on the way.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::StoreError;

/// A certificate as it is kept: the private key is sealed for [`place`].
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// What it is for.
    pub hostname: String,
    /// Another one with each certificate.
    pub id: Uuid,
    /// The chain in PEM.
    pub chain_pem: String,
    /// The private key, sealed.
    pub key_sealed: Vec<u8>,
}

/// Returns the place for which a certificate's private key is sealed.
#[must_use]
pub fn place(hostname: &str, id: Uuid) -> String {
    format!("certificates/{hostname}/{id}")
}

/// From when to when a certificate is good, and when the next one is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// From when on it is good.
    pub not_before: DateTime<Utc>,
    /// Until when it is good.
    pub not_after: DateTime<Utc>,
    /// When the next one is ordered.
    pub renew_at: DateTime<Utc>,
}

/// Returns the life of the certificate for a name.
pub async fn life(db: &mut PgConnection, hostname: &str) -> Result<Option<Life>, StoreError> {
    let life =
        sqlx::query_as!(Life, "SELECT not_before, not_after, renew_at FROM certificates WHERE hostname = $1", hostname)
            .fetch_optional(db)
            .await?;
    Ok(life)
}

/// Keeps a certificate in place of the one before.
pub async fn put(db: &mut PgConnection, kept: &Kept, life: Life) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO certificates (hostname, id, chain_pem, key_sealed, not_before, not_after, renew_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (hostname)
            DO UPDATE SET id = excluded.id
                        , chain_pem = excluded.chain_pem
                        , key_sealed = excluded.key_sealed
                        , not_before = excluded.not_before
                        , not_after = excluded.not_after
                        , renew_at = excluded.renew_at
        "#,
        kept.hostname,
        kept.id,
        kept.chain_pem,
        kept.key_sealed,
        life.not_before,
        life.not_after,
        life.renew_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the certificate for a name.
pub async fn delete(db: &mut PgConnection, hostname: &str) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM certificates WHERE hostname = $1", hostname).execute(db).await?;
    Ok(())
}

/// Returns which certificates there are, without reading them.
pub async fn ids(db: &mut PgConnection) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT id FROM certificates").fetch_all(db).await?)
}

/// Returns some of them.
pub async fn some(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Kept>, StoreError> {
    let kept =
        sqlx::query_as!(Kept, "SELECT hostname, id, chain_pem, key_sealed FROM certificates WHERE id = ANY($1)", ids)
            .fetch_all(db)
            .await?;
    Ok(kept)
}

/// What the proxy answers to one question of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Names the question.
    pub token: String,
    /// The host that is asked.
    pub hostname: String,
    /// The answer.
    pub answer: String,
}

/// Returns all answers.
pub async fn answers(db: &mut PgConnection) -> Result<Vec<Answer>, StoreError> {
    Ok(sqlx::query_as!(Answer, "SELECT token, hostname, answer FROM acme_challenges").fetch_all(db).await?)
}

/// Adds an answer.
pub async fn add_answer(db: &mut PgConnection, answer: &Answer, expires_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO acme_challenges (token, hostname, answer, expires_at)
        VALUES ($1, $2, $3, $4)
            ON CONFLICT (token)
            DO UPDATE SET hostname = excluded.hostname
                        , answer = excluded.answer
                        , expires_at = excluded.expires_at
        "#,
        answer.token,
        answer.hostname,
        answer.answer,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes away the answers of a host, and all that nobody asks for any more.
pub async fn delete_answers(db: &mut PgConnection, hostname: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM acme_challenges WHERE hostname = $1 OR expires_at < $2", hostname, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns our account at an authority, sealed.
pub async fn account(db: &mut PgConnection, directory: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed = sqlx::query_scalar!("SELECT credentials_sealed FROM acme_accounts WHERE directory = $1", directory)
        .fetch_optional(db)
        .await?;
    Ok(sealed)
}

/// Keeps our account at an authority, unless there is one already.
pub async fn put_account(
    db: &mut PgConnection,
    directory: &str,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO acme_accounts (directory, credentials_sealed, created_at)
        VALUES ($1, $2, $3)
            ON CONFLICT (directory) DO NOTHING
        "#,
        directory,
        sealed,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
