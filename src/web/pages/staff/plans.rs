//! `/staff/plans`: the catalogue. Versions are drafted and published, never changed; plans are moved in the list.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::rows::formats;
use crate::audit;
use crate::base::ids::PlanId;
use crate::plans::catalogue::{self, CatalogueError, Direction};
use crate::plans::{Plan, Stage, Version};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
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
    /// Its page: what it says, whom it would mean something for, and how to publish it.
    url: String,
    is_draft: bool,
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
    let (badge, state) = stage(layout, version);
    VersionLine {
        number: version.number,
        badge,
        state,
        prices: prices.join(" · "),
        limits: format!("{cores} CPU · {} · {}", mebibytes(resources.memory_mb), mebibytes(resources.storage_mb)),
        since: version.valid_from.map(|at| formats.date(at)).unwrap_or_default(),
        url: urls::staff_plan_publish(version.id),
        is_draft: version.published_at.is_none(),
    }
}

/// How far a version is: a badge and its words.
pub(super) fn stage(layout: &Layout, version: &Version) -> (&'static str, String) {
    match version.stage(layout.now) {
        Stage::Draft => ("neutral", layout.t("staff-plans-draft")),
        Stage::Scheduled => ("working", layout.t("staff-plans-scheduled")),
        Stage::Valid => ("running", layout.t("staff-plans-published")),
        Stage::Withdrawn => ("neutral", layout.t("staff-plans-withdrawn")),
    }
}

/// Returns a plan with its newest version, if it has one.
pub(super) async fn find(db: &mut PgConnection, id: PlanId) -> Result<(Plan, Option<Version>), PageError> {
    let everything = catalogue::everything(db).await?;
    let found = everything.into_iter().find(|(plan, _)| plan.id == id);
    found.map(|(plan, versions)| (plan, versions.into_iter().next())).ok_or(PageError::NotFound)
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
