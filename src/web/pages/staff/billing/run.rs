//! `/staff/billing`: the month's run: how far it is, what it comes to, what waits for a person, and what is missing on paper.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{Tab, tabs};
use crate::billing::dry_run::{self, Filter, Incomplete, Row, Standing, Sum};
use crate::billing::instructions::{self, Instruction};
use crate::billing::run::{self, Waiting};
use crate::billing::sellers::{self, Seller};
use crate::exports::table::{self, Column, Format, Table};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::pages::staff::rows::{cut, formats};
use crate::web::urls;

/// Customers with something missing that are named; of more it is said that there are more.
const INCOMPLETE: i64 = 50;

/// Months outside of these are mistakes in typing.
const YEARS: std::ops::RangeInclusive<i32> = 2020..=2200;

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct RunQuery {
    /// The company's code.
    seller: String,
    /// `2026-11`.
    month: String,
    /// Part of a customer's name.
    q: String,
    /// Only months that are so far.
    standing: String,
    /// Which part of the list, from 0.
    page: u32,
}

#[derive(Template)]
#[template(path = "pages/staff/billing/run.html")]
struct RunPage {
    layout: Layout,
    tabs: Vec<Tab>,
    waiting: Vec<WaitingLine>,
    month: String,
    before_url: String,
    after_url: String,
    sellers: Vec<SellerCard>,
    /// Nobody sells yet.
    shown: Option<Shown>,
}

struct WaitingLine {
    url: String,
    name: String,
    amount: String,
    reason: String,
    since_iso: String,
    since: String,
    /// What somebody said who looked at it.
    note: String,
}

struct SellerCard {
    name: String,
    url: String,
    is_shown: bool,
    /// Label, how many, how much.
    sums: Vec<(String, String, String)>,
    total: String,
}

struct Shown {
    code: String,
    month: String,
    csv_url: String,
    text: String,
    standings: Vec<(&'static str, String, bool)>,
    lines: Vec<RunLine>,
    as_of: String,
    newer: String,
    older: String,
    incomplete: Vec<IncompleteLine>,
    incomplete_more: bool,
}

struct RunLine {
    url: String,
    name: String,
    badge: &'static str,
    standing: String,
    before: String,
    net: String,
    difference: String,
    per_cent: String,
    problem: String,
}

struct IncompleteLine {
    url: String,
    name: String,
    lacks: String,
}

/// What was asked for, read.
struct Asked {
    first: NaiveDate,
    seller: Seller,
    standing: Option<Standing>,
}

impl Asked {
    fn filter<'a>(&self, text: &'a str) -> Filter<'a> {
        let seller = &self.seller;
        Filter { seller: seller.id, currency: seller.currency, at: middle(self.first), text, standing: self.standing }
    }
}

/// An instant that lies in the month wherever clocks are.
fn middle(first: NaiveDate) -> DateTime<Utc> {
    first.with_day(15).unwrap_or(first).and_hms_opt(12, 0, 0).unwrap_or_default().and_utc()
}

fn month_word(first: NaiveDate) -> String {
    first.format("%Y-%m").to_string()
}

/// Reads the month; without one it is the last one while that is not closed everywhere, then this one.
async fn month(db: &mut PgConnection, typed: &str, now: DateTime<Utc>) -> anyhow::Result<NaiveDate> {
    let typed = NaiveDate::parse_from_str(&format!("{typed}-01"), "%Y-%m-%d").ok();
    if let Some(first) = typed.filter(|first| YEARS.contains(&first.year())) {
        return Ok(first);
    }
    let this = now.date_naive().with_day(1).unwrap_or_default();
    let is_last = dry_run::is_under_way(db, now).await?;
    Ok(if is_last { this.checked_sub_months(Months::new(1)).unwrap_or(this) } else { this })
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<RunQuery>) -> Answer {
    let layout = staff.layout;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let first = month(&mut db, &query.month, layout.now).await?;
    let all = sellers::list(&mut db).await?;
    let waiting = run::list_waiting(&mut db).await?;
    let subjects: Vec<_> = waiting.iter().map(Waiting::subject).collect();
    let asked = instructions::about(&mut db, &subjects).await?;
    let chosen = all.iter().find(|seller| seller.code == query.seller).or(all.first());
    let mut cards = Vec::new();
    for seller in &all {
        let asked = Asked { first, seller: seller.clone(), standing: None };
        let sums = dry_run::sums(&mut db, &asked.filter("")).await?;
        cards.push(card(&layout, &asked, &sums, chosen.is_some_and(|chosen| chosen.id == seller.id)));
    }
    let shown = match chosen {
        Some(seller) => {
            let standing = Standing::from_word(&query.standing);
            Some(shown(&mut db, &layout, &Asked { first, seller: seller.clone(), standing }, &query).await?)
        }
        None => None,
    };
    let code = chosen.map(|seller| seller.code.clone()).unwrap_or_default();
    let neighbour =
        |to: Option<NaiveDate>| to.map(|first| urls::staff_billing_of(&code, &month_word(first))).unwrap_or_default();
    answer::page(&RunPage {
        tabs: tabs(&layout, &urls::staff_billing()),
        waiting: waiting.iter().map(|it| waiting_line(&layout, it, asked.get(&it.subject()))).collect(),
        month: month_name(&layout, first),
        before_url: neighbour(first.checked_sub_months(Months::new(1))),
        after_url: neighbour(
            first
                .checked_add_months(Months::new(1))
                .filter(|next| middle(*next) < layout.now + chrono::TimeDelta::days(31)),
        ),
        sellers: cards,
        shown,
        layout,
    })
}

fn month_name(layout: &Layout, first: NaiveDate) -> String {
    let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(first);
    let formats = formats(layout);
    layout.t2("billing-days", "from", formats.calendar_day(first), "until", formats.calendar_day(last))
}

/// Why something waits, in words.
pub(super) fn reason(layout: &Layout, waiting: &Waiting) -> String {
    match (waiting.reason.as_str(), waiting.usual) {
        ("unusual", Some(usual)) => layout.t1("staff-billing-held-unusual-by", "usual", formats(layout).money(usual)),
        (reason, _) => held(layout, reason),
    }
}

/// The same where only the word of the reason is known.
pub(in crate::web::pages::staff) fn held(layout: &Layout, reason: &str) -> String {
    layout.t(match reason {
        "unusual" => "staff-billing-held-unusual",
        "seller" => "staff-billing-held-seller",
        "buyer" => "staff-billing-held-buyer",
        "credited" => "staff-billing-held-credited",
        "country" => "staff-billing-held-country",
        "document" => "staff-billing-held-document",
        _ => "staff-billing-held-failed",
    })
}

fn waiting_line(layout: &Layout, waiting: &Waiting, asked: Option<&Vec<Instruction>>) -> WaitingLine {
    let since = formats(layout).when(waiting.since, layout.now);
    let newest = asked.and_then(|all| all.first());
    WaitingLine {
        url: urls::staff_waiting(waiting.subject()),
        name: waiting.account_name.clone(),
        amount: if waiting.document.is_some() { formats(layout).money(waiting.net) } else { String::new() },
        reason: reason(layout, waiting),
        since_iso: since.iso,
        since: since.words,
        note: newest.map(|it| layout.t2("staff-billing-note", "by", &it.by, "reason", &it.reason)).unwrap_or_default(),
    }
}

fn card(layout: &Layout, asked: &Asked, sums: &[Sum], is_shown: bool) -> SellerCard {
    let formats = formats(layout);
    let seller = &asked.seller;
    let total = sums.iter().map(|sum| sum.net.minor).sum();
    SellerCard {
        name: format!("{} · {}", seller.code, seller.currency),
        url: urls::staff_billing_of(&seller.code, &month_word(asked.first)),
        is_shown,
        sums: sums
            .iter()
            .map(|sum| (standing_name(layout, sum.standing), formats.number(sum.count), formats.money(sum.net)))
            .collect(),
        total: formats.money(crate::base::money::Money::new(total, seller.currency)),
    }
}

fn standing_name(layout: &Layout, standing: Standing) -> String {
    layout.t(format!("staff-billing-standing-{}", standing.word()))
}

async fn shown(db: &mut PgConnection, layout: &Layout, asked: &Asked, query: &RunQuery) -> Result<Shown, PageError> {
    let filter = asked.filter(query.q.trim());
    let rows = dry_run::rows(db, &filter, (i64::from(query.page) * dry_run::PAGE, dry_run::PAGE + 1)).await?;
    let (rows, has_more) = cut(rows, dry_run::PAGE);
    let (incomplete, incomplete_more) = cut(dry_run::incomplete(db, &filter, INCOMPLETE + 1).await?, INCOMPLETE);
    let (code, month) = (asked.seller.code.clone(), month_word(asked.first));
    let address = |page: u32| {
        let (q, standing) = (urls::encoded(&query.q), urls::encoded(&query.standing));
        format!("{}&q={q}&standing={standing}&page={page}", urls::staff_billing_of(&code, &month))
    };
    let oldest = rows.iter().filter(|row| row.standing == Standing::Open).filter_map(|row| row.computed_at).min();
    let standings = Standing::ALL.map(|it| (it.word(), standing_name(layout, it), asked.standing == Some(it)));
    Ok(Shown {
        csv_url: urls::staff_dry_run_file(&code, &month),
        text: query.q.clone(),
        standings: standings.into(),
        lines: rows.iter().map(|row| run_line(layout, row)).collect(),
        as_of: oldest.map(|at| formats(layout).spoken(at, layout.now)).unwrap_or_default(),
        newer: query.page.checked_sub(1).map(address).unwrap_or_default(),
        older: if has_more { address(query.page + 1) } else { String::new() },
        incomplete: incomplete.iter().map(|it| incomplete_line(layout, it)).collect(),
        incomplete_more,
        code,
        month,
    })
}

fn run_line(layout: &Layout, row: &Row) -> RunLine {
    let formats = formats(layout);
    let badge = match row.standing {
        Standing::Open if !row.problem.is_empty() => "failed",
        Standing::Open => "neutral",
        Standing::Drafted => "working",
        Standing::Held => "warning",
        Standing::Failed => "failed",
        Standing::Finalised => "running",
    };
    let per_cent = row.per_cent().map(|share| {
        let sign = if share > Decimal::ZERO { "+" } else { "" };
        layout.t1("billing-percent", "value", format!("{sign}{}", formats.decimal(share, 1)))
    });
    RunLine {
        url: urls::staff_account(row.account),
        name: row.account_name.clone(),
        badge,
        standing: standing_name(layout, row.standing),
        before: row.before.map(|it| formats.money(it)).unwrap_or_default(),
        net: row.net.map(|it| formats.money(it)).unwrap_or_default(),
        difference: row.difference().map(|it| formats.money(it)).unwrap_or_default(),
        per_cent: per_cent.unwrap_or_default(),
        problem: row.problem.clone(),
    }
}

fn incomplete_line(layout: &Layout, it: &Incomplete) -> IncompleteLine {
    let lacks: Vec<String> = it.lacks.iter().map(|field| layout.t(format!("billing-details-{field}"))).collect();
    IncompleteLine { url: urls::staff_account(it.account), name: it.account_name.clone(), lacks: lacks.join(" · ") }
}

/// The columns of the file. Amounts are without VAT.
const COLUMNS: &[Column] = &[
    table::exact("account_id"),
    table::text("account_name"),
    table::exact("standing"),
    table::exact("currency"),
    table::exact("net"),
    table::exact("net_of_month_before"),
    table::exact("difference"),
    table::exact("difference_percent"),
    table::exact("computed_at"),
    table::text("problem"),
];

/// Gives the dry run of a company's month as a file, in the order of the page.
pub async fn csv(portal: Data<Portal>, staff: Staff, query: Query<RunQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let first = month(&mut db, &query.month, staff.layout.now).await?;
    let all = sellers::list(&mut db).await?;
    let seller = all.into_iter().find(|seller| seller.code == query.seller).ok_or(PageError::NotFound)?;
    let asked = Asked { first, seller, standing: Standing::from_word(&query.standing) };
    let rows = dry_run::rows(&mut db, &asked.filter(query.q.trim()), (0, i64::MAX)).await?;
    let rows: Vec<table::Row> = rows
        .iter()
        .map(|row| {
            let amount = |money: Option<crate::base::money::Money>| money.map(|money| money.exact().to_string());
            vec![
                Some(row.account.to_string()),
                Some(row.account_name.clone()),
                Some(row.standing.word().to_owned()),
                Some(asked.seller.currency.code().to_owned()),
                amount(row.net),
                amount(row.before),
                amount(row.difference()),
                row.per_cent().map(|share| share.to_string()),
                row.computed_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
                Some(row.problem.clone()),
            ]
        })
        .collect();
    let name = format!("attachment; filename=\"dry-run-{}-{}.csv\"", asked.seller.code, month_word(first));
    Ok(HttpResponse::Ok()
        .content_type(Format::Csv.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .body(Table::new(COLUMNS, Format::Csv).part(&rows, true)))
}
