//! `/staff/sandboxes/new`: an invented customer.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use chrono::NaiveDate;

use super::country;
use crate::base::ids::PlanVersionId;
use crate::billing::transfers::statement;
use crate::plans;
use crate::portal::Portal;
use crate::sandboxes::rule::{Pays, Usage};
use crate::sandboxes::{self, COUNTRIES, MakeError, Server, Wish};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct NewForm {
    name: String,
    country: String,
    plan: String,
    plan2: String,
    plan3: String,
    usage: String,
    pays: String,
    trial: String,
    budget: String,
    starts: String,
}

impl NewForm {
    fn first(layout: &Layout) -> Self {
        let text = str::to_owned;
        Self {
            country: text("FR"),
            usage: Usage::Shop.word().to_owned(),
            pays: Pays::InTime.word().to_owned(),
            trial: text("1"),
            starts: layout.now.date_naive().to_string(),
            ..Self::default()
        }
    }

    /// Reads the fields; what is wrong with them becomes problems.
    fn parsed(&self, layout: &Layout, problems: &mut Problems) -> Wish {
        let chosen = [&self.plan, &self.plan2, &self.plan3].into_iter().filter(|it| !it.is_empty());
        let plans: Result<Vec<PlanVersionId>, _> = chosen.map(|it| it.parse::<PlanVersionId>()).collect();
        let plans = plans.unwrap_or_else(|_| {
            problems.add("plan", layout.t("sandboxes-bad-plans"));
            Vec::new()
        });
        let starts_on = statement::date(&self.starts).unwrap_or_else(|| {
            problems.add("starts", layout.t("sandboxes-bad-start"));
            NaiveDate::default()
        });
        let budget = self.budget.trim();
        let budget_minor = if budget.is_empty() { None } else { statement::minor(budget) };
        if !budget.is_empty() && budget_minor.is_none() {
            problems.add("budget", layout.t("sandboxes-bad-budget"));
        }
        let usage = Usage::from_word(&self.usage).unwrap_or_else(|| {
            problems.add("usage", layout.t("sandboxes-bad-choice"));
            Usage::Idle
        });
        let pays = Pays::from_word(&self.pays).unwrap_or_else(|| {
            problems.add("pays", layout.t("sandboxes-bad-choice"));
            Pays::Never
        });
        Wish {
            name: self.name.clone(),
            country: self.country.clone(),
            plans,
            usage,
            pays,
            has_trial: !self.trial.is_empty(),
            budget_minor,
            starts_on,
        }
    }
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let form = NewForm::first(&staff.layout);
    answer::page(&page(&portal, staff.layout, form, Problems::default()).await?)
}

/// Makes one.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<NewForm>) -> Answer {
    let (form, layout, mut problems) = (posted.form, staff.layout.clone(), Problems::default());
    let wish = form.parsed(&layout, &mut problems);
    if problems.is_empty() {
        let (field, key) = match sandboxes::make(&portal, &staff.member, &wish).await {
            Ok(id) => return answer::flash(urls::staff_sandbox(id), FlashKind::Good, "sandboxes-made"),
            Err(MakeError::NotSetUp) => ("name", "sandboxes-missing"),
            Err(MakeError::TooMany) => ("name", "sandboxes-full"),
            Err(MakeError::BadName) => ("name", "sandboxes-bad-name"),
            Err(MakeError::BadCountry) => ("country", "sandboxes-bad-choice"),
            Err(MakeError::BadPlans) => ("plan", "sandboxes-bad-plans"),
            Err(MakeError::BadStart) => ("starts", "sandboxes-bad-start"),
            Err(MakeError::BadBudget) => ("budget", "sandboxes-bad-budget"),
            Err(MakeError::NoSeller) => ("country", "sandboxes-no-seller"),
            Err(MakeError::Failed(cause)) => return Err(PageError::Failed(cause)),
        };
        problems.add(field, layout.t(key));
    }
    answer::again(&page(&portal, layout, form, problems).await?)
}

/// Value, name, and whether it is chosen.
type Choice = (String, String, bool);

#[derive(Template)]
#[template(path = "pages/staff/sandboxes/new.html")]
struct NewPage {
    layout: Layout,
    form: NewForm,
    problems: Problems,
    list_url: String,
    url: String,
    is_set_up: bool,
    countries: Vec<Choice>,
    plans: [Vec<Choice>; 3],
    usages: Vec<Choice>,
    payers: Vec<Choice>,
}

async fn page(portal: &Portal, layout: Layout, form: NewForm, problems: Problems) -> Result<NewPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let everything = plans::catalogue::everything(&mut db).await?;
    let is_set_up = sandboxes::server(&mut db).await? != Server::Missing;
    drop(db);
    let mut versions = Vec::new();
    for (plan, all) in &everything {
        for version in all.iter().filter(|version| version.published_at.is_some()) {
            let name = layout.t2("sandboxes-plan", "plan", plan.names.of(layout.locale), "version", version.number);
            versions.push((version.id.to_string(), name));
        }
    }
    let first = versions.first().map(|(id, _)| id.clone()).unwrap_or_default();
    let of = |chosen: &str| {
        let choice = |(id, name): &(String, String)| (id.clone(), name.clone(), id == chosen);
        versions.iter().map(choice).collect::<Vec<_>>()
    };
    let plan = if form.plan.is_empty() { &first } else { &form.plan };
    Ok(NewPage {
        list_url: urls::staff_sandboxes(),
        url: urls::staff_sandbox_new(),
        is_set_up,
        countries: COUNTRIES.map(|code| (code.to_owned(), layout.t(country(code)), code == form.country)).into(),
        plans: [of(plan), of(&form.plan2), of(&form.plan3)],
        usages: Usage::ALL.map(|it| (it.word().to_owned(), layout.t(usage(it)), it.word() == form.usage)).into(),
        payers: Pays::ALL.map(|it| (it.word().to_owned(), layout.t(payer(it)), it.word() == form.pays)).into(),
        form,
        problems,
        layout,
    })
}

/// Returns the key of how much is used.
pub(super) fn usage(usage: Usage) -> &'static str {
    match usage {
        Usage::Idle => "sandboxes-usage-idle",
        Usage::Shop => "sandboxes-usage-shop",
        Usage::Busy => "sandboxes-usage-busy",
    }
}

/// Returns the key of how it pays.
pub(super) fn payer(pays: Pays) -> &'static str {
    match pays {
        Pays::InTime => "sandboxes-pays-in-time",
        Pays::Late => "sandboxes-pays-late",
        Pays::Never => "sandboxes-pays-never",
        Pays::Card => "sandboxes-pays-card",
        Pays::Declined => "sandboxes-pays-declined",
    }
}
