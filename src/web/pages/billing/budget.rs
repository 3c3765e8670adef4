//! `/account/billing/budget`: what a month may cost, who is told on the way there, and what rests when it is reached.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{Tab, days, exact, formats, may_manage, tabs, terms, this_month};
use crate::accounts::policy::Action;
use crate::base::money::{Currency, Money};
use crate::billing::budgets::rule::{self, Level};
use crate::billing::budgets::{self, Alert, Budget, BudgetError};
use crate::billing::discounts;
use crate::billing::transfers::statement;
use crate::i18n::format::When;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BudgetForm {
    amount: String,
    is_cap: String,
    caps_production: String,
}

impl BudgetForm {
    fn of(budget: &Budget) -> Self {
        let tick = |is_on: bool| if is_on { "yes".to_owned() } else { String::new() };
        Self {
            amount: budget.amount.exact().normalize().to_string(),
            is_cap: tick(budget.is_cap),
            caps_production: tick(budget.caps_production),
        }
    }

    /// Reads the fields; `None` when the amount is none.
    fn parsed(&self, currency: Currency) -> Option<Budget> {
        let minor = statement::minor(&self.amount)?;
        if !(budgets::LEAST..=budgets::MOST).contains(&minor) {
            return None;
        }
        let is_cap = !self.is_cap.is_empty();
        // Production alone never rests: what is less dear to people rests first.
        let caps_production = is_cap && !self.caps_production.is_empty();
        Some(Budget { amount: Money::new(minor, currency), is_cap, caps_production })
    }
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    answer::page(&BudgetPage::read(&portal, &member, None, Problems::default()).await?)
}

/// Sets the budget, or says why not.
pub async fn post(portal: Data<Portal>, member: Member, posted: Posted<BudgetForm>) -> Answer {
    member.require(Action::ManageBilling)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (currency, _) = terms(&mut db, member.account).await?;
    drop(db);
    let mut problems = Problems::default();
    if let Some(budget) = posted.form.parsed(currency) {
        match budgets::set(&portal, &member.actor(), member.account, Some(budget)).await {
            Ok(()) => return answer::flash(urls::billing_budget(), FlashKind::Good, "budget-saved"),
            Err(BudgetError::BadAmount | BudgetError::OtherCurrency) => {}
            Err(BudgetError::Failed(cause)) => return Err(PageError::Failed(cause)),
        }
    }
    problems.add("amount", member.layout.t("budget-bad-amount"));
    answer::again(&BudgetPage::read(&portal, &member, Some(posted.form), problems).await?)
}

/// Takes the budget away: what rests because of it is given back.
pub async fn remove(portal: Data<Portal>, member: Member, _: Posted<Button>) -> Answer {
    member.require(Action::ManageBilling)?;
    match budgets::set(&portal, &member.actor(), member.account, None).await {
        Ok(()) => answer::flash(urls::billing_budget(), FlashKind::Good, "budget-removed"),
        Err(error) => Err(PageError::Failed(error.into())),
    }
}

struct AlertLine {
    when: When,
    text: String,
    so_far: String,
}

#[derive(Template)]
#[template(path = "pages/billing/budget.html")]
struct BudgetPage {
    layout: Layout,
    tabs: Vec<Tab>,
    month: String,
    total: String,
    forecast: String,
    as_of: String,
    /// What is used of it: the words, and the hundredths for the bar.
    used: Option<(String, String)>,
    rests: Option<String>,
    alerts: Vec<AlertLine>,
    typed: BudgetForm,
    currency: String,
    is_set: bool,
    may_change: bool,
    problems: Problems,
}

impl BudgetPage {
    async fn read(
        portal: &Portal,
        member: &Member,
        typed: Option<BudgetForm>,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let layout = &member.layout;
        let formats = formats(layout);
        let mut db = portal.db.acquire().await.context("acquire a connection")?;
        let (month, zone, _) = this_month(&mut db, member).await?;
        let cost = discounts::cost(&mut db, month, layout.now).await?;
        let budget = budgets::find(&mut db, member.account).await?;
        let alerts = budgets::alerts(&mut db, member.account, month.period.from).await?;
        let rests_since = budgets::rests_since(&mut db, member.account).await?;
        drop(db);
        let used = budget.filter(|budget| budget.amount.currency == month.currency).map(|budget| {
            let percent = rule::percent(budget.amount, cost.so_far);
            let budget = formats.money(budget.amount);
            (layout.t2("budget-used", "percent", formats.number(percent), "budget", budget), percent.to_string())
        });
        let line = |alert: &Alert| {
            let budget = formats.money(alert.amount);
            let text = match alert.level {
                Level::Forecast => layout.t1("budget-alert-forecast", "budget", budget),
                Level::Cap | Level::CapAll => layout.t1("budget-alert-cap", "budget", budget),
                level => {
                    let percent = formats.number(level.percent().unwrap_or_default());
                    layout.t2("budget-alert-used", "percent", percent, "budget", budget)
                }
            };
            AlertLine { when: exact(formats, alert.at), text, so_far: formats.money(alert.so_far) }
        };
        Ok(Self {
            tabs: tabs(layout, &urls::billing_budget()),
            month: days(layout, zone.name(), month.period),
            total: formats.money(cost.so_far),
            forecast: formats.money(cost.forecast),
            as_of: layout.t1("billing-as-of", "when", formats.date_time(layout.now)),
            used,
            rests: rests_since.map(|since| {
                let until = formats.date_time(month.period.until);
                layout.t2("budget-rests-text", "since", formats.date_time(since), "until", until)
            }),
            alerts: alerts.iter().map(line).collect(),
            typed: typed.or_else(|| budget.as_ref().map(BudgetForm::of)).unwrap_or_default(),
            currency: month.currency.code().to_owned(),
            is_set: budget.is_some(),
            may_change: may_manage(member),
            problems,
            layout: layout.clone(),
        })
    }
}
