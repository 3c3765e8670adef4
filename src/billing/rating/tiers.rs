//! What is included and where each price begins, in the part of a period that an item lasted. Pure.

use super::measure::{divided_up, raw_per_step, scaled};
use super::{Item, Rates, RatingError, decimals};
use crate::plans::Meter;

/// The terms of one meter for one item, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// How much is included, in raw units.
    pub included_raw: i128,
    /// Where each price begins, beyond what is included, in steps. The first is 0.
    bounds: Vec<i128>,
    /// Each price, in millionths.
    pub prices: Vec<i128>,
}

impl Terms {
    /// Returns the terms for an item that lasted `active` of `period` microseconds. What is included, and every bound, is
    /// rounded up to a step.
    pub fn new(item: Item, meter: Meter, rates: &Rates, active: i128, period: i128) -> Result<Self, RatingError> {
        let bad = || RatingError::BadTariff(item.plan_version);
        let part = |value: rust_decimal::Decimal| -> Result<i128, RatingError> {
            let value = scaled(value, 4).filter(|value| *value >= 0).ok_or_else(bad)?;
            let dividend = value.checked_mul(active).and_then(|it| it.checked_mul(10_i128.pow(decimals(meter))));
            Ok(divided_up(dividend.ok_or(RatingError::TooLarge)?, 10_000 * period))
        };
        let begins_at_zero = rates.prices.first().is_some_and(|(from, _)| from.is_zero());
        if !begins_at_zero || rates.prices.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(bad());
        }
        let included_raw = part(rates.included)?.checked_mul(raw_per_step(meter)).ok_or(RatingError::TooLarge)?;
        let bounds = rates.prices.iter().map(|(from, _)| part(*from)).collect::<Result<_, _>>()?;
        let price = |price| scaled(price, 6).filter(|price| *price >= 0).ok_or_else(bad);
        let prices = rates.prices.iter().map(|(_, each)| price(*each)).collect::<Result<_, _>>()?;
        Ok(Self { included_raw, bounds, prices })
    }

    /// Shares steps out among the prices, in order. Less than nothing (a last ten-thousandth that a correction gives back) is
    /// of the first price.
    pub fn shared(&self, steps: i128) -> Vec<i128> {
        let ends = self.bounds.iter().skip(1).copied().chain([i128::MAX]);
        let tier = |(number, (from, until)): (usize, (&i128, i128))| {
            let reached = steps.min(until) - from;
            if number == 0 { reached } else { reached.max(0) }
        };
        self.bounds.iter().zip(ends).enumerate().map(tier).collect()
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn item() -> Item {
        let id = "00000000-0000-7000-8000-000000000001";
        Item { environment: id.parse().unwrap(), plan_version: id.parse().unwrap(), is_trial: false }
    }

    fn rates(included: &str, prices: &[(&str, &str)]) -> Rates {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let prices = prices.iter().map(|(from, price)| (number(from), number(price))).collect();
        Rates { included: number(included), prices }
    }

    #[test]
    fn usage_at_each_bound_is_shared_out_to_the_step() {
        // The second price is for a single step.
        let rates = rates("0", &[("0", "3"), ("1", "2"), ("1.0001", "1")]);
        let terms = Terms::new(item(), Meter::Cpu, &rates, 1, 1).unwrap();
        let expected = [
            (0, [0, 0, 0]),
            (9_999, [9_999, 0, 0]),
            (10_000, [10_000, 0, 0]),
            (10_001, [10_000, 1, 0]),
            (10_002, [10_000, 1, 1]),
            (-1, [-1, 0, 0]),
        ];
        for (steps, shares) in expected {
            assert_eq!(terms.shared(steps), shares, "{steps}");
        }
    }

    #[test]
    fn a_part_of_a_month_includes_its_part_rounded_up_to_a_step() {
        let terms = |meter| Terms::new(item(), meter, &rates("1", &[("0", "1"), ("2", "1")]), 1, 3).unwrap();
        assert_eq!(terms(Meter::Cpu).included_raw, 3_334 * 360_000);
        assert_eq!(terms(Meter::Cpu).bounds, [0, 6_667]);
        assert_eq!(terms(Meter::Requests).included_raw, 334, "whole requests");
    }

    #[test]
    fn prices_that_cannot_be_right_are_refused() {
        let bad: [&[(&str, &str)]; 6] = [
            &[],
            &[("1", "1")],
            &[("0", "1"), ("0", "2")],
            &[("0", "1"), ("5", "2"), ("4", "3")],
            &[("0", "0.0000001")],
            &[("0", "-1")],
        ];
        for prices in bad {
            let terms = Terms::new(item(), Meter::Cpu, &rates("1", prices), 1, 1);
            assert_eq!(terms, Err(RatingError::BadTariff(item().plan_version)), "{prices:?}");
        }
    }
}
