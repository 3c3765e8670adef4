//! `/staff/hosts/{host}/drain`: who would move where and how long it would take; then does it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::problem;
use super::show::answered;
use crate::base::ids::HostId;
use crate::hosts::preview::{Move, Outcome};
use crate::hosts::steering::{self, Consent, HostError};
use crate::hosts::{self, Overview};
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
    /// What is less then, or that there is no room; empty when all is as before.
    note: String,
    /// Whether that is bad, and not only less.
    is_bad: bool,
    why_not: String,
}

/// The form: why, and whether it is known that some have fewer containers then.
#[derive(Debug, serde::Deserialize)]
pub struct DrainForm {
    reason: String,
    #[serde(default)]
    fewer: String,
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
    /// How many run in fewer containers, or in two on one machine, in a sentence; empty when none does.
    lessened: String,
    reason_problem: Option<String>,
}

impl MoveLine {
    fn new(layout: &Layout, all: &Overview, one: &Move) -> Self {
        let note = match one.to {
            Outcome::Moves(_) => String::new(),
            Outcome::Joins(_) => layout.t("staff-drain-joins"),
            Outcome::Fewer(_) => layout.t("staff-drain-fewer"),
            Outcome::Homeless(_) => layout.t("staff-drain-nowhere"),
        };
        Self {
            url: one.resident.environment.map(urls::staff_instance).unwrap_or_default(),
            name: one.resident.name.clone(),
            account: one.resident.account.clone(),
            memory: formats(layout).mebibytes(u32::try_from(one.resident.need.memory_mb).unwrap_or(0)),
            to: one.to.host().map(|to| all.name_of(to).to_owned()).unwrap_or_default(),
            note,
            is_bad: one.to.is_homeless(),
            why_not: one.to.why_not().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Shows what would happen.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<HostId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Begins it.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<HostId>, posted: Posted<DrainForm>) -> Answer {
    let DrainForm { reason, fewer } = &posted.form;
    let consent = if fewer == "yes" { Consent::ToFewer } else { Consent::None };
    match steering::drain(&portal, &staff.actor(), *id, reason, consent).await {
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
    let homeless = preview.homeless();
    let is_again = error.is_some();
    let is_reason = matches!(error, Some(HostError::ReasonNeeded));
    let text = error.map(|error| problem(&layout, error)).transpose()?;
    let refusal = match (&text, homeless) {
        (Some(text), _) if !is_reason => text.clone(),
        (_, 0) => String::new(),
        _ => layout.t1("staff-host-no-room", "count", homeless),
    };
    let lessened = match preview.lessened() {
        0 => String::new(),
        count => layout.t1("staff-host-lessened", "count", count),
    };
    let moves = preview.moves.iter().map(|one| MoveLine::new(&layout, &all, one)).collect();
    let page = DrainPage {
        name,
        back: urls::staff_host(id),
        action: urls::staff_host_drain(id),
        words: layout.t2("staff-drain-words", "count", preview.moves.len(), "seconds", preview.seconds),
        moves,
        refusal,
        lessened,
        reason_problem: text.filter(|_| is_reason),
        layout,
    };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}
