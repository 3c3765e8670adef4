//! `/account/billing/invoices`: every invoice and credit note.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::{Tab, day, formats, state, tabs, terms, today};
use crate::accounts::policy::Action;
use crate::billing::documents;
use crate::billing::run;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let layout = &member.layout;
    let formats = formats(layout);
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (_, seller) = terms(&mut db, member.account).await?;
    let listed = documents::list(&mut db, member.account).await?;
    let period = if listed.is_empty() { run::open_period(&mut db, member.account, layout.now).await? } else { None };
    drop(db);
    let today = today(seller.as_ref(), layout);
    let rows = listed.iter().map(|document| {
        let (badge, word) = state(layout, document, today);
        Row {
            url: urls::billing_invoice(document.id),
            number: document.number.clone(),
            on: day(layout, document.issued_on),
            kind: layout.t(format!("billing-kind-{}", document.kind.word())),
            amount: formats.money(document.gross),
            badge,
            word,
        }
    });
    answer::page(&InvoicesPage {
        rows: rows.collect(),
        // On its last day's end the month is over; the invoice is made some hours later.
        empty: period.map_or_else(
            || layout.t("billing-invoices-empty-none"),
            |period| layout.t1("billing-invoices-empty-first", "date", formats.date(period.span.until)),
        ),
        tabs: tabs(layout, &urls::billing_invoices()),
        layout: member.layout.clone(),
    })
}

struct Row {
    url: String,
    number: String,
    on: String,
    kind: String,
    amount: String,
    badge: &'static str,
    word: String,
}

#[derive(Template)]
#[template(path = "pages/billing/invoices.html")]
struct InvoicesPage {
    layout: Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    empty: String,
}
