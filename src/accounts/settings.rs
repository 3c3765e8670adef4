//! What people set for themselves and their organisation.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::letters::SendLetter;
use super::login::{self, LoginError};
use super::password::{self, NewPassword, PasswordProblem};
use super::throttle::Key;
use super::{AccountState, Role, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::queue;

/// What an organisation says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// ISO 3166 code.
    pub country: String,
    /// What it is charged in.
    pub currency: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether it is with us.
    pub state: AccountState,
    /// Until when a closing can be taken back.
    pub closes_at: Option<DateTime<Utc>>,
}

/// Somebody who belongs to an organisation.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The person.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Sets a person's language: of pages on new devices, and of mails.
pub async fn choose_language(portal: &Portal, user: UserId, locale: Locale) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    store::set_user_locale(&mut db, user, locale).await.context("set the person's language")
}

/// Sets a person's name.
pub async fn rename_person(portal: &Portal, user: UserId, name: &str) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    store::set_user_name(&mut db, user, name).await.context("set the person's name")
}

/// Returns what an organisation says about itself.
pub async fn organisation(portal: &Portal, account: AccountId) -> anyhow::Result<Organisation> {
    let mut tx = portal.db.begin().await.context("begin")?;
    store::lock_organisation(&mut tx, account).await.context("read the organisation")?.context("the account is gone")
}

/// Whether the organisation's currency can still be chosen: once something was ordered, prices are in it.
pub async fn is_currency_open(portal: &Portal, account: AccountId) -> anyhow::Result<bool> {
    let mut db = store::connection(&portal.db).await?;
    Ok(!store::has_ordered(&mut db, account).await.context("look for orders")?)
}

/// Sets what an organisation says about itself. The currency stays when something was ordered in it.
pub async fn change_organisation(
    portal: &Portal,
    by: &Actor,
    account: AccountId,
    new: Organisation,
) -> anyhow::Result<()> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let old = store::lock_organisation(&mut tx, account)
        .await
        .context("lock the organisation")?
        .context("the account is gone")?;
    let currency = if store::has_ordered(&mut tx, account).await.context("look for orders")? {
        old.currency.clone()
    } else {
        new.currency
    };
    let new = Organisation { currency, ..new };
    if old != new {
        store::set_organisation(&mut tx, account, &new).await.context("set the organisation")?;
        let said = |it: &Organisation| json!({ "name": it.name, "country": it.country, "currency": it.currency, "timezone": it.timezone });
        let entry =
            Entry::new("account.changed").account(account).detail(json!({ "from": said(&old), "to": said(&new) }));
        audit::record(&mut tx, by, entry, portal.clock.now()).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Returns who belongs to an organisation.
pub async fn members(portal: &Portal, account: AccountId) -> anyhow::Result<Vec<Listed>> {
    let mut db = store::connection(&portal.db).await?;
    store::list_members(&mut db, account).await.context("list the members")
}

/// Why the password stayed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The current password was not right, or tried too often.
    #[error("the current password was refused")]
    Current(#[source] LoginError),
    /// The new one is not taken.
    #[error("the new password was refused")]
    New(#[source] PasswordProblem),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A change of the password.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    /// The current one.
    pub current: &'a str,
    /// The new one.
    pub new: &'a str,
    /// What is known of the person: e-mail, name, organisation.
    pub about: [&'a str; 3],
}

/// Changes the password. Every other login of the person ends.
pub async fn change_password(
    portal: &Portal,
    key: &Key,
    by: &Actor,
    (user, session): (UserId, SessionId),
    change: &PasswordChange<'_>,
) -> Result<(), PasswordError> {
    login::confirm(portal, key, user, change.current).await.map_err(PasswordError::Current)?;
    let password = NewPassword::check(change.new, &change.about).map_err(PasswordError::New)?;
    let hash = password::hash(&password).await?;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    store::set_user_password(&mut tx, user, &hash).await.context("set the password")?;
    store::end_sessions_except(&mut tx, user, Some(session), now).await.context("end the other logins")?;
    queue::enqueue(&mut tx, &SendLetter::PasswordChanged { user }, now).await?;
    audit::record(&mut tx, by, Entry::new("password.changed"), now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}
