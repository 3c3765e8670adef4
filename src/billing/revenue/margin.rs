//! What a machine cost and earned in a month. Pure. No currency becomes another without a rate that somebody typed.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;

use crate::base::money::{Currency, Money};

/// Amounts by currency: never added together.
pub type Amounts = BTreeMap<Currency, Money>;

/// What a machine costs a month from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The first day.
    pub from_on: NaiveDate,
    /// For a whole month.
    pub monthly: Money,
}

/// What a machine cost in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostOfMonth {
    /// By currency; empty when nothing is known.
    pub amounts: Amounts,
    /// Days of the month for which nobody said what it costs.
    pub days_unknown: u32,
}

/// Returns what a machine cost in the month that begins on a day: by days, where it changed within. The entries stand in the order
/// of their first days, and of when they were made; of the same day the later one counts. `None` when a number has no room.
#[must_use]
pub fn cost_of_month(entries: &[Cost], month: NaiveDate) -> Option<CostOfMonth> {
    let first = month.with_day(1)?;
    let next = first.checked_add_months(Months::new(1))?;
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day < next).collect();
    let mut found = CostOfMonth::default();
    let mut by_days: BTreeMap<Currency, i128> = BTreeMap::new();
    for day in &days {
        match entries.iter().rev().find(|entry| entry.from_on <= *day) {
            Some(entry) => *by_days.entry(entry.monthly.currency).or_default() += i128::from(entry.monthly.minor),
            None => found.days_unknown += 1,
        }
    }
    let length = i128::try_from(days.len()).ok()?;
    for (currency, sum) in by_days {
        found.amounts.insert(currency, Money::of_ratio(sum, length, currency)?);
    }
    Some(found)
}

/// Divides a whole by weights so that the parts add up to it: each gets its share rounded down, and what is left goes in ones to
/// those whose shares were cut the most. Nothing when no weight is above zero, or a number has no room.
#[must_use]
pub fn shares(whole: i128, weights: &[i128]) -> Option<Vec<i128>> {
    let total = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight))?;
    if total <= 0 || weights.iter().any(|weight| *weight < 0) {
        return None;
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut cut = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let exact = whole.checked_mul(*weight)?;
        parts.push(exact.div_euclid(total));
        cut.push((exact.rem_euclid(total), place));
    }
    let left = whole - parts.iter().sum::<i128>();
    cut.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    for (_, place) in cut.iter().take(usize::try_from(left).ok()?) {
        parts[*place] += 1;
    }
    Some(parts)
}

/// What is left of what a machine earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// So much; and whether something was converted for it.
    Known(Money, bool),
    /// For a part of the month nobody said what it costs.
    NoCost,
    /// It cost in one currency and earned in another, and there is no rate for the month.
    NoRate,
}

/// Returns what is left: in the currency of the cost, or in euros when it cost in both. `mad_per_eur` is what somebody typed.
#[must_use]
pub fn margin(cost: &CostOfMonth, revenue: &Amounts, mad_per_eur: Option<Decimal>) -> Margin {
    if cost.days_unknown > 0 || cost.amounts.is_empty() {
        return Margin::NoCost;
    }
    let currency = if cost.amounts.len() == 1 {
        cost.amounts.keys().next().copied().unwrap_or(Currency::Eur)
    } else {
        Currency::Eur
    };
    let (mut left, mut is_converted) = (Decimal::ZERO, false);
    let parts = revenue.values().map(|money| (money, Decimal::ONE));
    for (money, sign) in parts.chain(cost.amounts.values().map(|money| (money, Decimal::NEGATIVE_ONE))) {
        let exact = if money.currency == currency || money.minor == 0 {
            Some(money.exact())
        } else {
            is_converted = true;
            mad_per_eur.and_then(|rate| match currency {
                Currency::Mad => money.exact().checked_mul(rate),
                Currency::Eur => money.exact().checked_div(rate),
            })
        };
        let Some(exact) = exact else { return Margin::NoRate };
        left += exact * sign;
    }
    Margin::Known(Money::rounded(left, currency), is_converted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::Eur)
    }

    fn mad(minor: i64) -> Money {
        Money::new(minor, Currency::Mad)
    }

    fn cost(from: &str, monthly: Money) -> Cost {
        Cost { from_on: day(from), monthly }
    }

    fn amounts(all: &[Money]) -> Amounts {
        all.iter().map(|money| (money.currency, *money)).collect()
    }

    #[test]
    fn a_month_at_one_price_costs_that_price_and_one_with_two_by_days() {
        let entries = [cost("2026-01-10", eur(3_100)), cost("2026-03-11", eur(6_200)), cost("2026-03-11", eur(9_300))];
        let of = |month: &str| cost_of_month(&entries, day(month)).unwrap();
        assert_eq!(of("2025-12-01"), CostOfMonth { amounts: Amounts::new(), days_unknown: 31 });
        assert_eq!(of("2026-01-01"), CostOfMonth { amounts: amounts(&[eur(2_200)]), days_unknown: 9 });
        assert_eq!(of("2026-02-01").amounts, amounts(&[eur(3_100)]));
        // Ten days at 31, twenty-one at 93: what was said last of a day counts.
        assert_eq!(of("2026-03-01").amounts, amounts(&[eur(1_000 + 6_300)]));
        assert_eq!(of("2026-04-01").amounts, amounts(&[eur(9_300)]));
        let moved = [cost("2026-01-01", eur(3_000)), cost("2026-04-16", mad(60_000))];
        assert_eq!(cost_of_month(&moved, day("2026-04-01")).unwrap().amounts, amounts(&[eur(1_500), mad(30_000)]));
    }

    #[test]
    fn a_margin_needs_a_cost_and_a_rate_only_where_currencies_differ() {
        let costs = |all: &[Money]| CostOfMonth { amounts: amounts(all), days_unknown: 0 };
        let rate = Some(Decimal::new(108, 1));
        assert_eq!(margin(&CostOfMonth::default(), &amounts(&[eur(500)]), rate), Margin::NoCost);
        let partly = CostOfMonth { days_unknown: 1, ..costs(&[eur(4_000)]) };
        assert_eq!(margin(&partly, &amounts(&[eur(500)]), rate), Margin::NoCost);
        assert_eq!(margin(&costs(&[eur(4_000)]), &amounts(&[eur(9_000)]), None), Margin::Known(eur(5_000), false));
        assert_eq!(margin(&costs(&[eur(4_000)]), &Amounts::new(), None), Margin::Known(eur(-4_000), false));
        let both = amounts(&[eur(1_000), mad(10_000)]);
        assert_eq!(margin(&costs(&[eur(4_000)]), &both, None), Margin::NoRate);
        // 100 dirhams are 9.259… euros: rounded once, at the end.
        assert_eq!(margin(&costs(&[eur(4_000)]), &both, rate), Margin::Known(eur(-2_074), true));
        assert_eq!(margin(&costs(&[mad(4_000)]), &both, rate), Margin::Known(mad(16_800), true));
        assert_eq!(margin(&costs(&[eur(100), mad(1_080)]), &Amounts::new(), rate), Margin::Known(eur(-200), true));
        assert_eq!(margin(&costs(&[mad(100)]), &amounts(&[eur(0), mad(300)]), None), Margin::Known(mad(200), false));
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            whole in -1_000_000_000_i128..1_000_000_000,
            weights in prop::collection::vec(prop_oneof![Just(0_i128), 0..2_700_000_000_000_i128], 1..8),
        ) {
            let total: i128 = weights.iter().sum();
            match shares(whole, &weights) {
                None => prop_assert_eq!(total, 0),
                Some(parts) => {
                    prop_assert_eq!(parts.iter().sum::<i128>(), whole);
                    for (part, weight) in parts.iter().zip(&weights) {
                        // Less than one away from the exact share.
                        prop_assert!((part * total - whole * weight).abs() < total);
                        prop_assert!(*weight > 0 || *part == 0);
                    }
                }
            }
        }
    }
}
