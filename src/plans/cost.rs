//! What an environment costs in a month so far. Pure: an estimate for people, made with the same prices as the invoice.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{Meter, Version};
use crate::base::money::{Currency, Money};

/// What was used of one meter, and what that costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of what.
    pub meter: Meter,
    /// How much, in the meter's unit.
    pub used: Decimal,
    /// How much of it is in the base price, for the part of the month that has passed since the order.
    pub included: Decimal,
    /// What goes beyond it costs so much.
    pub charge: Money,
}

/// The cost of a month so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoFar {
    /// The beginning of what is counted: of the month, or the order.
    pub from: DateTime<Utc>,
    /// The base price for the time since then.
    pub base: Money,
    /// Usage, in the order of the meters.
    pub lines: Vec<Line>,
    /// Everything together.
    pub total: Money,
    /// What the whole month costs without more usage.
    pub monthly: Money,
}

/// Returns the first instant of `now`'s month and of the next one, as the account's calendar has them.
#[must_use]
pub fn month(now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&zone).date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let next = first.checked_add_months(chrono::Months::new(1)).unwrap_or(first);
    (midnight(first, zone), midnight(next, zone))
}

/// The day's first instant. Where clocks skip midnight it is the first that exists.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    (0..24)
        .filter_map(|hour| day.and_hms_opt(hour, 0, 0))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc(), |local| local.to_utc())
}

/// Returns what an environment that exists since `since` costs in the month of `now`; `None` if the plan is not sold in `currency`.
///
/// Base price and included usage are shared out by the second.
#[must_use]
pub fn so_far(
    version: &Version,
    currency: Currency,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Tz,
    used: &[(Meter, Decimal)],
) -> Option<SoFar> {
    let monthly = version.monthly(currency)?;
    let (first, next) = month(now, zone);
    let from = since.max(first).min(now);
    let part = Decimal::from((now - from).num_seconds()) / Decimal::from((next - first).num_seconds().max(1));
    let base = Money::rounded(monthly.exact() * part, currency);
    let lines: Vec<Line> = version
        .allowances_in(currency)
        .into_iter()
        .map(|allowance| {
            let used =
                used.iter().filter(|(meter, _)| *meter == allowance.meter).map(|(_, used)| *used).sum::<Decimal>();
            let included = allowance.included * part;
            let beyond = (used - included).max(Decimal::ZERO);
            let charge = Money::rounded(beyond * allowance.unit_price, currency);
            Line { meter: allowance.meter, used, included, charge }
        })
        .collect();
    let total = Money::new(base.minor + lines.iter().map(|line| line.charge.minor).sum::<i64>(), currency);
    Some(SoFar { from, base, lines, total, monthly })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::PlanVersionId;
    use crate::plans::{Allowance, Resources};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn version() -> Version {
        let resources = Resources {
            cpu_millis: 1000,
            memory_mb: 1024,
            storage_mb: 1024,
            sleep_after_seconds: None,
            max_replicas: 1,
            daily_backups: 0,
            weekly_backups: 0,
            monthly_backups: 0,
        };
        let allowance = Allowance {
            meter: Meter::Cpu,
            currency: Currency::Eur,
            included: Decimal::from(300),
            unit_price: Decimal::new(35, 3),
        };
        Version {
            id: PlanVersionId::new(at("2026-01-01T00:00:00Z")),
            number: 1,
            published_at: None,
            resources,
            prices: vec![Money::new(3_000, Currency::Eur)],
            allowances: vec![allowance],
        }
    }

    #[test]
    fn half_a_month_costs_half_the_price_and_includes_half_the_usage() {
        let now = at("2026-11-16T00:00:00Z");
        let used = [(Meter::Cpu, Decimal::from(250))];
        let cost = so_far(&version(), Currency::Eur, at("2026-01-01T00:00:00Z"), now, Tz::UTC, &used).unwrap();
        assert_eq!(cost.base, Money::new(1_500, Currency::Eur));
        assert_eq!(cost.lines[0].included, Decimal::from(150));
        assert_eq!(cost.total, Money::new(1_850, Currency::Eur), "100 core-hours at 0.035 beyond the half");
    }

    #[test]
    fn an_environment_ordered_now_costs_nothing_yet() {
        let now = at("2026-11-16T00:00:00Z");
        let cost = so_far(&version(), Currency::Eur, now, now, Tz::UTC, &[]).unwrap();
        assert_eq!(cost.total, Money::new(0, Currency::Eur));
        assert_eq!(so_far(&version(), Currency::Mad, now, now, Tz::UTC, &[]), None);
    }

    #[test]
    fn a_month_is_the_account_s_own_also_when_clocks_change() {
        let (first, next) = month(at("2026-10-15T12:00:00Z"), Tz::Europe__Paris);
        assert_eq!((next - first).num_hours(), 31 * 24 + 1, "October has the hour twice");
        let (first, _) = month(at("2026-10-31T23:30:00Z"), Tz::Europe__Paris);
        assert_eq!(first, at("2026-10-31T23:00:00Z"), "in Paris it is November already");
    }
}
