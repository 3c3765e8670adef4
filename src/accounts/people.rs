//! People, as mails address them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::letters::{Payer, SendLetter};
use super::policy::{self, Action};
use super::{Role, store};
use crate::base::ids::{AccountId, UserId};
use crate::billing::profiles;
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::queue;

/// Somebody who gets a mail.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// The person; `None` for an address that is nobody's in particular.
    pub id: Option<UserId>,
    /// The person's name, or the organisation's.
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
    let user_of_money = match letter.payer() {
        Some(Payer::Address { account }) => return mailbox(&mut db, account).await,
        Some(Payer::Member(user)) => Some(user),
        None => None,
    };
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
        | SendLetter::PlanMoves { user, .. }
        | SendLetter::PlanStays { user, .. }
        | SendLetter::CreditEnding { user, .. }
        | SendLetter::CreditEnded { user, .. }
        | SendLetter::DomainLost { user, .. }
        | SendLetter::CardRefused { user, .. }
        | SendLetter::Closing { user, .. } => store::find_user(&mut db, *user).await,
        SendLetter::Overdue { .. } | SendLetter::DocumentIssued { .. } => match user_of_money {
            Some(user) => store::find_user(&mut db, user).await,
            None => Ok(None),
        },
    };
    let Some(user) = found.context("read the receiver")? else { return Ok(None) };
    let Some(account) = store::find_home(&mut db, user.id).await.context("read the receiver's organisation")? else {
        return Ok(None);
    };
    let timezone =
        store::find_timezone(&mut db, account).await.context("read the receiver's time zone")?.unwrap_or_default();
    Ok(Some(Receiver { id: Some(user.id), name: user.name, email: user.email, locale: user.locale, timezone }))
}

/// The address for an account's invoices, as a receiver.
async fn mailbox(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Receiver>> {
    let Some(found) = profiles::mailbox(db, account).await? else { return Ok(None) };
    let timezone = store::find_timezone(db, account).await.context("read the time zone")?.unwrap_or_default();
    Ok(Some(Receiver { id: None, name: found.name, email: found.email, locale: found.locale, timezone }))
}

/// Writes a letter about money: to the address for invoices if there is one, else to each owner of an account and to each
/// member who looks after its bills.
pub async fn write_about_money(
    db: &mut PgConnection,
    account: AccountId,
    letter: impl Fn(Payer) -> SendLetter,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if profiles::mailbox(db, account).await?.is_some() {
        queue::enqueue(db, &letter(Payer::Address { account }), now).await?;
        return Ok(());
    }
    write_to_payers(db, account, |user| letter(Payer::Member(user)), now).await
}

/// Writes a letter to each owner of an account and to each member who looks after its bills. Who closed their account and was
/// forgotten has no address any more.
pub async fn write_to_payers(
    db: &mut PgConnection,
    account: AccountId,
    letter: impl Fn(UserId) -> SendLetter,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for member in store::list_members(db, account).await.context("list the members")? {
        let is_forgotten = member.email.ends_with(store::FORGOTTEN);
        if matches!(member.role, Role::Owner | Role::Billing) && !is_forgotten {
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
