//! `/instances/{id}/what-if`: what last month would have cost on each plan that is sold.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{find, forbidden_or_missing, formats, id};
use crate::accounts::policy::{self, Action};
use crate::base::ids::{EnvironmentId, PlanVersionId};
use crate::base::money::Money;
use crate::billing::rating::account::{self, Compared, Month};
use crate::billing::{run, sellers};
use crate::environments::orders;
use crate::i18n::format::Formats;
use crate::plans::{self, Offer};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::pages::meters::Meters;
use crate::web::urls;

/// The last month that is closed, and what an instance cost in it on each plan.
pub(super) struct LastMonth {
    days: String,
    compared: Compared,
    micros: i128,
}

impl LastMonth {
    /// Reads it; `None` when no month is closed yet, or the instance was not there in it.
    pub(super) async fn read(
        db: &mut PgConnection,
        member: &Member,
        environment: EnvironmentId,
        offers: &[Offer],
    ) -> anyhow::Result<Option<Self>> {
        let Some(period) = run::last_closed(db, member.account).await? else { return Ok(None) };
        let versions: Vec<PlanVersionId> = offers.iter().map(|offer| offer.version.id).collect();
        let month = Month { account: member.account, currency: period.whose.currency, period: period.span, only: None };
        let Some(compared) = account::compare(db, month, environment, &versions).await? else { return Ok(None) };
        let seller = sellers::list(db).await?.into_iter().find(|seller| seller.id == period.whose.seller);
        let zone = seller.map_or(chrono_tz::UTC, |seller| seller.zone);
        let formats = Formats::new(member.layout.locale, zone.name());
        let last = period.span.until - TimeDelta::microseconds(1);
        let days =
            member.layout.t2("billing-days", "from", formats.date(period.span.from), "until", formats.date(last));
        Ok(Some(Self { days, compared, micros: period.span.micros() }))
    }

    /// Says of one plan what it would have cost, and how much that is more or less.
    pub(super) fn sentence(&self, layout: &Layout, version: PlanVersionId) -> Option<String> {
        let parts = self.compared.would_be.get(&version)?;
        let total = formats(layout).money(parts.total);
        let difference = difference(layout, self.compared.was.total, parts.total);
        Some(layout.t2("what-if-card", "total", total, "difference", difference))
    }
}

/// How much more or less one amount is than another, in words.
fn difference(layout: &Layout, was: Money, would_be: Money) -> String {
    let formats = formats(layout);
    let minor = would_be.minor.saturating_sub(was.minor);
    let amount = formats.money(Money::new(minor.saturating_abs(), was.currency));
    match minor {
        0 => layout.t("what-if-same"),
        1.. => layout.t1("what-if-more", "amount", amount),
        _ => layout.t1("what-if-less", "amount", amount),
    }
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::SeeCosts) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let environment = find(&portal, &member, environment).await?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let currency = orders::terms(&mut db, member.account).await?.currency;
    let offers = plans::offered(&mut db, currency, member.layout.now).await?;
    let last = LastMonth::read(&mut db, &member, environment.id, &offers).await?;
    drop(db);
    let layout = &member.layout;
    let formats = formats(layout);
    let months = last.map(|last| {
        let money = |amount| formats.money(amount);
        let was = last.compared.was;
        let rows = offers.iter().filter_map(|offer| {
            let parts = last.compared.would_be.get(&offer.version.id)?;
            Some(Row {
                plan: offer.plan.names.of(layout.locale).to_owned(),
                is_current: offer.version.id == environment.plan_version,
                monthly: formats.price(offer.monthly.exact(), offer.monthly.currency),
                base: money(parts.base),
                beyond: money(parts.beyond),
                total: money(parts.total),
                difference: difference(layout, was.total, parts.total),
            })
        });
        MonthPart {
            rows: rows.collect(),
            base: money(was.base),
            beyond: money(was.beyond),
            total: money(was.total),
            notes: notes(layout, &last),
            days: last.days.clone(),
        }
    });
    answer::page(&WhatIfPage {
        meters: Meters::of_offers(layout, formats, &offers, currency),
        name: environment.name.clone(),
        may_change: policy::may(member.role, Action::ChangePlan),
        month: months,
        plan_url: urls::change_plan(environment.id),
        list_url: urls::instances(),
        instance_url: urls::instance(environment.id),
        layout: member.layout.clone(),
    })
}

/// What the numbers leave out.
fn notes(layout: &Layout, last: &LastMonth) -> Vec<String> {
    let mut notes = Vec::new();
    if last.compared.micros < last.micros {
        // Whole hundredths, rounded down: never said to be there for longer than it was.
        let percent = formats(layout).number(last.compared.micros * 100 / last.micros.max(1));
        notes.push(layout.t1("what-if-part", "percent", percent));
    }
    if last.compared.versions > 1 {
        notes.push(layout.t("what-if-several"));
    }
    if last.compared.had_trial {
        notes.push(layout.t("what-if-trial"));
    }
    notes.push(layout.t("what-if-usage"));
    notes.push(layout.t("what-if-before-vat"));
    notes
}

struct Row {
    plan: String,
    is_current: bool,
    monthly: String,
    base: String,
    beyond: String,
    total: String,
    difference: String,
}

struct MonthPart {
    days: String,
    rows: Vec<Row>,
    base: String,
    beyond: String,
    total: String,
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "pages/instances/what_if.html")]
struct WhatIfPage {
    layout: Layout,
    name: String,
    month: Option<MonthPart>,
    meters: Meters,
    may_change: bool,
    plan_url: String,
    list_url: String,
    instance_url: String,
}
