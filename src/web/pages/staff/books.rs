//! `/staff/books`: what is carried into the Odoos with our books, what is not there and why, and another try.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::rows::formats;
use crate::base::ids::PushId;
use crate::books::{self, Link, Waiting};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/books.html")]
struct BooksPage {
    layout: Layout,
    links: Vec<LinkCard>,
    lines: Vec<Line>,
}

struct LinkCard {
    seller: String,
    badge: &'static str,
    state: String,
    address: String,
    database: String,
    seen: String,
    problem: String,
    next: String,
    carried: String,
    due: String,
    parked: String,
}

struct Line {
    kind: String,
    name: String,
    seller: String,
    account_url: String,
    account: String,
    badge: &'static str,
    state: String,
    since: String,
    tries: i32,
    next: String,
    problem: String,
    ask_url: String,
    can_ask: bool,
}

/// Shows them.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let layout = staff.layout;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let links = books::links(&mut db).await?;
    let waiting = books::list_waiting(&mut db, layout.now).await?;
    answer::page(&BooksPage {
        links: links.into_iter().map(|link| card(&layout, link)).collect(),
        lines: waiting.into_iter().map(|waiting| line(&layout, waiting)).collect(),
        layout,
    })
}

fn card(layout: &Layout, link: Link) -> LinkCard {
    let formats = formats(layout);
    let (badge, state) = match (link.problem.is_empty(), link.seen_at) {
        (false, _) => ("failed", "books-link-away"),
        (true, Some(_)) => ("running", "books-link-well"),
        (true, None) => ("working", "books-link-new"),
    };
    LinkCard {
        badge,
        state: layout.t(state),
        seen: link.seen_at.map(|at| formats.spoken(at, layout.now)).unwrap_or_default(),
        next: link.not_before.filter(|at| *at > layout.now).map(|at| formats.date_time(at)).unwrap_or_default(),
        carried: formats.number(link.carried),
        due: formats.number(link.due),
        parked: formats.number(link.parked),
        seller: link.seller,
        address: link.address,
        database: link.database,
        problem: link.problem,
    }
}

fn line(layout: &Layout, waiting: Waiting) -> Line {
    let formats = formats(layout);
    let (badge, state) = match (waiting.is_parked, waiting.problem.is_empty()) {
        (true, _) => ("failed", "books-state-parked"),
        (false, false) => ("warning", "books-state-waits"),
        (false, true) => ("working", "books-state-due"),
    };
    let next = if waiting.is_tried_now {
        layout.t("staff-queue-working")
    } else if waiting.is_parked {
        String::new()
    } else {
        formats.spoken(waiting.next_at, layout.now)
    };
    Line {
        kind: layout.t(format!("books-kind-{}", waiting.kind)),
        badge,
        state: layout.t(state),
        since: formats.spoken(waiting.created_at, layout.now),
        next,
        ask_url: urls::staff_books_ask(waiting.id),
        can_ask: !waiting.is_tried_now,
        account_url: urls::staff_account(waiting.account),
        account: waiting.account_name,
        name: waiting.name,
        seller: waiting.seller,
        tries: waiting.tries,
        problem: waiting.problem,
    }
}

/// Has one of them tried again.
pub async fn ask(portal: Data<Portal>, staff: Staff, id: Path<PushId>, _posted: Posted<Button>) -> Answer {
    let is_asked = books::ask_again(&portal, &staff.member, *id).await?;
    let (kind, key) = if is_asked { (FlashKind::Good, "books-asked") } else { (FlashKind::Info, "books-there") };
    answer::flash(urls::staff_books(), kind, key)
}
