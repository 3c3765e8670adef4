//! What stands on an invoice's line, in the customer's language. Pure.

use std::collections::BTreeMap;

use anyhow::Context;
use rust_decimal::Decimal;

use crate::base::ids::{ChargeId, EnvironmentId, PlanVersionId};
use crate::base::money::Money;
use crate::billing::discounts::Given;
use crate::billing::documents::NewLine;
use crate::billing::rating::discounts::Off;
use crate::billing::rating::{Charge, Class, What};
use crate::i18n::format::Formats;
use crate::i18n::{Locale, Texts};
use crate::plans::{Meter, Translated};

/// What things are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Environments.
    pub environments: BTreeMap<EnvironmentId, String>,
    /// Plans, by version.
    pub plans: BTreeMap<PlanVersionId, Translated>,
}

/// Writes the line of a charge. Its VAT is found when the document becomes final.
pub fn line(
    id: ChargeId,
    charge: &Charge,
    names: &Names,
    (words, locale): (&Texts, Locale),
) -> anyhow::Result<NewLine> {
    let plan = names.plans.get(&charge.item.plan_version).context("a charge has a plan")?.of(locale);
    let environment = names.environments.get(&charge.item.environment).context("a charge has an environment")?;
    let is_correction = charge.class == Class::Correction;
    let key = match charge.what {
        What::Base => "invoice-line-base",
        What::Included(meter) | What::Beyond(meter, _) => title(meter),
    };
    let title = words.with(key, &[("plan", plan.into())]);
    let title = if is_correction { words.with("invoice-line-correction", &[("title", title.into())]) } else { title };
    Ok(NewLine {
        kind: match (is_correction, charge.what) {
            (true, _) => "correction",
            (false, What::Base) => "base_fee",
            (false, _) => "usage",
        },
        environment: Some(charge.item.environment),
        meter: charge.what.meter().map(Meter::code),
        // What turns the direction of a text would keep the document from ever being issued: our own sentences in Arabic have
        // such marks around names, and so may names.
        title: sayoo_document::clean(&title),
        detail: sayoo_document::clean(environment),
        span: Some((charge.span.from, charge.span.until)),
        quantity: charge.quantity,
        unit: unit(charge.what),
        unit_price: charge.unit_price,
        net: charge.net,
        charge: Some(id),
        discount: None,
        vat: (String::from("S"), Decimal::ZERO),
    })
}

/// Writes the line of a discount as it stands on an invoice: below zero, where something is taken off.
#[must_use]
pub fn discount(given: &Given, (words, locale): (&Texts, Locale)) -> NewLine {
    let formats = Formats::new(locale, "UTC");
    let code = given.code.clone();
    let title = match given.off {
        Off::Percent(percent) => words.with(
            "invoice-line-discount-percent",
            &[("code", code.into()), ("percent", formats.decimal(percent, 2).into())],
        ),
        Off::Amount(amount) => words
            .with("invoice-line-discount-amount", &[("code", code.into()), ("amount", formats.money(amount).into())]),
    };
    let is_correction = given.revision > 0;
    let title = if is_correction { words.with("invoice-line-correction", &[("title", title.into())]) } else { title };
    let is_off = given.amount.minor > 0;
    let mut unit_price = Money::new(given.amount.minor.abs(), given.amount.currency).exact();
    unit_price.rescale(6);
    NewLine {
        kind: if is_off { "discount" } else { "correction" },
        environment: None,
        meter: None,
        title: sayoo_document::clean(&title),
        detail: String::new(),
        span: Some((given.span.from, given.span.until)),
        quantity: Decimal::new(if is_off { -10_000 } else { 10_000 }, 4),
        unit: "one",
        unit_price,
        net: Money::new(-given.amount.minor, given.amount.currency),
        charge: None,
        discount: Some(given.id),
        vat: (String::from("S"), Decimal::ZERO),
    }
}

/// Turns the line of a charge below zero into one of a credit note, which tells what is given back above zero.
#[must_use]
pub fn given_back(line: NewLine) -> NewLine {
    // Papers call a line of an invoice a discount: on a credit note it corrects one.
    let kind = if line.discount.is_some() { "correction" } else { line.kind };
    NewLine { kind, quantity: -line.quantity, net: Money::new(-line.net.minor, line.net.currency), ..line }
}

fn title(meter: Meter) -> &'static str {
    match meter {
        Meter::Cpu => "invoice-line-cpu",
        Meter::Database => "invoice-line-database",
        Meter::Egress => "invoice-line-egress",
        Meter::Requests => "invoice-line-requests",
    }
}

/// The word of papers' units.
fn unit(what: What) -> &'static str {
    match what.meter() {
        None => "one",
        Some(Meter::Cpu) => "core_hour",
        Some(Meter::Database) => "gigabyte_hour",
        Some(Meter::Egress) => "gigabyte",
        Some(Meter::Requests) => "thousand_requests",
    }
}
