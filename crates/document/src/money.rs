//! Rounding of money: half away from zero, to two decimals, as EN 16931 and PostgreSQL round.

use rust_decimal::{Decimal, RoundingStrategy};

/// Returns the amount with exactly two decimals.
#[must_use]
pub fn money(exact: Decimal) -> Decimal {
    let mut rounded = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    // A negative zero has no place on an invoice.
    if rounded.is_zero() { Decimal::new(0, 2) } else { rounded }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::money;

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(money(dec!(4.125)), dec!(4.13));
        assert_eq!(money(dec!(-4.125)), dec!(-4.13));
        assert_eq!(money(dec!(0.005)), dec!(0.01));
        assert_eq!(money(dec!(-0.001)).to_string(), "0.00");
        assert_eq!(money(dec!(10)).to_string(), "10.00");
    }
}
