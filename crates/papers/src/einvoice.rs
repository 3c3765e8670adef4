//! The document in the terms of EN 16931, from which both XML forms are written. Only this file and `pdf.rs` name the e-invoice crates.

use chrono::NaiveDate;
use en16931::invoice::{
    Code, CreditTransfer, Delivery, DocumentTotals, Invoice, InvoiceLine, InvoiceNote, Item, ItemAttribute, LineVat,
    Party, PaymentInstructions, PaymentMeans as En16931Means, Period, PostalAddress, PrecedingInvoice, PriceDetails,
    VatBreakdown,
};
use en16931::profiles::{EN16931, En16931};
use en16931::validation::profile::Validated;
use en16931::{
    Date, DocumentKind, DocumentReference, Identifier, InvoiceAmount, Percentage, Quantity, UnitPriceAmount,
};
use en16931_formats::Syntax;
use rust_decimal::Decimal;

use crate::Error;
use crate::format::days_of;
use crate::sentences;
use crate::words::Words;
use sayoo_document::{
    Address, Buyer, Document, Kind, Line, PaymentMeans, Seller, SellerIdentifiers, Unit, Vat, VatCategory,
};

/// The scheme of SIREN numbers, and that of electronic addresses in the French directory.
const SIREN: &str = "0002";
const FRENCH_DIRECTORY: &str = "0225";
/// An e-mail address as an electronic address.
const EMAIL: &str = "EM";

/// Writes one of the two XML forms of a document that has been checked.
pub(crate) fn write(document: &Document, syntax: Syntax) -> Result<String, Error> {
    Ok(en16931_formats::write(&proof(document)?, syntax).xml)
}

/// The document with the proof that it keeps the rules of EN 16931.
pub(crate) fn proof(document: &Document) -> Result<Validated<En16931>, Error> {
    Validated::new(invoice(document)?).map_err(|rejected| {
        let rules = rejected.report().fatal().map(|finding| format!("{} at {}", finding.rule, finding.path)).collect();
        Error::Rules(rules)
    })
}

fn invoice(document: &Document) -> Result<Invoice, Error> {
    let words = Words::of(document.language);
    let is_credit = document.kind == Kind::CreditNote;
    // A document with a line that is outside the scope of VAT names no VAT numbers (BR-O-02).
    let names_vat = document.vat.iter().all(|vat| vat.category != VatCategory::O);
    let (first, last) = days_of(document.period.from, document.period.until, &document.period.zone);
    let type_code = if is_credit { "381" } else { "380" };
    let mut invoice = Invoice::builder(
        EN16931.specification_id,
        document.number.clone(),
        day(document.issue_date)?,
        type_code,
        document.currency.code(),
    )
    .build();
    invoice.kind = if is_credit { DocumentKind::CreditNote } else { DocumentKind::Invoice };
    invoice.business_process = Some(process(document).to_owned());
    invoice.due_date = (!is_credit).then(|| day(document.due_date)).transpose()?;
    invoice.purchase_order_reference = document.purchase_order.as_deref().map(DocumentReference::new);
    invoice.payment_terms = Some(sentences::terms(document));
    invoice.notes = notes(document);
    invoice.seller = seller(&document.seller, names_vat);
    invoice.buyer = buyer(&document.buyer, names_vat);
    invoice.invoicing_period = Some(Period { start: Some(day(first)?), end: Some(day(last)?) });
    invoice.payment = Some(payment(document, words));
    invoice.vat_breakdown = document.vat.iter().map(breakdown).collect::<Result<_, _>>()?;
    invoice.lines = document.lines.iter().map(|it| line(document, it, words)).collect::<Result<_, _>>()?;
    invoice.totals = totals(document)?;
    if document.mentions.vat_on_debits {
        // The VAT is owed on the day of the invoice.
        invoice.vat_point_date_code = Some(Code::new("3"));
    }
    if let Some(corrected) = &document.corrects {
        let reference = DocumentReference::new(corrected.number.clone());
        invoice.preceding_invoices = vec![PrecedingInvoice { reference, issue_date: Some(day(corrected.issue_date)?) }];
    }
    if let Some(other) = &document.vat_in_seller_currency {
        invoice.vat_accounting_currency = Some(Code::new(other.currency.code()));
    }
    if document.vat.iter().any(|vat| vat.category == VatCategory::K) {
        let address = Some(address(&document.buyer.address));
        invoice.delivery = Some(Delivery { address, ..Delivery::default() });
    }
    Ok(invoice)
}

/// The French billing mode: services, goods or both; with 2, a document that was paid before it was issued.
fn process(document: &Document) -> &'static str {
    use sayoo_document::Operation::{Goods, Mixed, Services};
    let totals = &document.totals;
    let is_paid = document.kind == Kind::Invoice && totals.paid == totals.gross && !totals.gross.is_zero();
    match (document.mentions.operation, is_paid) {
        (Services, false) => "S1",
        (Services, true) => "S2",
        (Goods, false) => "B1",
        (Goods, true) => "B2",
        (Mixed, false) => "M1",
        (Mixed, true) => "M2",
    }
}

fn notes(document: &Document) -> Vec<InvoiceNote> {
    let mut notes = Vec::new();
    if matches!(document.seller.identifiers, SellerIdentifiers::France(_)) {
        notes.push(InvoiceNote::new(sentences::recovery_fee(document)).with_subject("PMT"));
        notes.push(InvoiceNote::new(sentences::late_penalties(document)).with_subject("PMD"));
        notes.push(InvoiceNote::new(sentences::early_payment(document)).with_subject("AAB"));
        notes.push(InvoiceNote::new(treatment(&document.buyer)).with_subject("BAR"));
    }
    notes.extend(sentences::others(document).into_iter().map(InvoiceNote::new));
    notes
}

/// What the French reform does with a document.
fn treatment(buyer: &Buyer) -> &'static str {
    match (buyer.is_business, buyer.address.country == "FR") {
        (true, true) => "B2B",
        (true, false) => "B2BINT",
        (false, true) => "B2C",
        (false, false) => "B2CINT",
    }
}

fn seller(seller: &Seller, names_vat: bool) -> Party {
    let mut party = Party::new(seller.name.clone(), address(&seller.address));
    party.additional_legal_information = Some(sentences::legal_form(seller));
    party.contact.email = Some(seller.email.clone());
    party.contact.phone.clone_from(&seller.phone);
    party.contact.name = Some(seller.name.clone());
    match &seller.identifiers {
        SellerIdentifiers::France(ids) => {
            party.legal_registration = Some(Identifier::schemed(ids.siren.clone(), SIREN));
            party.identifiers = vec![Identifier::schemed(ids.siret.clone(), "0009")];
            party.electronic_address = Some(Identifier::schemed(ids.siren.clone(), FRENCH_DIRECTORY));
            party.vat_identifier = names_vat.then(|| ids.vat_number.clone());
        }
        SellerIdentifiers::Morocco(ids) => {
            // The ICE is in no list of schemes.
            party.legal_registration = Some(Identifier::new(ids.ice.clone()));
            party.electronic_address = Some(Identifier::schemed(seller.email.clone(), EMAIL));
            party.tax_registration = names_vat.then(|| ids.tax_id.clone());
        }
    }
    party
}

fn buyer(buyer: &Buyer, names_vat: bool) -> Party {
    let mut party = Party::new(buyer.name.clone(), address(&buyer.address));
    party.legal_registration = match (&buyer.siren, &buyer.ice) {
        (Some(siren), _) => Some(Identifier::schemed(siren.clone(), SIREN)),
        (None, Some(ice)) => Some(Identifier::new(ice.clone())),
        (None, None) => None,
    };
    party.electronic_address = Some(match &buyer.siren {
        Some(siren) => Identifier::schemed(siren.clone(), FRENCH_DIRECTORY),
        None => Identifier::schemed(buyer.email.clone(), EMAIL),
    });
    party.vat_identifier = buyer.vat_number.clone().filter(|_| names_vat);
    party
}

fn address(address: &Address) -> PostalAddress {
    let line = |index: usize| address.lines.get(index).cloned();
    PostalAddress {
        line1: line(0),
        line2: line(1),
        line3: line(2),
        city: Some(address.city.clone()),
        post_code: address.postcode.clone(),
        subdivision: None,
        country: Some(Code::new(address.country.clone())),
    }
}

fn payment(document: &Document, words: &Words) -> PaymentInstructions {
    let seller = &document.seller;
    let bank = seller.bank.as_ref().filter(|_| document.mentions.payment == PaymentMeans::Transfer);
    let (code, text) = match document.mentions.payment {
        PaymentMeans::Transfer => ("30", words.by_transfer),
        PaymentMeans::Card => ("48", words.by_card),
        PaymentMeans::Credit => ("97", words.by_credit),
    };
    let transfer = bank.map(|bank| CreditTransfer {
        account_identifier: bank.iban.clone().or_else(|| bank.rib.clone()),
        account_name: Some(bank.holder.clone()),
        provider_identifier: bank.bic.clone(),
    });
    PaymentInstructions {
        // Without an account to name, it is a means that the two have agreed on.
        means_code: Some(Code::new(if code == "30" && transfer.is_none() { "1" } else { code })),
        means_text: Some(text.to_owned()),
        remittance_information: Some(document.number.clone()),
        means: transfer.map(|transfer| En16931Means::CreditTransfer(vec![transfer])),
    }
}

fn breakdown(vat: &Vat) -> Result<VatBreakdown, Error> {
    Ok(VatBreakdown {
        taxable_amount: amount(vat.base)?,
        tax_amount: amount(vat.amount)?,
        category: Code::new(vat.category.code()),
        rate: rate(vat.category, vat.rate),
        exemption_reason: vat.reason.clone(),
        exemption_reason_code: vat.reason_code.as_deref().map(Code::new),
    })
}

fn rate(category: VatCategory, rate: Decimal) -> Option<Percentage> {
    (category != VatCategory::O).then(|| Percentage::new(rate.normalize()))
}

fn line(document: &Document, line: &Line, words: &Words) -> Result<InvoiceLine, Error> {
    let quantity = Quantity::new(line.quantity);
    let (id, unit, category) = (line.line_no.to_string(), line.unit.code(), line.vat_category.code());
    let rate = rate(line.vat_category, line.vat_rate);
    let mut out = InvoiceLine::new(id, line.text.clone(), quantity, unit, amount(line.net)?, category, rate);
    out.vat = LineVat { category: Code::new(category), rate };
    out.price = PriceDetails { net_price: UnitPriceAmount::new(line.unit_price), ..PriceDetails::default() };
    out.item = Item {
        name: Some(line.text.clone()),
        description: line.detail.clone(),
        seller_identifier: line.meter.clone(),
        ..Item::default()
    };
    if line.unit != Unit::One {
        let value = words.unit(line.unit).to_owned();
        out.item.attributes = vec![ItemAttribute { name: Some(words.quantity.to_owned()), value: Some(value) }];
    }
    out.object_identifier = line.environment_id.as_ref().map(|id| Identifier::new(id.clone()));
    if let Some(period) = &line.period {
        let (first, last) = days_of(period.from, period.until, &document.period.zone);
        out.period = Some(Period { start: Some(day(first)?), end: Some(day(last)?) });
    }
    Ok(out)
}

fn totals(document: &Document) -> Result<DocumentTotals, Error> {
    let totals = &document.totals;
    Ok(DocumentTotals {
        line_total: amount(totals.net)?,
        taxable_total: amount(totals.net)?,
        vat_total: Some(amount(totals.vat)?),
        vat_total_accounting: document.vat_in_seller_currency.as_ref().map(|it| amount(it.amount)).transpose()?,
        gross_total: amount(totals.gross)?,
        paid: (!totals.paid.is_zero()).then(|| amount(totals.paid)).transpose()?,
        due: amount(totals.due)?,
        ..DocumentTotals::default()
    })
}

fn amount(value: Decimal) -> Result<InvoiceAmount, Error> {
    InvoiceAmount::from_decimal_exact(value).map_err(|error| Error::Rules(vec![error.to_string()]))
}

fn day(date: NaiveDate) -> Result<Date, Error> {
    Date::try_from(date).map_err(|error| Error::Rules(vec![error.to_string()]))
}
