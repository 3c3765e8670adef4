//! `/reset/{token}`: the page behind the link to choose a new password.

use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::link_gone;
use crate::accounts::letters::LinkKind;
use crate::accounts::links;
use crate::accounts::recovery::{self, ResetError};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Visitor};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Debug, Deserialize)]
pub struct ResetForm {
    password: String,
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, visitor: Visitor, token: Path<String>) -> Answer {
    show(&portal, visitor.layout, &token, Problems::default()).await
}

/// Sets the password. Every login of the person ends.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    token: Path<String>,
    posted: Posted<ResetForm>,
) -> Answer {
    match recovery::reset(&portal, &keys.throttle, &token, &posted.form.password, &visitor.origin).await {
        Ok(user) => {
            let to_login = answer::flash(urls::login(), FlashKind::Good, "reset-done")?;
            // The person's own login has just ended: its cookie lets nobody in, and finds what they were in the middle of.
            let is_another = visitor.session.is_some_and(|session| session.user != user);
            Ok(if is_another { answer::logged_out(to_login) } else { to_login })
        }
        Err(ResetError::LinkGone) => link_gone(visitor.layout, urls::forgot(), "link-gone-forgot"),
        Err(ResetError::Refused(problem)) => {
            let mut problems = Problems::default();
            problems.add("password", visitor.layout.t(problem.key()));
            show(&portal, visitor.layout, &token, problems).await
        }
        Err(ResetError::Failed(cause)) => Err(cause.into()),
    }
}

async fn show(portal: &Portal, layout: Layout, token: &str, problems: Problems) -> Answer {
    let Some(email) = links::peek(portal, LinkKind::ResetPassword, token).await? else {
        return link_gone(layout, urls::forgot(), "link-gone-forgot");
    };
    let is_again = !problems.is_empty();
    let page = ResetPage { layout, email, action: urls::reset(token), problems };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}

#[derive(Template)]
#[template(path = "pages/auth/reset.html")]
struct ResetPage {
    layout: Layout,
    email: String,
    action: String,
    problems: Problems,
}
