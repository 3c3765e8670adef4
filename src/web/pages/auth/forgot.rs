//! `/forgot`: asks for a link to choose a new password.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::signup::email_words;
use crate::accounts::recovery;
use crate::base::names::EmailAddress;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Visitor};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Debug, Deserialize)]
pub struct ForgotForm {
    email: String,
}

/// Shows the form.
pub async fn get(visitor: Visitor) -> Answer {
    answer::page(&ForgotPage { layout: visitor.layout, email: String::new(), problems: Problems::default() })
}

/// Says that a mail is on its way if there is such an account: to everybody the same.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, visitor: Visitor, posted: Posted<ForgotForm>) -> Answer {
    let email = match EmailAddress::parse(&posted.form.email) {
        Ok(email) => email,
        Err(problem) => {
            let mut problems = Problems::default();
            problems.add("email", email_words(&visitor.layout, problem));
            return answer::again(&ForgotPage { layout: visitor.layout, email: posted.form.email, problems });
        }
    };
    match recovery::ask(&portal, &keys.throttle, &email, &visitor.origin).await? {
        None => answer::flash(urls::login(), FlashKind::Info, "forgot-sent"),
        Some(seconds) => Err(PageError::TooMany(seconds)),
    }
}

#[derive(Template)]
#[template(path = "pages/auth/forgot.html")]
struct ForgotPage {
    layout: Layout,
    email: String,
    problems: Problems,
}
