//! The months that costs are counted in. Pure. (What a month costs: `billing::rating`.)

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// Returns the first instant of `now`'s month and of the next one, as the account's calendar has them.
#[must_use]
pub fn month(now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&zone).date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let next = first.checked_add_months(chrono::Months::new(1)).unwrap_or(first);
    (midnight(first, zone), midnight(next, zone))
}

/// Returns the day's first instant. Where clocks skip midnight it is the first that exists.
#[must_use]
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    (0..24)
        .filter_map(|hour| day.and_hms_opt(hour, 0, 0))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc(), |local| local.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_the_account_s_own_also_when_clocks_change() {
        let (first, next) = month(at("2026-10-15T12:00:00Z"), Tz::Europe__Paris);
        assert_eq!((next - first).num_hours(), 31 * 24 + 1, "October has the hour twice");
        let (first, _) = month(at("2026-10-31T23:30:00Z"), Tz::Europe__Paris);
        assert_eq!(first, at("2026-10-31T23:00:00Z"), "in Paris it is November already");
    }
}
