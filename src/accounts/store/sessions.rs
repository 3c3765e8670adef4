//! Logins.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::accounts::sessions::{Listed, NewSession, Resume, Session};
use crate::accounts::{AccountState, Role};
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::db::StoreError;
use crate::i18n::Locale;

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

/// Keeps a new login.
pub async fn insert_session(db: &mut PgConnection, session: &NewSession<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO sessions (id, token_hash, user_id, account_id, created_at, seen_at, authenticated_at, expires_at, user_agent, address)
        VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8)
        "#,
        session.id as SessionId,
        session.token_hash,
        session.user as UserId,
        session.account as AccountId,
        session.at,
        session.expires_at,
        session.user_agent,
        session.address,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a login was used.
pub async fn set_session_seen(db: &mut PgConnection, session: SessionId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sessions SET seen_at = $2 WHERE id = $1", session as SessionId, now).execute(db).await?;
    Ok(())
}

/// Notes where the person of a login that is over, or was ended, goes on. Returns whether there is such a login.
pub async fn set_session_resume(
    db: &mut PgConnection,
    token_hash: &[u8],
    path: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let updated = sqlx::query!(
        "UPDATE sessions SET resume_path = $2, resume_since = $3 WHERE token_hash IN ($1, sha512($1))",
        token_hash,
        path,
        now,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Deletes a login that is over or was ended, and returns where its person goes on.
pub async fn take_session_resume(db: &mut PgConnection, token_hash: &[u8]) -> Result<Option<Resume>, StoreError> {
    let taken = sqlx::query!(
        r#"
        DELETE FROM sessions
         WHERE token_hash IN ($1, sha512($1))
     RETURNING user_id AS "user: UserId", resume_path, resume_since
        "#,
        token_hash,
    )
    .fetch_optional(db)
    .await?;
    Ok(taken.and_then(|row| Some(Resume { user: row.user, path: row.resume_path?, since: row.resume_since? })))
}

/// A person's logins that are not over, the last used first.
pub async fn list_sessions(
    db: &mut PgConnection,
    user: UserId,
    used_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Listed>, StoreError> {
    Ok(sqlx::query_as!(
        Listed,
        r#"
        SELECT id AS "id: SessionId"
             , user_agent
             , address
             , created_at
             , seen_at
          FROM sessions
         WHERE user_id = $1
           AND seen_at > $2
           AND expires_at > $3
         ORDER BY seen_at DESC
         LIMIT 100
        "#,
        user as UserId,
        used_since,
        now,
    )
    .fetch_all(db)
    .await?)
}

/// Forgets one login of a person.
pub async fn delete_session(db: &mut PgConnection, user: UserId, session: SessionId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM sessions WHERE id = $1 AND user_id = $2", session as SessionId, user as UserId)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends one login of a person. Returns whether there was one.
pub async fn end_session(
    db: &mut PgConnection,
    user: UserId,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(end(db, user, (Some(session), None), now).await? == 1)
}

/// Ends every login of a person but one. Returns how many there were.
pub async fn end_sessions_except(
    db: &mut PgConnection,
    user: UserId,
    kept: Option<SessionId>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    end(db, user, (None, kept), now).await
}

/// Ends logins of a person: only one, or all; but never the one that is kept.
///
/// Their rows stay, for what the person was in the middle of, under a hash longer than that of any cookie: whatever the
/// clocks of other processes say, none finds a login by it.
async fn end(
    db: &mut PgConnection,
    user: UserId,
    (only, kept): (Option<SessionId>, Option<SessionId>),
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let ended = sqlx::query!(
        r#"
        UPDATE sessions
           SET token_hash = sha512(token_hash)
             , expires_at = $4
         WHERE user_id = $1
           AND id = coalesce($2, id)
           AND id IS DISTINCT FROM $3
           AND expires_at > $4
        "#,
        user as UserId,
        only as Option<SessionId>,
        kept as Option<SessionId>,
        now,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected())
}
