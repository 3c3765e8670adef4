//! A new e-mail address: confirmed at the new one, announced at the old one with a way back.

use anyhow::Context;
use serde_json::json;

use super::letters::{LinkKind, SendLetter};
use super::login::{self, LoginError, Refusal};
use super::throttle::{self, Key, Limit};
use super::{Origin, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::UserId;
use crate::base::names::EmailAddress;
use crate::base::secret::token_hash;
use crate::portal::Portal;
use crate::queue;

/// Asks for a change. Needs the current password. Whether somebody else has the new address is not told.
pub async fn ask(portal: &Portal, key: &Key, user: UserId, new: (&EmailAddress, &str)) -> Result<(), LoginError> {
    let (email, typed_password) = new;
    login::confirm(portal, key, user, typed_password).await?;
    if let Some(seconds) = throttle::count(portal, key, Limit::MailsByUser, &[&user.to_string()]).await? {
        return Err(LoginError::Refused(Refusal::Wait(seconds)));
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if store::find_user_by_email(&mut tx, email.key()).await.context("read the address")?.is_none() {
        queue::enqueue(&mut tx, &SendLetter::ConfirmEmail { user, new_email: email.as_str().to_owned() }, now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Changes the address by the link sent to it. Returns false when the link does not work, or somebody took the address meanwhile.
pub async fn confirm(portal: &Portal, token: &str, origin: &Origin) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let link =
        store::lock_link(&mut tx, LinkKind::ChangeEmail, &token_hash(token), now).await.context("read a link")?;
    let Some((link, email)) =
        link.and_then(|link| Some((link.clone(), EmailAddress::parse(link.new_email.as_deref()?).ok()?)))
    else {
        return Ok(false);
    };
    store::use_links(&mut tx, LinkKind::ChangeEmail, link.user, now).await.context("use a link")?;
    match store::set_user_email(&mut tx, link.user, &email).await {
        Ok(()) => {}
        Err(error) if error.constraint() == Some("users_email_key_key") => return Ok(false),
        Err(error) => return Err(anyhow::Error::new(error).context("set the address")),
    }
    store::set_user_verified(&mut tx, link.user, now).await.context("note that the address is proved")?;
    // A link to choose a new password that went to the old address must not work any more.
    store::use_links(&mut tx, LinkKind::ResetPassword, link.user, now).await.context("end links to the old address")?;
    queue::enqueue(&mut tx, &SendLetter::EmailChanged { user: link.user, old_email: link.email.clone() }, now).await?;
    record(&mut tx, link.user, "email.changed", json!({ "from": link.email, "to": email.as_str() }), origin, now)
        .await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Takes a change back by the link sent to the old address, and ends every login: somebody else may have made the change.
pub async fn undo(portal: &Portal, token: &str, origin: &Origin) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let link =
        store::lock_link(&mut tx, LinkKind::UndoEmailChange, &token_hash(token), now).await.context("read a link")?;
    let Some((link, email)) =
        link.and_then(|link| Some((link.clone(), EmailAddress::parse(link.new_email.as_deref()?).ok()?)))
    else {
        return Ok(false);
    };
    for kind in [LinkKind::UndoEmailChange, LinkKind::ChangeEmail, LinkKind::ResetPassword] {
        store::use_links(&mut tx, kind, link.user, now).await.context("use a link")?;
    }
    match store::set_user_email(&mut tx, link.user, &email).await {
        Ok(()) => {}
        Err(error) if error.constraint() == Some("users_email_key_key") => return Ok(false),
        Err(error) => return Err(anyhow::Error::new(error).context("set the address")),
    }
    store::end_sessions_except(&mut tx, link.user, None, now).await.context("end the logins")?;
    record(&mut tx, link.user, "email.change-undone", json!({ "from": link.email, "to": email.as_str() }), origin, now)
        .await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

async fn record(
    db: &mut sqlx::PgConnection,
    user: UserId,
    action: &'static str,
    detail: serde_json::Value,
    origin: &Origin,
    now: chrono::DateTime<chrono::Utc>,
) -> anyhow::Result<()> {
    let name = store::find_user(db, user).await.context("read the person")?.map(|user| user.name).unwrap_or_default();
    let actor = Actor::user(user, &name).from_address(&origin.address);
    let mut entry = Entry::new(action).detail(detail);
    if let Some(account) = store::find_home(db, user).await.context("read the person's organisation")? {
        entry = entry.account(account);
    }
    audit::record(db, &actor, entry, now).await
}
