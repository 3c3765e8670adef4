//! Closing an account: its instances stop and are deleted with it after seven days, unless its owner takes that back.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::letters::{CloseAccount, SendLetter};
use super::login::{self, LoginError};
use super::throttle::Key;
use super::{AccountState, Role, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::AccountId;
use crate::billing::profiles;
use crate::environments::{By, removal};
use crate::portal::Portal;
use crate::queue;

/// How long a closing can be taken back.
pub const UNDO_FOR: TimeDelta = TimeDelta::days(7);

/// Why an account was not closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosingError {
    /// The typed name is not the organisation's.
    #[error("the typed name is not right")]
    WrongName,
    /// The password was refused.
    #[error("the password was refused")]
    Password(#[source] LoginError),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Closes an account in seven days. Its instances stop now.
pub async fn ask(portal: &Portal, key: &Key, by: &By, typed: (&str, &str)) -> Result<(), ClosingError> {
    let (account, (typed_name, typed_password)) = (by.account, typed);
    let now = portal.clock.now();
    login::confirm(portal, key, by.user, typed_password).await.map_err(ClosingError::Password)?;
    let mut tx = portal.db.begin().await.context("begin")?;
    let organisation =
        store::lock_organisation(&mut tx, account).await.context("lock the account")?.context("the account is gone")?;
    if organisation.state != AccountState::Active {
        return Ok(());
    }
    if typed_name.trim().to_lowercase() != organisation.name.trim().to_lowercase() {
        return Err(ClosingError::WrongName);
    }
    let closes_at = now + UNDO_FOR;
    store::set_account_state(&mut tx, account, AccountState::Closing, Some(closes_at))
        .await
        .context("close the account")?;
    removal::ask_all(&mut tx, by, closes_at, now).await?;
    queue::enqueue_at(&mut tx, &CloseAccount { account }, closes_at, now).await?;
    for member in store::list_members(&mut tx, account).await.context("list the members")? {
        if member.role == Role::Owner {
            queue::enqueue(&mut tx, &SendLetter::Closing { user: member.user, closes_at }, now).await?;
        }
    }
    audit::record(&mut tx, &by.actor, Entry::new("account.closing-asked").account(account), now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Keeps an account that was being closed, and its instances.
pub async fn keep(portal: &Portal, by: &By) -> anyhow::Result<()> {
    let account = by.account;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let organisation =
        store::lock_organisation(&mut tx, account).await.context("lock the account")?.context("the account is gone")?;
    if organisation.state == AccountState::Closing {
        store::set_account_state(&mut tx, account, AccountState::Active, None).await.context("keep the account")?;
        if let Some(closes_at) = organisation.closes_at {
            removal::undo_all(&mut tx, by, closes_at, now).await?;
        }
        audit::record(&mut tx, &by.actor, Entry::new("account.closing-undone").account(account), now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Closes an account for good, when the time to take it back is over. Done twice it changes nothing.
pub async fn finish(portal: &Portal, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let organisation =
        store::lock_organisation(&mut tx, account).await.context("lock the account")?.context("the account is gone")?;
    let is_due = organisation.closes_at.is_some_and(|at| at <= now);
    if organisation.state == AccountState::Closing && is_due {
        store::set_account_state(&mut tx, account, AccountState::Closed, None).await.context("close the account")?;
        // Before its people are forgotten: the last invoice is still to be sent.
        profiles::keep_mail(&mut tx, account, now).await?;
        store::forget_people(&mut tx, account).await.context("take the personal data")?;
        audit::record(&mut tx, &Actor::system(), Entry::new("account.closed").account(account), now).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}
