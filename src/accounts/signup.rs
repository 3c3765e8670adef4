//! Signing up: an organisation with its first person. The answer is the same when the address has an account already.

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::letters::SendLetter;
use super::password::{self, NewPassword, PasswordProblem};
use super::region::Region;
use super::throttle::{self, Key, Limit};
use super::words::{self, WordsProblem};
use super::{Origin, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{AccountId, UserId};
use crate::base::names::{EmailAddress, EmailError};
use crate::base::secret::token_hash;
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::queue;

/// Room for a name.
pub const MAX_NAME: usize = 100;

/// What somebody typed, checked.
#[derive(Clone, Debug)]
pub struct SignUp {
    name: String,
    email: EmailAddress,
    company: String,
    password: NewPassword,
}

/// What is wrong with what somebody typed, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The name.
    pub name: Option<WordsProblem>,
    /// The e-mail address.
    pub email: Option<EmailError>,
    /// The organisation.
    pub company: Option<WordsProblem>,
    /// The password.
    pub password: Option<PasswordProblem>,
}

impl SignUp {
    /// Checks what somebody typed; everything that is wrong is told at once.
    pub fn check(name: &str, email: &str, company: &str, password: &str) -> Result<Self, Problems> {
        let checked_name = words::one_line(name, MAX_NAME);
        let checked_email = EmailAddress::parse(email);
        let checked_company = words::one_line(company, MAX_NAME);
        let checked_password = NewPassword::check(password, &[email, name, company]);
        match (checked_name, checked_email, checked_company, checked_password) {
            (Ok(name), Ok(email), Ok(company), Ok(password)) => Ok(Self { name, email, company, password }),
            (name, email, company, password) => {
                Err(Problems { name: name.err(), email: email.err(), company: company.err(), password: password.err() })
            }
        }
    }
}

/// An organisation and its first person, ready to be kept.
#[derive(Debug)]
pub struct NewCustomer<'a> {
    /// The person.
    pub user: UserId,
    /// The organisation.
    pub account: AccountId,
    /// The person's name.
    pub name: &'a str,
    /// The person's address.
    pub email: &'a EmailAddress,
    /// The organisation's name.
    pub company: &'a str,
    /// The kept hash.
    pub password_hash: String,
    /// Where the organisation is.
    pub region: Region,
    /// The person's language.
    pub locale: Locale,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why nobody signed up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Too many sign-ups from this network; seconds to wait.
    #[error("too many tries, wait {0} seconds")]
    Wait(u32),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Signs somebody up, or tells the owner of the address by mail that there is an account. Nobody else learns which.
pub async fn sign_up(
    portal: &Portal,
    key: &Key,
    typed: &SignUp,
    place: (Region, Locale),
    origin: &Origin,
) -> Result<(), SignUpError> {
    let now = portal.clock.now();
    if let Some(seconds) =
        throttle::count(portal, key, Limit::SignUpByAddress, &[&throttle::network(&origin.address)]).await?
    {
        return Err(SignUpError::Wait(seconds));
    }
    let is_mailable = throttle::count(portal, key, Limit::MailsByEmail, &[typed.email.key()]).await?.is_none();
    let new = NewCustomer {
        user: UserId::new(now),
        account: AccountId::new(now),
        name: &typed.name,
        email: &typed.email,
        company: &typed.company,
        password_hash: password::hash(&typed.password).await?,
        region: place.0,
        locale: place.1,
        at: now,
    };
    if !is_mailable {
        return Ok(());
    }
    let visit_hash = Some(hex::encode(token_hash(&origin.visit)));
    let mut tx = portal.db.begin().await.context("begin")?;
    let letter = match store::insert_customer(&mut tx, &new).await {
        Ok(()) => {
            let actor = Actor::user(new.user, new.name).from_address(&origin.address);
            audit::record(&mut tx, &actor, Entry::new("account.signed-up").account(new.account), now).await?;
            SendLetter::Verify { user: new.user, visit_hash }
        }
        Err(error) if error.constraint() == Some("users_email_key_key") => {
            tx.rollback().await.context("roll back")?;
            tx = portal.db.begin().await.context("begin")?;
            let found = store::find_user_by_email(&mut tx, typed.email.key()).await.context("read the person")?;
            let Some(user) = found else { return Ok(()) };
            // Pressed twice, or the first mail was lost: the link again. The first password stays the one that counts.
            if user.is_verified {
                SendLetter::AlreadyHere { user: user.id }
            } else {
                SendLetter::Verify { user: user.id, visit_hash }
            }
        }
        Err(error) => return Err(SignUpError::Failed(anyhow::Error::new(error).context("insert the customer"))),
    };
    queue::enqueue(&mut tx, &letter, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}
