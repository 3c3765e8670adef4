//! `/staff/billing/documents`: everybody's invoices and credit notes.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;

use super::{Tab, tabs};
use crate::billing::documents::{self, Listed, Which};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::pages::billing::state;
use crate::web::pages::staff::rows::{cut, formats};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/billing/documents.html")]
struct DocumentsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    text: String,
    /// Word, label, whether it is this one.
    choices: Vec<(&'static str, String, bool)>,
    lines: Vec<DocumentLine>,
    newer: String,
    older: String,
}

/// A document in a list of ours.
pub(in crate::web::pages::staff) struct DocumentLine {
    pub url: String,
    pub number: String,
    pub kind: String,
    pub account_url: String,
    pub account: String,
    pub on: String,
    pub gross: String,
    pub open: String,
    pub badge: &'static str,
    pub state: String,
}

impl DocumentLine {
    pub(in crate::web::pages::staff) fn new(layout: &Layout, it: &Listed) -> Self {
        let formats = formats(layout);
        let (badge, state) = state(layout, it, layout.now.date_naive());
        Self {
            url: urls::staff_document(it.id),
            number: it.number.clone(),
            kind: layout.t(format!("billing-kind-{}", it.kind.word())),
            account_url: urls::staff_account(it.account),
            account: it.account_name.clone(),
            on: formats.calendar_day(it.issued_on),
            gross: formats.money(it.gross),
            open: if it.open.minor == 0 { String::new() } else { formats.money(it.open) },
            badge,
            state,
        }
    }
}

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct DocumentsQuery {
    /// Part of a number or of a customer's name.
    q: String,
    /// Which of them.
    which: String,
    /// Which part of the list, from 0.
    page: u32,
}

/// Lists them.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<DocumentsQuery>) -> Answer {
    let layout = staff.layout;
    let which = Which::from_word(&query.which).unwrap_or(Which::All);
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let from = i64::from(query.page) * directory::PAGE;
    let found = documents::search(&mut db, (query.q.trim(), which), (from, directory::PAGE + 1), layout.now).await?;
    let (found, has_more) = cut(found, directory::PAGE);
    let address = |page: u32| urls::staff_documents_of(&query.q, which.word(), page);
    let choices = Which::ALL.map(|it| (it.word(), layout.t(format!("staff-billing-which-{}", it.word())), it == which));
    answer::page(&DocumentsPage {
        tabs: tabs(&layout, &urls::staff_documents()),
        text: query.q.clone(),
        choices: choices.into(),
        lines: found.iter().map(|it| DocumentLine::new(&layout, it)).collect(),
        newer: query.page.checked_sub(1).map(address).unwrap_or_default(),
        older: if has_more { address(query.page + 1) } else { String::new() },
        layout,
    })
}
