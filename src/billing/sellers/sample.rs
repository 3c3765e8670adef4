//! An invoice that a company could write, made to see whether its papers can be. Pure; nobody gets it.

use chrono::{NaiveDate, TimeZone, Utc};
use rust_decimal::Decimal;
use sayoo_document as paper;

use super::checks::{FIELDS, Problem};
use super::{Details, Seller};
use crate::base::money::Currency;

/// Returns what papers refuse of a company's details, by field; what is about none of them is said of the name.
pub(super) fn problems(seller: &Seller, details: &Details) -> Vec<(&'static str, Problem)> {
    let Some(document) = document(seller, details) else { return Vec::new() };
    let found = sayoo_document::check(&document).err().unwrap_or_default();
    found.into_iter().map(|problem| (field(&problem.at), Problem::Paper(problem.to_string()))).collect()
}

fn field(at: &str) -> &'static str {
    let last = at.rsplit('.').next().unwrap_or_default();
    let last = if at.contains("address.lines") { "street" } else { last };
    FIELDS.into_iter().find(|field| *field == last || at.contains(&format!(".{field}"))).unwrap_or("name")
}

/// One line of a hundred and its VAT, to a business at home.
fn document(seller: &Seller, details: &Details) -> Option<paper::Document> {
    let text = str::to_owned;
    let day = NaiveDate::from_ymd_opt(2026, 12, 1)?;
    let (from, until) = (Utc.timestamp_opt(1_793_487_600, 0).single()?, Utc.timestamp_opt(1_796_079_600, 0).single()?);
    let (net, vat, gross) = (Decimal::from(100), Decimal::from(20), Decimal::from(120));
    let is_french = seller.country == "FR";
    Some(paper::Document {
        schema: paper::SCHEMA,
        kind: paper::Kind::Invoice,
        number: format!("{}-2026-000001", seller.code),
        issue_date: day,
        due_date: day,
        currency: match seller.currency {
            Currency::Eur => paper::Currency::Eur,
            Currency::Mad => paper::Currency::Mad,
        },
        language: paper::Language::Fr,
        purchase_order: None,
        corrects: None,
        period: paper::Period { from, until, zone: seller.zone.name().to_owned() },
        seller: details.seller.clone(),
        buyer: paper::Buyer {
            name: text("Atelier"),
            address: paper::Address {
                lines: vec![text("1 rue de la Paix")],
                postcode: Some(text("20000")),
                city: text("Casablanca"),
                country: seller.country.clone(),
            },
            is_business: true,
            vat_number: None,
            siren: is_french.then(|| text("732829320")),
            ice: (!is_french).then(|| text("001234567000092")),
            email: text("atelier@example.com"),
        },
        lines: vec![paper::Line {
            line_no: 1,
            kind: paper::LineKind::BaseFee,
            text: text("Abonnement"),
            detail: None,
            environment_id: None,
            meter: None,
            quantity: Decimal::ONE,
            unit: paper::Unit::One,
            unit_price: net,
            net,
            vat_category: paper::VatCategory::S,
            vat_rate: vat,
            period: None,
        }],
        vat: vec![paper::Vat {
            category: paper::VatCategory::S,
            rate: vat,
            base: net,
            amount: vat,
            reason_code: None,
            reason: None,
        }],
        totals: paper::Totals { net, vat, gross, paid: Decimal::ZERO, due: gross },
        vat_in_seller_currency: None,
        mentions: details.mentions(),
    })
}
