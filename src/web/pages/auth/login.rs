//! `/login`: the page where a customer logs in.

use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use crate::accounts::login::{self, LoginError, Refusal};
use crate::accounts::sessions;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Visitor};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// Where the person wanted to go.
#[derive(Debug, Default, Deserialize)]
pub struct LoginQuery {
    #[serde(default)]
    next: String,
}

/// What is typed.
#[derive(Debug, Default, Deserialize)]
pub struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Shows the form.
pub async fn get(visitor: Visitor, query: Query<LoginQuery>) -> Answer {
    let next = urls::local(&query.next).unwrap_or_default().to_owned();
    if visitor.session.is_some() {
        return answer::see_other(if next.is_empty() { urls::instances() } else { next });
    }
    let has_lapsed = visitor.lapsed.is_some();
    answer::page(&LoginPage { layout: visitor.layout, email: String::new(), next, has_lapsed, problem: None })
}

/// Logs somebody in.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, visitor: Visitor, posted: Posted<LoginForm>) -> Answer {
    let form = posted.form;
    let next = urls::local(&form.next).unwrap_or_default().to_owned();
    match login::log_in(&portal, &keys.throttle, (&form.email, &form.password), &visitor.origin).await {
        Ok(new) => {
            if let Some(old) = &visitor.session {
                sessions::log_out(&portal, old).await?;
            }
            let kept = match &visitor.lapsed {
                Some(lapsed) => sessions::resume(&portal, lapsed, new.user).await?,
                None => None,
            };
            let response = match kept {
                Some(path) => answer::flash(path, FlashKind::Info, "login-resumed")?,
                None => answer::see_other(if next.is_empty() { urls::instances() } else { next })?,
            };
            Ok(answer::logged_in(response, new.token, new.devices))
        }
        Err(LoginError::Refused(Refusal::Wrong)) => {
            let problem = Some(visitor.layout.t("login-wrong"));
            answer::again(&LoginPage { layout: visitor.layout, email: form.email, next, has_lapsed: false, problem })
        }
        Err(LoginError::Refused(Refusal::Wait(seconds))) => Err(PageError::TooMany(seconds)),
        Err(LoginError::Failed(cause)) => Err(cause.into()),
    }
}

#[derive(Template)]
#[template(path = "pages/auth/login.html")]
struct LoginPage {
    layout: Layout,
    email: String,
    next: String,
    has_lapsed: bool,
    problem: Option<String>,
}
