//! `/account/billing/methods`: the cards that a customer saved, and which of them invoices are charged to.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::{Tab, may_manage, tabs, terms};
use crate::accounts::policy::Action;
use crate::base::ids::PaymentMethodId;
use crate::i18n::Locale;
use crate::payments::methods::{self, Card, Lasts};
use crate::payments::wishes::{self, Kind};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// Shows the page.
pub async fn get(portal: Data<Portal>, keys: Data<Keys>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let layout = &member.layout;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let cards = methods::list(&mut db, member.account).await?;
    let (currency, _) = terms(&mut db, member.account).await?;
    drop(db);
    let is_chosen = cards.is_empty() || cards.iter().any(|card| card.is_default);
    let note = if is_chosen { expiry_note(&cards, layout) } else { Some(layout.t("cards-none-default")) };
    answer::page(&MethodsPage {
        tabs: tabs(layout, &urls::billing_methods()),
        takes_cards: keys.takes_cards(currency),
        may_manage: may_manage(&member),
        note,
        rows: cards.iter().map(|card| row(layout, card)).collect(),
        layout: member.layout.clone(),
    })
}

/// What is said of the card that invoices are charged to, when it works no more or not for long.
pub(super) fn expiry_note(cards: &[Card], layout: &Layout) -> Option<String> {
    match cards.iter().find(|card| card.is_default)?.lasts(layout.now) {
        Lasts::Over => Some(layout.t("cards-over-note")),
        Lasts::Soon => Some(layout.t("cards-soon-note")),
        Lasts::On => None,
    }
}

/// What people know a card by.
fn name(layout: &Layout, card: &Card) -> String {
    let brand = match card.brand.as_str() {
        "visa" => "Visa".to_owned(),
        "mastercard" => "Mastercard".to_owned(),
        "amex" => "American Express".to_owned(),
        other => other.to_owned(),
    };
    layout.t2("cards-ending", "brand", brand, "last4", &card.last4)
}

fn row(layout: &Layout, card: &Card) -> Row {
    let (badge, expiry) = match card.lasts(layout.now) {
        Lasts::On => ("", String::new()),
        Lasts::Soon => ("warning", layout.t("cards-soon")),
        Lasts::Over => ("failed", layout.t("cards-over")),
    };
    Row {
        id: card.id.to_string(),
        name: name(layout, card),
        // As it stands on the card.
        expires: card.expires().map(|(year, month)| format!("{month:02}/{year}")).unwrap_or_default(),
        badge,
        expiry,
        is_default: card.is_default,
        default_url: urls::billing_method_act(card.id, "default"),
        remove_url: urls::billing_method_act(card.id, "remove"),
    }
}

/// Asks for a page on which a card is saved.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, member: Member, _posted: Posted<Button>) -> Answer {
    member.require(Action::ManageBilling)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (currency, _) = terms(&mut db, member.account).await?;
    drop(db);
    if !keys.takes_cards(currency) {
        return Err(PageError::NotFound);
    }
    let wish = wishes::ask(&portal, (member.account, member.user), Kind::Save, language(&member)).await?;
    answer::see_other(urls::billing_card(wish))
}

/// The language in which a page is asked for.
pub(super) fn language(member: &Member) -> Locale {
    member.layout.locale
}

/// The account's card of a path. What is somebody else's is not there; what one's role may not do is refused.
async fn find(portal: &Portal, member: &Member, method: &str) -> Result<Card, PageError> {
    let id: PaymentMethodId = method.parse().map_err(|_| PageError::NotFound)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let card = methods::find(&mut db, member.account, id).await?.ok_or(PageError::NotFound)?;
    member.require(Action::ManageBilling)?;
    Ok(card)
}

/// Lets a card be the one that invoices are charged to.
pub async fn choose(portal: Data<Portal>, member: Member, path: Path<String>, _posted: Posted<Button>) -> Answer {
    let card = find(&portal, &member, &path).await?;
    methods::make_default(&portal, &member.actor(), member.account, &card).await?;
    answer::flash(urls::billing_methods(), FlashKind::Good, "cards-chosen-done")
}

/// Removes a card.
pub async fn remove(portal: Data<Portal>, member: Member, path: Path<String>, _posted: Posted<Button>) -> Answer {
    let card = find(&portal, &member, &path).await?;
    methods::remove(&portal, &member.actor(), member.account, &card).await?;
    answer::flash(urls::billing_methods(), FlashKind::Good, "cards-removed-done")
}

struct Row {
    id: String,
    name: String,
    expires: String,
    badge: &'static str,
    expiry: String,
    is_default: bool,
    default_url: String,
    remove_url: String,
}

#[derive(Template)]
#[template(path = "pages/billing/methods.html")]
struct MethodsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    takes_cards: bool,
    may_manage: bool,
    note: Option<String>,
    rows: Vec<Row>,
}
