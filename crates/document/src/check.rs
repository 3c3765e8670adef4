//! What must hold of a document before it may be issued. Third-party validators let a wrong VAT of up to one unit pass; this does not.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::document::{
    Currency, Document, Kind, Line, LineKind, SCHEMA, SellerIdentifiers, VatCategory, VatInSellerCurrency,
};
use crate::money::money;
use crate::parties::{Address, FrenchSeller, MoroccanSeller};

mod text;

pub use text::clean;

/// Something that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable name for it, as in `line_net`.
    pub code: &'static str,
    /// Which field, as in `lines[2].net`.
    pub at: String,
    /// What is expected, for a person.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.code, self.at, self.detail)
    }
}

/// The rates that French law knows, and with them the Moroccan ones (20 and 10).
const FRENCH_RATES: [&str; 14] =
    ["20", "10", "5.5", "2.1", "8.5", "1.75", "1.05", "0.9", "13", "19.6", "20.6", "7", "9.2", "9.6"];
const MOROCCAN_RATES: [&str; 2] = ["20", "10"];

/// Returns nothing, or everything that is wrong.
pub fn check(document: &Document) -> Result<(), Vec<Problem>> {
    let mut found = Found::default();
    found.heading(document);
    found.seller(document);
    found.buyer(document);
    for line in &document.lines {
        found.line(document, line);
    }
    found.sums(document);
    found.other_currency(document);
    found.mentions(document);
    text::look_at(document, &mut |code, at, detail| found.add(code, at, detail));
    if found.0.is_empty() { Ok(()) } else { Err(found.0) }
}

/// Whether this may be a document's number.
#[must_use]
pub fn is_number(number: &str) -> bool {
    (1..=35).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_/".contains(&byte))
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, code: &'static str, at: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Problem { code, at: at.into(), detail: detail.into() });
    }

    fn unless(&mut self, holds: bool, code: &'static str, at: impl Into<String>, detail: impl Into<String>) {
        if !holds {
            self.add(code, at, detail);
        }
    }

    fn equal(&mut self, given: Decimal, expected: Option<Decimal>, code: &'static str, at: impl Into<String>) {
        match expected {
            Some(expected) => self.unless(given == expected, code, at, format!("{given}, expected {expected}")),
            None => self.add(code, at, "too large to be computed"),
        }
    }

    fn decimals(&mut self, value: Decimal, most: u32, at: impl Into<String>) {
        let at = at.into();
        self.unless(value.scale() <= most, "decimals", &*at, format!("{value} has more than {most} decimals"));
        // The schematrons' longest number has nineteen digits.
        self.unless(value.abs() < Decimal::from(10_u64.pow(13)), "too_large", at, "too large");
    }

    fn heading(&mut self, document: &Document) {
        self.unless(document.schema == SCHEMA, "schema", "schema", format!("only {SCHEMA} is known"));
        self.unless(is_number(&document.number), "number", "number", "1 to 35 of A-Z a-z 0-9 + - _ /");
        self.unless(
            document.issue_date <= document.due_date,
            "due_before_issue",
            "due_date",
            "due before it was issued",
        );
        for (date, at) in [(document.issue_date, "issue_date"), (document.due_date, "due_date")] {
            self.unless(is_this_century(date), "date", at, "a year from 2000 to 2099");
        }
        self.unless(document.period.from < document.period.until, "period", "period", "it ends before it begins");
        self.unless(
            document.period.zone.parse::<chrono_tz::Tz>().is_ok(),
            "zone",
            "period.zone",
            "the name of a time zone, as in Europe/Paris",
        );
        match (document.kind, &document.corrects) {
            (Kind::Invoice, Some(_)) => self.add("corrects", "corrects", "an invoice corrects nothing"),
            (Kind::CreditNote, None) => self.add("corrects", "corrects", "a credit note cites its invoice"),
            (Kind::CreditNote, Some(cited)) => {
                self.unless(is_number(&cited.number), "number", "corrects.number", "1 to 35 of A-Z a-z 0-9 + - _ /");
                self.unless(
                    cited.issue_date <= document.issue_date && is_this_century(cited.issue_date),
                    "corrects",
                    "corrects.issue_date",
                    "a credit note comes after its invoice",
                );
            }
            (Kind::Invoice, None) => {}
        }
        self.unless(!document.lines.is_empty(), "no_lines", "lines", "at least one line");
    }

    fn seller(&mut self, document: &Document) {
        let seller = &document.seller;
        let needed = [(&seller.name, "name"), (&seller.legal_form, "legal_form"), (&seller.email, "email")];
        for (value, field) in needed {
            self.needed(value, format!("seller.{field}"));
        }
        self.unless(
            seller.address.country == country_of(&seller.identifiers),
            "seller_country",
            "seller.address.country",
            "the country of the identifiers",
        );
        self.address(&seller.address, "seller.address");
        match &seller.identifiers {
            SellerIdentifiers::France(ids) => self.french(ids),
            SellerIdentifiers::Morocco(ids) => self.moroccan(ids),
        }
        let Some(capital) = &seller.capital else {
            let at = "seller.capital";
            return self.add("missing_mention", at, "a company states its share capital");
        };
        self.decimals(capital.amount, 2, "seller.capital.amount");
        if let Some(bank) = &seller.bank {
            let has_account = bank.iban.is_some() || bank.rib.is_some();
            self.unless(has_account, "missing_mention", "seller.bank", "an IBAN or a RIB");
            let is_iban = bank.iban.as_ref().is_none_or(|iban| is_iban(iban));
            self.unless(is_iban, "identifier", "seller.bank.iban", "an IBAN without spaces");
            let is_rib = bank.rib.as_ref().is_none_or(|rib| is_digits(rib, 24));
            self.unless(is_rib, "identifier", "seller.bank.rib", "24 digits");
        }
    }

    fn french(&mut self, ids: &FrenchSeller) {
        self.unless(is_digits(&ids.siren, 9), "missing_mention", "seller.identifiers.siren", "nine digits");
        let is_siret = is_digits(&ids.siret, 14) && ids.siret.starts_with(&ids.siren);
        self.unless(is_siret, "missing_mention", "seller.identifiers.siret", "14 digits that begin with the SIREN");
        self.needed(&ids.rcs_city, "seller.identifiers.rcs_city");
        let is_vat =
            ids.vat_number.len() == 13 && ids.vat_number.starts_with("FR") && ids.vat_number.ends_with(&ids.siren);
        self.unless(is_vat, "missing_mention", "seller.identifiers.vat_number", "FR, two characters and the SIREN");
    }

    fn moroccan(&mut self, ids: &MoroccanSeller) {
        self.unless(is_digits(&ids.ice, 15), "missing_mention", "seller.identifiers.ice", "fifteen digits");
        let needed = [
            (&ids.tax_id, "tax_id"),
            (&ids.rc_number, "rc_number"),
            (&ids.rc_city, "rc_city"),
            (&ids.professional_tax, "professional_tax"),
        ];
        for (value, field) in needed {
            self.needed(value, format!("seller.identifiers.{field}"));
        }
    }

    fn needed(&mut self, value: &str, at: impl Into<String>) {
        self.unless(!value.trim().is_empty(), "missing_mention", at, "it must be stated");
    }

    fn address(&mut self, address: &Address, at: &str) {
        let lines = (1..=3).contains(&address.lines.len()) && address.lines.iter().all(|line| !line.trim().is_empty());
        self.unless(lines, "address", format!("{at}.lines"), "one to three lines that say something");
        self.unless(!address.city.trim().is_empty(), "address", format!("{at}.city"), "a city");
        let is_country = address.country.len() == 2 && address.country.bytes().all(|byte| byte.is_ascii_uppercase());
        self.unless(is_country, "address", format!("{at}.country"), "two capital letters");
    }

    fn buyer(&mut self, document: &Document) {
        let buyer = &document.buyer;
        self.needed(&buyer.name, "buyer.name");
        self.address(&buyer.address, "buyer.address");
        let is_siren = buyer.siren.as_ref().is_none_or(|siren| is_digits(siren, 9));
        self.unless(is_siren, "identifier", "buyer.siren", "nine digits");
        let is_ice = buyer.ice.as_ref().is_none_or(|ice| is_digits(ice, 15));
        self.unless(is_ice, "identifier", "buyer.ice", "fifteen digits");
        let is_vat = buyer.vat_number.as_ref().is_none_or(|number| is_vat_number(number));
        self.unless(is_vat, "identifier", "buyer.vat_number", "two letters and the number, without spaces");
        let is_between_french = buyer.is_business
            && buyer.address.country == "FR"
            && matches!(document.seller.identifiers, SellerIdentifiers::France(_));
        if is_between_french {
            self.unless(buyer.siren.is_some(), "missing_mention", "buyer.siren", "a French business has a SIREN");
        }
        if document.vat.iter().any(|vat| matches!(vat.category, VatCategory::Ae | VatCategory::K)) {
            let detail = "who owes the tax is named by a VAT number";
            self.unless(buyer.vat_number.is_some(), "missing_mention", "buyer.vat_number", detail);
        }
    }

    fn line(&mut self, document: &Document, line: &Line) {
        let index = document.lines.iter().position(|it| std::ptr::eq(it, line)).unwrap_or_default();
        let at = |field: &str| format!("lines[{index}].{field}");
        let is_next = usize::try_from(line.line_no) == Ok(index + 1);
        self.unless(is_next, "line_no", at("line_no"), format!("expected {}", index + 1));
        self.unless(!line.text.trim().is_empty(), "missing_text", at("text"), "a line says what it is for");
        self.decimals(line.quantity, 4, at("quantity"));
        self.decimals(line.unit_price, 6, at("unit_price"));
        self.decimals(line.net, 2, at("net"));
        self.unless(line.unit_price > Decimal::ZERO, "unit_price", at("unit_price"), "a price is above zero");
        let expected = line.quantity.checked_mul(line.unit_price).map(money);
        self.equal(line.net, expected, "line_net", at("net"));
        if line.kind == LineKind::Discount && document.kind == Kind::Invoice {
            let is_off = line.quantity <= Decimal::ZERO;
            self.unless(is_off, "discount_sign", at("quantity"), "a discount takes off: a negative quantity");
        }
        if line.vat_category == VatCategory::S {
            let rates: &[&str] = match document.seller.identifiers {
                SellerIdentifiers::France(_) => &FRENCH_RATES,
                SellerIdentifiers::Morocco(_) => &MOROCCAN_RATES,
            };
            // To others of the Union France sells at the rate of their own country (one-stop shop).
            let is_abroad = document.seller.address.country == "FR" && document.buyer.address.country != "FR";
            let is_of_union = is_abroad && line.vat_rate >= Decimal::from(15) && line.vat_rate <= Decimal::from(27);
            let is_rate = is_of_union || rates.contains(&line.vat_rate.normalize().to_string().as_str());
            self.unless(is_rate, "vat_rate", at("vat_rate"), format!("{} is no rate of this country", line.vat_rate));
        } else {
            self.unless(line.vat_rate.is_zero(), "vat_rate", at("vat_rate"), "only category S has a rate");
        }
        if let Some(period) = &line.period {
            self.unless(period.from < period.until, "period", at("period"), "it ends before it begins");
        }
    }

    fn sums(&mut self, document: &Document) {
        let totals = &document.totals;
        let amounts = [
            (totals.net, "net"),
            (totals.vat, "vat"),
            (totals.gross, "gross"),
            (totals.paid, "paid"),
            (totals.due, "due"),
        ];
        for (amount, field) in amounts {
            self.decimals(amount, 2, format!("totals.{field}"));
        }
        let mut groups: BTreeMap<(VatCategory, Decimal), Option<Decimal>> = BTreeMap::new();
        for line in &document.lines {
            let sum = groups.entry((line.vat_category, line.vat_rate.normalize())).or_insert(Some(Decimal::ZERO));
            *sum = sum.and_then(|sum| sum.checked_add(line.net));
        }
        for (index, vat) in document.vat.iter().enumerate() {
            let at = |field: &str| format!("vat[{index}].{field}");
            self.decimals(vat.base, 2, at("base"));
            self.decimals(vat.amount, 2, at("amount"));
            match groups.remove(&(vat.category, vat.rate.normalize())) {
                Some(base) => self.equal(vat.base, base, "vat_base", at("base")),
                None => self.add("vat_group", at("category"), "no line has it, or it was there already"),
            }
            let expected = vat.base.checked_mul(vat.rate).map(|product| money(product / Decimal::ONE_HUNDRED));
            self.equal(vat.amount, expected, "vat_amount", at("amount"));
            let needs_reason = !matches!(vat.category, VatCategory::S | VatCategory::Z);
            let has_reason = vat.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
            if needs_reason {
                self.unless(has_reason, "vat_reason", at("reason"), "why no VAT is charged must be said");
            } else {
                let is_bare = vat.reason.is_none() && vat.reason_code.is_none();
                self.unless(is_bare, "vat_reason", at("reason"), "VAT that is charged has no reason not to be");
            }
        }
        for (category, rate) in groups.keys() {
            self.add("vat_group", "vat", format!("{} at {rate} is missing", category.code()));
        }
        let has_o = document.vat.iter().any(|vat| vat.category == VatCategory::O);
        self.unless(!has_o || document.vat.len() == 1, "vat_group", "vat", "O stands alone in a document");
        self.equal(totals.net, sum(document.lines.iter().map(|line| line.net)), "net", "totals.net");
        self.equal(totals.vat, sum(document.vat.iter().map(|vat| vat.amount)), "vat", "totals.vat");
        self.equal(totals.gross, totals.net.checked_add(totals.vat), "gross", "totals.gross");
        self.equal(totals.due, totals.gross.checked_sub(totals.paid), "due", "totals.due");
        let detail = "what the customer gets back is a credit note with positive amounts";
        self.unless(totals.gross >= Decimal::ZERO, "negative_total", "totals.gross", detail);
        let is_part = totals.paid >= Decimal::ZERO && totals.paid <= totals.gross.max(Decimal::ZERO);
        self.unless(is_part, "paid", "totals.paid", "from nothing to everything");
    }

    fn other_currency(&mut self, document: &Document) {
        let at = "vat_in_seller_currency";
        let own = document.seller.currency();
        match &document.vat_in_seller_currency {
            None => self.unless(document.currency == own, "missing_fx", at, format!("the VAT in {}", own.code())),
            Some(_) if document.currency == own => self.add("needless_fx", at, "the document is in that currency"),
            Some(other) => self.converted(document, other, own),
        }
    }

    fn converted(&mut self, document: &Document, other: &VatInSellerCurrency, own: Currency) {
        let at = |field: &str| format!("vat_in_seller_currency.{field}");
        self.unless(other.currency == own, "fx", at("currency"), own.code());
        self.unless(other.rate > Decimal::ZERO, "fx", at("rate"), "a rate is above zero");
        self.unless(!other.source.trim().is_empty(), "fx", at("source"), "who published it");
        self.decimals(other.amount, 2, at("amount"));
        let expected = document.totals.vat.checked_mul(other.rate).map(money);
        self.equal(other.amount, expected, "fx", at("amount"));
    }

    fn mentions(&mut self, document: &Document) {
        let mentions = &document.mentions;
        if matches!(document.seller.identifiers, SellerIdentifiers::France(_)) && document.buyer.is_business {
            let detail = "French law asks for it";
            self.unless(mentions.late_penalties.is_some(), "missing_mention", "mentions.late_penalties", detail);
            let has_fee = mentions.recovery_fee.is_some_and(|fee| fee > Decimal::ZERO);
            self.unless(has_fee, "missing_mention", "mentions.recovery_fee", detail);
        }
    }
}

fn sum(mut amounts: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    amounts.try_fold(Decimal::ZERO, Decimal::checked_add)
}

fn country_of(identifiers: &SellerIdentifiers) -> &'static str {
    match identifiers {
        SellerIdentifiers::France(_) => "FR",
        SellerIdentifiers::Morocco(_) => "MA",
    }
}

fn is_this_century(date: NaiveDate) -> bool {
    use chrono::Datelike;
    (2000..2100).contains(&date.year())
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_vat_number(text: &str) -> bool {
    (4..=20).contains(&text.len())
        && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether the two check digits are right (ISO 13616).
fn is_iban(text: &str) -> bool {
    if !(15..=34).contains(&text.len()) || !text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()) {
        return false;
    }
    let rest = text.bytes().cycle().skip(4).take(text.len()).fold(0_u32, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    rest == 1
}
