//! `/staff/login` and `/staff/logout`.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;

use super::second_factor;
use crate::base::secret::Secret;
use crate::portal::Portal;
use crate::staff::login::{self, Browser, LoginError};
use crate::web::answer::{self, Answer};
use crate::web::cookies::{self, Kind};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Visitor, staff_token};
use crate::web::keys::Keys;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/login.html")]
struct LoginPage {
    layout: Layout,
    email: String,
    problem: Option<String>,
}

/// What the form holds.
#[derive(Debug, serde::Deserialize)]
pub struct LoginForm {
    email: String,
    password: Secret<String>,
}

/// Shows the form.
pub async fn get(visitor: Visitor) -> Answer {
    answer::page(&LoginPage { layout: visitor.layout, email: String::new(), problem: None })
}

/// Checks the password; the second factor comes next.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, visitor: Visitor, posted: Posted<LoginForm>) -> Answer {
    let LoginForm { email, password } = posted.form;
    let problem = match login::with_password(&portal, &keys.throttle, &email, password, &browser(&visitor)).await {
        Ok(token) => return second_factor::go_on(&portal, &token, urls::staff_second_factor()),
        Err(LoginError::Wrong) => visitor.layout.t("staff-login-wrong"),
        Err(LoginError::Throttled(seconds)) => {
            visitor.layout.t1("staff-login-throttled", "minutes", seconds.div_ceil(60))
        }
        Err(LoginError::Failed(cause)) => return Err(cause.into()),
    };
    answer::again(&LoginPage { layout: visitor.layout, email, problem: Some(problem) })
}

/// Logs out.
pub async fn out(portal: Data<Portal>, request: HttpRequest, _posted: Posted<Button>) -> Answer {
    if let Some(token) = staff_token(&request, &portal.public) {
        login::log_out(&portal, &token).await?;
    }
    let mut response = answer::see_other(urls::staff_login())?;
    response
        .add_cookie(&cookies::removal(&portal.public, Kind::Staff))
        .map_err(|error| PageError::Failed(error.into()))?;
    Ok(response)
}

/// Returns what is known of the visitor's browser.
#[must_use]
pub fn browser(visitor: &Visitor) -> Browser {
    Browser { address: visitor.origin.address.clone(), user_agent: visitor.origin.user_agent.clone() }
}
