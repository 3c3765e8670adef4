//! Raw quantities in the units that prices are given in. Exact; nothing is rounded here. Pure.

use rust_decimal::Decimal;

use super::Meter;

/// Returns the quantity in the unit of prices: core-hours, GB-hours, GB (10⁹ bytes), thousands of requests.
#[must_use]
pub fn priced(meter: Meter, quantity: Decimal) -> Decimal {
    quantity / per_unit(meter)
}

/// Returns how many raw units one unit of prices has.
#[must_use]
pub fn per_unit(meter: Meter) -> Decimal {
    match meter {
        Meter::Cpu => Decimal::from(3_600_000_000_u64),
        Meter::Memory | Meter::Database => Decimal::from(3_600_000_000_000_u64),
        Meter::Egress => Decimal::from(1_000_000_000_u64),
        Meter::Requests => Decimal::from(1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_for_an_hour_is_a_core_hour_and_a_gigabyte_for_an_hour_a_gigabyte_hour() {
        assert_eq!(priced(Meter::Cpu, Decimal::from(3600 * 1_000_000_u64)), Decimal::ONE);
        assert_eq!(priced(Meter::Database, Decimal::from(3600 * 1_000_000_000_u64)), Decimal::ONE);
        assert_eq!(priced(Meter::Egress, Decimal::from(1_500_000_000_u64)), Decimal::new(15, 1));
        assert_eq!(priced(Meter::Requests, Decimal::from(250)), Decimal::new(25, 2));
    }
}
