//! `/signup`: the page where a customer begins.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;
use tokio::time::Instant;

use crate::accounts::region;
use crate::accounts::signup::{self, SignUp, SignUpError};
use crate::base::names::EmailError;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Visitor};
use crate::web::form::Problems;
use crate::web::layout::Layout;
use crate::web::urls;

/// Signing up takes as long for an address that has an account as for a new one: longer than either needs.
const TAKES: Duration = Duration::from_millis(300);

/// What is typed.
#[derive(Debug, Default, Deserialize)]
pub struct SignUpForm {
    name: String,
    email: String,
    company: String,
    password: String,
}

/// Shows the form.
pub async fn get(visitor: Visitor) -> Answer {
    if visitor.session.is_some() {
        return answer::see_other(urls::instances());
    }
    answer::page(&SignUpPage::new(visitor.layout, SignUpForm::default(), Problems::default()))
}

/// Signs somebody up. The answer is the same whether the address has an account or not.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    request: HttpRequest,
    posted: Posted<SignUpForm>,
) -> Answer {
    let began = Instant::now();
    let form = posted.form;
    let typed = match SignUp::check(&form.name, &form.email, &form.company, &form.password) {
        Ok(typed) => typed,
        Err(problems) => {
            let problems = words(&visitor.layout, &problems);
            return answer::again(&SignUpPage::new(visitor.layout, form, problems));
        }
    };
    let languages = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let locale = visitor.layout.locale;
    let place = (region::guess(languages, locale), locale);
    match signup::sign_up(&portal, &keys.throttle, &typed, place, &visitor.origin).await {
        Ok(()) => {
            tokio::time::sleep_until(began + TAKES).await;
            answer::see_other(urls::check_mail())
        }
        Err(SignUpError::Wait(seconds)) => Err(PageError::TooMany(seconds)),
        Err(SignUpError::Failed(cause)) => Err(cause.into()),
    }
}

fn words(layout: &Layout, found: &signup::Problems) -> Problems {
    let mut problems = Problems::default();
    if let Some(problem) = found.name {
        problems.add("name", layout.t(problem.key()));
    }
    if let Some(problem) = found.email {
        problems.add("email", email_words(layout, problem));
    }
    if let Some(problem) = found.company {
        problems.add("company", layout.t(problem.key()));
    }
    if let Some(problem) = found.password {
        problems.add("password", layout.t(problem.key()));
    }
    problems
}

/// Says what is wrong with an e-mail address.
pub(in crate::web::pages) fn email_words(layout: &Layout, problem: EmailError) -> String {
    layout.t(match problem {
        EmailError::Empty => "words-empty",
        EmailError::Invalid => "email-invalid",
        EmailError::TooLong => "words-too-long",
    })
}

#[derive(Template)]
#[template(path = "pages/auth/signup.html")]
struct SignUpPage {
    layout: Layout,
    typed_name: String,
    email: String,
    company: String,
    problems: Problems,
}

impl SignUpPage {
    /// Everything typed stays, but the password.
    fn new(layout: Layout, form: SignUpForm, problems: Problems) -> Self {
        Self { layout, typed_name: form.name, email: form.email, company: form.company, problems }
    }
}
