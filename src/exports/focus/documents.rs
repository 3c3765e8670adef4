//! What stands on documents: lines that no charge stands on and VAT as rows of CostAndUsage, and every line as InvoiceDetail. Pure.

use chrono::{DateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;

use super::charges::set_service;
use super::row::{Amounts, Pen, push_number};
use super::{category, coins, instant, push_record, unit};
use crate::exports::store::{Document, DocumentLine, Vat};
use crate::exports::text::{harmless, plain};

/// What stands on a document.
#[derive(Debug, Default)]
pub struct Papers {
    /// Its lines, in order.
    pub lines: Vec<DocumentLine>,
    /// Its VAT, by category and rate.
    pub vat: Vec<Vat>,
}

/// A credit note takes back what an invoice said.
fn signed(document: &Document, minor: i64) -> Decimal {
    if document.kind == "credit_note" { -coins(minor) } else { coins(minor) }
}

/// What the document speaks of: a credit note of its invoice's period.
fn span(document: &Document) -> (DateTime<Utc>, DateTime<Utc>) {
    match (document.cited_from, document.cited_until) {
        (Some(from), Some(until)) => (from, until),
        _ => (document.from_at, document.until_at),
    }
}

/// What a line is: on a credit note, all are credits that no charge stands on.
fn line_category(document: &Document, line: &DocumentLine) -> &'static str {
    let is_credit = document.kind == "credit_note" && !line.has_charges;
    if is_credit { "Credit" } else { category(&line.kind, line.meter.as_deref()) }
}

/// Writes the rows of CostAndUsage that no charge is: discounts, credited lines, VAT.
pub fn write_rest(pen: &mut Pen, document: &Document, papers: &Papers, out: &mut Vec<u8>) {
    for line in papers.lines.iter().filter(|line| !line.has_charges) {
        describe(pen, document, line_category(document, line), &line.title);
        pen.set("InvoiceDetailId", &format!("{}-{}", document.number, line.line_no));
        if let Some(environment) = line.environment {
            pen.set("SubAccountId", &environment.to_string());
            pen.set("SubAccountType", "Environment");
        }
        let (from, until) = span(document);
        let span = (line.from_at.unwrap_or(from), line.until_at.unwrap_or(until));
        pen.row(out, span, &only(signed(document, line.net_minor)));
    }
    for (number, vat) in papers.vat.iter().enumerate() {
        describe(pen, document, "Tax", &vat_title(vat));
        pen.set("InvoiceDetailId", &vat_id(document, number));
        pen.row(out, span(document), &only(signed(document, vat.amount_minor)));
    }
}

/// An amount without a quantity.
fn only(amount: Decimal) -> Amounts {
    Amounts { quantity: None, consumed: None, list: amount, contracted: amount, billed: amount }
}

fn vat_title(vat: &Vat) -> String {
    format!("VAT {} {}%", vat.category, vat.rate.normalize())
}

fn vat_id(document: &Document, number: usize) -> String {
    format!("{}-T{}", document.number, number + 1)
}

fn describe(pen: &mut Pen, document: &Document, category: &str, title: &str) {
    pen.clear();
    pen.set("BillingAccountId", &document.account.to_string());
    pen.set_text("BillingAccountName", &document.customer);
    pen.set("BillingAccountType", "Organization");
    pen.set("BillingCurrency", &document.currency);
    pen.set_instant("BillingPeriodStart", document.from_at);
    pen.set_instant("BillingPeriodEnd", document.until_at);
    pen.set("ChargeCategory", category);
    pen.set("ChargeClass", if document.kind == "credit_note" { "Correction" } else { "" });
    pen.set_text("ChargeDescription", title);
    pen.set("ChargeFrequency", "One-Time");
    for name in ["HostProviderName", "InvoiceIssuerName", "ServiceProviderName"] {
        pen.set_text(name, &document.issuer);
    }
    pen.set("InvoiceId", &document.number);
    pen.set("PricingCurrency", &document.currency);
    set_service(pen);
}

/// Writes every line of a document, and its VAT, as rows of InvoiceDetail.
pub fn write_details(document: &Document, papers: &Papers, out: &mut Vec<u8>) {
    for line in &papers.lines {
        let mut grain = json!({"ServiceName": "Managed Odoo"});
        if let Some(environment) = line.environment {
            grain["SubAccountId"] = json!(environment);
        }
        if line.meter.is_some() {
            grain["SkuMeter"] = json!(unit(line.meter.as_deref()).meter);
        }
        let detail = Detail {
            id: format!("{}-{}", document.number, line.line_no),
            amount: signed(document, line.net_minor),
            category: line_category(document, line),
            title: harmless(&line.title).into_owned(),
            grain: grain.to_string(),
        };
        detail.write(document, out);
    }
    for (number, vat) in papers.vat.iter().enumerate() {
        let detail = Detail {
            id: vat_id(document, number),
            amount: signed(document, vat.amount_minor),
            category: "Tax",
            title: vat_title(vat),
            grain: json!({"x_VatCategory": plain(&vat.category), "x_VatRate": vat.rate.normalize().to_string()})
                .to_string(),
        };
        detail.write(document, out);
    }
}

/// What differs between the rows of a document.
struct Detail {
    id: String,
    amount: Decimal,
    category: &'static str,
    title: String,
    grain: String,
}

impl Detail {
    fn write(self, document: &Document, out: &mut Vec<u8>) {
        let mut amount = String::new();
        push_number(&mut amount, self.amount);
        let finalised = instant(document.finalised_at);
        let terms = (document.due_on - document.issued_on).num_days();
        let fields = [
            amount.clone(),
            document.account.to_string(),
            document.currency.clone(),
            instant(document.until_at),
            instant(document.from_at),
            self.category.to_owned(),
            finalised.clone(),
            self.title,
            self.grain,
            self.id,
            finalised.clone(),
            document.number.clone(),
            finalised,
            "Issued".to_owned(),
            harmless(&document.issuer).into_owned(),
            // Paid in the currency that it is written in.
            document.currency.clone(),
            amount,
            String::new(),
            instant(document.due_on.and_time(NaiveTime::MIN).and_utc()),
            format!("Net {terms}"),
            harmless(&document.purchase_order).into_owned(),
            document.cited.clone().unwrap_or_else(|| document.number.clone()),
        ];
        push_record(out, &fields);
    }
}
