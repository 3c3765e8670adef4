//! `/instances/{id}/open` (POST): the page that hands the browser over to Odoo, logged in.

use actix_web::web::{Data, Path};
use askama::Template;

use super::{by, forbidden_or_missing, id};
use crate::accounts::policy::Action;
use crate::environments::opening::{self, Opening};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// Answers with a form that sends itself to the instance. The ticket stands in no address, and nothing keeps the page:
/// every page of ours goes out with `Cache-Control: no-store`.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    member: Member,
    path: Path<String>,
    _: Posted<Button>,
) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::OpenInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let locale = member.layout.locale.code();
    match opening::ticket(&portal, &keys.sso, &by(&member), environment, locale).await? {
        None => Err(PageError::NotFound),
        Some(Opening::NotRunning) => {
            answer::flash(urls::instance(environment), FlashKind::Warning, "instances-open-not-running")
        }
        Some(Opening::Ready(ticket)) => answer::page(&OpenPage {
            layout: member.layout.clone(),
            address: ticket.address,
            token: ticket.token.expose().clone(),
        }),
    }
}

#[derive(Template)]
#[template(path = "pages/instances/open.html")]
struct OpenPage {
    layout: Layout,
    address: String,
    token: String,
}
