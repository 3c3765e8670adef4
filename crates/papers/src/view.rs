//! What the PDF shows, as plain texts: the template only places them.

use chrono::Datelike;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::fonts::Fonts;
use crate::format::fill;
use crate::sentences;
use crate::words::Words;
use sayoo_document::{Address, Currency, Document, Kind, Line, PaymentMeans, SellerIdentifiers, VatCategory};

/// A text and whether it is read from right to left.
#[derive(Serialize)]
pub(crate) struct Said {
    t: String,
    rtl: bool,
}

#[derive(Serialize)]
struct Labelled {
    label: Said,
    value: Said,
}

#[derive(Serialize)]
struct Row {
    title: Said,
    detail: Vec<Said>,
    quantity: String,
    unit: String,
    price: String,
    vat: String,
    net: String,
    /// Whether it stays on one page.
    keep: bool,
}

#[derive(Serialize)]
struct VatRow {
    label: String,
    base: String,
    amount: String,
    reason: Option<Said>,
}

/// Everything that stands in the PDF.
#[derive(Serialize)]
pub(crate) struct View {
    lang: &'static str,
    rtl: bool,
    /// Year, month and day of issue.
    date: [i64; 3],
    /// The document's title for programs.
    pub(crate) title: String,
    pub(crate) author: String,
    heading: &'static str,
    number: String,
    number_label: String,
    seller: Said,
    /// The seller's name as it fits at the head of the pages that follow.
    running: Said,
    seller_lines: Vec<Said>,
    facts: Vec<Labelled>,
    billed_to: &'static str,
    buyer: Said,
    buyer_lines: Vec<Said>,
    columns: [String; 5],
    rows: Vec<Row>,
    vat_columns: [String; 3],
    vat_rows: Vec<VatRow>,
    sums: Vec<Labelled>,
    due: Labelled,
    payment: &'static str,
    payment_lines: Vec<Said>,
    payment_facts: Vec<Labelled>,
    notes: Vec<Said>,
    footer: Vec<Said>,
    page: &'static str,
}

/// Makes texts fit to be set: only what the fonts can show, and places to break what has none.
struct Setter<'a> {
    words: &'static Words,
    fonts: &'a Fonts,
    currency: Currency,
    is_plain: bool,
}

/// Returns what the PDF of a document shows; if it is to be plain, with nothing but what stands in the two fonts that are always there.
pub(crate) fn view(document: &Document, fonts: &Fonts, is_plain: bool) -> View {
    let words = Words::of(document.language);
    let set = Setter { words, fonts, currency: document.currency, is_plain };
    let date = document.issue_date;
    let heading = if document.kind == Kind::CreditNote { words.credit_note } else { words.invoice };
    let seller = &document.seller;
    let currency = set.label_of_currency();
    let mut seller_lines = set.address(&seller.address);
    seller_lines.extend(
        [&Some(seller.email.clone()), &seller.phone, &seller.website].into_iter().flatten().map(|it| set.said(it)),
    );
    View {
        lang: words.code,
        rtl: words.right_to_left,
        date: [i64::from(date.year()), i64::from(date.month()), i64::from(date.day())],
        title: set.shown(&format!("{heading} {} – {}", document.number, seller.name)),
        author: set.shown(&seller.name),
        heading,
        number: document.number.clone(),
        number_label: words.number.replace("{}", "").trim().to_owned(),
        seller: set.said(&seller.name),
        running: set.said(&seller.name.chars().take(60).collect::<String>()),
        seller_lines,
        facts: set.facts(document),
        billed_to: words.billed_to,
        buyer: set.said(&document.buyer.name),
        buyer_lines: set.buyer(document),
        columns: [
            words.description.to_owned(),
            words.quantity.to_owned(),
            words.unit_price.to_owned(),
            words.vat.to_owned(),
            format!("{} ({currency})", words.amount),
        ],
        rows: document.lines.iter().map(|line| set.row(document, line)).collect(),
        vat_columns: [words.carried.to_owned(), words.base.to_owned(), words.vat.to_owned()],
        vat_rows: document.vat.iter().map(|vat| set.vat_row(vat)).collect(),
        sums: set.sums(document),
        due: set.due(document),
        payment: words.payment,
        payment_lines: vec![set.said(&format!("{}. {}", sentences::means(document), sentences::terms(document)))],
        payment_facts: set.payment(document),
        notes: set.notes(document),
        footer: set.footer(document),
        page: words.page,
    }
}

impl Setter<'_> {
    fn said(&self, text: &str) -> Said {
        let t = self.shown(text);
        // What has no letters is a number of some kind, and those are read from the left everywhere.
        let rtl = is_right_to_left(&t);
        Said { t, rtl }
    }

    /// The text with only what the fonts can show: PDF/A has no place for a character without a picture.
    fn shown(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut unbroken, mut before) = (0, ' ');
        for character in text.chars() {
            let is_break = character.is_whitespace() || "-/".contains(character);
            unbroken = if is_break { 0 } else { unbroken + 1 };
            if is_joiner(character) {
                // It joins letters; after a picture it would ask for one that our fonts do not have.
                if !self.is_plain && before.is_alphanumeric() && self.fonts.can_show(character) {
                    out.push(character);
                }
            } else if character == '\n' || self.can_show(character) {
                out.push(character);
            } else {
                out.push(if self.can_show('\u{25A1}') { '\u{25A1}' } else { '?' });
            }
            before = character;
            // A word that is longer than a line may break anywhere.
            if unbroken == 24 {
                out.push('\u{200B}');
                unbroken = 0;
            }
        }
        out
    }

    fn can_show(&self, character: char) -> bool {
        if self.is_plain { self.fonts.always_shows(character) } else { self.fonts.can_show(character) }
    }

    fn labelled(&self, label: &str, value: &str) -> Labelled {
        Labelled { label: self.said(label), value: self.said(value) }
    }

    fn money(&self, value: Decimal) -> String {
        self.words.money(value, self.currency)
    }

    fn label_of_currency(&self) -> String {
        let pattern = if self.currency == Currency::Eur { self.words.eur } else { self.words.mad };
        pattern.replace("{}", "").trim().to_owned()
    }

    fn facts(&self, document: &Document) -> Vec<Labelled> {
        let words = self.words;
        let period = &document.period;
        let mut facts = vec![self.labelled(words.issued, &words.day(document.issue_date))];
        if document.kind == Kind::Invoice {
            facts.push(self.labelled(words.due, &words.day(document.due_date)));
        }
        facts.push(self.labelled(words.period, &words.days(period.from, period.until, &period.zone)));
        if let Some(order) = &document.purchase_order {
            facts.push(self.labelled(words.purchase_order, order));
        }
        if let Some(corrected) = &document.corrects {
            let day = words.day(corrected.issue_date);
            facts.push(self.labelled(words.corrects, &fill(words.corrects_value, &[&corrected.number, &day])));
        }
        facts
    }

    fn address(&self, address: &Address) -> Vec<Said> {
        let mut lines: Vec<Said> = address.lines.iter().map(|line| self.said(line)).collect();
        let city = match &address.postcode {
            Some(postcode) => format!("{postcode} {}", address.city),
            None => address.city.clone(),
        };
        lines.push(self.said(&city));
        lines.push(self.said(self.words.country(&address.country)));
        lines
    }

    fn buyer(&self, document: &Document) -> Vec<Said> {
        let buyer = &document.buyer;
        let mut lines = self.address(&buyer.address);
        let siren = buyer.siren.as_deref().map(sentences::in_threes);
        let numbers = [("SIREN", &siren), (self.words.vat_number, &buyer.vat_number), ("ICE", &buyer.ice)];
        for (label, number) in numbers {
            lines.extend(number.as_ref().map(|number| self.said(&format!("{label} {number}"))));
        }
        lines.push(self.said(&buyer.email));
        lines
    }

    fn row(&self, document: &Document, line: &Line) -> Row {
        let words = self.words;
        let mut detail: Vec<Said> = line.detail.iter().map(|text| self.said(text)).collect();
        if let Some(period) = &line.period {
            let all = (document.period.from, document.period.until);
            if (period.from, period.until) != all {
                detail.push(self.said(&words.days(period.from, period.until, &document.period.zone)));
            }
        }
        let length = line.text.len() + line.detail.as_ref().map_or(0, String::len);
        let breaks = line.detail.as_ref().map_or(0, |it| it.matches('\n').count()) + line.text.matches('\n').count();
        Row {
            title: self.said(&line.text),
            detail,
            quantity: words.number(line.quantity, 0),
            unit: words.unit(line.unit).to_owned(),
            price: words.number(line.unit_price, 2),
            vat: format!("{}\u{A0}%", words.number(line.vat_rate, 0)),
            net: words.number(line.net, 2),
            keep: length < 1000 && breaks < 12,
        }
    }

    fn vat_row(&self, vat: &sayoo_document::Vat) -> VatRow {
        let words = self.words;
        VatRow {
            label: format!("{}\u{A0}%", words.number(vat.rate, 0)),
            base: words.number(vat.base, 2),
            amount: words.number(vat.amount, 2),
            reason: vat.reason.as_ref().map(|reason| self.said(reason)),
        }
    }

    fn sums(&self, document: &Document) -> Vec<Labelled> {
        let (words, totals) = (self.words, &document.totals);
        let mut sums = vec![self.labelled(words.net, &self.money(totals.net))];
        for vat in &document.vat {
            let label = match vat.category {
                VatCategory::S => fill(words.vat_at, &[&words.number(vat.rate, 0)]),
                _ => words.no_vat.to_owned(),
            };
            sums.push(self.labelled(&label, &self.money(vat.amount)));
        }
        if !totals.paid.is_zero() {
            sums.push(self.labelled(words.gross, &self.money(totals.gross)));
            sums.push(self.labelled(words.paid, &self.money(-totals.paid)));
        } else if document.kind == Kind::Invoice || totals.due != totals.net {
            sums.push(self.labelled(words.gross, &self.money(totals.gross)));
        }
        sums
    }

    fn due(&self, document: &Document) -> Labelled {
        let label = if document.kind == Kind::CreditNote { self.words.to_give_back } else { self.words.to_pay };
        self.labelled(label, &self.money(document.totals.due))
    }

    fn payment(&self, document: &Document) -> Vec<Labelled> {
        let words = self.words;
        let is_asked = document.mentions.payment == PaymentMeans::Transfer
            && document.kind == Kind::Invoice
            && !document.totals.due.is_zero();
        let Some(bank) = document.seller.bank.as_ref().filter(|_| is_asked) else { return Vec::new() };
        let mut facts = vec![self.labelled(words.holder, &bank.holder), self.labelled(words.bank, &bank.bank_name)];
        facts.extend(bank.iban.as_ref().map(|iban| self.labelled("IBAN", &in_fours(iban))));
        facts.extend(bank.rib.as_ref().map(|rib| self.labelled("RIB", &parts_of_rib(rib))));
        facts.extend(bank.bic.as_ref().map(|bic| self.labelled("BIC", bic)));
        facts.push(self.labelled(words.reference, &document.number));
        facts
    }

    fn notes(&self, document: &Document) -> Vec<Said> {
        let mut notes = sentences::others(document);
        let is_french = matches!(document.seller.identifiers, SellerIdentifiers::France(_));
        let mentions = &document.mentions;
        if document.kind == Kind::Invoice {
            if mentions.late_penalties.is_some() {
                notes.push(sentences::late_penalties(document));
            }
            if mentions.recovery_fee.is_some() {
                notes.push(sentences::recovery_fee(document));
            }
            if is_french || mentions.early_payment_discount.is_some() {
                notes.push(sentences::early_payment(document));
            }
        }
        notes.iter().map(|note| self.said(note)).collect()
    }

    fn footer(&self, document: &Document) -> Vec<Said> {
        let seller = &document.seller;
        let form = sentences::legal_form(seller);
        let name = self.said(&seller.name);
        // The form is in French; in one line with an Arabic name the two would be read across each other.
        let mut lines = if name.rtl {
            vec![name, self.said(&form)]
        } else {
            vec![self.said(&format!("{} · {form}", seller.name))]
        };
        let address = &seller.address;
        let mut parts = address.lines.clone();
        parts.push(format!("{} {}", address.postcode.as_deref().unwrap_or_default(), address.city).trim().to_owned());
        if let SellerIdentifiers::France(ids) = &seller.identifiers {
            parts.push(format!("{} {}", self.words.vat_number, ids.vat_number));
        }
        lines.push(self.said(&parts.join(" · ")));
        lines
    }
}

/// Which way the first letter that has a direction is read.
fn is_right_to_left(text: &str) -> bool {
    let first = text.chars().find_map(|it| match it {
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' => Some(true),
        it if it.is_alphabetic() => Some(false),
        _ => None,
    });
    first.unwrap_or(false)
}

/// Characters without a picture, which may be left out when no font has them.
fn is_joiner(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

fn in_fours(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("\u{A0}")
}

/// Bank, city, account and key.
fn parts_of_rib(rib: &str) -> String {
    if rib.len() != 24 || !rib.is_ascii() {
        return rib.to_owned();
    }
    [&rib[..3], &rib[3..6], &rib[6..22], &rib[22..]].join("\u{A0}")
}
