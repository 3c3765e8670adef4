//! How somebody becomes staff: by a link that works once. The first one is printed on the machine itself; there is no default password.

use anyhow::Context;
use chrono::TimeDelta;

use super::store::{self, NewStaff};
use super::{StaffMember, login, second_factor};
use crate::accounts::password::{self, NewPassword};
use crate::audit::{self, Actor};
use crate::base::ids::StaffId;
use crate::base::names::EmailAddress;
use crate::base::seal::SealingKey;
use crate::base::secret::{Secret, new_token, token_hash};
use crate::i18n::Locale;
use crate::portal::Portal;

/// How long a link can be used.
const LINK_IS_GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// Makes the link for the first staff member, or returns `None` when there is staff already.
///
/// A new link replaces the unused ones before it.
pub async fn first_link(portal: &Portal) -> anyhow::Result<Option<Secret<String>>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    if store::staff_exists(&mut tx).await? {
        return Ok(None);
    }
    store::withdraw_invitations(&mut tx).await?;
    let token = new_token();
    store::insert_invitation(&mut tx, &token_hash(token.expose()), None, now, now + LINK_IS_GOOD_FOR).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(token))
}

/// Makes a link with which a colleague can join.
pub async fn invite(portal: &Portal, by: &StaffMember) -> anyhow::Result<Secret<String>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let token = new_token();
    store::insert_invitation(&mut tx, &token_hash(token.expose()), Some(by.id), now, now + LINK_IS_GOOD_FOR).await?;
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), audit::Entry::new("staff.invited"), now).await?;
    tx.commit().await.context("commit")?;
    Ok(token)
}

/// Whether the link can still be used. Looking does not use it up.
pub async fn is_good(portal: &Portal, token: &str) -> anyhow::Result<bool> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    Ok(store::find_invitation(&mut db, &token_hash(token), portal.clock.now()).await?)
}

/// What somebody who joins says about themselves.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Where they can be reached; also the login.
    pub email: EmailAddress,
    /// What colleagues call them.
    pub name: String,
    /// Already checked against the rules.
    pub password: NewPassword,
    /// The language of their pages.
    pub locale: Locale,
}

/// Why somebody could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The link was used, is too old, or never existed.
    #[error("the link cannot be used any more")]
    LinkIsSpent,
    /// There is a staff member with this e-mail.
    #[error("this e-mail belongs to a staff member already")]
    EmailTaken,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Uses up the link, makes the staff member and logs them in as far as the second factor's set-up.
pub async fn join(
    portal: &Portal,
    key: &SealingKey,
    token: &str,
    joining: Joining,
    browser: &login::Browser,
) -> Result<Secret<String>, JoinError> {
    let now = portal.clock.now();
    // Before the transaction: hashing takes tens of milliseconds.
    let password_hash = password::hash(&joining.password).await.context("hash the password")?;
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::use_invitation(&mut tx, &token_hash(token), now).await.context("use the invitation")? {
        return Err(JoinError::LinkIsSpent);
    }
    let id = StaffId::new(now);
    let staff = NewStaff {
        id,
        email: &joining.email,
        name: &joining.name,
        password_hash: &password_hash,
        locale: joining.locale,
        totp_sealed: key.seal(&format!("staff/{id}"), &second_factor::new_secret()),
    };
    if let Err(error) = store::insert_staff(&mut tx, &staff, now).await {
        if error.constraint() == Some("staff_email_key_key") {
            return Err(JoinError::EmailTaken);
        }
        return Err(anyhow::Error::new(error).context("insert the staff member").into());
    }
    let member = StaffMember { id, email: joining.email.to_string(), name: joining.name, locale: joining.locale };
    audit::record(&mut tx, &Actor::staff(member.id, &member.name), audit::Entry::new("staff.joined"), now)
        .await
        .context("write the audit log")?;
    let session =
        login::open_session(&mut tx, id, login::IsComplete::No, browser, now).await.context("open a session")?;
    tx.commit().await.context("commit")?;
    Ok(session)
}
