//! What machines cost and earned in a month, and what our people say of both.
//!
//! What an environment was charged for a month is divided among the machines on which it had room in it, by the time of all its
//! containers, so that the machines' revenue and what was nowhere add up to what was charged. Months are those of UTC here: at a
//! month's ends an hour of Paris or Casablanca may lie in the other one; the amounts are those of the invoices, before discounts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sqlx::PgConnection;

use super::margin::{self, Amounts, Cost, CostOfMonth, Margin};
use super::store::{self, Stay};
use crate::audit::{self, Actor};
use crate::base::ids::{EnvironmentId, HostId};
use crate::base::money::Money;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// What somebody said that a machine costs.
#[derive(Clone, Debug)]
pub struct CostEntry {
    /// Which machine; it may be gone.
    pub host: HostId,
    /// What it was called then.
    pub name: String,
    /// How much, from when on.
    pub cost: Cost,
    /// Who said so.
    pub by: String,
    /// When.
    pub entered_at: DateTime<Utc>,
}

/// What somebody said that a euro was in a month.
#[derive(Clone, Debug)]
pub struct RateEntry {
    /// The month's first day.
    pub month: NaiveDate,
    /// Dirhams for one euro.
    pub mad_per_eur: Decimal,
    /// Who said so.
    pub by: String,
    /// When.
    pub entered_at: DateTime<Utc>,
}

/// A machine's month.
#[derive(Clone, Debug)]
pub struct HostMonth {
    /// Which machine.
    pub host: HostId,
    /// What it is called; `None` when it is gone and nobody said what it cost.
    pub name: Option<String>,
    /// What it cost.
    pub cost: CostOfMonth,
    /// Cores set aside, on average.
    pub reserved_cores: Decimal,
    /// Cores used, on average.
    pub used_cores: Decimal,
    /// Bytes of memory set aside, on average.
    pub reserved_bytes: Decimal,
    /// Bytes of memory used, on average.
    pub used_bytes: Decimal,
    /// How many environments had room on it.
    pub environments: usize,
    /// What they were charged, by their time on it.
    pub revenue: Amounts,
    /// What is left.
    pub margin: Margin,
}

/// All machines' month.
#[derive(Clone, Debug)]
pub struct Margins {
    /// Its first day.
    pub month: NaiveDate,
    /// By name.
    pub hosts: Vec<HostMonth>,
    /// What environments were charged that had room nowhere: they slept all month, or it was before this was written down.
    pub nowhere: Amounts,
    /// What a euro was.
    pub rate: Option<RateEntry>,
    /// Everything that was said of costs.
    pub costs: Vec<CostEntry>,
}

/// Why something was not written down.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// There is no such machine.
    #[error("there is no such host")]
    NotFound,
    /// A day before 2000 or more than two years ahead.
    #[error("the day cannot be right")]
    BadDay,
    /// A rate is above zero, below a million, with at most six decimals.
    #[error("the rate cannot be right")]
    BadRate,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Returns the machines that are there, by name.
pub async fn names(db: &mut PgConnection) -> anyhow::Result<Vec<(HostId, String)>> {
    store::list_host_names(db).await.context("list the hosts")
}

/// Returns the rates that count, the newest months first.
pub async fn rates(db: &mut PgConnection) -> anyhow::Result<Vec<RateEntry>> {
    store::list_rates(db).await.context("list rates")
}

/// Says what a machine costs from a day on.
pub async fn set_cost(portal: &Portal, by: &StaffMember, host: HostId, cost: Cost) -> Result<(), EntryError> {
    let now = portal.clock.now();
    if cost.from_on.year() < 2000 || cost.from_on > now.date_naive() + chrono::Days::new(731) || cost.monthly.minor < 0
    {
        return Err(EntryError::BadDay);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    let name = store::host_name(&mut tx, host).await.context("find the host")?.ok_or(EntryError::NotFound)?;
    store::add_cost(&mut tx, (host, &name), cost, by.id, now).await.context("write a cost down")?;
    let amount = cost.monthly.exact().to_string();
    let detail =
        serde_json::json!({ "host": name, "from": cost.from_on, "monthly": amount, "currency": cost.monthly.currency });
    let entry = audit::Entry::new("host.cost-set").detail(detail);
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Says what a euro was in a month.
pub async fn set_rate(portal: &Portal, by: &StaffMember, month: NaiveDate, rate: Decimal) -> Result<(), EntryError> {
    let now = portal.clock.now();
    let rate = rate.normalize();
    if rate <= Decimal::ZERO || rate >= Decimal::from(1_000_000) || rate.scale() > 6 {
        return Err(EntryError::BadRate);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    store::add_rate(&mut tx, month, rate, by.id, now).await.context("write a rate down")?;
    let detail = serde_json::json!({ "month": month, "mad_per_eur": rate.to_string() });
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), audit::Entry::new("rate.set").detail(detail), now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Returns what machines cost and earned in the month that begins on a day; of the present one, what is known until now.
pub async fn margins(portal: &Portal, month: NaiveDate, now: DateTime<Utc>) -> anyhow::Result<Margins> {
    let next = super::next_month(month).context("a month has a next one")?;
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let span = (start(month), start(next).min(now).max(start(month)));
    let mut tx = store::snapshot(&portal.db).await.context("begin to read")?;
    let stays = store::list_stays(&mut tx, span).await.context("read who was where")?;
    let revenue = store::list_revenue(&mut tx, start(next)).await.context("read what was charged")?;
    let costs = store::list_costs(&mut tx).await.context("read costs")?;
    let rate = store::list_rates(&mut tx).await.context("read rates")?.into_iter().find(|rate| rate.month == month);
    let names = store::list_host_names(&mut tx).await.context("read the hosts")?;
    let by_environment = placed(&stays);
    let placed: Vec<EnvironmentId> = by_environment.keys().copied().collect();
    let usage = store::list_usage(&mut tx, &placed, span).await.context("read usage")?;
    drop(tx);

    let mut hosts = rows(month, &names, &costs, &stays)?;
    let length = Decimal::from((span.1 - span.0).num_microseconds().unwrap_or(0).max(1));
    for stay in &stays {
        if let Some(host) = hosts.get_mut(&stay.host) {
            host.reserved_cores += stay.cpu / length / Decimal::ONE_THOUSAND;
            host.reserved_bytes += stay.memory / length * Decimal::from(1_048_576);
            host.environments += usize::from(stay.environment.is_some());
        }
    }
    for (environment, (cpu, memory)) in usage {
        let on = by_environment.get(&environment).map(Vec::as_slice).unwrap_or_default();
        for (host, part) in divided(cpu, on).context("usage has no room")? {
            hosts.entry(host).and_modify(|it| it.used_cores += part / length);
        }
        for (host, part) in divided(memory, on).context("usage has no room")? {
            hosts.entry(host).and_modify(|it| it.used_bytes += part / length * Decimal::from(1_000_000));
        }
    }
    let nowhere = earn(&mut hosts, &revenue, &by_environment)?;
    let mut hosts: Vec<HostMonth> = hosts.into_values().collect();
    for host in &mut hosts {
        host.margin = margin::margin(&host.cost, &host.revenue, rate.as_ref().map(|rate| rate.mad_per_eur));
    }
    // A machine that was not there yet, or not any more, has nothing to tell.
    let has_more = |host: &HostMonth| {
        names.iter().any(|(id, _)| *id == host.host) || stays.iter().any(|stay| stay.host == host.host)
    };
    hosts.retain(|host| !host.cost.amounts.is_empty() || has_more(host));
    hosts.sort_by(|one, other| one.name.is_none().cmp(&other.name.is_none()).then(one.name.cmp(&other.name)));
    Ok(Margins { month, hosts, nowhere, rate, costs })
}

/// Every machine that there is or was, with what it cost.
fn rows(
    month: NaiveDate,
    names: &[(HostId, String)],
    costs: &[CostEntry],
    stays: &[Stay],
) -> anyhow::Result<BTreeMap<HostId, HostMonth>> {
    let there = names.iter().map(|(id, _)| *id).chain(costs.iter().map(|entry| entry.host));
    let all: BTreeSet<HostId> = there.chain(stays.iter().map(|stay| stay.host)).collect();
    let row = |host: HostId| {
        let named = names.iter().find(|(id, _)| *id == host).map(|(_, name)| name.clone());
        let said: Vec<&CostEntry> = costs.iter().filter(|entry| entry.host == host).collect();
        let name = named.or_else(|| said.last().map(|entry| entry.name.clone()));
        let entries: Vec<Cost> = said.iter().map(|entry| entry.cost).collect();
        let cost = margin::cost_of_month(&entries, month).context("a cost has no room")?;
        Ok::<_, anyhow::Error>((host, HostMonth::new(host, name, cost)))
    };
    all.into_iter().map(row).collect()
}

/// Divides what environments were charged among the machines that they were on. Returns what is left: of those that were on none.
fn earn(
    hosts: &mut BTreeMap<HostId, HostMonth>,
    revenue: &[(EnvironmentId, Money)],
    by_environment: &BTreeMap<EnvironmentId, Vec<(HostId, i128)>>,
) -> anyhow::Result<Amounts> {
    let mut nowhere = Amounts::new();
    for (environment, net) in revenue {
        let on = by_environment.get(environment).map(Vec::as_slice).unwrap_or_default();
        if on.is_empty() {
            add(&mut nowhere, *net);
        }
        for (host, part) in divided(Decimal::from(net.minor), on).context("an amount has no room")? {
            let minor = part.to_i64().context("an amount has no room")?;
            hosts.entry(host).and_modify(|it| add(&mut it.revenue, Money::new(minor, net.currency)));
        }
    }
    Ok(nowhere)
}

impl HostMonth {
    fn new(host: HostId, name: Option<String>, cost: CostOfMonth) -> Self {
        Self {
            host,
            name,
            cost,
            reserved_cores: Decimal::ZERO,
            used_cores: Decimal::ZERO,
            reserved_bytes: Decimal::ZERO,
            used_bytes: Decimal::ZERO,
            environments: 0,
            revenue: Amounts::new(),
            margin: Margin::NoCost,
        }
    }
}

fn add(amounts: &mut Amounts, money: Money) {
    let sum = amounts.entry(money.currency).or_insert(Money::new(0, money.currency));
    sum.minor = sum.minor.saturating_add(money.minor);
}

/// On which machines each environment had room, and for how many microseconds, in a fixed order.
fn placed(stays: &[Stay]) -> BTreeMap<EnvironmentId, Vec<(HostId, i128)>> {
    let mut found: BTreeMap<EnvironmentId, Vec<(HostId, i128)>> = BTreeMap::new();
    for stay in stays {
        let micros = stay.micros.to_i128().unwrap_or(0);
        if let Some(environment) = stay.environment.filter(|_| micros > 0) {
            found.entry(environment).or_default().push((stay.host, micros));
        }
    }
    for hosts in found.values_mut() {
        hosts.sort_unstable();
    }
    found
}

/// Divides a whole number among machines by time. Nothing where there is no machine.
fn divided(whole: Decimal, stays: &[(HostId, i128)]) -> Option<Vec<(HostId, Decimal)>> {
    if stays.is_empty() {
        return Some(Vec::new());
    }
    let weights: Vec<i128> = stays.iter().map(|(_, micros)| *micros).collect();
    let parts = margin::shares(whole.trunc().to_i128()?, &weights)?;
    stays
        .iter()
        .zip(parts)
        .map(|((host, _), part)| Some((*host, Decimal::try_from_i128_with_scale(part, 0).ok()?)))
        .collect()
}
