//! `/account/close`: closes the account, after its name and the password were typed.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::security::refused;
use crate::accounts::closing::{self, ClosingError};
use crate::accounts::policy::Action;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::Layout;
use crate::web::urls;

/// What is typed.
#[derive(Debug, Deserialize)]
pub struct CloseForm {
    typed: String,
    password: String,
}

/// Says what will be lost, and asks.
pub async fn get(member: Member) -> Answer {
    member.require(Action::CloseAccount)?;
    answer::page(&ClosePage { company: member.account_name, layout: member.layout, problems: Problems::default() })
}

/// Closes the account in seven days; its instances stop now.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, member: Member, posted: Posted<CloseForm>) -> Answer {
    member.require(Action::CloseAccount)?;
    let typed = (posted.form.typed.as_str(), posted.form.password.as_str());
    let mut problems = Problems::default();
    match closing::ask(&portal, &keys.throttle, &member.by(), typed).await {
        Ok(()) => return answer::see_other(urls::account_closing()),
        Err(ClosingError::WrongName) => problems.add("typed", member.layout.t("close-wrong-name")),
        Err(ClosingError::Password(error)) => problems.add("password", refused(&member.layout, error)?),
        Err(ClosingError::Failed(cause)) => return Err(cause.into()),
    }
    answer::again(&ClosePage { company: member.account_name, layout: member.layout, problems })
}

#[derive(Template)]
#[template(path = "pages/account/close.html")]
struct ClosePage {
    layout: Layout,
    company: String,
    problems: Problems,
}
