//! What each environment costs so far, told as pages tell it. Pure: adds up what was rated and computes nothing of its own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::measure::{decimals, raw_per_step};
use super::parts::pools;
use super::rate::{tariff, terms};
use super::{Facts, Rated, RatingError, What};
use crate::base::ids::EnvironmentId;
use crate::base::money::{Currency, Money};
use crate::plans::{Meter, Version};

/// What was used of one meter, and what that costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of what.
    pub meter: Meter,
    /// How much, in the unit of prices.
    pub used: Decimal,
    /// How much of it is in the base price, for the part of the month that has passed.
    pub included: Decimal,
    /// What goes beyond it costs so much.
    pub charge: Money,
}

/// The cost of a month so far, without what was in the trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoFar {
    /// The beginning of what is counted: of the month, or of the environment.
    pub from: DateTime<Utc>,
    /// The base price for the time since then.
    pub base: Money,
    /// Usage, in the order of the meters.
    pub lines: Vec<Line>,
    /// Everything together.
    pub total: Money,
}

impl SoFar {
    /// Returns the cost of an environment that began this moment.
    #[must_use]
    pub fn nothing(version: &Version, currency: Currency, now: DateTime<Utc>) -> Self {
        let none = Money::new(0, currency);
        let line = |meter| Line { meter, used: Decimal::ZERO, included: Decimal::ZERO, charge: none };
        let lines = version.allowances_in(currency).into_iter().map(|allowance| line(allowance.meter)).collect();
        Self { from: now, base: none, lines, total: none }
    }
}

/// Returns what each environment of a period costs, by what was rated of these facts.
pub fn so_far(facts: &Facts, rated: &Rated) -> Result<BTreeMap<EnvironmentId, SoFar>, RatingError> {
    let none = Money::new(0, facts.currency);
    let mut found: BTreeMap<EnvironmentId, (SoFar, BTreeMap<Meter, Line>)> = BTreeMap::new();
    for pool in pools(facts)? {
        let (so_far, lines) = found.entry(pool.item.environment).or_insert_with(|| {
            let so_far = SoFar { from: pool.span.from, base: none, lines: Vec::new(), total: none };
            (so_far, BTreeMap::new())
        });
        so_far.from = so_far.from.min(pool.span.from);
        for meter in tariff(facts, pool.item)?.meters.keys() {
            let line = lines.entry(*meter).or_insert(Line {
                meter: *meter,
                used: Decimal::ZERO,
                included: Decimal::ZERO,
                charge: none,
            });
            let included = terms(facts, &pool, *meter)?.map_or(0, |terms| terms.included_raw);
            line.included = sum(line.included, in_units(*meter, included)?)?;
            let used = pool.used.get(meter).copied().unwrap_or_default();
            line.used = sum(line.used, in_units(*meter, used)?)?;
        }
    }
    for charge in rated.charges.iter().filter(|charge| charge.is_billable()) {
        let Some((so_far, lines)) = found.get_mut(&charge.item.environment) else { continue };
        so_far.total.minor = plus(so_far.total, charge.net)?;
        match charge.what {
            What::Base => so_far.base.minor = plus(so_far.base, charge.net)?,
            What::Included(meter) | What::Beyond(meter, _) => {
                if let Some(line) = lines.get_mut(&meter) {
                    line.charge.minor = plus(line.charge, charge.net)?;
                }
            }
        }
    }
    let finished = |(id, (so_far, lines)): (EnvironmentId, (SoFar, BTreeMap<Meter, Line>))| {
        (id, SoFar { lines: lines.into_values().collect(), ..so_far })
    };
    Ok(found.into_iter().map(finished).collect())
}

fn plus(one: Money, other: Money) -> Result<i64, RatingError> {
    one.minor.checked_add(other.minor).ok_or(RatingError::TooLarge)
}

fn sum(one: Decimal, other: Decimal) -> Result<Decimal, RatingError> {
    one.checked_add(other).ok_or(RatingError::TooLarge)
}

fn in_units(meter: Meter, raw: i128) -> Result<Decimal, RatingError> {
    let unit = raw_per_step(meter) * 10_i128.pow(decimals(meter));
    let exact = |value| Decimal::try_from_i128_with_scale(value, 0).map_err(|_| RatingError::TooLarge);
    exact(raw)?.checked_div(exact(unit)?).ok_or(RatingError::TooLarge)
}
