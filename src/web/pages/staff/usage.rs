//! `/staff/usage`: what every instance used in a period, and the exports for invoicing.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::rows::formats;
use crate::metering::export::{self, Filter, Format};
use crate::metering::units;
use crate::portal::Portal;
use crate::staff::directory::{self, UsageRow};
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

/// A period longer than this is a mistake in typing.
const LONGEST: TimeDelta = TimeDelta::days(400);

#[derive(Template)]
#[template(path = "pages/staff/usage.html")]
struct UsagePage {
    layout: Layout,
    problem: Option<String>,
    from: String,
    to: String,
    csv_url: String,
    json_url: String,
    lines: Vec<UsageLine>,
}

struct UsageLine {
    account: String,
    instance: String,
    meter: String,
    quantity: String,
    covered: String,
}

/// What the address may hold: days in UTC, the last one not included. This month without them.
#[derive(Debug, serde::Deserialize)]
pub struct UsageQuery {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl UsageQuery {
    fn period(&self, now: DateTime<Utc>) -> Option<(NaiveDate, NaiveDate)> {
        let today = now.date_naive();
        let from = if self.from.is_empty() { today.with_day(1)? } else { self.from.parse().ok()? };
        let to = if self.to.is_empty() { today.succ_opt()? } else { self.to.parse().ok()? };
        (from < to && to - from <= LONGEST).then_some((from, to))
    }
}

fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Shows the totals of a period.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    let layout = staff.layout;
    let Some((from, to)) = query.period(layout.now) else {
        let problem = Some(layout.t("staff-usage-bad-period"));
        let page = UsagePage {
            problem,
            from: query.from.clone(),
            to: query.to.clone(),
            csv_url: urls::staff_usage_file("csv", "", ""),
            json_url: urls::staff_usage_file("json", "", ""),
            lines: Vec::new(),
            layout,
        };
        return answer::again(&page);
    };
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let rows = directory::usage(&mut db, (start(from), start(to))).await?;
    let (first, last) = (from.to_string(), to.to_string());
    answer::page(&UsagePage {
        problem: None,
        csv_url: urls::staff_usage_file("csv", &first, &last),
        json_url: urls::staff_usage_file("json", &first, &last),
        from: first,
        to: last,
        lines: rows.iter().map(|row| usage_line(&layout, row)).collect(),
        layout,
    })
}

fn usage_line(layout: &Layout, row: &UsageRow) -> UsageLine {
    let formats = formats(layout);
    let quantity = formats.decimal(units::priced(row.meter, row.quantity), 3);
    UsageLine {
        account: row.account.clone(),
        instance: row.environment.clone(),
        meter: layout.t(format!("staff-meter-{}", row.meter.as_str())),
        quantity,
        covered: formats.duration(TimeDelta::seconds(row.covered_seconds)),
    }
}

/// Gives the hours of a period as CSV.
pub async fn csv(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    file(&portal, &staff, &query, Format::Csv)
}

/// Gives the hours of a period as JSON.
pub async fn json(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    file(&portal, &staff, &query, Format::Json)
}

fn file(portal: &Portal, staff: &Staff, query: &UsageQuery, format: Format) -> Answer {
    let Some((from, to)) = query.period(staff.layout.now) else {
        return answer::see_other(urls::staff_usage());
    };
    let filter = Filter { from: start(from), until: start(to), account: None, environment: None };
    let name = format!("attachment; filename=\"usage-{from}-{to}.{}\"", format.extension());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(export::stream(portal.db.clone(), filter, format)))
}
