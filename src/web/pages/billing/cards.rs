//! `/account/billing/cards/{wish}`: the way to a page of Stripe's and back, and what came of it. Works by loading it again, too.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::methods::language;
use super::{find as find_document, formats};
use crate::accounts::policy::Action;
use crate::base::ids::CardWishId;
use crate::billing::documents::{self, Kind as DocumentKind};
use crate::payments::wishes::{self, Kind, State, Wish};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::live::{Live, Subject};
use crate::web::urls;

/// Where somebody came from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    back: String,
    since: String,
}

/// Asks for a page on which an invoice is paid. How much that is stands in the books.
pub async fn pay(
    portal: Data<Portal>,
    keys: Data<Keys>,
    member: Member,
    path: Path<String>,
    _posted: Posted<Button>,
) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found) = find_document(&mut db, &member, &path).await?;
    drop(db);
    member.require(Action::ManageBilling)?;
    if !keys.takes_cards(found.listed.open.currency) || found.listed.kind != DocumentKind::Invoice {
        return Err(PageError::NotFound);
    }
    if found.listed.open.minor <= 0 {
        return answer::flash(urls::billing_invoice(id), FlashKind::Info, "card-wish-nothing_open");
    }
    if found.listed.open.minor < found.listed.open.currency.smallest_charge() {
        return answer::flash(urls::billing_invoice(id), FlashKind::Info, "card-wish-too_small");
    }
    let wish = wishes::ask(&portal, (member.account, member.user), Kind::Pay(id), language(&member)).await?;
    answer::see_other(urls::billing_card(wish))
}

/// The account's wish of a path.
async fn find(portal: &Portal, member: &Member, wish: &str) -> Result<Wish, PageError> {
    let id: CardWishId = wish.parse().map_err(|_| PageError::NotFound)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let wish = wishes::find(&mut db, member.account, id).await?.ok_or(PageError::NotFound)?;
    member.require(Action::ManageBilling)?;
    Ok(wish)
}

/// Shows how far it is.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>, query: Query<Back>) -> Answer {
    let wish = find(&portal, &member, &path).await?;
    if query.back == "done" {
        // Once: loading the page again does not ask Stripe again.
        wishes::came_back(&portal, member.account, wish.id).await?;
        return answer::see_other(urls::billing_card_left(wish.id));
    }
    let layout = &member.layout;
    let document = match wish.kind {
        Kind::Save | Kind::TopUp(_) => None,
        Kind::Pay(document) => {
            let mut db = portal.db.acquire().await.context("acquire a connection")?;
            documents::find(&mut db, Some(member.account), document).await?.map(|found| (document, found.listed.number))
        }
    };
    let (badge, word) = match &wish.state {
        State::Asked => ("working", "asked"),
        State::Ready { .. } if wish.back_at.is_some() => ("working", "checking"),
        State::Ready { .. } if query.back == "left" => ("neutral", "left"),
        State::Ready { .. } => ("neutral", "ready"),
        State::Done(word) => ("running", word.as_str()),
        State::Ended(word) => ("stopped", word.as_str()),
    };
    let is_waiting = badge == "working";
    let text = if word == "checking" { "card-wish-asked-text".to_owned() } else { format!("card-wish-{word}-text") };
    let bought = wish.kind.amount();
    let (back_url, back_label) = match &document {
        Some((id, _)) => (urls::billing_invoice(*id), layout.t("card-wish-back-invoice")),
        None if bought.is_some() => (urls::billing_credit(), layout.t("card-wish-back-credit")),
        None => (urls::billing_methods(), layout.t("card-wish-back-cards")),
    };
    answer::page(&CardPage {
        title: match (&document, bought) {
            (Some((_, number)), _) => layout.t1("card-wish-pay", "number", number),
            (None, Some(amount)) => layout.t1("card-wish-top_up", "amount", formats(layout).money(amount)),
            (None, None) => layout.t("card-wish-save"),
        },
        badge,
        head: layout.t(format!("card-wish-{word}")),
        text: layout.t(text),
        go: match &wish.state {
            State::Ready { page_url } if !is_waiting => Some(page_url.clone()),
            _ => None,
        },
        is_waiting,
        reload_url: if query.back == "left" { urls::billing_card_left(wish.id) } else { urls::billing_card(wish.id) },
        live: urls::billing_card_events(wish.id, &wish.version()),
        is_over: matches!(wish.state, State::Done(_) | State::Ended(_)),
        back_url,
        back_label,
        layout: member.layout.clone(),
    })
}

/// Tells an open page that something became of it. After a break the browser says what it heard last.
pub async fn events(
    portal: Data<Portal>,
    live: Data<Live>,
    member: Member,
    request: HttpRequest,
    path: Path<String>,
    query: Query<Back>,
) -> Answer {
    let wish = find(&portal, &member, &path).await?;
    let last = request.headers().get("last-event-id").and_then(|last| last.to_str().ok()).map(str::to_owned);
    let seen = last.unwrap_or_else(|| query.into_inner().since);
    answer::events(live.versions(portal.db.clone(), member.account, Subject::CardWish(wish.id), seen))
}

#[derive(Template)]
#[template(path = "pages/billing/card.html")]
struct CardPage {
    layout: Layout,
    title: String,
    badge: &'static str,
    head: String,
    text: String,
    go: Option<String>,
    is_waiting: bool,
    is_over: bool,
    reload_url: String,
    live: String,
    back_url: String,
    back_label: String,
}
