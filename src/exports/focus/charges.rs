//! A charge as rows of CostAndUsage: one for each day on which it was used, or one over all of its time. Pure.

use chrono::{DateTime, Days, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;

use super::row::{Amounts, Pen};
use super::{Unit, category, unit};
use crate::exports::store::Charge;
use crate::exports::text::plain;

/// Writes a charge's rows. `None` when an amount has more digits than can be.
pub fn write_charge(pen: &mut Pen, charge: &Charge, out: &mut Vec<u8>) -> Option<()> {
    let unit = unit(charge.meter.as_deref());
    let category = describe(pen, charge, unit);
    let parts: Vec<(DateTime<Utc>, DateTime<Utc>, Decimal)> = match (&charge.days, &charge.quantities) {
        (Some(days), Some(quantities)) => days
            .iter()
            .zip(quantities)
            .map(|(day, quantity)| {
                let from = day.and_time(NaiveTime::MIN).and_utc();
                let until = from.checked_add_days(Days::new(1)).unwrap_or(from);
                (from.max(charge.from_at), until.min(charge.until_at), *quantity)
            })
            .collect(),
        _ => vec![(charge.from_at, charge.until_at, charge.quantity)],
    };
    // Only what is used is consumed.
    let is_counted = category == "Usage" && charge.meter.is_some();
    let is_free = charge.class == "trial";
    for (from, until, quantity) in parts {
        let list = quantity.checked_mul(charge.unit_price)?;
        let paid = if is_free { Decimal::ZERO } else { list };
        let amounts = Amounts {
            quantity: Some(quantity),
            consumed: if is_counted { Some(quantity.checked_mul(unit.factor)?) } else { None },
            list,
            contracted: paid,
            billed: paid,
        };
        pen.row(out, (from, until), &amounts);
    }
    Some(())
}

/// Fills all that is the same on each of its days. Returns what kind of charge it is in FOCUS's words.
fn describe(pen: &mut Pen, charge: &Charge, unit: Unit) -> &'static str {
    let meter = charge.meter.as_deref();
    let category = match (&charge.line_kind, &charge.line_meter) {
        (Some(kind), of_line) => category(kind, of_line.as_deref()),
        (None, _) if meter.is_some() => "Usage",
        (None, _) => "Purchase",
    };
    let plan = format!("{}-v{}", charge.plan, charge.version);
    let tier = match (meter, charge.tier) {
        (None, _) => "base".to_owned(),
        (Some(_), Some(0)) => "included".to_owned(),
        (Some(_), tier) => format!("tier-{}", tier.unwrap_or(1)),
    };
    let environment = charge.environment.to_string();
    pen.clear();
    pen.set("BillingAccountId", &charge.account.to_string());
    pen.set_text("BillingAccountName", &charge.customer);
    pen.set("BillingAccountType", "Organization");
    pen.set("BillingCurrency", &charge.currency);
    pen.set_instant("BillingPeriodStart", charge.period_from);
    pen.set_instant("BillingPeriodEnd", charge.period_until);
    pen.set("ChargeCategory", category);
    pen.set("ChargeClass", if charge.class == "correction" { "Correction" } else { "" });
    pen.set_text("ChargeDescription", &format!("{}, {tier}, plan {plan}", unit.meter));
    pen.set("ChargeFrequency", if category == "Usage" { "Usage-Based" } else { "Recurring" });
    pen.set("ConsumedUnit", if category == "Usage" && meter.is_some() { unit.consumed } else { "" });
    let contracted = if charge.class == "trial" { Decimal::ZERO } else { charge.unit_price };
    for (name, price) in [
        ("ListUnitPrice", charge.unit_price),
        ("PricingCurrencyListUnitPrice", charge.unit_price),
        ("ContractedUnitPrice", contracted),
        ("PricingCurrencyContractedUnitPrice", contracted),
    ] {
        pen.set_number(name, price);
    }
    for name in ["HostProviderName", "InvoiceIssuerName", "ServiceProviderName"] {
        pen.set_text(name, &charge.issuer);
    }
    if let (Some(number), Some(line)) = (&charge.number, charge.line_no) {
        pen.set("InvoiceId", number);
        pen.set("InvoiceDetailId", &format!("{number}-{line}"));
    }
    pen.set("PricingCategory", "Standard");
    pen.set("PricingCurrency", &charge.currency);
    pen.set("PricingUnit", unit.priced);
    pen.set("ResourceId", &environment);
    pen.set_text("ResourceName", if charge.host.is_empty() { &charge.name } else { &charge.host });
    pen.set("ResourceType", "Odoo Instance");
    set_service(pen);
    pen.set("SkuId", unit.sku);
    pen.set("SkuMeter", unit.meter);
    pen.set("SkuPriceId", &format!("{}/{plan}/{tier}", unit.sku));
    pen.set("SkuPriceDetails", &json!({"x_Plan": plan, "x_Tier": tier}).to_string());
    pen.set("SubAccountId", &environment);
    pen.set_text("SubAccountName", &charge.name);
    pen.set("SubAccountType", "Environment");
    pen.set("Tags", &json!({"environment": plain(&charge.kind)}).to_string());
    category
}

/// What we sell, in FOCUS's words.
pub fn set_service(pen: &mut Pen) {
    pen.set("ServiceCategory", "Business Applications");
    pen.set("ServiceName", "Managed Odoo");
    pen.set("ServiceSubcategory", "Productivity and Collaboration");
}
