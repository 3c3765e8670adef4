//! Links sent by mail.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::accounts::letters::LinkKind;
use crate::base::ids::{MailTokenId, UserId};
use crate::db::StoreError;

/// A link that was sent and not used.
#[derive(Clone, Debug)]
pub struct Link {
    /// The link.
    pub id: MailTokenId,
    /// The person it was sent to.
    pub user: UserId,
    /// The person's present address.
    pub email: String,
    /// The address that it is about, for links that change it.
    pub new_email: Option<String>,
    /// The visit that may be logged in by it.
    pub visit_hash: Option<Vec<u8>>,
}

/// Keeps a link's hash.
pub async fn insert_link(
    db: &mut PgConnection,
    kind: LinkKind,
    link: &Link,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO mail_tokens (id, kind, user_id, token_hash, new_email, visit_hash, expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        link.id as MailTokenId,
        kind.word(),
        link.user as UserId,
        token_hash,
        link.new_email,
        link.visit_hash,
        now + kind.lasts(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The unused link with this hash, locked until the transaction ends: two clicks at once are one use.
pub async fn lock_link(
    db: &mut PgConnection,
    kind: LinkKind,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Link>, StoreError> {
    Ok(sqlx::query_as!(
        Link,
        r#"
        SELECT mail_tokens.id AS "id: MailTokenId"
             , mail_tokens.user_id AS "user: UserId"
             , users.email
             , mail_tokens.new_email
             , mail_tokens.visit_hash
          FROM mail_tokens
          JOIN users ON users.id = mail_tokens.user_id
         WHERE mail_tokens.kind = $1
           AND mail_tokens.token_hash = $2
           AND mail_tokens.used_at IS NULL
           AND mail_tokens.expires_at > $3
           FOR UPDATE OF mail_tokens
        "#,
        kind.word(),
        token_hash,
        now,
    )
    .fetch_optional(db)
    .await?)
}

/// Uses up every link of this kind that the person has: an older one must not work after a newer one did.
pub async fn use_links(
    db: &mut PgConnection,
    kind: LinkKind,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE mail_tokens SET used_at = $3 WHERE kind = $1 AND user_id = $2 AND used_at IS NULL",
        kind.word(),
        user as UserId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
