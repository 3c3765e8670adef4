//! What our people see of revenue: what recurs and how it moves, what was billed, what is unpaid, who pays the most, and what
//! machines earn. By currency, never mixed.
//!
//! What recurs is the base price a month of each environment that is charged, at its plan version's price; not what is used, not
//! what a trial covers, before discounts and taxes. It is a figure, no booking: nothing is charged by it.

pub mod aging;
pub mod hosts;
pub mod margin;
pub mod recurring;
mod store;

use anyhow::{Context, ensure};
use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::rating::Span;
use super::sellers;
use crate::base::ids::{AccountId, PlanId};
use crate::base::money::{Currency, Money};
use crate::plans::{Translated, cost};
use crate::portal::Portal;
use aging::Age;
pub use recurring::{Month, Move, Total};

/// How many months are told, with the present one.
pub const MONTHS: usize = 12;

/// How many customers are named.
const TOP: i64 = 10;

/// Revenue in one currency.
#[derive(Clone, Debug)]
pub struct Report {
    /// In which.
    pub currency: Currency,
    /// By which zone its months are counted: that of our company that sells in it.
    pub zone: Tz,
    /// What recurs, the oldest month first; the last one is the present one, until now.
    pub months: Vec<Month>,
    /// What was billed, the oldest month first.
    pub billed: Vec<Billed>,
    /// What is unpaid.
    pub unpaid: Vec<(Age, Unpaid)>,
    /// Who was billed the most in these months.
    pub top: Vec<Customer>,
}

/// What was billed in a month: by the day on which documents were issued, before taxes, less credit notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// The month's first day.
    pub month: NaiveDate,
    /// How much.
    pub net: Money,
    /// On how many documents.
    pub documents: i64,
}

/// Invoices that are not paid in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpaid {
    /// How many.
    pub documents: i64,
    /// What is left of them, with taxes.
    pub left: Money,
}

/// A customer who was billed much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Who.
    pub account: AccountId,
    /// What it is called.
    pub name: String,
    /// Billed in these months, before taxes, less credit notes.
    pub billed: Money,
    /// What recurs now.
    pub recurring: Money,
}

/// What lines of documents were about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of which plan: its word and name; `None` for discounts and what was given back without saying of what.
    pub plan: Option<(PlanId, String, Translated)>,
    /// `base`, a meter's word, `discount` or `credit`.
    pub what: String,
    /// Before taxes; below zero for what was given back.
    pub net: Money,
}

/// Returns what is known at an instant, by currency. Everything is read in one snapshot.
pub async fn reports(portal: &Portal, now: DateTime<Utc>) -> anyhow::Result<Vec<Report>> {
    let mut tx = store::snapshot(&portal.db).await.context("begin to read")?;
    let mut reports = Vec::new();
    for seller in sellers::list(&mut tx).await? {
        let spans = months(now, seller.zone);
        reports.push(report(&mut tx, (seller.currency, seller.zone), &spans, now).await?);
    }
    Ok(reports)
}

/// The newest months in a zone, the oldest first; the present one ends now.
fn months(now: DateTime<Utc>, zone: Tz) -> Vec<Span> {
    let mut spans = Vec::with_capacity(MONTHS);
    let (mut from, mut until) = (cost::month(now, zone).0, now);
    for _ in 0..MONTHS {
        spans.push(Span { from, until });
        until = from;
        from = cost::month(from - TimeDelta::hours(1), zone).0;
    }
    spans.reverse();
    spans
}

async fn report(
    db: &mut PgConnection,
    (currency, zone): (Currency, Tz),
    spans: &[Span],
    now: DateTime<Utc>,
) -> anyhow::Result<Report> {
    let first = spans.first().context("there is a month")?;
    let mut there = store::recurring(db, currency, first.from).await.context("add up what recurs")?;
    let mut told: Vec<Month> = Vec::with_capacity(spans.len());
    for span in spans {
        let changes = store::changes(db, currency, *span).await.context("read what moved")?;
        let month = Month::after(there, *span, &changes).context("an amount has no room")?;
        there = month.end;
        told.push(month);
    }
    // Added up anew: a page on which movements did not add up would say something that is not so.
    let counted = store::recurring(db, currency, now).await.context("add up what recurs now")?;
    ensure!(there == counted, "movements in {currency} lead to {there:?}, and there is {counted:?}");

    let today = now.with_timezone(&zone).date_naive();
    let first_day = first.from.with_timezone(&zone).date_naive();
    let rows = store::billed(db, currency, first_day).await.context("add up documents")?;
    let billed = spans.iter().map(|span| {
        let month = span.from.with_timezone(&zone).date_naive();
        let nothing = Billed { month, net: Money::new(0, currency), documents: 0 };
        rows.iter().copied().find(|row| row.month == month).unwrap_or(nothing)
    });
    let open = store::unpaid(db, currency).await.context("add up unpaid invoices")?;
    Ok(Report {
        currency,
        zone,
        billed: billed.collect(),
        months: told,
        unpaid: by_age(&open, today, currency),
        top: store::top(db, currency, (first_day, now), TOP).await.context("find who was billed the most")?,
    })
}

fn by_age(open: &[(NaiveDate, Unpaid)], today: NaiveDate, currency: Currency) -> Vec<(Age, Unpaid)> {
    let of = |age: Age| {
        let rows = open.iter().filter(|(due_on, _)| Age::of(*due_on, today) == age);
        rows.fold(Unpaid { documents: 0, left: Money::new(0, currency) }, |sum, (_, row)| Unpaid {
            documents: sum.documents + row.documents,
            left: Money::new(sum.left.minor.saturating_add(row.left.minor), currency),
        })
    };
    Age::ALL.iter().map(|age| (*age, of(*age))).collect()
}

/// Returns what was billed in the month that begins on a day, by plan and by what the lines were about.
pub async fn parts(db: &mut PgConnection, currency: Currency, month: NaiveDate) -> anyhow::Result<Vec<Part>> {
    let next = next_month(month).context("a month has a next one")?;
    store::parts(db, currency, (month, next)).await.context("add up lines")
}

/// Reads a month's first day from `2026-11`; nothing when it is none, or not of our time.
#[must_use]
pub fn read_month(text: &str) -> Option<NaiveDate> {
    let first: NaiveDate = format!("{}-01", text.trim()).parse().ok()?;
    (2000..=2200).contains(&first.year()).then_some(first)
}

fn next_month(month: NaiveDate) -> Option<NaiveDate> {
    month.checked_add_months(Months::new(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_and_the_last_one_ends_now() {
        let now: DateTime<Utc> = "2026-11-28T10:00:00Z".parse().unwrap();
        let spans = months(now, Tz::Europe__Paris);
        assert_eq!((spans.len(), spans[11].until), (MONTHS, now));
        assert_eq!(spans[0].from.to_rfc3339(), "2025-11-30T23:00:00+00:00");
        assert!(spans.windows(2).all(|pair| pair[0].until == pair[1].from));
        // In the first instant of a month there is one that lasts no time yet.
        let first = months(spans[11].from, Tz::Europe__Paris);
        assert_eq!((first[11].from, first[11].until), (spans[11].from, spans[11].from));
    }

    #[test]
    fn a_month_is_read_as_it_is_written() {
        assert_eq!(read_month("2026-02"), NaiveDate::from_ymd_opt(2026, 2, 1));
        for bad in ["", "2026", "2026-13", "1026-01", "2026-02-01", "x"] {
            assert_eq!(read_month(bad), None, "{bad}");
        }
    }
}
