//! `/account/billing/invoices/{document}`: a document as it was written, what paid it, and how to check it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;
use sayoo_papers::document::{self as paper, Address, Bank, SellerIdentifiers};

use super::{day, days, find, formats, quantity, state, terms, today, unit};
use crate::base::ids::DocumentId;
use crate::base::money::{Currency, Money};
use crate::billing::documents::{Final, Kind};
use crate::billing::lookup::{self, Paid, Source};
use crate::billing::payments::Method;
use crate::billing::proofs;
use crate::billing::rating::Span;
use crate::i18n::format::Formats;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// The papers of a document, in the order in which they are offered.
const FILES: [&str; 3] = ["pdf", "cii", "ubl"];

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found) = find(&mut db, &member, &path).await?;
    let currency = found.listed.gross.currency;
    let (_, seller) = terms(&mut db, member.account).await?;
    let paid = lookup::paid(&mut db, member.account, id, currency).await?;
    let kinds = lookup::kinds_of_files(&mut db, member.account, id).await?;
    let offered = proofs::of_document(&mut db, member.account, id).await?;
    drop(db);

    let layout = &member.layout;
    let pen = Pen { layout, formats: formats(layout), currency };
    let (badge, word) = state(layout, &found.listed, today(seller.as_ref(), layout));
    let paper = &found.paper;
    let kind = found.listed.kind.word();
    answer::page(&InvoicePage {
        title: layout.t1(format!("billing-title-{kind}"), "number", &found.listed.number),
        number: found.listed.number.clone(),
        badge,
        word,
        language: match paper.language {
            paper::Language::Fr => "fr",
            paper::Language::En => "en",
            paper::Language::Ar => "ar",
        },
        facts: facts(layout, paper),
        parties: [pen.seller(&paper.seller), pen.buyer(&paper.buyer)],
        lines: paper.lines.iter().map(|line| pen.line(id, line, &paper.period.zone)).collect(),
        vat: paper.vat.iter().map(|vat| pen.vat(vat)).collect(),
        net: pen.amount(paper.totals.net),
        vat_sum: pen.amount(paper.totals.vat),
        gross: pen.amount(paper.totals.gross),
        open: pen.formats.money(found.listed.open),
        paid: paid.iter().map(|paid| pen.paid(paid)).collect(),
        transfer: transfer(&found),
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

/// Date, due date, period, what it corrects: what stands at a document's head.
fn facts(layout: &Layout, paper: &paper::Document) -> Vec<(String, String)> {
    let period = Span { from: paper.period.from, until: paper.period.until };
    let mut facts = vec![
        (layout.t("billing-fact-issued"), day(layout, paper.issue_date)),
        (layout.t("billing-fact-period"), days(layout, &paper.period.zone, period)),
    ];
    match &paper.corrects {
        Some(corrected) => facts.push((layout.t("billing-fact-corrects"), corrected.number.clone())),
        None => facts.insert(1, (layout.t("billing-fact-due"), day(layout, paper.due_date))),
    }
    facts.extend(paper.purchase_order.clone().map(|order| (layout.t("billing-details-purchase_order"), order)));
    facts
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

/// Writes what stands on a document for this reader.
struct Pen<'a> {
    layout: &'a Layout,
    formats: Formats,
    currency: Currency,
}

impl Pen<'_> {
    /// An amount of the document: its two decimals are kept.
    fn amount(&self, exact: Decimal) -> String {
        self.formats.money(Money::rounded(exact, self.currency))
    }

    fn address(&self, address: &Address) -> Vec<String> {
        let city = [address.postcode.clone().unwrap_or_default(), address.city.clone()].join(" ").trim().to_owned();
        let country = regions::find_country(&address.country)
            .map_or_else(|| address.country.clone(), |country| self.layout.t(country.name));
        address.lines.iter().cloned().chain([city, country]).collect()
    }

    fn seller(&self, seller: &paper::Seller) -> Party {
        let numbers = match &seller.identifiers {
            SellerIdentifiers::France(it) => vec![("SIRET", it.siret.clone()), ("TVA", it.vat_number.clone())],
            SellerIdentifiers::Morocco(it) => {
                vec![("ICE", it.ice.clone()), ("IF", it.tax_id.clone()), ("RC", it.rc_number.clone())]
            }
        };
        let name = format!("{} {}", seller.name, seller.legal_form);
        Party {
            title: self.layout.t("billing-seller"),
            name,
            lines: self.address(&seller.address),
            numbers,
            email: seller.email.clone(),
        }
    }

    fn buyer(&self, buyer: &paper::Buyer) -> Party {
        let numbers = [("TVA", &buyer.vat_number), ("SIREN", &buyer.siren), ("ICE", &buyer.ice)];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number.clone()?))).collect();
        Party {
            title: self.layout.t("billing-buyer"),
            name: buyer.name.clone(),
            lines: self.address(&buyer.address),
            numbers,
            email: buyer.email.clone(),
        }
    }

    fn line(&self, id: DocumentId, line: &paper::Line, zone: &str) -> Line {
        let period = line.period.as_ref().map(|it| days(self.layout, zone, Span { from: it.from, until: it.until }));
        let is_usage = line.meter.is_some();
        Line {
            text: line.text.clone(),
            detail: line.detail.clone().unwrap_or_default(),
            period: period.unwrap_or_default(),
            quantity: quantity(self.layout, self.formats, line.quantity, unit(line.unit)),
            price: self.formats.price(line.unit_price, self.currency),
            rate: self.layout.t1("billing-percent", "value", self.formats.decimal(line.vat_rate, 2)),
            net: self.amount(line.net),
            url: is_usage.then(|| urls::billing_line(id, line.line_no, None)),
        }
    }

    fn vat(&self, vat: &paper::Vat) -> Vat {
        let rate = self.layout.t1("billing-percent", "value", self.formats.decimal(vat.rate, 2));
        Vat {
            label: self.layout.t2("billing-vat-of", "rate", rate, "base", self.amount(vat.base)),
            amount: self.amount(vat.amount),
            reason: vat.reason.clone(),
        }
    }

    fn paid(&self, paid: &Paid) -> PaidLine {
        let (text, reference, url) = match &paid.source {
            Source::Payment(method, reference) => {
                let is_shown = *method == Method::Transfer;
                let text = self.layout.t(format!("billing-paid-{}", method.word()));
                (text, if is_shown { reference.clone() } else { String::new() }, None)
            }
            Source::CreditNote(number, note) => {
                (self.layout.t("billing-paid-credit_note"), number.clone(), Some(urls::billing_invoice(*note)))
            }
        };
        let text = if paid.amount.minor < 0 { self.layout.t1("billing-paid-back", "text", text) } else { text };
        PaidLine { on: day(self.layout, paid.on), text, reference, url, amount: self.formats.money(paid.amount) }
    }
}

struct Party {
    title: String,
    name: String,
    lines: Vec<String>,
    numbers: Vec<(&'static str, String)>,
    email: String,
}

struct Line {
    text: String,
    detail: String,
    period: String,
    quantity: String,
    price: String,
    rate: String,
    net: String,
    url: Option<String>,
}

struct Vat {
    label: String,
    amount: String,
    reason: Option<String>,
}

struct PaidLine {
    on: String,
    text: String,
    reference: String,
    url: Option<String>,
    amount: String,
}

struct Transfer {
    holder: String,
    bank_name: String,
    iban: Option<String>,
    rib: Option<String>,
    bic: Option<String>,
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
    language: &'static str,
    facts: Vec<(String, String)>,
    parties: [Party; 2],
    lines: Vec<Line>,
    vat: Vec<Vat>,
    net: String,
    vat_sum: String,
    gross: String,
    open: String,
    paid: Vec<PaidLine>,
    transfer: Option<Transfer>,
    files: [File; 3],
    pdf_url: Option<String>,
    recompute: Option<Recompute>,
    sha256: String,
    previous_sha256: Option<String>,
}
