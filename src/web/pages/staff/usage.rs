//! `/staff/usage`: what every instance used in a period, and the exports for invoicing.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::rows::{cut, formats};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::metering::counting::Reason;
use crate::metering::export::{self, Filter, Format};
use crate::metering::refusals::{self, Refusal};
use crate::metering::units;
use crate::portal::Portal;
use crate::staff::directory::{self, UsageRow};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

/// What the table adds up at most; the files have no limit.
const LONGEST_SHOWN: TimeDelta = TimeDelta::days(400);

/// Lines of what was put aside.
const REFUSALS: usize = 50;

/// Years beyond these are mistakes in typing, and some of them no database can read.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

#[derive(Template)]
#[template(path = "pages/staff/usage.html")]
struct UsagePage {
    layout: Layout,
    problem: Option<String>,
    /// What the table leaves out.
    notice: Option<String>,
    from: String,
    to: String,
    account: String,
    instance: String,
    /// Whose usage it is, when it is not everybody's; and the way back to everybody's.
    only: Option<String>,
    everybody_url: String,
    csv_url: String,
    json_url: String,
    lines: Vec<UsageLine>,
    refused: Vec<RefusalLine>,
    /// That there are more of them.
    refused_notice: Option<String>,
}

struct UsageLine {
    account: String,
    account_url: String,
    instance: String,
    instance_url: String,
    meter: String,
    quantity: String,
    covered: String,
}

/// Numbers of one source that were put aside.
struct RefusalLine {
    account: String,
    account_url: String,
    instance: String,
    instance_url: String,
    meter: String,
    source: String,
    reason: String,
    times: i64,
    last: String,
    last_iso: String,
}

/// What the address may hold: days in UTC, the last one not included (this month without them); one customer's or instance's number.
#[derive(Debug, serde::Deserialize)]
pub struct UsageQuery {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    instance: String,
}

/// The same, read.
struct Asked {
    from: NaiveDate,
    to: NaiveDate,
    account: Option<AccountId>,
    instance: Option<EnvironmentId>,
}

impl UsageQuery {
    /// Reads it, or returns the key of what is wrong.
    fn read(&self, now: DateTime<Utc>) -> Result<Asked, &'static str> {
        let (from, to) = self.period(now).ok_or("staff-usage-bad-period")?;
        let bad = "staff-usage-bad-number";
        let account = Some(self.account.trim()).filter(|id| !id.is_empty());
        let account = account.map(str::parse).transpose().map_err(|_| bad)?;
        let instance = Some(self.instance.trim()).filter(|id| !id.is_empty());
        let instance = instance.map(str::parse).transpose().map_err(|_| bad)?;
        Ok(Asked { from, to, account, instance })
    }

    fn period(&self, now: DateTime<Utc>) -> Option<(NaiveDate, NaiveDate)> {
        let today = now.date_naive();
        let from = if self.from.is_empty() { today.with_day(1)? } else { self.from.parse().ok()? };
        let to = if self.to.is_empty() { today.succ_opt()? } else { self.to.parse().ok()? };
        (from < to && YEARS.contains(&from.year()) && YEARS.contains(&to.year())).then_some((from, to))
    }
}

impl Asked {
    fn file_url(&self, extension: &str) -> String {
        urls::staff_usage_file(extension, &self.from.to_string(), &self.to.to_string(), self.account, self.instance)
    }

    fn url_of(&self, account: Option<AccountId>, instance: Option<EnvironmentId>) -> String {
        urls::staff_usage_of(&self.from.to_string(), &self.to.to_string(), account, instance)
    }
}

fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Shows the totals of a period.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    let layout = staff.layout;
    let asked = match query.read(layout.now) {
        Ok(asked) => asked,
        Err(key) => return wrong(layout, &query, key),
    };
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let only = only(&mut db, &asked).await?;
    let is_shown = asked.to - asked.from <= LONGEST_SHOWN;
    let (rows, has_more) = if is_shown {
        let period = (start(asked.from), start(asked.to));
        cut(directory::usage(&mut db, period, (asked.account, asked.instance)).await?, directory::USAGE_LINES)
    } else {
        (Vec::new(), false)
    };
    let period = (start(asked.from), start(asked.to));
    let most = i64::try_from(REFUSALS).unwrap_or(0);
    let refused = refusals::latest(&mut db, period, (asked.account, asked.instance), most + 1).await?;
    let notice = match (is_shown, has_more) {
        (false, _) => Some(layout.t1("staff-usage-too-long", "days", LONGEST_SHOWN.num_days())),
        (true, true) => Some(layout.t1("staff-usage-cut", "count", directory::USAGE_LINES)),
        (true, false) => None,
    };
    answer::page(&UsagePage {
        problem: None,
        notice,
        from: asked.from.to_string(),
        to: asked.to.to_string(),
        account: asked.account.map(|id| id.to_string()).unwrap_or_default(),
        instance: asked.instance.map(|id| id.to_string()).unwrap_or_default(),
        only,
        everybody_url: asked.url_of(None, None),
        csv_url: asked.file_url("csv"),
        json_url: asked.file_url("json"),
        lines: rows.iter().map(|row| usage_line(&layout, &asked, row)).collect(),
        refused_notice: (refused.len() > REFUSALS).then(|| layout.t1("staff-refused-cut", "count", most)),
        refused: refused.iter().take(REFUSALS).map(|refusal| refusal_line(&layout, &asked, refusal)).collect(),
        layout,
    })
}

/// Whose usage was asked for, in words; `None` for everybody's.
async fn only(db: &mut PgConnection, asked: &Asked) -> Result<Option<String>, PageError> {
    let mut names = Vec::new();
    if let Some(id) = asked.account {
        names.push(directory::account(db, id).await?.ok_or(PageError::NotFound)?.name);
    }
    if let Some(id) = asked.instance {
        let instance = directory::instance(db, id).await?.ok_or(PageError::NotFound)?;
        if asked.account.is_none() {
            names.push(instance.account_name);
        }
        names.push(instance.name);
    }
    Ok((!names.is_empty()).then(|| names.join(" · ")))
}

/// Shows what was asked for with what is wrong with it.
fn wrong(layout: Layout, query: &UsageQuery, key: &str) -> Answer {
    answer::again(&UsagePage {
        problem: Some(layout.t(key)),
        notice: None,
        from: query.from.clone(),
        to: query.to.clone(),
        account: query.account.clone(),
        instance: query.instance.clone(),
        only: None,
        everybody_url: urls::staff_usage(),
        csv_url: urls::staff_usage_file("csv", "", "", None, None),
        json_url: urls::staff_usage_file("json", "", "", None, None),
        lines: Vec::new(),
        refused: Vec::new(),
        refused_notice: None,
        layout,
    })
}

fn usage_line(layout: &Layout, asked: &Asked, row: &UsageRow) -> UsageLine {
    let formats = formats(layout);
    let quantity = formats.decimal(units::priced(row.meter, row.quantity), 3);
    UsageLine {
        account: row.account_name.clone(),
        account_url: asked.url_of(Some(row.account), None),
        instance: row.environment_name.clone(),
        instance_url: asked.url_of(None, Some(row.environment)),
        meter: layout.t(format!("staff-meter-{}", row.meter.as_str())),
        quantity,
        covered: formats.duration(TimeDelta::seconds(row.covered_seconds)),
    }
}

fn refusal_line(layout: &Layout, asked: &Asked, refusal: &Refusal) -> RefusalLine {
    RefusalLine {
        account: refusal.account_name.clone(),
        account_url: asked.url_of(Some(refusal.account), None),
        instance: refusal.environment_name.clone(),
        instance_url: asked.url_of(None, Some(refusal.environment)),
        meter: layout.t(format!("staff-meter-{}", refusal.meter.as_str())),
        source: refusal.source.clone(),
        reason: layout.t(match refusal.reason {
            Reason::WentBack => "staff-refused-went-back",
            Reason::Negative => "staff-refused-negative",
            Reason::Fenced => "staff-refused-fenced",
            Reason::TooLate => "staff-refused-too-late",
            Reason::TooEarly => "staff-refused-too-early",
        }),
        times: refusal.times,
        last: formats(layout).date_time(refusal.taken_at),
        last_iso: refusal.taken_at.to_rfc3339(),
    }
}

/// Gives the hours of a period as CSV.
pub async fn csv(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    file(&portal, staff, &query, Format::Csv)
}

/// Gives the hours of a period as JSON.
pub async fn json(portal: Data<Portal>, staff: Staff, query: Query<UsageQuery>) -> Answer {
    file(&portal, staff, &query, Format::Json)
}

fn file(portal: &Portal, staff: Staff, query: &UsageQuery, format: Format) -> Answer {
    let asked = match query.read(staff.layout.now) {
        Ok(asked) => asked,
        Err(key) => return wrong(staff.layout, query, key),
    };
    let Asked { from, to, account, instance } = asked;
    let filter = Filter { from: start(from), until: start(to), account, environment: instance };
    let name = format!("attachment; filename=\"usage-{from}-{to}.{}\"", format.extension());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(export::stream(portal.db.clone(), filter, format)))
}
