//! `/account/security`: the e-mail address and the password.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Tab, tabs};
use crate::accounts::email_change;
use crate::accounts::login::{LoginError, Refusal};
use crate::accounts::settings::{self, PasswordChange, PasswordError};
use crate::base::names::EmailAddress;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::auth::signup::email_words;
use crate::web::urls;

/// A new password.
#[derive(Debug, Deserialize)]
pub struct PasswordForm {
    current: String,
    new: String,
}

/// A new e-mail address.
#[derive(Debug, Deserialize)]
pub struct EmailForm {
    email: String,
    password: String,
}

/// Shows both forms.
pub async fn get(member: Member) -> Answer {
    answer::page(&SecurityPage::new(member, String::new(), Problems::default()))
}

/// Changes the password. Other logins end.
pub async fn password(portal: Data<Portal>, keys: Data<Keys>, member: Member, posted: Posted<PasswordForm>) -> Answer {
    let change = PasswordChange {
        current: &posted.form.current,
        new: &posted.form.new,
        about: [&member.email, &member.name, &member.account_name],
    };
    let who = (member.user, member.session);
    let (field, text) = match settings::change_password(&portal, &keys.throttle, &member.actor(), who, &change).await {
        Ok(()) => return answer::flash(urls::account_security(), FlashKind::Good, "security-password-done"),
        Err(PasswordError::New(problem)) => ("new", member.layout.t(problem.key())),
        Err(PasswordError::Current(error)) => ("current", refused(&member.layout, error)?),
        Err(PasswordError::Failed(cause)) => return Err(cause.into()),
    };
    let mut problems = Problems::default();
    problems.add(field, text);
    answer::again(&SecurityPage::new(member, String::new(), problems))
}

/// Asks for another e-mail address: it is used once it was confirmed.
pub async fn email(portal: Data<Portal>, keys: Data<Keys>, member: Member, posted: Posted<EmailForm>) -> Answer {
    let form = posted.form;
    let mut problems = Problems::default();
    match EmailAddress::parse(&form.email) {
        Err(problem) => problems.add("email", email_words(&member.layout, problem)),
        Ok(email) => match email_change::ask(&portal, &keys.throttle, member.user, (&email, &form.password)).await {
            Ok(()) => {
                let value = ("email", email.as_str());
                return answer::flash_with(urls::account_security(), FlashKind::Info, "security-email-sent", value);
            }
            Err(error) => problems.add("password", refused(&member.layout, error)?),
        },
    }
    answer::again(&SecurityPage::new(member, form.email, problems))
}

/// Says that the current password was not right; everything else is an error page.
pub(super) fn refused(layout: &Layout, error: LoginError) -> Result<String, PageError> {
    match error {
        LoginError::Refused(Refusal::Wrong) => Ok(layout.t("security-wrong-password")),
        LoginError::Refused(Refusal::Wait(seconds)) => Err(PageError::TooMany(seconds)),
        LoginError::Failed(cause) => Err(cause.into()),
    }
}

#[derive(Template)]
#[template(path = "pages/account/security.html")]
struct SecurityPage {
    layout: Layout,
    tabs: Vec<Tab>,
    present_email: String,
    is_verified: bool,
    email: String,
    problems: Problems,
}

impl SecurityPage {
    fn new(member: Member, email: String, problems: Problems) -> Self {
        let tabs = tabs(&member.layout, &urls::account_security());
        Self {
            tabs,
            present_email: member.email,
            is_verified: member.is_verified,
            email,
            problems,
            layout: member.layout,
        }
    }
}
