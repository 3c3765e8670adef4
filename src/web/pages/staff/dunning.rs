//! `/staff/dunning`: who has not paid, what was done about it, what comes next, and more time for somebody.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::rows::formats;
use crate::base::ids::AccountId;
use crate::billing::dunning::{self, Debtor, DelayError, Standing};
use crate::billing::transfers::statement;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct DelayForm {
    account: String,
    until: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "pages/staff/dunning.html")]
struct DunningPage {
    layout: Layout,
    post_url: String,
    lines: Vec<DebtorLine>,
    form: DelayForm,
    problems: Problems,
}

struct DebtorLine {
    id: String,
    url: String,
    name: String,
    amount: String,
    number: String,
    due: String,
    badge: &'static str,
    step: String,
    next: String,
    delay: String,
}

/// Lists them.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    answer::page(&page(&portal, staff.layout, DelayForm::default(), Problems::default()).await?)
}

/// Gives one of them more time.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<DelayForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout.clone());
    let account: AccountId = form.account.parse().map_err(|_| PageError::BadForm)?;
    let done = match statement::date(&form.until) {
        Some(until) => dunning::delay(&portal, &staff.member, account, until, &form.reason).await,
        None => Err(DelayError::BadDay),
    };
    let (field, key) = match done {
        Ok(()) => return answer::flash(urls::staff_dunning(), FlashKind::Good, "dunning-delay-done"),
        Err(DelayError::NotFound) => return Err(PageError::NotFound),
        Err(DelayError::Failed(cause)) => return Err(PageError::Failed(cause)),
        Err(DelayError::BadDay) => ("until", "dunning-delay-bad-day"),
        Err(DelayError::ReasonNeeded) => ("reason", "transfers-reason-needed"),
    };
    let mut problems = Problems::default();
    problems.add(field, layout.t(key));
    answer::again(&page(&portal, layout, form, problems).await?)
}

async fn page(portal: &Portal, layout: Layout, form: DelayForm, problems: Problems) -> Result<DunningPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let debtors = dunning::debtors(&mut db, layout.now).await?;
    let lines = debtors.iter().filter_map(|debtor| Some(line(&layout, debtor, debtor.standing.as_ref()?))).collect();
    Ok(DunningPage { post_url: urls::staff_dunning(), lines, form, problems, layout })
}

fn line(layout: &Layout, debtor: &Debtor, standing: &Standing) -> DebtorLine {
    let formats = formats(layout);
    let next = standing.coming.first().map(|(step, on)| {
        let (what, date) = (layout.t(step.key()), formats.calendar_day(*on));
        layout.t2("dunning-next", "date", date, "what", what)
    });
    let delay = standing.delayed_until.map(|until| {
        let by = format!("{}: {}", debtor.delay_by, debtor.delay_reason);
        layout.t2("dunning-delayed", "date", formats.calendar_day(until), "by", by)
    });
    let is_restricted = standing.step.is_some_and(dunning::rule::Step::restricts) && standing.delayed_until.is_none();
    DebtorLine {
        id: debtor.account.to_string(),
        url: urls::staff_account(debtor.account),
        name: debtor.name.clone(),
        amount: formats.money(standing.overdue),
        number: if standing.number.is_empty() { layout.t("dunning-no-number") } else { standing.number.clone() },
        due: formats.calendar_day(standing.due_on),
        badge: if is_restricted { "stopped" } else { "warning" },
        step: standing.step.map_or_else(|| layout.t("dunning-step-none"), |step| layout.t(step.key())),
        next: next.unwrap_or_else(|| layout.t("dunning-nothing-next")),
        delay: delay.unwrap_or_default(),
    }
}
