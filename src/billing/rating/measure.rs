//! Units of prices in raw units, and exact conversions. Pure.
//!
//! Usage is billed in steps: a ten-thousandth of a unit, or one raw unit where that is coarser. All sums are of whole steps.

use rust_decimal::Decimal;

use super::RatingError;
use crate::plans::Meter;

/// How many decimals a quantity of the meter has: it is billed in steps of the last one.
#[must_use]
pub fn decimals(meter: Meter) -> u32 {
    match meter {
        Meter::Cpu | Meter::Database | Meter::Egress => 4,
        // A thousandth of a thousand requests is one.
        Meter::Requests => 3,
    }
}

/// How many raw units a step has.
#[must_use]
pub fn raw_per_step(meter: Meter) -> i128 {
    match meter {
        // A core-hour has 3600 × 10⁶ microseconds.
        Meter::Cpu => 360_000,
        // A GB-hour has 3600 × 10⁹ byte-seconds.
        Meter::Database => 360_000_000,
        // A GB has 10⁹ bytes.
        Meter::Egress => 100_000,
        Meter::Requests => 1,
    }
}

/// Returns steps as a quantity with four decimals.
pub(super) fn quantity(meter: Meter, steps: i128) -> Result<Decimal, RatingError> {
    let scaled = steps.checked_mul(10_i128.pow(4 - decimals(meter))).ok_or(RatingError::TooLarge)?;
    Decimal::try_from_i128_with_scale(scaled, 4).map_err(|_| RatingError::TooLarge)
}

/// Returns a quantity of steps, as [`quantity`] wrote it, in steps again; `None` when it is no whole number of them.
pub(super) fn steps(meter: Meter, quantity: Decimal) -> Option<i128> {
    scaled(quantity, decimals(meter))
}

/// Returns a decimal as a whole number of its last place; `None` when it has more places that are not zero.
pub(super) fn scaled(value: Decimal, places: u32) -> Option<i128> {
    let value = value.normalize();
    let missing = places.checked_sub(value.scale())?;
    value.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

/// Divides and rounds up. Neither is below zero.
pub(super) fn divided_up(dividend: i128, divisor: i128) -> i128 {
    dividend / divisor + i128::from(dividend % divisor != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_ten_thousand_steps_or_as_many_as_it_has_parts() {
        let units = [3_600_000_000, 3_600_000_000_000, 1_000_000_000, 1_000];
        for (meter, unit) in Meter::ALL.into_iter().zip(units) {
            assert_eq!(raw_per_step(meter) * 10_i128.pow(decimals(meter)), unit, "{meter:?}");
            assert_eq!(steps(meter, quantity(meter, 12_345).unwrap()), Some(12_345), "{meter:?}");
        }
    }

    #[test]
    fn a_decimal_is_scaled_exactly_or_not_at_all() {
        assert_eq!(scaled("1.2500".parse().unwrap(), 2), Some(125));
        assert_eq!(scaled("-3".parse().unwrap(), 4), Some(-30_000));
        assert_eq!(scaled("0.00001".parse().unwrap(), 4), None);
        assert_eq!(scaled(Decimal::MAX, 28), None, "no room");
    }

    #[test]
    fn what_remains_of_a_division_is_a_whole_one_more() {
        assert_eq!((divided_up(0, 3), divided_up(3, 3), divided_up(4, 3)), (0, 1, 2));
    }
}
