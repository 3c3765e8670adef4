//! `/staff/revenue/hosts`: what each machine cost and earned in a month; and what our people say of costs and rates.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::MonthQuery;
use crate::base::ids::HostId;
use crate::base::money::{Currency, Money};
use crate::billing::revenue::hosts::{self, CostEntry, EntryError, HostMonth, RateEntry};
use crate::billing::revenue::margin::{Amounts, Cost, Margin};
use crate::billing::revenue::read_month;
use crate::billing::transfers::statement;
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

/// The form of a cost.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct CostForm {
    host: String,
    amount: String,
    currency: String,
    from_on: String,
}

/// The form of a rate.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct RateForm {
    month: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "pages/staff/revenue/hosts.html")]
struct MarginsPage {
    layout: Layout,
    revenue_url: String,
    costs_url: String,
    rates_url: String,
    month: String,
    /// The months before and after, if that has begun.
    earlier: String,
    later: String,
    /// That the month is not over, in a sentence; empty when it is.
    unfinished: String,
    /// What a euro was, in a sentence; empty when nobody said.
    rate: String,
    lines: Vec<HostLine>,
    nowhere: Vec<String>,
    costs: Vec<CostLine>,
    rates: Vec<RateLine>,
    /// Id, name, whether it is chosen.
    hosts: Vec<(String, String, bool)>,
    /// Code, whether it is chosen.
    currencies: Vec<(&'static str, bool)>,
    cost: CostForm,
    rate_form: RateForm,
    problems: Problems,
}

struct HostLine {
    name: String,
    url: String,
    cost: Vec<String>,
    cost_note: String,
    cpu: String,
    memory: String,
    environments: usize,
    revenue: Vec<String>,
    margin: String,
    margin_note: String,
}

struct CostLine {
    name: String,
    from: String,
    amount: String,
    by: String,
    at: String,
    at_iso: String,
}

struct RateLine {
    month: String,
    rate: String,
    by: String,
    at: String,
    at_iso: String,
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed {
    cost: CostForm,
    rate: RateForm,
    problems: Problems,
}

/// Shows a month: the one that the address says, or the last one that is over.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<MonthQuery>) -> Answer {
    let month = read_month(&query.month).unwrap_or_else(|| last_month(staff.layout.now));
    answer::page(&page(&portal, staff.layout, month, Typed::default()).await?)
}

/// Says what a machine costs.
pub async fn cost(portal: Data<Portal>, staff: Staff, posted: Posted<CostForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout.clone());
    let mut problems = Problems::default();
    let host: Option<HostId> = form.host.parse().ok();
    let currency: Option<Currency> = form.currency.parse().ok();
    let minor = statement::minor(&form.amount).filter(|minor| *minor >= 0);
    let from_on = statement::date(&form.from_on);
    for (field, is_wrong, key) in [
        ("host", host.is_none(), "margins-host-bad"),
        ("amount", minor.is_none(), "margins-amount-bad"),
        ("currency", currency.is_none(), "transfers-currency-bad"),
        ("from_on", from_on.is_none(), "margins-day-bad"),
    ] {
        if is_wrong {
            problems.add(field, layout.t(key));
        }
    }
    if let (Some(host), Some(currency), Some(minor), Some(from_on)) = (host, currency, minor, from_on) {
        let cost = Cost { from_on, monthly: Money::new(minor, currency) };
        match hosts::set_cost(&portal, &staff.member, host, cost).await {
            Ok(()) => return answer::flash(urls::staff_margins(), FlashKind::Good, "margins-cost-done"),
            Err(EntryError::Failed(cause)) => return Err(PageError::Failed(cause)),
            Err(EntryError::NotFound) => problems.add("host", layout.t("margins-host-bad")),
            Err(_) => problems.add("from_on", layout.t("margins-day-bad")),
        }
    }
    let month = last_month(layout.now);
    answer::again(&page(&portal, layout, month, Typed { cost: form, problems, ..Typed::default() }).await?)
}

/// Says what a euro was in a month.
pub async fn rate(portal: Data<Portal>, staff: Staff, posted: Posted<RateForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout.clone());
    let mut problems = Problems::default();
    let month = read_month(&form.month);
    let rate: Option<Decimal> = form.rate.trim().replace(',', ".").parse().ok();
    if month.is_none() {
        problems.add("month", layout.t("margins-month-bad"));
    }
    if rate.is_none() {
        problems.add("rate", layout.t("margins-rate-bad"));
    }
    if let (Some(month), Some(rate)) = (month, rate) {
        match hosts::set_rate(&portal, &staff.member, month, rate).await {
            Ok(()) => return answer::flash(urls::staff_margins_of(month), FlashKind::Good, "margins-rate-done"),
            Err(EntryError::Failed(cause)) => return Err(PageError::Failed(cause)),
            Err(_) => problems.add("rate", layout.t("margins-rate-bad")),
        }
    }
    let month = last_month(layout.now);
    answer::again(&page(&portal, layout, month, Typed { rate: form, problems, ..Typed::default() }).await?)
}

/// The last month that is over (UTC).
fn last_month(now: DateTime<Utc>) -> NaiveDate {
    let first = now.date_naive().with_day(1).unwrap_or_default();
    first.checked_sub_months(Months::new(1)).unwrap_or(first)
}

async fn page(portal: &Portal, layout: Layout, month: NaiveDate, typed: Typed) -> Result<MarginsPage, PageError> {
    let formats = formats(&layout);
    let margins = hosts::margins(portal, month, layout.now).await?;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (names, rates) = (hosts::names(&mut db).await?, hosts::rates(&mut db).await?);
    drop(db);
    let pen = Pen { layout: &layout, formats };
    let next = month.checked_add_months(Months::new(1)).unwrap_or(month);
    let is_over = next <= layout.now.date_naive();
    let before = month.checked_sub_months(Months::new(1)).unwrap_or(month);
    let chosen: Currency = typed.cost.currency.parse().unwrap_or(Currency::Eur);
    Ok(MarginsPage {
        revenue_url: urls::staff_revenue(),
        costs_url: urls::staff_margin_costs(),
        rates_url: urls::staff_margin_rates(),
        month: formats.month(month),
        earlier: urls::staff_margins_of(before),
        later: if is_over { urls::staff_margins_of(next) } else { String::new() },
        unfinished: if is_over { String::new() } else { layout.t("margins-unfinished") },
        rate: margins.rate.as_ref().map(|rate| pen.rate(rate)).unwrap_or_default(),
        lines: margins.hosts.iter().map(|host| pen.host(host)).collect(),
        nowhere: pen.amounts(&margins.nowhere),
        costs: margins.costs.iter().rev().map(|entry| pen.cost(entry)).collect(),
        rates: rates.iter().map(|entry| pen.rate_line(entry)).collect(),
        hosts: names
            .iter()
            .map(|(id, name)| (id.to_string(), name.clone(), id.to_string() == typed.cost.host))
            .collect(),
        currencies: Currency::ALL.map(|each| (each.code(), each == chosen)).to_vec(),
        cost: typed.cost,
        rate_form: RateForm {
            month: if typed.rate.month.is_empty() { month.format("%Y-%m").to_string() } else { typed.rate.month },
            rate: typed.rate.rate,
        },
        problems: typed.problems,
        layout,
    })
}

/// Writes a month's numbers.
struct Pen<'a> {
    layout: &'a Layout,
    formats: Formats,
}

impl Pen<'_> {
    fn amounts(&self, amounts: &Amounts) -> Vec<String> {
        amounts.values().map(|money| self.formats.money(*money)).collect()
    }

    fn host(&self, host: &HostMonth) -> HostLine {
        let days = host.cost.days_unknown;
        let (margin, margin_note) = match host.margin {
            Margin::Known(money, is_converted) => {
                let note = if is_converted { self.layout.t("margins-converted") } else { String::new() };
                (self.formats.money(money), note)
            }
            Margin::NoCost => (String::from("–"), self.layout.t("margins-needs-cost")),
            Margin::NoRate => (String::from("–"), self.layout.t("margins-needs-rate")),
        };
        HostLine {
            name: host.name.clone().unwrap_or_else(|| self.layout.t("margins-gone")),
            url: urls::staff_host(host.host),
            cost: self.amounts(&host.cost.amounts),
            cost_note: match (host.cost.amounts.is_empty(), days) {
                (true, _) => self.layout.t("margins-no-cost"),
                (false, 0) => String::new(),
                (false, days) => self.layout.t1("margins-days-unknown", "days", days),
            },
            cpu: self.of(self.formats.decimal(host.used_cores, 2), self.formats.decimal(host.reserved_cores, 2)),
            memory: self.of(self.bytes(host.used_bytes), self.bytes(host.reserved_bytes)),
            environments: host.environments,
            revenue: self.amounts(&host.revenue),
            margin,
            margin_note,
        }
    }

    fn of(&self, used: String, reserved: String) -> String {
        self.layout.t2("margins-used-of", "used", used, "reserved", reserved)
    }

    fn bytes(&self, bytes: Decimal) -> String {
        self.formats.bytes(bytes.trunc().try_into().unwrap_or(0))
    }

    fn rate(&self, rate: &RateEntry) -> String {
        let value = self.formats.decimal(rate.mad_per_eur, 6);
        self.layout.t2("margins-rate-said", "rate", value, "by", &rate.by)
    }

    fn cost(&self, entry: &CostEntry) -> CostLine {
        CostLine {
            name: entry.name.clone(),
            from: self.formats.calendar_day(entry.cost.from_on),
            amount: self.formats.money(entry.cost.monthly),
            by: entry.by.clone(),
            at: self.formats.spoken(entry.entered_at, self.layout.now),
            at_iso: self.formats.iso(entry.entered_at),
        }
    }

    fn rate_line(&self, entry: &RateEntry) -> RateLine {
        RateLine {
            month: self.formats.month(entry.month),
            rate: self.formats.decimal(entry.mad_per_eur, 6),
            by: entry.by.clone(),
            at: self.formats.spoken(entry.entered_at, self.layout.now),
            at_iso: self.formats.iso(entry.entered_at),
        }
    }
}
