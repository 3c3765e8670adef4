//! The only SQL about accounts, people and logins.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};

use super::sessions::Session;
use super::{AccountState, Role};
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::db::StoreError;
use crate::i18n::Locale;

/// Takes a connection from the pool.
pub async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
    Ok(pool.acquire().await?)
}

/// The login with this hash, when it is neither too old nor unused since `used_since`.
pub async fn find_session(
    db: &mut PgConnection,
    token_hash: &[u8],
    used_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    Ok(sqlx::query_as!(
        Session,
        r#"
        SELECT sessions.id AS "id: SessionId"
             , users.id AS "user: UserId"
             , users.name
             , users.email
             , users.locale AS "locale: Locale"
             , users.verified_at IS NOT NULL AS "is_verified!"
             , accounts.id AS "account: AccountId"
             , accounts.name AS account_name
             , accounts.state AS "account_state: AccountState"
             , accounts.timezone
             , members.role AS "role: Role"
             , sessions.authenticated_at
             , sessions.seen_at
          FROM sessions
          JOIN users ON users.id = sessions.user_id
          JOIN members ON members.user_id = sessions.user_id AND members.account_id = sessions.account_id
          JOIN accounts ON accounts.id = members.account_id
         WHERE sessions.token_hash = $1
           AND sessions.seen_at > $2
           AND sessions.expires_at > $3
           AND accounts.state <> 'closed'
        "#,
        token_hash,
        used_since,
        now,
    )
    .fetch_optional(db)
    .await?)
}

/// Notes that a login was used.
pub async fn set_session_seen(db: &mut PgConnection, session: SessionId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sessions SET seen_at = $2 WHERE id = $1", session as SessionId, now).execute(db).await?;
    Ok(())
}

/// Sets a person's language.
pub async fn set_user_locale(db: &mut PgConnection, user: UserId, locale: Locale) -> Result<(), StoreError> {
    sqlx::query!("UPDATE users SET locale = $2 WHERE id = $1", user as UserId, locale.code()).execute(db).await?;
    Ok(())
}
