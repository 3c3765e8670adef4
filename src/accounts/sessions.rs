//! Logins: made, found again by the cookie's value, ended.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::{AccountState, Role, store};
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::base::secret::token_hash;
use crate::i18n::Locale;
use crate::portal::Portal;

/// A login that nobody used for so long is over.
pub const IDLE: TimeDelta = TimeDelta::hours(12);

/// A login is over after so long, used or not.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(14);

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
