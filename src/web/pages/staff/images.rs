//! `/staff/images`: images, who is behind, and rollouts.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::rows::{formats, status_words};
use crate::audit::Actor;
use crate::base::ids::{EnvironmentId, RolloutId};
use crate::i18n::format::When;
use crate::portal::Portal;
use crate::staff::images::{self, Behind, ImageRow, RolloutRow, Which};
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/images.html")]
struct ImagesPage {
    layout: Layout,
    images: Vec<ImageLine>,
    behind: Vec<BehindLine>,
    rollouts: Vec<RolloutLine>,
    start_url: String,
}

struct ImageLine {
    reference: String,
    digest: String,
    version: String,
    is_current: bool,
    since: When,
    environments: i64,
}

struct BehindLine {
    id: String,
    url: String,
    name: String,
    account: String,
    account_url: String,
    badge: &'static str,
    status: String,
    digest: String,
    update: String,
    failure: String,
    is_free: bool,
}

struct RolloutLine {
    digest: String,
    badge: &'static str,
    state: String,
    by: String,
    since: When,
    progress: String,
    failed: i64,
    stop_url: String,
    resume_url: String,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let images = images::list(&mut db).await?;
    let behind = images::behind(&mut db).await?;
    let rollouts = images::rollouts(&mut db).await?;
    let layout = staff.layout;
    answer::page(&ImagesPage {
        images: images.iter().map(|row| image_line(&layout, row)).collect(),
        behind: behind.iter().map(|row| behind_line(&layout, row)).collect(),
        rollouts: rollouts.iter().map(|row| rollout_line(&layout, row)).collect(),
        start_url: urls::staff_rollouts(),
        layout,
    })
}

fn image_line(layout: &Layout, row: &ImageRow) -> ImageLine {
    ImageLine {
        reference: row.reference.clone(),
        digest: images::short(&row.digest).to_owned(),
        version: row.odoo_version.clone(),
        is_current: row.is_current,
        since: formats(layout).when(row.created_at, layout.now),
        environments: row.environments,
    }
}

fn behind_line(layout: &Layout, row: &Behind) -> BehindLine {
    let (badge, status) = status_words(layout, &row.status);
    BehindLine {
        id: row.id.to_string(),
        url: urls::staff_instance(row.id),
        name: row.name.clone(),
        account: row.account_name.clone(),
        account_url: urls::staff_account(row.account),
        badge,
        status,
        digest: images::short(&row.digest).to_owned(),
        update: row.update.as_ref().map(|state| layout.t(format!("staff-update-{state}"))).unwrap_or_default(),
        failure: row.failure.as_ref().map(|key| layout.t(key)).unwrap_or_default(),
        is_free: row.update.is_none(),
    }
}

fn rollout_line(layout: &Layout, row: &RolloutRow) -> RolloutLine {
    RolloutLine {
        digest: images::short(&row.digest).to_owned(),
        badge: match row.state.as_str() {
            "running" => "working",
            "paused" => "warning",
            "done" => "running",
            _ => "stopped",
        },
        state: layout.t(format!("staff-rollout-{}", row.state)),
        by: row.started_by.clone(),
        since: formats(layout).when(row.started_at, layout.now),
        progress: layout.t2("staff-rollout-progress", "done", row.done, "total", row.total),
        failed: row.failed,
        stop_url: if matches!(row.state.as_str(), "running" | "paused") {
            urls::staff_rollout(row.id, "stop")
        } else {
            String::new()
        },
        resume_url: if row.state == "paused" { urls::staff_rollout(row.id, "resume") } else { String::new() },
    }
}

/// Which environments, and how many at once.
#[derive(Debug, serde::Deserialize)]
#[serde(default)]
pub struct RolloutForm {
    which: String,
    environments: Vec<EnvironmentId>,
    at_once: i32,
}

impl Default for RolloutForm {
    fn default() -> Self {
        Self { which: String::new(), environments: Vec::new(), at_once: 2 }
    }
}

/// Begins to move environments to the present image.
pub async fn start(portal: Data<Portal>, staff: Staff, posted: Posted<RolloutForm>) -> Answer {
    let form = posted.form;
    let which = if form.which == "all" { Which::All } else { Which::Some(form.environments) };
    if which == Which::Some(Vec::new()) {
        return answer::flash(urls::staff_images(), FlashKind::Bad, "staff-images-none-chosen");
    }
    let begun = images::begin(&portal, &actor(&staff), &staff.member.name, &which, form.at_once).await?;
    if begun.is_empty() {
        answer::flash(urls::staff_images(), FlashKind::Info, "staff-images-nothing-to-do")
    } else {
        answer::flash(urls::staff_images(), FlashKind::Good, "staff-images-started")
    }
}

/// Stops a rollout.
pub async fn stop(portal: Data<Portal>, staff: Staff, id: Path<RolloutId>, _: Posted<Button>) -> Answer {
    told(images::stop(&portal, &actor(&staff), *id).await?, "staff-rollout-stopped-now")
}

/// Lets a rollout go on.
pub async fn resume(portal: Data<Portal>, staff: Staff, id: Path<RolloutId>, _: Posted<Button>) -> Answer {
    told(images::resume(&portal, &actor(&staff), *id).await?, "staff-rollout-resumed-now")
}

fn actor(staff: &Staff) -> Actor {
    Actor::staff(staff.member.id, &staff.member.name)
}

fn told(is_done: bool, key: &str) -> Answer {
    let (kind, key) = if is_done { (FlashKind::Good, key) } else { (FlashKind::Info, "staff-already-so") };
    answer::flash(urls::staff_images(), kind, key)
}
