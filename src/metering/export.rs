//! Usage by customer, instance and hour, as CSV, JSON or Parquet, for invoicing. Any length, in constant memory.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::{Stream, stream};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgPool;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
pub use crate::exports::Format;
use crate::exports::columnar::Columnar;
use crate::exports::text::harmless;

mod store;

/// Rows read at a time.
const PAGE: i64 = 2_000;

/// Which usage is exported.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// The first hour.
    pub from: DateTime<Utc>,
    /// The hour after the last one.
    pub until: DateTime<Utc>,
    /// Only this customer.
    pub account: Option<AccountId>,
    /// Only this environment.
    pub environment: Option<EnvironmentId>,
}

/// One hour of one environment. Quantities are whole numbers in raw units, as texts: spreadsheets and JavaScript
/// would round them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The customer.
    pub account_id: AccountId,
    /// The customer's name.
    pub account: String,
    /// The project's name.
    pub project: String,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The environment's name.
    pub environment: String,
    /// development, test or production.
    pub kind: String,
    /// The name in its address; empty when it has none any more.
    pub subdomain: String,
    /// The beginning of the hour.
    pub hour: DateTime<Utc>,
    /// Processor time in microseconds.
    pub cpu_us: Decimal,
    /// Memory in byte-seconds.
    pub memory_byte_seconds: Decimal,
    /// Database in byte-seconds.
    pub database_byte_seconds: Decimal,
    /// Bytes sent to visitors.
    pub egress_bytes: Decimal,
    /// Requests.
    pub requests: Decimal,
    /// Seconds of the hour that the numbers of processor time cover; 0: nothing is known of it.
    pub cpu_covered_seconds: i32,
    /// `measured`, `interpolated` or `lower_bound`; empty: nothing is known of it. The same for each meter.
    pub cpu_quality: String,
    /// Seconds covered of memory.
    pub memory_covered_seconds: i32,
    /// Quality of memory.
    pub memory_quality: String,
    /// Seconds covered of the database.
    pub database_covered_seconds: i32,
    /// Quality of the database.
    pub database_quality: String,
    /// Seconds covered of what was sent.
    pub egress_covered_seconds: i32,
    /// Quality of what was sent.
    pub egress_quality: String,
    /// Seconds covered of requests.
    pub requests_covered_seconds: i32,
    /// Quality of requests.
    pub requests_quality: String,
    /// People who used it on the hour's UTC day, each once, as far as is known; the same in each hour of the day. `None` before its
    /// database was asked about that day.
    pub active_users_of_day: Option<i64>,
}

const COLUMNS: [&str; 24] = [
    "account_id",
    "account",
    "project",
    "environment_id",
    "environment",
    "kind",
    "subdomain",
    "hour",
    "cpu_us",
    "memory_byte_seconds",
    "database_byte_seconds",
    "egress_bytes",
    "requests",
    "cpu_covered_seconds",
    "cpu_quality",
    "memory_covered_seconds",
    "memory_quality",
    "database_covered_seconds",
    "database_quality",
    "egress_covered_seconds",
    "egress_quality",
    "requests_covered_seconds",
    "requests_quality",
    "active_users_of_day",
];

/// Where an export stands.
struct Progress {
    db: PgPool,
    filter: Filter,
    format: Format,
    after: Option<(DateTime<Utc>, EnvironmentId)>,
    is_first: bool,
    is_over: bool,
    columnar: Columnar,
}

/// Writes an export, part by part, ordered by hour and environment.
pub fn stream(
    db: PgPool,
    filter: Filter,
    format: Format,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let columnar = Columnar::default();
    let begin = Progress { db, filter, format, after: None, is_first: true, is_over: false, columnar };
    stream::try_unfold(begin, |mut progress| async move {
        if progress.is_over {
            return Ok(None);
        }
        let mut db = progress.db.acquire().await?;
        let rows = store::list_page(&mut db, &progress.filter, progress.after, PAGE).await?;
        drop(db);
        progress.after = rows.last().map(|row| (row.hour, row.environment_id));
        progress.is_over = i64::try_from(rows.len()).unwrap_or(0) < PAGE;
        let text = match progress.format {
            Format::Csv => csv(&rows, progress.is_first),
            Format::Json => json(&rows, progress.is_first, progress.is_over),
            Format::Parquet => {
                let mut part = progress.columnar.feed(&csv(&rows, progress.is_first))?;
                if progress.is_over {
                    part.extend(progress.columnar.finish()?);
                }
                part
            }
        };
        progress.is_first = false;
        Ok(Some((Bytes::from(text), progress)))
    })
}

fn csv(rows: &[Row], is_first: bool) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = is_first.then(|| COLUMNS.map(str::to_owned));
    for record in names.into_iter().chain(rows.iter().map(cells)) {
        // Writing to memory cannot fail.
        let _ = writer.write_record(record);
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(row: &Row) -> [String; 24] {
    [
        row.account_id.to_string(),
        harmless(&row.account).into_owned(),
        harmless(&row.project).into_owned(),
        row.environment_id.to_string(),
        harmless(&row.environment).into_owned(),
        row.kind.clone(),
        row.subdomain.clone(),
        row.hour.to_rfc3339_opts(SecondsFormat::Secs, true),
        row.cpu_us.to_string(),
        row.memory_byte_seconds.to_string(),
        row.database_byte_seconds.to_string(),
        row.egress_bytes.to_string(),
        row.requests.to_string(),
        row.cpu_covered_seconds.to_string(),
        row.cpu_quality.clone(),
        row.memory_covered_seconds.to_string(),
        row.memory_quality.clone(),
        row.database_covered_seconds.to_string(),
        row.database_quality.clone(),
        row.egress_covered_seconds.to_string(),
        row.egress_quality.clone(),
        row.requests_covered_seconds.to_string(),
        row.requests_quality.clone(),
        row.active_users_of_day.map(|users| users.to_string()).unwrap_or_default(),
    ]
}

fn json(rows: &[Row], is_first: bool, is_last: bool) -> Vec<u8> {
    let mut text = Vec::from(if is_first { "[" } else { "" });
    for (number, row) in rows.iter().enumerate() {
        text.extend_from_slice(if is_first && number == 0 { b"\n" } else { b",\n" });
        // A row has only texts and numbers: it always becomes JSON.
        text.extend(serde_json::to_vec(row).unwrap_or_default());
    }
    if is_last {
        text.extend_from_slice(b"\n]\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(account: &str) -> Row {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Row {
            account_id: AccountId::new(now),
            account: account.to_owned(),
            project: "Shop".to_owned(),
            environment_id: EnvironmentId::new(now),
            environment: "Production".to_owned(),
            kind: "production".to_owned(),
            subdomain: "shop".to_owned(),
            hour: now,
            cpu_us: Decimal::from(9_007_199_254_740_993_i64),
            memory_byte_seconds: Decimal::ZERO,
            database_byte_seconds: Decimal::ZERO,
            egress_bytes: Decimal::ZERO,
            requests: Decimal::ZERO,
            cpu_covered_seconds: 3600,
            cpu_quality: "measured".to_owned(),
            memory_covered_seconds: 0,
            memory_quality: String::new(),
            database_covered_seconds: 0,
            database_quality: String::new(),
            egress_covered_seconds: 0,
            egress_quality: String::new(),
            requests_covered_seconds: 0,
            requests_quality: String::new(),
            active_users_of_day: None,
        }
    }

    #[test]
    fn a_name_never_becomes_a_formula() {
        let text =
            String::from_utf8(csv(&[row("=HYPERLINK(\"http://evil\")"), row("Zoé, \"and\" sons")], true)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), COLUMNS.join(","));
        assert!(lines.next().unwrap().contains(r#","'=HYPERLINK(""http://evil"")","#), "{text}");
        assert!(lines.next().unwrap().contains(r#","Zoé, ""and"" sons","#), "{text}");
    }

    #[test]
    fn parts_make_one_array_and_numbers_stay_exact() {
        let parts = [json(&[row("a"), row("b")], true, false), json(&[row("c")], false, true)].concat();
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&parts).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2]["cpu_us"], "9007199254740993");
        let none: Vec<serde_json::Value> = serde_json::from_slice(&json(&[], true, true)).unwrap();
        assert!(none.is_empty());
    }
}
