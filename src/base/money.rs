//! Money: exact amounts whose currency travels with them.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

/// A currency that plans are sold in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euro.
    Eur,
    /// Moroccan dirham.
    Mad,
}

/// A code that is not one of our currencies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency that we sell in")]
pub struct UnknownCurrency(String);

impl Currency {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Eur, Self::Mad];

    /// Returns the ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Mad => "MAD",
        }
    }

    /// The least that is asked for by itself, in the smallest coin. Stripe charges no less: 0.50 EUR, and in another currency what comes
    /// to as much of the one that it pays out (docs.stripe.com/currencies); 10 MAD are that with room for exchange.
    #[must_use]
    pub fn smallest_charge(self) -> i64 {
        match self {
            Self::Eur => 50,
            Self::Mad => 1_000,
        }
    }

    /// Returns the currency in which somebody in `country` is expected to pay.
    #[must_use]
    pub fn of_country(country: &str) -> Self {
        if country == "MA" { Self::Mad } else { Self::Eur }
    }
}

impl std::str::FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code().eq_ignore_ascii_case(code))
            .ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An exact amount in the currency's smallest coin (both of ours have hundredths).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// How many of the smallest coin.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// Makes an amount of its smallest coins.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Rounds an exact amount to the smallest coin, half away from zero. Nothing else in the crate rounds money.
    #[must_use]
    pub fn rounded(exact: Decimal, currency: Currency) -> Self {
        let cents = (exact * Decimal::ONE_HUNDRED).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Self { minor: i64::try_from(cents).unwrap_or(i64::MAX), currency }
    }

    /// Rounds a fraction of smallest coins, half away from zero as [`Money::rounded`] does; `None` when it has no room.
    #[must_use]
    pub fn of_ratio(dividend: i128, divisor: i128, currency: Currency) -> Option<Self> {
        let (whole, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
        let is_up = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
        let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
        let minor = i64::try_from(whole + if is_up { away } else { 0 }).ok()?;
        Some(Self { minor, currency })
    }

    /// Returns the amount in whole units of the currency, exactly.
    #[must_use]
    pub fn exact(self) -> Decimal {
        Decimal::new(self.minor, 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_half_away_from_zero() {
        for (exact, minor) in [("0.005", 1), ("0.004999", 0), ("-0.005", -1), ("12.345", 1235), ("7", 700)] {
            assert_eq!(Money::rounded(exact.parse().unwrap(), Currency::Eur).minor, minor, "{exact}");
        }
    }

    #[test]
    fn a_fraction_is_rounded_as_a_decimal_is() {
        for dividend in -40..=40 {
            for divisor in [1, 2, 5, 8, 10, -4] {
                let exact = Decimal::from(dividend) / Decimal::from(divisor) / Decimal::ONE_HUNDRED;
                let ratio = Money::of_ratio(i128::from(dividend), i128::from(divisor), Currency::Eur);
                assert_eq!(ratio, Some(Money::rounded(exact, Currency::Eur)), "{dividend}/{divisor}");
            }
        }
        assert_eq!(Money::of_ratio(i128::MAX, 1, Currency::Eur), None);
        assert_eq!(Money::of_ratio(i128::MIN, -1, Currency::Eur), None);
        assert_eq!(Money::of_ratio(1, 0, Currency::Eur), None);
    }

    #[test]
    fn a_currency_s_code_parses_back() {
        for currency in Currency::ALL {
            assert_eq!(currency.to_string().parse(), Ok(currency));
        }
        assert!("USD".parse::<Currency>().is_err());
    }
}
