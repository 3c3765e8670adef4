//! Logins: made, found again by the cookie's value, listed, ended.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use super::{AccountState, Origin, Role, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::base::secret::{Secret, new_token, token_hash};
use crate::i18n::Locale;
use crate::portal::Portal;

/// A login that nobody used for so long is over.
pub const IDLE: TimeDelta = TimeDelta::hours(12);

/// A login is over after so long, used or not.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(14);

/// For so long after its end a login still knows where its person was in the middle of something.
pub const RESUME: TimeDelta = TimeDelta::days(1);

/// The longest path that is kept so: names of an order in any script fit.
pub const LONGEST_PATH: usize = 4_000;

/// How often the last use is written down: not with every picture.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);

/// A login, with what pages need of the person and the organisation.
#[derive(Clone, Debug)]
pub struct Session {
    /// The login itself.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The person's language.
    pub locale: Locale,
    /// Whether the e-mail address was proved.
    pub is_verified: bool,
    /// The organisation.
    pub account: AccountId,
    /// The organisation's name.
    pub account_name: String,
    /// Whether the organisation is with us.
    pub account_state: AccountState,
    /// The organisation's time zone.
    pub timezone: String,
    /// What the person may do in it.
    pub role: Role,
    /// When the password was last given.
    pub authenticated_at: DateTime<Utc>,
    /// When the login was last used.
    pub seen_at: DateTime<Utc>,
}

/// A login, as its owner sees it in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The login.
    pub id: SessionId,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Where it logged in from.
    pub address: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
}

/// A login that is being made.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The login.
    pub id: SessionId,
    /// Hash of the cookie's value.
    pub token_hash: Vec<u8>,
    /// The person.
    pub user: UserId,
    /// The organisation.
    pub account: AccountId,
    /// When.
    pub at: DateTime<Utc>,
    /// When it is over in any case.
    pub expires_at: DateTime<Utc>,
    /// What the browser calls itself.
    pub user_agent: &'a str,
    /// Where it logs in from.
    pub address: &'a str,
}

/// Where somebody was when a login ended.
#[derive(Debug)]
pub struct Resume {
    /// Whose login it was.
    pub user: UserId,
    /// A path of ours.
    pub path: String,
    /// Since when it waits.
    pub since: DateTime<Utc>,
}

/// Returns the login of a cookie, or `None` when it is over, unknown, or its person left the organisation.
pub async fn find(portal: &Portal, token: &str, now: DateTime<Utc>) -> anyhow::Result<Option<Session>> {
    let mut db = store::connection(&portal.db).await?;
    let found = store::find_session(&mut db, &token_hash(token), now - IDLE, now).await?;
    if let Some(session) = &found
        && now - session.seen_at > SEEN_EVERY
    {
        store::set_session_seen(&mut db, session.id, now).await.context("note that the login is used")?;
    }
    Ok(found)
}

/// Makes a new login; its token is never used again for another. Returns the cookie's value.
pub async fn start(
    db: &mut PgConnection,
    (user, account): (UserId, AccountId),
    origin: &Origin,
    now: DateTime<Utc>,
) -> anyhow::Result<Secret<String>> {
    let token = new_token();
    let session = NewSession {
        id: SessionId::new(now),
        token_hash: token_hash(token.expose()),
        user,
        account,
        at: now,
        expires_at: now + ABSOLUTE,
        user_agent: &origin.user_agent,
        address: &origin.address,
    };
    store::insert_session(db, &session).await.context("insert the login")?;
    Ok(token)
}

/// Keeps a path for the person whose login ended there, until they are back. Returns false when there was no such login.
pub async fn keep_path(portal: &Portal, lapsed: Option<&Secret<String>>, path: &str) -> anyhow::Result<bool> {
    let Some(lapsed) = lapsed.filter(|_| path.len() <= LONGEST_PATH) else { return Ok(false) };
    let mut db = store::connection(&portal.db).await?;
    store::set_session_resume(&mut db, &token_hash(lapsed.expose()), path, portal.clock.now())
        .await
        .context("keep where somebody was")
}

/// Returns the path that was kept when a login ended, for the same person only. Whoever logs in next, it is forgotten.
pub async fn resume(portal: &Portal, lapsed: &Secret<String>, user: UserId) -> anyhow::Result<Option<String>> {
    let mut db = store::connection(&portal.db).await?;
    let kept =
        store::take_session_resume(&mut db, &token_hash(lapsed.expose())).await.context("read where somebody was")?;
    let is_theirs = |kept: &Resume| kept.user == user && portal.clock.now() - kept.since < RESUME;
    Ok(kept.filter(is_theirs).map(|kept| kept.path))
}

/// Ends the login of this browser. Whoever leaves leaves nothing behind.
pub async fn log_out(portal: &Portal, session: &Session) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    store::delete_session(&mut db, session.user, session.id).await.context("end the login")?;
    Ok(())
}

/// Returns a person's logins, the last used first.
pub async fn list(portal: &Portal, user: UserId) -> anyhow::Result<Vec<Listed>> {
    let now = portal.clock.now();
    let mut db = store::connection(&portal.db).await?;
    store::list_sessions(&mut db, user, now - IDLE, now).await.context("list the logins")
}

/// Ends one of a person's logins. Returns false when the person has no such login.
pub async fn revoke(portal: &Portal, by: &Actor, user: UserId, session: SessionId) -> anyhow::Result<bool> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let now = portal.clock.now();
    let is_ended = store::end_session(&mut tx, user, session, now).await.context("end a login")?;
    if is_ended {
        audit::record(&mut tx, by, Entry::new("session.revoked"), now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(is_ended)
}

/// Ends every login of a person but the present one. Returns how many there were.
pub async fn revoke_others(portal: &Portal, by: &Actor, user: UserId, kept: SessionId) -> anyhow::Result<u64> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let now = portal.clock.now();
    let count = store::end_sessions_except(&mut tx, user, Some(kept), now).await.context("end the other logins")?;
    let entry = Entry::new("session.revoked-others").detail(serde_json::json!({ "count": count }));
    audit::record(&mut tx, by, entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(count)
}
