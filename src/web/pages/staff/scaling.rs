//! `/staff/instances/{environment}/scaling`: the rule of a customer's instance, as the customer sees it, and staff's form.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::rows::formats;
use crate::base::ids::EnvironmentId;
use crate::environments::orders;
use crate::environments::scaling::{self as rules, Refusal};
use crate::plans;
use crate::portal::Portal;
use crate::staff::directory;
use crate::staff::scaling::{self, StaffScalingError};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::instances::scaling::{RuleForm, refuse, spent};
use crate::web::urls;

/// What is typed: the customer's form, and a reason.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StaffRuleForm {
    #[serde(flatten)]
    rule: RuleForm,
    why: String,
}

/// Shows the rule.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<EnvironmentId>) -> Answer {
    let page = StaffScalingPage::read(&portal, staff.layout, *id, None, Problems::default()).await?;
    answer::page(&page)
}

/// Sets the rule, or says why not.
pub async fn post(
    portal: Data<Portal>,
    staff: Staff,
    id: Path<EnvironmentId>,
    posted: Posted<StaffRuleForm>,
) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let standing = rules::find_of_any_account(&mut db, *id).await?.ok_or(PageError::NotFound)?;
    let currency = orders::terms(&mut db, standing.account).await?.currency;
    drop(db);
    let StaffRuleForm { rule: form, why } = posted.form;
    let (layout, mut problems) = (staff.layout, Problems::default());
    let wish = form.parse(&layout, currency, &mut problems);
    if problems.is_empty() {
        match scaling::set_rule(&portal, &staff.member, *id, &wish, &why).await {
            Ok(()) => return answer::flash(urls::staff_instance(*id), FlashKind::Good, "staff-scaling-rule-done"),
            Err(StaffScalingError::NotFound) => return Err(PageError::NotFound),
            Err(StaffScalingError::Failed(cause)) => return Err(cause.into()),
            Err(StaffScalingError::ReasonNeeded) => problems.add("why", layout.t("staff-reason-needed")),
            Err(StaffScalingError::Refused(Refusal::BeingDeleted)) => {
                return answer::flash(urls::staff_instance(*id), FlashKind::Bad, "instances-refused-deleting");
            }
            Err(StaffScalingError::Refused(refusal)) => refuse(&layout, refusal, &wish, &mut problems),
        }
    }
    answer::again(&StaffScalingPage::read(&portal, layout, *id, Some((form, why)), problems).await?)
}

#[derive(Template)]
#[template(path = "pages/staff/scaling.html")]
struct StaffScalingPage {
    layout: Layout,
    name: String,
    badge: &'static str,
    word: String,
    now: String,
    /// What the rule added this month, and of how much.
    spent: String,
    /// The plan allows one container only.
    is_pointless: bool,
    form: RuleForm,
    why: String,
    problems: Problems,
    currency: String,
    most: String,
    instance_url: String,
    this_url: String,
}

impl StaffScalingPage {
    async fn read(
        portal: &Portal,
        layout: Layout,
        id: EnvironmentId,
        typed: Option<(RuleForm, String)>,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let mut db = portal.db.acquire().await.context("reach the control database")?;
        let row = directory::instance(&mut db, id).await?.ok_or(PageError::NotFound)?;
        let standing = rules::find_of_any_account(&mut db, id).await?.ok_or(PageError::NotFound)?;
        let currency = orders::terms(&mut db, standing.account).await?.currency;
        let plan = plans::version(&mut db, standing.plan_version).await?;
        drop(db);
        let formats = formats(&layout);
        let rule = standing.rule_or_usual();
        let version = plan.as_ref().map(|(_, version)| version);
        let (badge, word) = if rule.is_on { ("running", "scaling-on") } else { ("neutral", "scaling-off") };
        let (form, why) = typed.unwrap_or_else(|| (RuleForm::of(&rule, standing.most), String::new()));
        Ok(Self {
            name: row.name,
            badge,
            word: layout.t(word),
            now: layout.t1("scaling-wanted", "count", standing.replicas),
            spent: spent(&layout, formats, &standing, (version, currency)).unwrap_or_default(),
            is_pointless: standing.most < 2,
            form,
            why,
            problems,
            currency: currency.code().to_owned(),
            most: layout.t1("staff-scaling-rule-most", "most", formats.number(standing.most)),
            instance_url: urls::staff_instance(id),
            this_url: urls::staff_scaling(id),
            layout,
        })
    }
}
