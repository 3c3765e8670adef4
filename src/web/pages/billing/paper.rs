//! A document as it was written, in the words of its reader: for customers and for our people.

use rust_decimal::Decimal;
use sayoo_document::{self as paper, Address, SellerIdentifiers};

use super::{day, days, quantity, unit};
use crate::base::ids::DocumentId;
use crate::base::money::{Currency, Money};
use crate::billing::documents::Final;
use crate::billing::lookup::{Paid, Source};
use crate::billing::payments::Method;
use crate::billing::rating::Span;
use crate::i18n::format::Formats;
use crate::odoo::regions;
use crate::web::layout::Layout;
use crate::web::urls;

/// The papers of a document, in the order in which they are offered.
pub(in crate::web::pages) const FILES: [&str; 3] = ["pdf", "cii", "ubl"];

/// Returns the language that a document is written in, as pages say it.
pub(in crate::web::pages) fn language(paper: &paper::Document) -> &'static str {
    match paper.language {
        paper::Language::Fr => "fr",
        paper::Language::En => "en",
        paper::Language::Ar => "ar",
    }
}

/// Date, due date, period, what it corrects: what stands at a document's head.
pub(in crate::web::pages) fn facts(layout: &Layout, paper: &paper::Document) -> Vec<(String, String)> {
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

/// What stands on a document, and what of it is paid.
pub(in crate::web::pages) struct Body {
    /// In which it is written.
    pub language: &'static str,
    pub facts: Vec<(String, String)>,
    pub parties: [Party; 2],
    pub lines: Vec<Line>,
    pub vat: Vec<Vat>,
    pub net: String,
    pub vat_sum: String,
    pub gross: String,
    /// What is left to be paid.
    pub open: String,
    pub paid: Vec<PaidLine>,
}

/// Whose page it is: links lead to the reader's own pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::web::pages) enum Reader {
    /// The customer.
    Customer,
    /// Our people.
    Staff,
}

/// Writes what stands on a document for this reader.
pub(in crate::web::pages) struct Pen<'a> {
    pub layout: &'a Layout,
    pub formats: Formats,
    pub currency: Currency,
    pub reader: Reader,
}

impl Pen<'_> {
    /// Writes a document, and what paid it.
    pub(in crate::web::pages) fn body(&self, found: &Final, paid: &[Paid]) -> Body {
        let (id, paper) = (found.listed.id, &found.paper);
        Body {
            language: language(paper),
            facts: facts(self.layout, paper),
            parties: [self.seller(&paper.seller), self.buyer(&paper.buyer)],
            lines: paper.lines.iter().map(|line| self.line(id, line, &paper.period.zone)).collect(),
            vat: paper.vat.iter().map(|vat| self.vat(vat)).collect(),
            net: self.amount(paper.totals.net),
            vat_sum: self.amount(paper.totals.vat),
            gross: self.amount(paper.totals.gross),
            open: self.formats.money(found.listed.open),
            paid: paid.iter().map(|paid| self.paid(paid)).collect(),
        }
    }

    /// An amount of the document: its two decimals are kept.
    pub(in crate::web::pages) fn amount(&self, exact: Decimal) -> String {
        self.formats.money(Money::rounded(exact, self.currency))
    }

    fn address(&self, address: &Address) -> Vec<String> {
        let city = [address.postcode.clone().unwrap_or_default(), address.city.clone()].join(" ").trim().to_owned();
        let country = regions::find_country(&address.country)
            .map_or_else(|| address.country.clone(), |country| self.layout.t(country.name));
        address.lines.iter().cloned().chain([city, country]).collect()
    }

    pub(in crate::web::pages) fn seller(&self, seller: &paper::Seller) -> Party {
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

    pub(in crate::web::pages) fn buyer(&self, buyer: &paper::Buyer) -> Party {
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

    pub(in crate::web::pages) fn line(&self, id: DocumentId, line: &paper::Line, zone: &str) -> Line {
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
            url: (is_usage && self.reader == Reader::Customer).then(|| urls::billing_line(id, line.line_no, None)),
        }
    }

    pub(in crate::web::pages) fn vat(&self, vat: &paper::Vat) -> Vat {
        let rate = self.layout.t1("billing-percent", "value", self.formats.decimal(vat.rate, 2));
        Vat {
            label: self.layout.t2("billing-vat-of", "rate", rate, "base", self.amount(vat.base)),
            amount: self.amount(vat.amount),
            reason: vat.reason.clone(),
        }
    }

    pub(in crate::web::pages) fn paid(&self, paid: &Paid) -> PaidLine {
        let (text, reference, url) = match &paid.source {
            Source::Payment(method, reference) => {
                let is_shown = *method == Method::Transfer || self.reader == Reader::Staff;
                let text = self.layout.t(format!("billing-paid-{}", method.word()));
                (text, if is_shown { reference.clone() } else { String::new() }, None)
            }
            Source::CreditNote(number, note) => {
                let url = match self.reader {
                    Reader::Customer => urls::billing_invoice(*note),
                    Reader::Staff => urls::staff_document(*note),
                };
                (self.layout.t("billing-paid-credit_note"), number.clone(), Some(url))
            }
        };
        let text = if paid.amount.minor < 0 { self.layout.t1("billing-paid-back", "text", text) } else { text };
        PaidLine { on: day(self.layout, paid.on), text, reference, url, amount: self.formats.money(paid.amount) }
    }
}

pub(in crate::web::pages) struct Party {
    pub title: String,
    pub name: String,
    pub lines: Vec<String>,
    pub numbers: Vec<(&'static str, String)>,
    pub email: String,
}

pub(in crate::web::pages) struct Line {
    pub text: String,
    pub detail: String,
    pub period: String,
    pub quantity: String,
    pub price: String,
    pub rate: String,
    pub net: String,
    pub url: Option<String>,
}

pub(in crate::web::pages) struct Vat {
    pub label: String,
    pub amount: String,
    pub reason: Option<String>,
}

pub(in crate::web::pages) struct PaidLine {
    pub on: String,
    pub text: String,
    pub reference: String,
    pub url: Option<String>,
    pub amount: String,
}
