//! `/staff/plans`: the catalogue. Versions are drafted and published, never changed; plans are moved in the list.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::rows::formats;
use crate::audit;
use crate::base::ids::{PlanId, PlanVersionId};
use crate::plans::catalogue::{self, CatalogueError, Direction, Refusal};
use crate::plans::{Plan, Version};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/plans.html")]
struct PlansPage {
    layout: Layout,
    new_url: String,
    plans: Vec<PlanLine>,
}

struct PlanLine {
    code: String,
    name: String,
    summary: String,
    is_offered: bool,
    draft_url: String,
    words_url: String,
    move_url: String,
    /// What the buttons say; empty where there is nothing beyond the plan.
    up: String,
    down: String,
    versions: Vec<VersionLine>,
}

struct VersionLine {
    number: i32,
    badge: &'static str,
    state: String,
    prices: String,
    limits: String,
    since: String,
    /// Where to publish it; empty for one that is published.
    publish_url: String,
}

/// Shows every plan with every version.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let plans = catalogue::everything(&mut db).await?;
    let layout = staff.layout;
    let mut lines: Vec<_> = plans.iter().map(|(plan, versions)| plan_line(&layout, plan, versions)).collect();
    if let Some(first) = lines.first_mut() {
        first.up.clear();
    }
    if let Some(last) = lines.last_mut() {
        last.down.clear();
    }
    answer::page(&PlansPage { layout, new_url: urls::staff_plan_new(), plans: lines })
}

fn plan_line(layout: &Layout, plan: &Plan, versions: &[Version]) -> PlanLine {
    let name = plan.names.of(layout.locale);
    PlanLine {
        move_url: urls::staff_plan_move(plan.id),
        up: layout.t1("staff-plans-move-up", "plan", name),
        down: layout.t1("staff-plans-move-down", "plan", name),
        code: plan.code.clone(),
        name: name.to_owned(),
        summary: plan.summaries.of(layout.locale).to_owned(),
        is_offered: plan.is_offered,
        draft_url: urls::staff_plan_draft(plan.id),
        words_url: urls::staff_plan_words(plan.id),
        versions: versions.iter().map(|version| version_line(layout, version)).collect(),
    }
}

fn version_line(layout: &Layout, version: &Version) -> VersionLine {
    let formats = formats(layout);
    let prices: Vec<_> = version.prices.iter().map(|price| formats.money(*price)).collect();
    let mebibytes = |mb: i32| formats.mebibytes(u32::try_from(mb).unwrap_or(0));
    let resources = &version.resources;
    let cores = formats.decimal(Decimal::new(i64::from(resources.cpu_millis), 3), 2);
    VersionLine {
        number: version.number,
        badge: if version.published_at.is_some() { "running" } else { "neutral" },
        state: layout.t(if version.published_at.is_some() { "staff-plans-published" } else { "staff-plans-draft" }),
        prices: prices.join(" · "),
        limits: format!("{cores} CPU · {} · {}", mebibytes(resources.memory_mb), mebibytes(resources.storage_mb)),
        since: version.published_at.map(|at| formats.date(at)).unwrap_or_default(),
        publish_url: if version.published_at.is_none() { urls::staff_plan_publish(version.id) } else { String::new() },
    }
}

/// Returns a plan with its newest version, if it has one.
pub(super) async fn find(db: &mut PgConnection, id: PlanId) -> Result<(Plan, Option<Version>), PageError> {
    let everything = catalogue::everything(db).await?;
    let found = everything.into_iter().find(|(plan, _)| plan.id == id);
    found.map(|(plan, versions)| (plan, versions.into_iter().next())).ok_or(PageError::NotFound)
}

/// Publishes a draft: new orders use it from now on.
pub async fn publish(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, _posted: Posted<Button>) -> Answer {
    let mut tx = portal.db.begin().await.context("begin")?;
    let number = match catalogue::publish(&mut tx, *id, staff.layout.now).await {
        Ok(number) => number,
        Err(CatalogueError::Refused(Refusal::AlreadyPublished)) => {
            return answer::flash(urls::staff_plans(), FlashKind::Info, "staff-plans-published-already");
        }
        Err(error) => return Err(failed(error)),
    };
    let detail = serde_json::json!({ "version": *id, "number": number });
    let entry = audit::Entry::new("plan.published").detail(detail);
    audit::record(&mut tx, &staff.actor(), entry, staff.layout.now).await?;
    crate::db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    let said = "staff-plans-published-done";
    answer::flash_with(urls::staff_plans(), FlashKind::Good, said, ("number", &number.to_string()))
}

/// Where to.
#[derive(Debug, serde::Deserialize)]
pub struct MoveForm {
    to: String,
}

/// Moves a plan by one place in the list that customers see.
pub async fn shift(portal: Data<Portal>, staff: Staff, id: Path<PlanId>, posted: Posted<MoveForm>) -> Answer {
    let direction = match posted.form.to.as_str() {
        "up" => Direction::Up,
        "down" => Direction::Down,
        _ => return Err(PageError::BadForm),
    };
    let mut tx = portal.db.begin().await.context("begin")?;
    if !catalogue::shift(&mut tx, *id, direction).await.map_err(failed)? {
        return answer::flash(urls::staff_plans(), FlashKind::Info, "staff-already-so");
    }
    let detail = serde_json::json!({ "plan": *id, "to": posted.form.to });
    audit::record(&mut tx, &staff.actor(), audit::Entry::new("plan.moved").detail(detail), staff.layout.now).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-moved-done")
}

pub(super) fn failed(error: CatalogueError) -> PageError {
    match error {
        CatalogueError::Refused(_) => PageError::NotFound,
        CatalogueError::Failed(cause) => cause.into(),
    }
}
