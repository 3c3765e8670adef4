//! `/staff/hosts/{host}/drain`: who would move where and how long it would take; then does it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::problem;
use super::show::{ReasonForm, answered};
use crate::base::ids::HostId;
use crate::hosts;
use crate::hosts::steering::{self, HostError};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

/// Who moves where.
struct MoveLine {
    url: String,
    name: String,
    account: String,
    memory: String,
    /// The host's name; empty when there is none with room.
    to: String,
    why_not: String,
}

#[derive(Template)]
#[template(path = "pages/staff/hosts/drain.html")]
struct DrainPage {
    layout: Layout,
    name: String,
    back: String,
    action: String,
    moves: Vec<MoveLine>,
    words: String,
    refusal: String,
    reason_problem: Option<String>,
}

/// Shows what would happen.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<HostId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Begins it.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<HostId>, posted: Posted<ReasonForm>) -> Answer {
    match steering::drain(&portal, &staff.actor(), *id, &posted.form.reason).await {
        Ok(()) => answer::flash(urls::staff_host(*id), FlashKind::Good, "staff-host-drain-done"),
        Err(HostError::NotFound) => Err(PageError::NotFound),
        Err(error) => show(&portal, staff.layout, *id, Some(error)).await,
    }
}

/// Ends it: what is on its way arrives, the rest stays.
pub async fn cancel(portal: Data<Portal>, staff: Staff, id: Path<HostId>, _posted: Posted<Button>) -> Answer {
    let done = steering::cancel_drain(&portal, &staff.actor(), *id).await;
    answered(&portal, staff.layout, *id, done, "staff-host-cancel-done").await
}

async fn show(portal: &Portal, layout: Layout, id: HostId, error: Option<HostError>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let all = hosts::overview(&mut db).await?;
    let name = all.find(id).ok_or(PageError::NotFound)?.host.name.clone();
    let preview = steering::preview(&mut db, id).await?;
    let formats = formats(&layout);
    let homeless = preview.homeless();
    let is_again = error.is_some();
    let is_reason = matches!(error, Some(HostError::ReasonNeeded));
    let text = error.map(|error| problem(&layout, error)).transpose()?;
    let refusal = match (&text, homeless) {
        (Some(text), _) if !is_reason => text.clone(),
        (_, 0) => String::new(),
        _ => layout.t1("staff-host-no-room", "count", homeless),
    };
    let moves = preview
        .moves
        .iter()
        .map(|one| MoveLine {
            url: one.resident.environment.map(urls::staff_instance).unwrap_or_default(),
            name: one.resident.name.clone(),
            account: one.resident.account.clone(),
            memory: formats.mebibytes(u32::try_from(one.resident.need.memory_mb).unwrap_or(0)),
            to: one.to.as_ref().map(|to| all.name_of(*to).to_owned()).unwrap_or_default(),
            why_not: one.to.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        })
        .collect();
    let page = DrainPage {
        name,
        back: urls::staff_host(id),
        action: urls::staff_host_drain(id),
        words: layout.t2("staff-drain-words", "count", preview.moves.len(), "seconds", preview.seconds),
        moves,
        refusal,
        reason_problem: text.filter(|_| is_reason),
        layout,
    };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}
