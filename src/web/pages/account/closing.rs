//! `/account/closing`: an account that is being closed, and the way back.

use actix_web::web::Data;
use askama::Template;

use crate::accounts::policy::{self, Action};
use crate::accounts::{closing, settings};
use crate::i18n::format::{Formats, When};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// Says when the account is closed for good.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    let organisation = settings::organisation(&portal, member.account).await?;
    let Some(at) = organisation.closes_at else { return answer::see_other(urls::account()) };
    let formats = Formats::new(member.layout.locale, &member.timezone);
    let closes = When { iso: formats.iso(at), words: formats.date_time(at) };
    let may_keep = policy::may(member.role, Action::CloseAccount);
    answer::page(&ClosingPage { layout: member.layout, closes, may_keep })
}

/// Keeps the account and its instances.
pub async fn keep(portal: Data<Portal>, member: Member, _posted: Posted<Button>) -> Answer {
    member.require(Action::CloseAccount)?;
    closing::keep(&portal, &member.by()).await?;
    answer::flash(urls::instances(), FlashKind::Good, "closing-kept")
}

#[derive(Template)]
#[template(path = "pages/account/closing.html")]
struct ClosingPage {
    layout: Layout,
    closes: When,
    may_keep: bool,
}
