//! Numbers, money and days as a language writes them. Digits are those of Morocco in Arabic too.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::words::Words;
use sayoo_document::Currency;

/// Puts values where `{}`, `{1}`, `{2}` … stand, each value once, whatever it contains.
pub(crate) fn fill(pattern: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        let index = name.parse::<usize>().unwrap_or_default();
        out.push_str(values.get(index).copied().unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Words {
    /// A number with at least `least` decimals, and more where it has more.
    pub(crate) fn number(&self, value: Decimal, least: u32) -> String {
        let mut value = value.normalize();
        if value.scale() < least {
            value.rescale(least);
        }
        let digits = value.abs().to_string();
        let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
        let mut out = String::new();
        // The minus of typography is as wide as a digit.
        if value.is_sign_negative() && !value.is_zero() {
            out.push('\u{2212}');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                out.push_str(self.thousands);
            }
            out.push(digit);
        }
        if !decimals.is_empty() {
            out.push_str(self.decimal);
            out.push_str(decimals);
        }
        out
    }

    /// A sum of money with its currency.
    pub(crate) fn money(&self, value: Decimal, currency: Currency) -> String {
        self.with_currency(&self.number(value, 2), currency)
    }

    /// The same as it stands in a sentence: without decimals where they are zero.
    pub(crate) fn round_money(&self, value: Decimal, currency: Currency) -> String {
        let decimals = if value.fract().is_zero() { 0 } else { 2 };
        self.with_currency(&self.number(value, decimals), currency)
    }

    fn with_currency(&self, number: &str, currency: Currency) -> String {
        match (currency, number.strip_prefix('\u{2212}')) {
            // A sign in front of the whole, as in −€5.00.
            (Currency::Eur, Some(number)) if self.eur.starts_with('€') => {
                format!("\u{2212}{}", fill(self.eur, &[number]))
            }
            (Currency::Eur, _) => fill(self.eur, &[number]),
            (Currency::Mad, _) => fill(self.mad, &[number]),
        }
    }

    /// A day in words.
    pub(crate) fn day(&self, date: NaiveDate) -> String {
        let month = self.months[date.month0() as usize];
        let day = match (self.code, date.day()) {
            ("fr", 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        fill(self.name_of_month, &[&day, month, &date.year().to_string()]).replace(' ', "\u{A0}")
    }

    /// The first and the last day of a stretch of time, or the name of the month that it is.
    pub(crate) fn days(&self, from: DateTime<Utc>, until: DateTime<Utc>, zone: &str) -> String {
        let (first, last) = days_of(from, until, zone);
        if first == last {
            return self.day(first);
        }
        let is_month = first.day() == 1 && first.with_day0(0) == last.with_day0(0) && (last + Days::new(1)).day() == 1;
        if is_month {
            return format!("{}\u{A0}{}", self.months[first.month0() as usize], first.year());
        }
        fill(self.from_to, &[&self.day(first), &self.day(last)])
    }
}

/// The first and the last day of a stretch of time, in a zone; a day that has only begun counts.
pub(crate) fn days_of(from: DateTime<Utc>, until: DateTime<Utc>, zone: &str) -> (NaiveDate, NaiveDate) {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let first = from.with_timezone(&zone).date_naive();
    let end = until.with_timezone(&zone);
    let is_midnight = end.time() == chrono::NaiveTime::MIN;
    let last = if is_midnight { end.date_naive() - Days::new(1) } else { end.date_naive() };
    (first, last.max(first))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use rust_decimal::dec;

    use super::{days_of, fill};
    use crate::words::Words;
    use sayoo_document::{Currency, Language};

    #[test]
    fn numbers_have_the_language_s_separators() {
        let [fr, en, ar] = [Language::Fr, Language::En, Language::Ar].map(Words::of);
        assert_eq!(fr.money(dec!(-1234567.5), Currency::Eur), "\u{2212}1\u{202F}234\u{202F}567,50\u{A0}€");
        assert_eq!(en.money(dec!(-1234.5), Currency::Eur), "\u{2212}€1,234.50");
        assert_eq!(ar.money(dec!(1234.5), Currency::Mad), "1.234,50\u{A0}درهم");
        assert_eq!(en.number(dec!(5210.0008), 2), "5,210.0008");
        assert_eq!(en.number(dec!(744.0000), 0), "744");
        assert_eq!(en.number(dec!(100), 0), "100");
    }

    #[test]
    fn a_month_in_casablanca_has_its_own_days_when_the_clock_is_changed_for_ramadan() {
        let at = |text: &str| text.parse().unwrap();
        let days = days_of(at("2026-01-31T23:00:00Z"), at("2026-03-01T00:00:00Z"), "Africa/Casablanca");
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        assert_eq!(days, (day(2, 1), day(2, 28)));
    }

    #[test]
    fn a_whole_month_is_called_by_its_name() {
        let days = |from: &str, until: &str| {
            Words::of(Language::En).days(from.parse().unwrap(), until.parse().unwrap(), "Europe/Paris")
        };
        assert_eq!(days("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"), "October\u{A0}2026");
        assert_eq!(
            days("2026-09-30T22:00:00Z", "2026-10-30T23:00:00Z"),
            "1\u{A0}October\u{A0}2026 to 30\u{A0}October\u{A0}2026"
        );
        assert_eq!(days("2026-09-30T22:00:00Z", "2026-10-01T10:00:00Z"), "1\u{A0}October\u{A0}2026");
    }

    #[test]
    fn values_are_put_in_once_whatever_they_contain() {
        assert_eq!(fill("{} of {1}", &["{1}", "x"]), "{1} of x");
    }
}
