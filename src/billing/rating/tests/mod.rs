//! Rating told as months of customers, and the laws that every month keeps.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::*;
use crate::plans::cost;

mod cases;
mod corrections;
mod laws;

/// A core-hour in microseconds, a GB-hour in byte-seconds.
const CORE_HOUR: i128 = 3_600_000_000;
const GB_HOUR: i128 = 3_600_000_000_000;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn environment(number: u32) -> EnvironmentId {
    format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

fn version(number: u32) -> PlanVersionId {
    format!("00000000-0000-7000-9000-{number:012}").parse().unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn span(from: &str, until: &str) -> Span {
    Span { from: at(from), until: at(until) }
}

/// The month of an instant in a zone.
fn month(of: &str, zone: Tz) -> Span {
    let (from, until) = cost::month(at(of), zone);
    Span { from, until }
}

/// June 2026 in UTC: 720 hours.
fn june() -> Span {
    span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z")
}

/// A plan's price with one meter.
fn tariff(monthly_minor: i64, meter: Meter, included: &str, prices: &[(&str, &str)]) -> Tariff {
    let prices = prices.iter().map(|(from, price)| (number(from), number(price))).collect();
    let rates = Rates { included: number(included), prices };
    Tariff { monthly: Money::new(monthly_minor, Currency::Eur), meters: [(meter, rates)].into() }
}

/// A period in which environment 1 is on version 1 all the time.
fn facts(period: Span, tariff: Tariff) -> Facts {
    Facts {
        period,
        currency: Currency::Eur,
        segments: vec![segment(1, period)],
        trial: None,
        usage: Vec::new(),
        tariffs: [(version(1), tariff)].into(),
    }
}

/// Environment 1 on a version.
fn segment(plan_version: u32, span: Span) -> Segment {
    Segment { environment: environment(1), plan_version: version(plan_version), span, owner: Owner::Ours }
}

/// An hour of environment 1, counted from a period's beginning.
fn hour(period: Span, meter: Meter, hour: i64, raw: i128) -> Usage {
    let from = period.from + TimeDelta::hours(hour);
    Usage { environment: environment(1), meter, span: Span { from, until: from + TimeDelta::hours(1) }, raw }
}

/// The same in every hour of a period.
fn each_hour(period: Span, meter: Meter, raw: i128) -> Vec<Usage> {
    let hours = i64::try_from(period.micros() / 3_600_000_000).unwrap();
    (0..hours).map(|number| hour(period, meter, number, raw)).collect()
}

fn rated(facts: &Facts) -> Rated {
    rate(facts, &Carries::new()).unwrap()
}

/// What is billed, in short: what, quantity, net in cents.
fn billed(rated: &Rated) -> Vec<(What, String, i64)> {
    let billable = rated.charges.iter().filter(|charge| charge.is_billable());
    billable.map(|charge| (charge.what, charge.quantity.to_string(), charge.net.minor)).collect()
}

fn total(rated: &Rated) -> i64 {
    rated.net(Currency::Eur).unwrap().minor
}

/// How much of a meter was billed, in steps, whatever the price.
fn steps_beyond(charges: &[Charge], meter: Meter) -> i128 {
    let of_meter = charges.iter().filter(|it| matches!(it.what, What::Beyond(of, _) if of == meter));
    of_meter.map(|charge| measure::steps(meter, charge.quantity).unwrap()).sum()
}
