//! What a plan includes of a meter and what more costs, in words: the same on pages and in mails.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Allowance, Meter};
use crate::i18n::format::Formats;

/// Hours of the month that prices are made with: 365 × 24 ÷ 12.
const HOURS_OF_MONTH: i64 = 730;

/// What a meter is called.
#[must_use]
pub fn name(formats: Formats, meter: Meter) -> String {
    formats.texts().text(&format!("public-meter-{}", meter.code()))
}

/// How much is included.
#[must_use]
pub fn included(formats: Formats, allowance: &Allowance) -> String {
    quantity(formats, allowance.meter, allowance.included)
}

/// What one unit beyond costs: the first price, and from where on each further one.
#[must_use]
pub fn beyond(formats: Formats, allowance: &Allowance) -> Vec<String> {
    let texts = formats.texts();
    let first = texts.with("public-prices-then", &[("price", each(formats, allowance, allowance.unit_price).into())]);
    let further = allowance.further.iter().map(|tier| {
        let from = quantity(formats, allowance.meter, tier.from);
        let price = each(formats, allowance, tier.unit_price);
        texts.with("public-prices-then-from", &[("value", from.into()), ("price", price.into())])
    });
    [first].into_iter().chain(further).collect()
}

/// People think of a database in GB that stay the month, and count requests one by one.
fn quantity(formats: Formats, meter: Meter, value: Decimal) -> String {
    let (value, places) = match meter {
        Meter::Database => (value / Decimal::from(HOURS_OF_MONTH), 1),
        Meter::Requests => (value * Decimal::from(1_000), 0),
        Meter::Cpu | Meter::Egress => (value, 1),
    };
    let key = format!("public-meter-{}-included", meter.code());
    formats.texts().with(&key, &[("value", formats.decimal(value, places).into())])
}

/// What one unit costs.
fn each(formats: Formats, allowance: &Allowance, unit_price: Decimal) -> String {
    let key = format!("public-meter-{}-each", allowance.meter.code());
    let price = formats.price(unit_price, allowance.currency);
    let texts = formats.texts();
    match allowance.meter {
        Meter::Database => {
            let month = (unit_price * Decimal::from(HOURS_OF_MONTH))
                .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            let month = formats.price(month, allowance.currency);
            texts.with(&key, &[("month", month.into()), ("price", price.into())])
        }
        Meter::Cpu | Meter::Egress | Meter::Requests => texts.with(&key, &[("price", price.into())]),
    }
}
