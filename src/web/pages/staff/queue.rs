//! `/staff/queue`: what is stuck, since when, why, and a way to hurry it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use uuid::Uuid;

use super::rows::formats;
use crate::base::ids::JobId;
use crate::portal::Portal;
use crate::staff::work_queue::{self, JobRow, TurnRow};
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/queue.html")]
struct QueuePage {
    layout: Layout,
    turns: Vec<TurnLine>,
    jobs: Vec<JobLine>,
}

struct TurnLine {
    url: String,
    name: String,
    task: String,
    subject: String,
    since: String,
    attempts: i32,
    next: String,
    error: String,
}

struct JobLine {
    id: String,
    kind: String,
    badge: &'static str,
    state: String,
    is_failed: bool,
    since: String,
    attempts: i32,
    next: String,
    error: String,
}

/// Shows the queue.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let turns = work_queue::turns(&mut db).await?;
    let jobs = work_queue::jobs(&mut db).await?;
    let layout = staff.layout;
    answer::page(&QueuePage {
        turns: turns.iter().map(|row| turn_line(&layout, row)).collect(),
        jobs: jobs.iter().map(|row| job_line(&layout, row)).collect(),
        layout,
    })
}

fn turn_line(layout: &Layout, row: &TurnRow) -> TurnLine {
    let formats = formats(layout);
    TurnLine {
        url: row.environment.map(urls::staff_instance).unwrap_or_default(),
        name: row.environment_name.clone().unwrap_or_else(|| row.subject.to_string()),
        task: row.task.clone(),
        subject: row.subject.to_string(),
        since: row.unsettled_at.map(|at| formats.spoken(at, layout.now)).unwrap_or_default(),
        attempts: row.attempts,
        next: if row.is_leased { layout.t("staff-queue-working") } else { formats.spoken(row.due_at, layout.now) },
        error: row.last_error.clone().unwrap_or_default(),
    }
}

fn job_line(layout: &Layout, row: &JobRow) -> JobLine {
    let formats = formats(layout);
    let is_failed = row.state == "failed";
    JobLine {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        badge: if is_failed { "failed" } else { "working" },
        state: layout.t(if is_failed { "staff-queue-failed" } else { "staff-queue-due" }),
        is_failed,
        since: formats.spoken(row.created_at, layout.now),
        attempts: row.attempts,
        next: if is_failed { String::new() } else { formats.spoken(row.due_at, layout.now) },
        error: row.last_error.clone().unwrap_or_default(),
    }
}

/// Which turn to hurry.
#[derive(Debug, serde::Deserialize)]
pub struct TurnForm {
    task: String,
    subject: Uuid,
}

/// Makes a turn due now.
pub async fn retry_turn(portal: Data<Portal>, staff: Staff, posted: Posted<TurnForm>) -> Answer {
    let is_found = work_queue::retry_turn(&portal, &staff.member, &posted.form.task, posted.form.subject).await?;
    told(is_found)
}

/// Gives a failed job another round.
pub async fn retry_job(portal: Data<Portal>, staff: Staff, id: Path<JobId>, _posted: Posted<Button>) -> Answer {
    told(work_queue::retry_job(&portal, &staff.member, *id).await?)
}

fn told(is_found: bool) -> Answer {
    let (kind, key) =
        if is_found { (FlashKind::Good, "staff-queue-retried") } else { (FlashKind::Info, "staff-queue-gone") };
    answer::flash(urls::staff_queue(), kind, key)
}
