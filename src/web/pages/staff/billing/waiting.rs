//! `/staff/billing/waiting/{waiting}`: a draft or a month that waits for a person: why, what it says, and what becomes of it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use uuid::Uuid;

use super::{AskedLine, is_asked, run::reason, told};
use crate::base::ids::InstructionId;
use crate::billing::documents;
use crate::billing::instructions::{self, Waits, Wanted};
use crate::billing::run::{self, Waiting};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::billing::quantity;
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

/// Earlier documents that are shown beside it.
const EARLIER: usize = 6;

#[derive(Template)]
#[template(path = "pages/staff/billing/waiting.html")]
struct WaitingPage {
    layout: Layout,
    name: String,
    account_url: String,
    amount: String,
    since_iso: String,
    since: String,
    reason: String,
    problems: Vec<String>,
    is_month: bool,
    may_be_dropped: bool,
    lines: Vec<DraftLine>,
    earlier: Vec<EarlierLine>,
    asked: Vec<AskedLine>,
    is_asked: bool,
    post_url: String,
    key: String,
}

struct DraftLine {
    title: String,
    detail: String,
    quantity: String,
    price: String,
    net: String,
}

struct EarlierLine {
    url: String,
    number: String,
    on: String,
    kind: String,
    amount: String,
}

/// Finds what waits under a number.
async fn find(db: &mut sqlx::PgConnection, id: Uuid) -> Result<Option<Waiting>, PageError> {
    Ok(run::list_waiting(db).await?.into_iter().find(|waiting| waiting.subject() == id))
}

/// Shows it. What waits no more leads back, with the words of it.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<Uuid>) -> Answer {
    let layout = staff.layout;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let asked = instructions::about(&mut db, &[*id]).await?.remove(&*id).unwrap_or_default();
    let Some(waiting) = find(&mut db, *id).await? else {
        if asked.is_empty() {
            return Err(PageError::NotFound);
        }
        return answer::flash(urls::staff_billing(), FlashKind::Info, "instruction-not-waiting");
    };
    let formats = formats(&layout);
    let draft = match waiting.document {
        Some(draft) => documents::draft_lines(&mut db, draft).await?,
        None => Vec::new(),
    };
    let earlier = documents::list(&mut db, waiting.account).await?;
    let since = formats.when(waiting.since, layout.now);
    answer::page(&WaitingPage {
        name: waiting.account_name.clone(),
        account_url: urls::staff_account(waiting.account),
        amount: if waiting.document.is_some() { formats.money(waiting.net) } else { String::new() },
        since_iso: since.iso,
        since: since.words,
        reason: reason(&layout, &waiting),
        problems: if waiting.usual.is_some() { Vec::new() } else { waiting.problems.clone() },
        is_month: waiting.document.is_none(),
        may_be_dropped: waiting.reason == "credited",
        lines: draft
            .iter()
            .map(|line| DraftLine {
                title: line.title.clone(),
                detail: line.detail.clone(),
                quantity: quantity(&layout, formats, line.quantity, &line.unit.replace('_', "-")),
                price: formats.price(line.unit_price, line.net.currency),
                net: formats.money(line.net),
            })
            .collect(),
        earlier: earlier
            .iter()
            .take(EARLIER)
            .map(|document| EarlierLine {
                url: urls::staff_document(document.id),
                number: document.number.clone(),
                on: formats.calendar_day(document.issued_on),
                kind: layout.t(format!("billing-kind-{}", document.kind.word())),
                amount: formats.money(document.gross),
            })
            .collect(),
        is_asked: is_asked(&asked),
        asked: asked.iter().map(|it| AskedLine::new(&layout, it)).collect(),
        post_url: urls::staff_waiting(*id),
        key: InstructionId::new(layout.now).to_string(),
        layout,
    })
}

/// What is to become of it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct WaitingForm {
    key: String,
    /// `release`, `keep` or `drop`.
    act: String,
    reason: String,
}

/// Asks the worker to let it go on or to drop it, or says that it goes on waiting.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<Uuid>, posted: Posted<WaitingForm>) -> Answer {
    let form = posted.form;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let waiting = find(&mut db, *id).await?;
    drop(db);
    let waits = waiting.and_then(|it| it.document.map(Waits::Draft).or(it.period.map(Waits::Month)));
    let Some(waits) = waits else {
        return answer::flash(urls::staff_billing(), FlashKind::Info, "instruction-not-waiting");
    };
    let wanted = match (form.act.as_str(), waits) {
        ("release", waits) => Wanted::Release(waits),
        ("keep", waits) => Wanted::Keep(waits),
        ("drop", Waits::Draft(draft)) => Wanted::Drop(draft),
        _ => return Err(PageError::BadForm),
    };
    let key: InstructionId = form.key.parse().map_err(|_| PageError::BadForm)?;
    let done = instructions::ask(&portal, &staff.member, key, &wanted, &form.reason).await;
    told(&staff.layout, &urls::staff_waiting(*id), done)
}
