//! `/staff/revenue`: what recurs each month and how it moves, what was billed, what is unpaid, and who is billed the most.

pub mod files;
pub mod hosts;

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{Datelike, NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use sqlx::PgConnection;

use crate::base::money::Money;
use crate::billing::revenue::{self, Month, Move, Part, Report, Total};
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::graph::{Graph, Request, Series};
use crate::web::layout::Layout;
use crate::web::urls;

/// What the address may hold: the month of which lines are told (`2026-11`); the present one without it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct MonthQuery {
    month: String,
}

#[derive(Template)]
#[template(path = "pages/staff/revenue/show.html")]
struct RevenuePage {
    layout: Layout,
    movements_url: String,
    billed_url: String,
    margins_url: String,
    sections: Vec<Section>,
}

/// One currency.
struct Section {
    currency: &'static str,
    now: String,
    customers: String,
    graph: Graph,
    months: Vec<MonthLine>,
    billed: Vec<BilledLine>,
    /// The month of which lines are told.
    month: String,
    by_plan: Vec<(String, String)>,
    by_what: Vec<(String, String)>,
    unpaid: Vec<(String, i64, String)>,
    top: Vec<TopLine>,
}

struct MonthLine {
    name: String,
    start: String,
    /// What it is called, how much, of how many customers.
    moves: Vec<(String, String, String)>,
    end: String,
    customers: i64,
}

struct BilledLine {
    name: String,
    url: String,
    is_chosen: bool,
    documents: i64,
    net: String,
}

struct TopLine {
    name: String,
    url: String,
    billed: String,
    recurring: String,
}

/// Shows it.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<MonthQuery>) -> Answer {
    let layout = staff.layout;
    let now = layout.now;
    let month = revenue::read_month(&query.month).or(now.date_naive().with_day(1)).unwrap_or_default();
    let reports = revenue::reports(&portal, now).await?;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let mut sections = Vec::new();
    for report in &reports {
        sections.push(section(&mut db, &layout, report, month).await?);
    }
    answer::page(&RevenuePage {
        movements_url: urls::staff_revenue_file("movements"),
        billed_url: urls::staff_revenue_file("billed"),
        margins_url: urls::staff_margins(),
        sections,
        layout,
    })
}

async fn section(db: &mut PgConnection, layout: &Layout, report: &Report, month: NaiveDate) -> anyhow::Result<Section> {
    let parts = revenue::parts(db, report.currency, month).await?;
    let formats = Formats::new(layout.locale, report.zone.name());
    let pen = Pen { layout, report, formats };
    let end = report.months.last().map(|month| month.end).unwrap_or_default();
    Ok(Section {
        currency: report.currency.code(),
        now: pen.money(end.minor),
        customers: layout.t1("revenue-customers", "count", end.customers),
        graph: pen.graph(),
        months: report.months.iter().rev().map(|month| pen.month(month)).collect(),
        billed: pen.billed(month),
        month: formats.month(month),
        by_plan: pen.by_plan(&parts),
        by_what: pen.by_what(&parts),
        unpaid: report
            .unpaid
            .iter()
            .map(|(age, sum)| (layout.t(format!("revenue-age-{}", age.word())), sum.documents, formats.money(sum.left)))
            .collect(),
        top: report
            .top
            .iter()
            .map(|one| TopLine {
                name: one.name.clone(),
                url: urls::staff_account(one.account),
                billed: formats.money(one.billed),
                recurring: formats.money(one.recurring),
            })
            .collect(),
    })
}

/// Writes one currency's numbers.
struct Pen<'a> {
    layout: &'a Layout,
    report: &'a Report,
    formats: Formats,
}

impl Pen<'_> {
    fn money(&self, minor: i64) -> String {
        self.formats.money(Money::new(minor, self.report.currency))
    }

    fn day_of(&self, month: &Month) -> NaiveDate {
        month.span.from.with_timezone(&self.report.zone).date_naive()
    }

    fn month(&self, month: &Month) -> MonthLine {
        let moved = |kind: Move| {
            let Total { minor, customers } = month.moved(kind);
            let label = self.layout.t(format!("revenue-move-{}", kind.word()));
            let words = if customers == 0 { String::from("–") } else { self.money(minor) };
            let of = if customers == 0 { String::new() } else { self.layout.t1("revenue-of", "count", customers) };
            (label, words, of)
        };
        MonthLine {
            name: self.formats.month(self.day_of(month)),
            start: self.money(month.start.minor),
            moves: Move::ALL.map(moved).to_vec(),
            end: self.money(month.end.minor),
            customers: month.end.customers,
        }
    }

    fn graph(&self) -> Graph {
        let value = |minor: i64| Decimal::new(minor, 2).to_f64().unwrap_or(0.0);
        let points = self.report.months.iter().map(|month| (month.span.until, value(month.end.minor))).collect();
        let (first, last) = (self.report.months.first(), self.report.months.last());
        let from = first.map_or(self.layout.now, |month| month.span.until);
        let to = last.map_or(self.layout.now, |month| month.span.until);
        // A month's end is the next one's first instant.
        let within = |at: chrono::DateTime<chrono::Utc>| {
            (at - TimeDelta::seconds(1)).with_timezone(&self.report.zone).date_naive()
        };
        let exact = |value: f64| Decimal::from_f64(value).unwrap_or_default();
        let title = self.layout.t("revenue-recurring");
        Graph::draw(&Request {
            id: &format!("recurring-{}", self.report.currency.code().to_ascii_lowercase()),
            title: &format!("{title} · {}", self.report.currency),
            from,
            to,
            series: &[Series { name: title.clone(), points }],
            markers: &[],
            limit: None,
            say_value: &|value| self.formats.money(Money::rounded(exact(value), self.report.currency)),
            say_time: &|at| self.formats.month(within(at)),
            say_tick: &|at| self.formats.day(at - TimeDelta::seconds(1)),
        })
    }

    fn billed(&self, chosen: NaiveDate) -> Vec<BilledLine> {
        let line = |one: &revenue::Billed| BilledLine {
            name: self.formats.month(one.month),
            url: urls::staff_revenue_month(one.month),
            is_chosen: one.month == chosen,
            documents: one.documents,
            net: self.formats.money(one.net),
        };
        self.report.billed.iter().rev().map(line).collect()
    }

    /// Adds parts up by a word, in the order in which they come, and all of them in the last line.
    fn added(&self, parts: &[Part], word: impl Fn(&Part) -> String) -> Vec<(String, String)> {
        let mut sums: Vec<(String, i64)> = Vec::new();
        for part in parts {
            let word = word(part);
            match sums.iter_mut().find(|(known, _)| *known == word) {
                Some((_, sum)) => *sum = sum.saturating_add(part.net.minor),
                None => sums.push((word, part.net.minor)),
            }
        }
        let all = sums.iter().map(|(_, sum)| *sum).fold(0, i64::saturating_add);
        if !sums.is_empty() {
            sums.push((self.layout.t("revenue-total"), all));
        }
        sums.into_iter().map(|(word, sum)| (word, self.money(sum))).collect()
    }

    fn by_plan(&self, parts: &[Part]) -> Vec<(String, String)> {
        self.added(parts, |part| match &part.plan {
            Some((_, _, names)) => names.of(self.layout.locale).to_owned(),
            None => self.layout.t("revenue-no-plan"),
        })
    }

    fn by_what(&self, parts: &[Part]) -> Vec<(String, String)> {
        self.added(parts, |part| what(self.layout, &part.what))
    }
}

/// What lines were about, in words.
fn what(layout: &Layout, word: &str) -> String {
    match word {
        "base" | "discount" | "credit" => layout.t(format!("revenue-what-{word}")),
        meter => layout.t(format!("staff-meter-{meter}")),
    }
}
