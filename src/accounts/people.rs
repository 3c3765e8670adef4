//! People, as mails address them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::letters::SendLetter;
use super::policy::{self, Action};
use super::{Role, store};
use crate::base::ids::{AccountId, UserId};
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::queue;

/// Somebody who gets a mail.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// The person.
    pub id: UserId,
    /// The person's name.
    pub name: String,
    /// The person's present address.
    pub email: String,
    /// The person's language.
    pub locale: Locale,
    /// The time zone of the person's organisation.
    pub timezone: String,
}

/// Returns whom a letter is for; `None` when there is no such person, or no more.
pub async fn receiver(portal: &Portal, letter: &SendLetter) -> anyhow::Result<Option<Receiver>> {
    let mut db = store::connection(&portal.db).await?;
    let found = match letter {
        SendLetter::ForgotPassword { email_key } => store::find_user_by_email(&mut db, email_key).await,
        SendLetter::Verify { user, .. }
        | SendLetter::AlreadyHere { user }
        | SendLetter::PasswordChanged { user }
        | SendLetter::NewDevice { user, .. }
        | SendLetter::ConfirmEmail { user, .. }
        | SendLetter::EmailChanged { user, .. }
        | SendLetter::BudgetUsed { user, .. }
        | SendLetter::BudgetReached { user, .. }
        | SendLetter::TrialEnding { user, .. }
        | SendLetter::TrialEnded { user, .. }
        | SendLetter::DomainLost { user, .. }
        | SendLetter::Overdue { user, .. }
        | SendLetter::DocumentIssued { user, .. }
        | SendLetter::CardRefused { user, .. }
        | SendLetter::Closing { user, .. } => store::find_user(&mut db, *user).await,
    };
    let Some(user) = found.context("read the receiver")? else { return Ok(None) };
    let Some(account) = store::find_home(&mut db, user.id).await.context("read the receiver's organisation")? else {
        return Ok(None);
    };
    let timezone =
        store::find_timezone(&mut db, account).await.context("read the receiver's time zone")?.unwrap_or_default();
    Ok(Some(Receiver { id: user.id, name: user.name, email: user.email, locale: user.locale, timezone }))
}

/// Writes a letter to each owner of an account and to each member who looks after its bills.
pub async fn write_to_payers(
    db: &mut PgConnection,
    account: AccountId,
    letter: impl Fn(UserId) -> SendLetter,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for member in store::list_members(db, account).await.context("list the members")? {
        if matches!(member.role, Role::Owner | Role::Billing) {
            queue::enqueue(db, &letter(member.user), now).await?;
        }
    }
    Ok(())
}

/// Writes a letter to each member whose role allows an action.
pub async fn write_to_whoever_may(
    db: &mut PgConnection,
    account: AccountId,
    action: Action,
    letter: impl Fn(UserId) -> SendLetter,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for member in store::list_members(db, account).await.context("list the members")? {
        if policy::may(member.role, action) {
            queue::enqueue(db, &letter(member.user), now).await?;
        }
    }
    Ok(())
}
