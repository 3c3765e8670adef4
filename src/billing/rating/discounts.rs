//! What is taken off a month's charges, before VAT. Pure.
//!
//! Percentages come before amounts, and of each sort the older redemption first. A percentage is taken of what is left of each
//! plan version that it is for, rounded for each; an amount is taken of the plan versions in the order of their ids, each until
//! nothing is left of it. So a month never comes to less than nothing, and nothing is taken of VAT.
//!
//! What is taken off grows with every charge, and never by more than the charge: so a correction of a discounted month has room
//! on the document that it stands on.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{Charge, RatingError};
use crate::base::ids::{PlanVersionId, RedemptionId};
use crate::base::money::{Currency, Money};

/// How much something takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So many hundredths, above 0 and at most 100, with at most two decimals.
    Percent(Decimal),
    /// So much, in the currency of what it is taken off.
    Amount(Money),
}

/// A coupon that an account redeemed, in a month in which it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which redemption.
    pub redemption: RedemptionId,
    /// How much it takes off.
    pub off: Off,
    /// Of which plan versions' charges; `None`: of all.
    pub only: Option<BTreeSet<PlanVersionId>>,
}

/// What a month was charged, by plan version, in the smallest coin.
pub type Nets = BTreeMap<PlanVersionId, i64>;

/// Adds up what is to be paid, by plan version.
pub fn nets<'a>(charges: impl Iterator<Item = &'a Charge>) -> Result<Nets, RatingError> {
    let mut nets = Nets::new();
    for charge in charges.filter(|charge| charge.is_billable()) {
        let net = nets.entry(charge.item.plan_version).or_default();
        *net = net.checked_add(charge.net.minor).ok_or(RatingError::TooLarge)?;
    }
    Ok(nets)
}

/// Returns what each grant takes off a month, in the smallest coin, never below zero. `grants` come in the order of redemption.
pub fn discounts(
    nets: &Nets,
    grants: &[Grant],
    currency: Currency,
) -> Result<BTreeMap<RedemptionId, i64>, RatingError> {
    let mut left: Nets = nets.iter().map(|(version, net)| (*version, (*net).max(0))).collect();
    let mut taken = BTreeMap::new();
    let is_percent = |grant: &&Grant| matches!(grant.off, Off::Percent(_));
    let in_order = grants.iter().filter(is_percent).chain(grants.iter().filter(|grant| !is_percent(grant)));
    for grant in in_order {
        let mut sum = 0_i64;
        let is_for = |version: &PlanVersionId| grant.only.as_ref().is_none_or(|only| only.contains(version));
        for (_, left) in left.iter_mut().filter(|(version, _)| is_for(version)) {
            let off = match grant.off {
                Off::Percent(percent) => of_percent(percent, *left, currency)?,
                Off::Amount(amount) => amount.minor.saturating_sub(sum).clamp(0, *left),
            };
            *left -= off;
            sum = sum.checked_add(off).ok_or(RatingError::TooLarge)?;
        }
        taken.insert(grant.redemption, sum);
    }
    Ok(taken)
}

/// So many hundredths of an amount, rounded to the coin, a half away from zero.
fn of_percent(percent: Decimal, minor: i64, currency: Currency) -> Result<i64, RatingError> {
    let mut percent = percent;
    percent.rescale(2);
    let dividend = percent.mantissa().checked_mul(i128::from(minor)).ok_or(RatingError::TooLarge)?;
    let off = Money::of_ratio(dividend, 10_000, currency).ok_or(RatingError::TooLarge)?;
    Ok(off.minor.clamp(0, minor))
}

/// Returns what each grant takes off more (or less, below zero) than was taken before. Where all of it comes to the same as
/// before, nothing changes: no paper is written to move money from one coupon to another.
#[must_use]
pub fn changes(now: &BTreeMap<RedemptionId, i64>, before: &BTreeMap<RedemptionId, i64>) -> BTreeMap<RedemptionId, i64> {
    let all: BTreeSet<RedemptionId> = now.keys().chain(before.keys()).copied().collect();
    let of = |taken: &BTreeMap<RedemptionId, i64>, id| taken.get(&id).copied().unwrap_or_default();
    let changes: BTreeMap<RedemptionId, i64> =
        all.into_iter().map(|id| (id, of(now, id) - of(before, id))).filter(|(_, change)| *change != 0).collect();
    if changes.values().sum::<i64>() == 0 { BTreeMap::new() } else { changes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(number: u32) -> PlanVersionId {
        format!("00000000-0000-7000-9000-{number:012}").parse().unwrap()
    }

    fn redemption(number: u32) -> RedemptionId {
        format!("00000000-0000-7000-a000-{number:012}").parse().unwrap()
    }

    fn percent(number: u32, percent: &str, only: &[u32]) -> Grant {
        grant(number, Off::Percent(percent.parse().unwrap()), only)
    }

    fn amount(number: u32, minor: i64, only: &[u32]) -> Grant {
        grant(number, Off::Amount(Money::new(minor, Currency::Eur)), only)
    }

    fn grant(number: u32, off: Off, only: &[u32]) -> Grant {
        let only = (!only.is_empty()).then(|| only.iter().map(|number| version(*number)).collect());
        Grant { redemption: redemption(number), off, only }
    }

    fn nets(of: &[(u32, i64)]) -> Nets {
        of.iter().map(|(number, net)| (version(*number), *net)).collect()
    }

    fn taken(of: &[(u32, i64)], grants: &[Grant]) -> Vec<i64> {
        let taken = discounts(&nets(of), grants, Currency::Eur).unwrap();
        grants.iter().map(|grant| taken[&grant.redemption]).collect()
    }

    #[test]
    fn percentages_come_before_amounts_whatever_was_redeemed_first() {
        let (ten, fifth) = (amount(1, 1_000, &[]), percent(2, "20", &[]));
        assert_eq!(taken(&[(1, 10_000)], &[ten.clone(), fifth.clone()]), [1_000, 2_000]);
        assert_eq!(taken(&[(1, 10_000)], &[fifth.clone(), ten]), [2_000, 1_000]);
        // The second fifth is of what the first one left.
        assert_eq!(taken(&[(1, 10_000)], &[fifth, percent(3, "20", &[])]), [2_000, 1_600]);
    }

    #[test]
    fn a_half_coin_goes_away_from_zero_and_of_each_plan_for_itself() {
        assert_eq!(taken(&[(1, 5)], &[percent(1, "10", &[])]), [1]);
        assert_eq!(taken(&[(1, 4)], &[percent(1, "10", &[])]), [0]);
        assert_eq!(taken(&[(1, 5), (2, 5)], &[percent(1, "10", &[])]), [2]);
        assert_eq!(taken(&[(1, 10_000)], &[percent(1, "33.33", &[])]), [3_333]);
    }

    #[test]
    fn a_coupon_takes_of_its_own_plans_only_and_never_more_than_there_is() {
        assert_eq!(taken(&[(1, 300), (2, 500)], &[amount(1, 1_000, &[2])]), [500]);
        assert_eq!(taken(&[(1, 300), (2, 500)], &[percent(1, "100", &[1]), amount(2, 1_000, &[])]), [300, 500]);
        assert_eq!(taken(&[(1, 300)], &[percent(1, "100", &[2])]), [0]);
        assert_eq!(taken(&[(1, -300), (2, 500)], &[amount(1, 600, &[])]), [500]);
        assert_eq!(taken(&[], &[amount(1, 600, &[])]), [0]);
        let most = i64::MAX;
        assert_eq!(taken(&[(1, most)], &[percent(1, "100", &[]), amount(2, most, &[])]), [most, 0]);
        assert_eq!(
            discounts(&nets(&[(1, most), (2, most)]), &[percent(1, "100", &[])], Currency::Eur),
            Err(RatingError::TooLarge)
        );
    }

    #[test]
    fn what_comes_to_the_same_in_all_changes_nothing() {
        let of = |taken: [(u32, i64); 2]| taken.map(|(number, minor)| (redemption(number), minor)).into();
        assert_eq!(changes(&of([(1, 5), (2, 7)]), &of([(1, 7), (2, 5)])), BTreeMap::new());
        assert_eq!(changes(&of([(1, 5), (2, 7)]), &of([(1, 7), (2, 7)])), [(redemption(1), -2)].into());
    }

    fn grants() -> impl Strategy<Value = Vec<Grant>> {
        let one = (any::<bool>(), 1..10_000_u32, prop::collection::vec(1..4_u32, 0..3));
        prop::collection::vec(one, 0..5).prop_map(|all| {
            let grant = |(number, (is_percent, size, only)): (u32, (bool, u32, Vec<u32>))| {
                let off = if is_percent {
                    Off::Percent(Decimal::new(size.into(), 2))
                } else {
                    Off::Amount(Money::new(size.into(), Currency::Eur))
                };
                grant(number, off, &only)
            };
            (1..).zip(all).map(grant).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_month_comes_to_less_than_nothing_and_no_charge_more_takes_more_than_itself_off(
            grants in grants(),
            one in prop::collection::btree_map(1..4_u32, 0..20_000_i64, 0..4),
            more in prop::collection::btree_map(1..4_u32, 0..300_i64, 0..4),
        ) {
            let total = |of: &Nets| of.values().sum::<i64>();
            let taken = |of: &Nets| discounts(of, &grants, Currency::Eur).unwrap().values().sum::<i64>();
            let before: Nets = one.iter().map(|(number, net)| (version(*number), *net)).collect();
            let mut after = before.clone();
            for (number, net) in &more {
                *after.entry(version(*number)).or_default() += net;
            }
            prop_assert!((0..=total(&before)).contains(&taken(&before)));
            let grown = taken(&after) - taken(&before);
            prop_assert!((0..=total(&after) - total(&before)).contains(&grown), "{grown}");
        }
    }
}
