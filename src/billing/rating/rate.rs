//! What a period costs. Pure.

use rust_decimal::Decimal;

use super::measure::{quantity, raw_per_step};
use super::parts::{Pool, pools};
use super::tiers::Terms;
use super::{Carries, Charge, Class, Facts, Item, Rated, RatingError, Span, Tariff, What};
use crate::base::money::Money;
use crate::plans::Meter;

/// Returns what a period costs, and what remains unbilled after it.
///
/// An open period, with its segments cut at now, gives the cost so far: the base price and what is included in proportion to the
/// time that has passed.
pub fn rate(facts: &Facts, carries: &Carries) -> Result<Rated, RatingError> {
    let mut rated = Rated { charges: Vec::new(), carries: carries.clone() };
    for pool in pools(facts)? {
        let row = Row::usual(&pool);
        let tariff = tariff(facts, pool.item)?;
        let base = base(tariff, &pool, facts)?;
        if base.minor != 0 {
            rated.charges.push(row.base(base, pool.active));
        }
        for (meter, used) in &pool.used {
            let key = (pool.item.environment, *meter);
            // Nothing of the trial is left to be paid afterwards.
            let carry = if pool.item.is_trial { 0 } else { rated.carries.get(&key).copied().unwrap_or_default() };
            let (charges, mut remains) = metered(facts, row, &pool, (*meter, *used), carry)?;
            if pool.item.is_trial {
                remains = 0;
            } else {
                rated.carries.insert(key, remains);
            }
            rated.charges.extend(with_carries(charges, carry, remains));
        }
    }
    Ok(rated)
}

/// The base price for as long as an item lasted.
pub(super) fn base(tariff: &Tariff, pool: &Pool, facts: &Facts) -> Result<Money, RatingError> {
    let dividend = i128::from(tariff.monthly.minor).checked_mul(pool.active).ok_or(RatingError::TooLarge)?;
    Money::of_ratio(dividend, facts.period.micros(), facts.currency).ok_or(RatingError::TooLarge)
}

/// The tariff of an item, in the account's currency.
pub(super) fn tariff(facts: &Facts, item: Item) -> Result<&Tariff, RatingError> {
    let tariff = facts.tariffs.get(&item.plan_version).filter(|tariff| tariff.monthly.currency == facts.currency);
    tariff.ok_or(RatingError::NoTariff(item.plan_version))
}

/// The terms of a meter for an item; `None` when it is included without limit.
pub(super) fn terms(facts: &Facts, pool: &Pool, meter: Meter) -> Result<Option<Terms>, RatingError> {
    let rates = tariff(facts, pool.item)?.meters.get(&meter);
    rates.map(|rates| Terms::new(pool.item, meter, rates, pool.active, facts.period.micros())).transpose()
}

/// One meter of one item: a row for what is included, and one for each price that something was used at.
fn metered(
    facts: &Facts,
    row: Row,
    pool: &Pool,
    (meter, used): (Meter, i128),
    carry: i128,
) -> Result<(Vec<Charge>, i128), RatingError> {
    let step = raw_per_step(meter);
    let Some(terms) = terms(facts, pool, meter)? else {
        return Ok((vec![row.included(facts, meter, used, used / step)?], carry));
    };
    let mut charges = vec![row.included(facts, meter, used, used.min(terms.included_raw) / step)?];
    let beyond = (used - terms.included_raw).max(0);
    if beyond == 0 {
        return Ok((charges, carry));
    }
    let sum = beyond.checked_add(carry).ok_or(RatingError::TooLarge)?;
    for (number, (steps, price)) in terms.shared(sum.div_euclid(step)).into_iter().zip(&terms.prices).enumerate() {
        if steps != 0 {
            charges.push(row.beyond(facts, (meter, number), used, steps, *price)?);
        }
    }
    Ok((charges, sum.rem_euclid(step)))
}

/// Writes what remained before and after on the last row of a meter.
pub(super) fn with_carries(mut charges: Vec<Charge>, before: i128, after: i128) -> Vec<Charge> {
    if let Some(last) = charges.last_mut() {
        (last.carry_in_raw, last.carry_out_raw) = (before, after);
    }
    charges
}

/// What the charges of an item have in common.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Of what.
    pub item: Item,
    /// Why.
    pub class: Class,
    /// The how manieth time.
    pub revision: i32,
    /// When.
    pub span: Span,
}

impl Row {
    fn usual(pool: &Pool) -> Self {
        let class = if pool.item.is_trial { Class::Trial } else { Class::Usual };
        Self { item: pool.item, class, revision: 0, span: pool.span }
    }

    fn charge(self, what: What, used_raw: i128, (quantity, unit_price): (Decimal, Decimal), net: Money) -> Charge {
        let Self { item, class, revision, span } = self;
        let (carry_in_raw, carry_out_raw) = (0, 0);
        Charge { item, class, revision, what, span, used_raw, carry_in_raw, carry_out_raw, quantity, unit_price, net }
    }

    /// A base price; below zero it is given back.
    pub fn base(self, net: Money, active: i128) -> Charge {
        let one = Decimal::new(if net.minor < 0 { -10_000 } else { 10_000 }, 4);
        let mut price = net.exact().abs();
        price.rescale(6);
        self.charge(What::Base, active, (one, price), net)
    }

    /// What was used within what is included.
    pub fn included(self, facts: &Facts, meter: Meter, used: i128, steps: i128) -> Result<Charge, RatingError> {
        let terms = (quantity(meter, steps)?, Decimal::new(0, 6));
        Ok(self.charge(What::Included(meter), used, terms, Money::new(0, facts.currency)))
    }

    /// What was used at one price, in millionths.
    pub fn beyond(
        self,
        facts: &Facts,
        (meter, number): (Meter, usize),
        used: i128,
        steps: i128,
        price: i128,
    ) -> Result<Charge, RatingError> {
        let tier = i32::try_from(number + 1).map_err(|_| RatingError::TooLarge)?;
        let quantity = quantity(meter, steps)?;
        let unit_price = Decimal::try_from_i128_with_scale(price, 6).map_err(|_| RatingError::TooLarge)?;
        // Steps and millionths; the smallest coin is a hundredth.
        let dividend = steps.checked_mul(price).ok_or(RatingError::TooLarge)?;
        let divisor = 10_i128.pow(super::decimals(meter)) * 10_000;
        let net = Money::of_ratio(dividend, divisor, facts.currency).ok_or(RatingError::TooLarge)?;
        Ok(self.charge(What::Beyond(meter, tier), used, (quantity, unit_price), net))
    }
}
