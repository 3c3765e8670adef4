//! `/account/billing`: what the month has cost so far, what it will cost, and what is open.

use std::collections::BTreeMap;

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::methods::expiry_note;
use super::{Tab, coupons, day, days, exact, formats, quantity, raw_per_unit, tabs, this_month, today, unit_of};
use crate::accounts::policy::Action;
use crate::base::ids::{EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::billing::lookup::{self, Names};
use crate::billing::lots;
use crate::billing::payments::{self, OpenInvoice};
use crate::billing::profiles;
use crate::billing::rating::account;
use crate::billing::rating::{Charge, Rated, What};
use crate::billing::{budgets, discounts, self_audit};
use crate::i18n::format::{Formats, When};
use crate::payments::methods;
use crate::plans::Meter;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let layout = &member.layout;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (month, zone, seller) = this_month(&mut db, &member).await?;
    let (currency, span) = (month.currency, month.period);
    let cost = discounts::cost(&mut db, month, layout.now).await?;
    let (so_far, net) = (cost.rated, cost.so_far);
    let names = lookup::names(&mut db, member.account, so_far.charges.iter()).await?;
    let trial = account::trial(&mut db, member.account).await?.filter(|trial| layout.now < trial.until);
    let open = payments::open_invoices(&mut db, member.account).await?;
    let credit = lots::usable(&mut db, member.account, currency, layout.now).await?;
    let profile = profiles::find(&mut db, member.account).await?;
    let cards = methods::list(&mut db, member.account).await?;
    let budget = budgets::find(&mut db, member.account).await?;
    let looked = self_audit::newest_of(&mut db, member.account).await?.filter(|report| report.looked_at() > 0);
    drop(db);

    let formats = formats(layout);
    let instances = instances(layout, formats, &so_far, &names, currency);
    let told: i64 = told(&so_far).map(|charge| charge.net.minor).sum();
    let is_trying = trial.is_some();
    let budget = budget.filter(|budget| budget.amount.currency == currency).map(|budget| {
        let percent = formats.number(budgets::rule::percent(budget.amount, net));
        (formats.money(budget.amount), layout.t1("billing-budget-detail", "percent", percent))
    });
    answer::page(&OverviewPage {
        tabs: tabs(layout, &urls::billing()),
        month: days(layout, zone.name(), span),
        as_of: exact(formats, layout.now),
        total: formats.money(net),
        forecast: formats.money(cost.forecast),
        // Its last day where our company is: months are counted there.
        until: Formats::new(layout.locale, zone.name()).date(span.until - TimeDelta::seconds(1)),
        trial: trial.map(|trial| TrialNote {
            until: exact(formats, trial.until),
            text: layout.t2(
                "billing-trial-text",
                "until",
                formats.date_time(trial.until),
                "amount",
                formats.money(Money::new(told, currency)),
            ),
        }),
        has_trial_lines: is_trying || told > 0,
        discounts: cost
            .taken
            .iter()
            .map(|it| (coupons::words(layout, formats, &it.code, it.off), formats.money(it.amount)))
            .collect(),
        open: open_note(layout, formats, &open, today(seller.as_ref(), layout)),
        budget,
        credit: (credit.minor > 0).then(|| formats.money(credit)),
        card_note: expiry_note(&cards, layout),
        looked: looked.map(|report| {
            let key = if report.wrong() == 0 { "self-audit-sentence-right" } else { "self-audit-sentence-wrong" };
            let (count, on) = (formats.number(report.looked_at()), formats.date(report.ended_at));
            layout.t2(key, "count", count, "date", on)
        }),
        needs_address: !profile.is_complete(),
        may_manage: super::may_manage(&member),
        instances,
        layout: member.layout.clone(),
    })
}

/// What is only told: it would be paid, if it were not in the trial.
fn told(rated: &Rated) -> impl Iterator<Item = &Charge> {
    rated.charges.iter().filter(|charge| charge.item.is_trial)
}

fn open_note(layout: &Layout, formats: Formats, open: &[OpenInvoice], today: chrono::NaiveDate) -> Option<OpenNote> {
    let first = open.iter().min_by_key(|invoice| invoice.due_on)?;
    let sum = Money::new(open.iter().map(|invoice| invoice.open.minor).sum(), first.open.currency);
    let is_overdue = first.due_on < today;
    let key = if is_overdue { "billing-open-overdue" } else { "billing-open-due" };
    Some(OpenNote {
        sum: formats.money(sum),
        is_overdue,
        detail: layout.t2(key, "count", open.len(), "date", day(layout, first.due_on)),
        url: if let [only] = open { urls::billing_invoice(only.id) } else { urls::billing_invoices() },
    })
}

/// Everything of the month by instance: the dearest first.
fn instances(layout: &Layout, formats: Formats, rated: &Rated, names: &Names, currency: Currency) -> Vec<Instance> {
    let mut by_instance: BTreeMap<EnvironmentId, Vec<&Charge>> = BTreeMap::new();
    for charge in &rated.charges {
        by_instance.entry(charge.item.environment).or_default().push(charge);
    }
    let mut instances: Vec<(i64, Instance)> = by_instance
        .into_iter()
        .map(|(id, charges)| {
            let minor = charges.iter().filter(|charge| charge.is_billable()).map(|charge| charge.net.minor).sum();
            let known = names.environments.get(&id);
            let shown = Instance {
                name: known.map_or_else(|| layout.t("billing-instance-gone"), |(name, _)| name.clone()),
                url: known.filter(|(_, is_there)| *is_there).map(|_| urls::instance(id)),
                amount: formats.money(Money::new(minor, currency)),
                lines: lines(layout, formats, &charges, names),
            };
            (minor, shown)
        })
        .collect();
    instances.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.name.cmp(&other.1.name)));
    instances.into_iter().map(|(_, instance)| instance).collect()
}

/// Which lines of an instance stand together: those of one meter on one plan version, in the trial or not.
type Together = (PlanVersionId, bool, Option<Meter>);

/// The lines of an instance: base prices, and each meter with what was used, what of it is included, and what goes beyond.
fn lines(layout: &Layout, formats: Formats, charges: &[&Charge], names: &Names) -> Vec<CostLine> {
    let mut groups: Vec<(Together, Vec<&Charge>)> = Vec::new();
    for charge in charges {
        let key = (charge.item.plan_version, charge.item.is_trial, charge.what.meter());
        match groups.last_mut() {
            Some((last, group)) if *last == key => group.push(charge),
            _ => groups.push((key, vec![charge])),
        }
    }
    groups
        .iter()
        .map(|((plan, is_trial, meter), group)| {
            let plan = names.plans.get(plan).map(|names| names.of(layout.locale)).unwrap_or_default();
            let currency = group[0].net.currency;
            let net = group.iter().map(|charge| charge.net.minor).sum();
            let price = |charge: &Charge| formats.price(charge.unit_price, charge.net.currency);
            let beyond: Vec<&&Charge> = group.iter().filter(|charge| matches!(charge.what, What::Beyond(..))).collect();
            let line = CostLine {
                title: String::new(),
                used: String::new(),
                included: String::new(),
                beyond: String::new(),
                price: String::new(),
                amount: formats.money(Money::new(net, currency)),
                is_trial: *is_trial,
            };
            let Some(meter) = meter else {
                return CostLine {
                    title: layout.t1("billing-line-base", "plan", plan),
                    price: price(group[0]),
                    ..line
                };
            };
            let write = |value: Decimal| quantity(layout, formats, value, unit_of(*meter));
            let included: Decimal = group
                .iter()
                .filter(|charge| matches!(charge.what, What::Included(_)))
                .map(|charge| charge.quantity)
                .sum();
            let used = group.iter().map(|charge| charge.used_raw).max().unwrap_or_default();
            let used = Decimal::try_from_i128_with_scale(used, 0).unwrap_or_default() / raw_per_unit(*meter);
            let prices: Vec<String> = beyond.iter().map(|charge| price(charge)).collect();
            CostLine {
                title: layout.t(format!("public-meter-{}", meter.code())),
                used: write(used),
                included: write(included),
                beyond: write(beyond.iter().map(|charge| charge.quantity).sum()),
                price: prices.join(" · "),
                ..line
            }
        })
        .collect()
}

struct TrialNote {
    until: When,
    text: String,
}

struct OpenNote {
    sum: String,
    detail: String,
    is_overdue: bool,
    url: String,
}

struct Instance {
    name: String,
    url: Option<String>,
    amount: String,
    lines: Vec<CostLine>,
}

struct CostLine {
    title: String,
    used: String,
    included: String,
    beyond: String,
    price: String,
    amount: String,
    is_trial: bool,
}

#[derive(Template)]
#[template(path = "pages/billing/overview.html")]
struct OverviewPage {
    layout: Layout,
    tabs: Vec<Tab>,
    month: String,
    as_of: When,
    total: String,
    forecast: String,
    until: String,
    trial: Option<TrialNote>,
    has_trial_lines: bool,
    /// What is taken off: because of what, and how much.
    discounts: Vec<(String, String)>,
    open: Option<OpenNote>,
    /// The budget, and how much of it is used.
    budget: Option<(String, String)>,
    credit: Option<String>,
    card_note: Option<String>,
    looked: Option<String>,
    needs_address: bool,
    may_manage: bool,
    instances: Vec<Instance>,
}
