//! `/account/billing/invoices/{document}`: a document as it was written, what paid it, and how to check it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use sayoo_document::Bank;

use super::paper::{Body, FILES, Pen, Reader};
use super::{find, formats, may_manage, state, terms, today};
use crate::billing::documents::{Final, Kind};
use crate::billing::{lookup, proofs};
use crate::payments::wishes::{self, UnderWay};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the page.
pub async fn get(portal: Data<Portal>, keys: Data<Keys>, member: Member, path: Path<String>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found) = find(&mut db, &member, &path).await?;
    let currency = found.listed.gross.currency;
    let (_, seller) = terms(&mut db, member.account).await?;
    let paid = lookup::paid(&mut db, member.account, id, currency).await?;
    let kinds = lookup::kinds_of_files(&mut db, member.account, id).await?;
    let is_open = keys.takes_cards(currency) && found.listed.kind == Kind::Invoice && found.listed.open.minor > 0;
    let is_payable = is_open && found.listed.open.minor >= currency.smallest_charge();
    let under_way = if is_payable { wishes::under_way(&mut db, member.account, id).await? } else { None };
    let offered = proofs::of_document(&mut db, member.account, id).await?;
    drop(db);

    let layout = &member.layout;
    let pen = Pen { layout, formats: formats(layout), currency, reader: Reader::Customer };
    let (badge, word) = state(layout, &found.listed, today(seller.as_ref(), layout));
    let kind = found.listed.kind.word();
    answer::page(&InvoicePage {
        title: layout.t1(format!("billing-title-{kind}"), "number", &found.listed.number),
        number: found.listed.number.clone(),
        badge,
        word,
        body: pen.body(&found, &paid),
        transfer: transfer(&found),
        pay: (is_payable && may_manage(&member)).then(|| match under_way {
            None => Pay { begin_url: urls::billing_pay(id), ..Pay::default() },
            Some(UnderWay::Page(wish)) => Pay { go_on_url: urls::billing_card_left(wish), ..Pay::default() },
            Some(UnderWay::Card) => Pay::default(),
        }),
        is_too_small: is_open && !is_payable,
        pdf_url: kinds.iter().any(|made| made == "pdf").then(|| urls::billing_file(id, "pdf")),
        files: FILES.map(|kind| File {
            label: layout.t(format!("billing-file-{kind}")),
            detail: layout.t(format!("billing-file-{kind}-detail")),
            url: kinds.iter().any(|made| made == kind).then(|| urls::billing_file(id, kind)),
        }),
        recompute: offered.map(|offered| Recompute {
            file_url: urls::billing_recompute(id),
            program_url: urls::billing_recompute_program(),
            command: format!("python3 recompute.py {}", super::recompute::name_of(&found.listed.number)),
            says: layout.t1("billing-recompute-run-text", "amount", pen.formats.money(offered.net)),
        }),
        sha256: found.sha256.clone(),
        previous_sha256: (!found.previous_sha256.is_empty()).then(|| found.previous_sha256.clone()),
        layout: member.layout.clone(),
    })
}

/// How an open invoice is paid by transfer.
fn transfer(found: &Final) -> Option<Transfer> {
    let is_open = found.listed.kind == Kind::Invoice && found.listed.open.minor > 0;
    let bank: &Bank = found.paper.seller.bank.as_ref().filter(|_| is_open)?;
    Some(Transfer {
        holder: bank.holder.clone(),
        bank_name: bank.bank_name.clone(),
        iban: bank.iban.clone(),
        rib: bank.rib.clone(),
        bic: bank.bic.clone(),
    })
}

struct Transfer {
    holder: String,
    bank_name: String,
    iban: Option<String>,
    rib: Option<String>,
    bic: Option<String>,
}

/// How an open invoice is paid by card; without an address the saved card is being charged.
#[derive(Default)]
struct Pay {
    /// Asks for a page (POST).
    begin_url: String,
    /// The page that was asked for.
    go_on_url: String,
}

struct File {
    label: String,
    detail: String,
    url: Option<String>,
}

struct Recompute {
    file_url: String,
    program_url: String,
    command: String,
    says: String,
}

#[derive(Template)]
#[template(path = "pages/billing/invoice.html")]
struct InvoicePage {
    layout: Layout,
    title: String,
    number: String,
    badge: &'static str,
    word: String,
    body: Body,
    transfer: Option<Transfer>,
    pay: Option<Pay>,
    is_too_small: bool,
    files: [File; 3],
    pdf_url: Option<String>,
    recompute: Option<Recompute>,
    sha256: String,
    previous_sha256: Option<String>,
}
