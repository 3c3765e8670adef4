//! A forgotten password: a link by mail, then a new one.

use anyhow::Context;

use super::letters::{LinkKind, SendLetter};
use super::password::{self, NewPassword, PasswordProblem};
use super::throttle::{self, Key, Limit};
use super::{Origin, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::UserId;
use crate::base::names::EmailAddress;
use crate::base::secret::token_hash;
use crate::portal::Portal;
use crate::queue;

/// Asks for a link. The same work whether there is such a person: that is found out when the mail is written.
/// Returns the seconds to wait after too many from one network.
pub async fn ask(portal: &Portal, key: &Key, email: &EmailAddress, origin: &Origin) -> anyhow::Result<Option<u32>> {
    let wait = throttle::count(portal, key, Limit::LinksByAddress, &[&throttle::network(&origin.address)]).await?;
    let is_mailable = throttle::count(portal, key, Limit::MailsByEmail, &[email.key()]).await?.is_none();
    if wait.is_none() && is_mailable {
        let mut db = store::connection(&portal.db).await?;
        let letter = SendLetter::ForgotPassword { email_key: email.key().to_owned() };
        queue::enqueue(&mut db, &letter, portal.clock.now()).await?;
    }
    Ok(wait)
}

/// Why no new password was set.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The link is used, old or not ours.
    #[error("the link does not work")]
    LinkGone,
    /// The password is not taken.
    #[error("the password was refused")]
    Refused(#[source] PasswordProblem),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Sets a new password by a link, and returns whose. Every login of the person ends: whoever knew the old password is out.
pub async fn reset(
    portal: &Portal,
    key: &Key,
    token: &str,
    typed: &str,
    origin: &Origin,
) -> Result<UserId, ResetError> {
    let now = portal.clock.now();
    let Some(email) = super::links::peek(portal, LinkKind::ResetPassword, token).await? else {
        return Err(ResetError::LinkGone);
    };
    let password = NewPassword::check(typed, &[&email]).map_err(ResetError::Refused)?;
    let hash = password::hash(&password).await?;

    let mut tx = portal.db.begin().await.context("begin")?;
    let link =
        store::lock_link(&mut tx, LinkKind::ResetPassword, &token_hash(token), now).await.context("read a link")?;
    let Some(link) = link else { return Err(ResetError::LinkGone) };
    let user =
        store::find_user(&mut tx, link.user).await.context("read the person")?.context("the link's person is gone")?;
    store::use_links(&mut tx, LinkKind::ResetPassword, user.id, now).await.context("use a link")?;
    store::set_user_password(&mut tx, user.id, &hash).await.context("set the password")?;
    // The mail arrived: the address is the person's.
    store::set_user_verified(&mut tx, user.id, now).await.context("note that the address is proved")?;
    store::end_sessions_except(&mut tx, user.id, None, now).await.context("end the logins")?;
    queue::enqueue(&mut tx, &SendLetter::PasswordChanged { user: user.id }, now).await?;
    let actor = Actor::user(user.id, &user.name).from_address(&origin.address);
    audit::record(&mut tx, &actor, Entry::new("password.reset"), now).await?;
    tx.commit().await.context("commit")?;
    let email = EmailAddress::parse(&user.email).map(|email| email.key().to_owned()).unwrap_or_default();
    throttle::forgive(portal, key, Limit::LoginByEmail, &[&email]).await?;
    Ok(user.id)
}
