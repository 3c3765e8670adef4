//! `/staff/transfers/{receipt}`: one transfer, what it may be meant for, and what is done with it.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use sqlx::PgConnection;

use super::{Standing, day, refused};
use crate::base::ids::{AccountId, BankReceiptId, DocumentId};
use crate::base::money::Money;
use crate::billing::sellers;
use crate::billing::transfers::matching::Answer as Match;
use crate::billing::transfers::{self, Choice, Outcome, Receipt, State};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/transfers/show.html")]
struct ShowPage {
    layout: Layout,
    list_url: String,
    url: String,
    book_url: String,
    refuse_url: String,
    reopen_url: String,
    amount: String,
    day: String,
    payer: String,
    iban: String,
    remittance: String,
    bank_ref: String,
    account: String,
    account_url: String,
    numbers: String,
    entered: String,
    ended: String,
    refusal: String,
    badge: &'static str,
    state: String,
    why: String,
    can_confirm: bool,
    is_open: bool,
    is_refused: bool,
    candidates: Vec<Candidate>,
    text: String,
    chosen: Option<Chosen>,
}

struct Candidate {
    url: String,
    account: String,
    numbers: String,
    why: String,
}

struct Chosen {
    id: String,
    name: String,
    invoices: Vec<ChosenInvoice>,
}

struct ChosenInvoice {
    id: String,
    number: String,
    open: String,
    is_chosen: bool,
}

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
pub struct ShowQuery {
    /// Whose invoices are shown.
    customer: Option<AccountId>,
    /// Part of a customer's name or e-mail.
    #[serde(default)]
    q: String,
}

/// Shows it.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<BankReceiptId>, query: Query<ShowQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let receipt = transfers::find(&mut db, *id).await?.ok_or(PageError::NotFound)?;
    let sellers = sellers::list(&mut db).await?;
    let seller = sellers.iter().find(|seller| seller.id == receipt.seller).ok_or(PageError::NotFound)?;
    let standing = Standing::of(&staff, &sellers, &receipt);
    let layout = staff.layout;
    let is_open = receipt.state == State::Entered;
    let found =
        if is_open { transfers::answers(&mut db, seller, &[&receipt.line], receipt.source).await?.pop() } else { None };
    let mut candidates = found.as_ref().map(|found| candidates(&layout, &receipt, found)).unwrap_or_default();
    if is_open && !query.q.trim().is_empty() {
        for row in directory::accounts(&mut db, &query.q, 0).await? {
            candidates.push(Candidate {
                url: url_with(receipt.id, row.id),
                account: row.name,
                numbers: String::new(),
                why: layout.t("transfers-why-searched"),
            });
        }
    }
    let chosen = match query.customer.or(receipt.account) {
        Some(account) if is_open && standing != Standing::Currency => {
            chosen(&mut db, &layout, &receipt, account).await?
        }
        _ => None,
    };
    let formats = formats(&layout);
    let spoken = |at| formats.spoken(at, layout.now);
    let by = |name: &str, at| layout.t2("transfers-by-when", "name", name, "when", spoken(at));
    answer::page(&ShowPage {
        list_url: urls::staff_transfers(),
        url: urls::staff_transfer(receipt.id),
        book_url: urls::staff_transfer_act(receipt.id, "book"),
        refuse_url: urls::staff_transfer_act(receipt.id, "refuse"),
        reopen_url: urls::staff_transfer_act(receipt.id, "reopen"),
        amount: formats.money(receipt.line.amount),
        day: day(formats, receipt.line.value_on),
        payer: receipt.line.payer.clone(),
        iban: receipt.line.payer_iban.clone(),
        remittance: receipt.line.remittance.clone(),
        bank_ref: receipt.line.bank_ref.clone(),
        account: receipt.account_name.clone(),
        account_url: receipt.account.map(urls::staff_account).unwrap_or_default(),
        numbers: receipt.numbers.clone(),
        entered: by(&receipt.entered_name, receipt.created_at),
        ended: receipt.ended_at.map(|at| by(&receipt.ended_name, at)).unwrap_or_default(),
        refusal: receipt.refusal.clone(),
        badge: standing.badge(),
        state: layout.t(standing.key()),
        why: found.map(|found| layout.t(found.reason.key())).unwrap_or_default(),
        can_confirm: standing == Standing::Ready,
        is_open,
        is_refused: receipt.state == State::Refused,
        candidates,
        text: query.q.clone(),
        chosen,
        layout,
    })
}

fn url_with(id: BankReceiptId, account: AccountId) -> String {
    format!("{}?customer={account}", urls::staff_transfer(id))
}

/// One line for each customer and reason.
fn candidates(layout: &Layout, receipt: &Receipt, found: &Match) -> Vec<Candidate> {
    let mut of_each: BTreeMap<(AccountId, &'static str), (String, Vec<String>)> = BTreeMap::new();
    for (invoice, why) in &found.candidates {
        let entry = of_each.entry((invoice.account, why.key())).or_default();
        entry.0.clone_from(&invoice.account_name);
        entry.1.push(invoice.number.clone());
    }
    of_each
        .into_iter()
        .map(|((account, key), (name, numbers))| Candidate {
            url: url_with(receipt.id, account),
            account: name,
            numbers: numbers.join(", "),
            why: layout.t(key),
        })
        .collect()
}

async fn chosen(
    db: &mut PgConnection,
    layout: &Layout,
    receipt: &Receipt,
    account: AccountId,
) -> Result<Option<Chosen>, PageError> {
    let Some((name, currency)) = transfers::account(db, account).await? else { return Ok(None) };
    if currency != receipt.line.amount.currency {
        return Ok(None);
    }
    let open = transfers::open_invoices(db, receipt.seller, account).await?;
    let formats = formats(layout);
    let is_theirs = receipt.account == Some(account);
    let invoices = open
        .into_iter()
        .map(|invoice| ChosenInvoice {
            id: invoice.id.to_string(),
            number: invoice.number,
            open: formats.money(Money::new(invoice.open, currency)),
            is_chosen: !is_theirs || receipt.pays.iter().any(|pays| pays.document == invoice.id),
        })
        .collect();
    Ok(Some(Chosen { id: account.to_string(), name, invoices }))
}

/// What a person chose; without a customer it is what stands there.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct BookForm {
    account: Option<AccountId>,
    document: Vec<DocumentId>,
}

/// Books it.
pub async fn book(portal: Data<Portal>, staff: Staff, id: Path<BankReceiptId>, posted: Posted<BookForm>) -> Answer {
    let form = posted.form;
    let choice = form.account.map(|account| Choice { account, documents: form.document });
    let page = urls::staff_transfer(*id);
    match transfers::book(&portal, &staff.member, *id, choice).await {
        Ok(Outcome::WaitsForSecond(_)) => answer::flash(page, FlashKind::Good, "transfers-second-done"),
        Ok(_) => answer::flash(page, FlashKind::Good, "transfers-booked-done"),
        Err(error) => refused(error, &staff.layout, &page),
    }
}

/// Why it is not booked.
#[derive(Debug, serde::Deserialize)]
pub struct RefuseForm {
    reason: String,
}

/// Says that it is not booked.
pub async fn refuse(portal: Data<Portal>, staff: Staff, id: Path<BankReceiptId>, posted: Posted<RefuseForm>) -> Answer {
    let page = urls::staff_transfer(*id);
    match transfers::refuse(&portal, &staff.member, *id, &posted.form.reason).await {
        Ok(()) => answer::flash(page, FlashKind::Good, "transfers-refused-done"),
        Err(error) => refused(error, &staff.layout, &page),
    }
}

/// Takes a refused one up again.
pub async fn reopen(portal: Data<Portal>, staff: Staff, id: Path<BankReceiptId>, _posted: Posted<Button>) -> Answer {
    let page = urls::staff_transfer(*id);
    match transfers::reopen(&portal, &staff.member, *id).await {
        Ok(()) => answer::flash(page, FlashKind::Good, "transfers-reopened-done"),
        Err(error) => refused(error, &staff.layout, &page),
    }
}
