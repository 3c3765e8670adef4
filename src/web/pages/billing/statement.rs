//! `/account/billing/statement`: what was billed and paid, with what was owed after each.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::{Tab, day, formats, tabs, terms};
use crate::accounts::policy::Action;
use crate::base::money::Money;
use crate::billing::ledger::{self, Role};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// As many movements stand on the page: some years of months.
const SHOWN: i64 = 500;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let layout = &member.layout;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (currency, _) = terms(&mut db, member.account).await?;
    let movements = ledger::statement(&mut db, member.account, currency, SHOWN).await?;
    let owed = ledger::balance(&mut db, member.account, Role::Receivable, currency).await?;
    let credit = ledger::balance(&mut db, member.account, Role::CustomerCredit, currency).await?;
    drop(db);

    let formats = formats(layout);
    let balance = Money::new(owed.minor + credit.minor, currency);
    let mut after = balance.minor;
    let rows = movements.iter().map(|movement| {
        let row = Row {
            on: day(layout, movement.on),
            text: layout.t(words(&movement.source_kind, movement.amount.minor, movement.is_gift)),
            label: movement.label.clone(),
            amount: formats.money(movement.amount),
            balance: formats.money(Money::new(after, currency)),
        };
        after -= movement.amount.minor;
        row
    });
    answer::page(&StatementPage {
        rows: rows.collect(),
        balance: formats.money(Money::new(balance.minor.abs(), currency)),
        says: match balance.minor {
            1.. => layout.t("billing-statement-owed"),
            0 => layout.t("billing-statement-even"),
            _ => layout.t("billing-statement-credit"),
        },
        tabs: tabs(layout, &urls::billing_statement()),
        layout: member.layout.clone(),
    })
}

/// Returns the key of what a movement is called: of which kind, by how much the customer owes more, and whether it was given.
pub(in crate::web::pages) fn words(kind: &str, owed: i64, is_gift: bool) -> &'static str {
    match (kind, owed > 0) {
        ("document", true) => "billing-kind-invoice",
        ("document", false) => "billing-kind-credit_note",
        ("payment", _) if is_gift => "billing-movement-gift",
        ("payment", _) => "billing-movement-payment",
        ("expiry", _) => "billing-movement-expiry",
        ("payback", _) => "billing-movement-payback",
        _ => "billing-movement-other",
    }
}

struct Row {
    on: String,
    text: String,
    label: String,
    amount: String,
    balance: String,
}

#[derive(Template)]
#[template(path = "pages/billing/statement.html")]
struct StatementPage {
    layout: Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    balance: String,
    says: String,
}
