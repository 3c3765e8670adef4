//! `/staff/hosts/{host}`: everything about one machine, and what can be done with it.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::problem;
use crate::base::ids::HostId;
use crate::hosts::checks::Check;
use crate::hosts::probes::{Proof, Verdict};
use crate::hosts::steering::{self, HostError};
use crate::hosts::{self, HostState, Wanted};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::{HostLine, LeftLine, PlacementLine, TroubleLine, formats};
use crate::web::urls;

/// A form that asks for a reason.
#[derive(Debug, serde::Deserialize)]
pub struct ReasonForm {
    /// The reason.
    pub reason: String,
}

/// What was found in one place.
struct Finding {
    /// The shape of the verdict, and its word.
    badge: &'static str,
    verdict: String,
    what: String,
    seen: String,
    remedy: String,
}

impl Finding {
    fn new(layout: &Layout, check: &Check) -> Self {
        let subject = check.subject.as_str();
        let remedy = if check.is_good { String::new() } else { layout.t(format!("staff-check-remedy-{subject}")) };
        let (badge, verdict) = match (check.is_good, check.is_advice) {
            (true, _) => ("running", "staff-check-good"),
            (false, false) => ("failed", "staff-check-bad"),
            (false, true) => ("warning", "staff-probe-weak"),
        };
        Self {
            badge,
            verdict: layout.t(verdict),
            what: layout.t(format!("staff-check-{subject}")),
            seen: check.seen.clone(),
            remedy,
        }
    }

    /// What was tried from inside a container.
    fn of_proof(layout: &Layout, proof: &Proof) -> Self {
        let subject = proof.subject.as_str();
        let (badge, verdict) = match proof.verdict {
            Verdict::Good => ("running", "staff-check-good"),
            Verdict::Bad => ("failed", "staff-check-bad"),
            Verdict::Weak => ("warning", "staff-probe-weak"),
            Verdict::Untried => ("stopped", "staff-probe-untried"),
        };
        let needs_remedy = matches!(proof.verdict, Verdict::Bad | Verdict::Weak);
        Self {
            badge,
            verdict: layout.t(verdict),
            what: layout.t(format!("staff-probe-{subject}")),
            seen: proof.seen.clone(),
            remedy: if needs_remedy { layout.t(format!("staff-probe-remedy-{subject}")) } else { String::new() },
        }
    }
}

#[derive(Template)]
#[template(path = "pages/staff/hosts/show.html")]
struct HostPage {
    layout: Layout,
    line: HostLine,
    address: String,
    endpoint: String,
    node: String,
    checked: String,
    findings: Vec<Finding>,
    /// When it was probed, in words.
    probed: String,
    proofs: Vec<Finding>,
    /// Why the last probe came to nothing.
    probe_failure: String,
    /// Who is still here while it is emptied.
    left: Vec<LeftLine>,
    troubles: Vec<TroubleLine>,
    placements: Vec<PlacementLine>,
    /// Where it is to be reached, in a sentence; empty when that is where it is.
    moving_to: String,
    settings: String,
    cordon: String,
    uncordon: String,
    drain: String,
    cancel: String,
    remove: String,
    can_set: bool,
    can_cordon: bool,
    can_open: bool,
    can_drain: bool,
    can_cancel: bool,
    can_remove: bool,
    reason_problem: Option<String>,
    problem: String,
}

/// Shows the host.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<HostId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Lets it take no new runtimes.
pub async fn cordon(portal: Data<Portal>, staff: Staff, id: Path<HostId>, posted: Posted<ReasonForm>) -> Answer {
    let done = steering::cordon(&portal, &staff.actor(), *id, &posted.form.reason).await;
    answered(&portal, staff.layout, *id, done, "staff-host-cordon-done").await
}

/// Lets it take runtimes again.
pub async fn uncordon(portal: Data<Portal>, staff: Staff, id: Path<HostId>, _posted: Posted<Button>) -> Answer {
    let done = steering::uncordon(&portal, &staff.actor(), *id).await;
    answered(&portal, staff.layout, *id, done, "staff-host-uncordon-done").await
}

/// Takes it out of the Swarm.
pub async fn remove(portal: Data<Portal>, staff: Staff, id: Path<HostId>, _posted: Posted<Button>) -> Answer {
    let done = steering::remove(&portal, &staff.actor(), *id, None).await;
    answered(&portal, staff.layout, *id, done, "staff-host-remove-done").await
}

/// Says what came of an act: on the host's page again.
pub async fn answered(
    portal: &Portal,
    layout: Layout,
    id: HostId,
    done: Result<(), HostError>,
    good: &'static str,
) -> Answer {
    match done {
        Ok(()) => answer::flash(urls::staff_host(id), FlashKind::Good, good),
        Err(HostError::NotFound) => Err(PageError::NotFound),
        Err(HostError::AlreadySo) => answer::flash(urls::staff_host(id), FlashKind::Info, "staff-already-so"),
        Err(error) => show(portal, layout, id, Some(error)).await,
    }
}

async fn show(portal: &Portal, layout: Layout, id: HostId, error: Option<HostError>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let row = directory::hosts(&mut db).await?.into_iter().find(|row| row.id == id).ok_or(PageError::NotFound)?;
    let all = hosts::overview(&mut db).await?;
    let host = &all.find(id).ok_or(PageError::NotFound)?.host;
    let placements = hosts::placements_on(&mut db, id).await?;
    let troubles = hosts::troubles::on(&mut db, id, layout.now).await?;
    let is_left = matches!(host.wanted, Wanted::Empty | Wanted::Gone) || host.state == HostState::Down;
    let left = if is_left { hosts::left_on(&mut db, id).await? } else { Vec::new() };
    let is_again = error.is_some();
    let is_reason = matches!(error, Some(HostError::ReasonNeeded));
    let text = error.map(|error| problem(&layout, error)).transpose()?;
    let (reason_problem, problem) = if is_reason { (text, String::new()) } else { (None, text.unwrap_or_default()) };
    let is_in = host.state != HostState::Joining && host.wanted != Wanted::Gone;
    let moving_to = host.address_wanted.as_ref().map(|to| layout.t1("staff-host-moving-to", "address", to));
    let page = HostPage {
        line: HostLine::new(&layout, &row),
        address: host.upstream_address.clone(),
        endpoint: host.docker_endpoint.clone(),
        node: host.node.clone(),
        checked: host.checked_at.map(|at| formats(&layout).spoken(at, layout.now)).unwrap_or_default(),
        findings: host.findings.iter().map(|check| Finding::new(&layout, check)).collect(),
        probed: host.probes.made_at.map(|at| formats(&layout).spoken(at, layout.now)).unwrap_or_default(),
        proofs: host.probes.proofs.iter().map(|proof| Finding::of_proof(&layout, proof)).collect(),
        probe_failure: host.probes.failure.clone().unwrap_or_default(),
        left: left.iter().map(|row| LeftLine::new(&layout, row)).collect(),
        troubles: troubles.iter().map(|row| TroubleLine::new(&layout, row)).collect(),
        placements: placements.iter().map(|row| PlacementLine::new(&layout, row)).collect(),
        moving_to: moving_to.unwrap_or_default(),
        settings: urls::staff_host_act(id, "settings"),
        uncordon: urls::staff_host_act(id, "uncordon"),
        drain: urls::staff_host_drain(id),
        cancel: urls::staff_host_act(id, "cancel-drain"),
        remove: urls::staff_host_act(id, "remove"),
        cordon: urls::staff_host_act(id, "cordon"),
        can_set: host.wanted != Wanted::Gone,
        can_cordon: is_in && host.wanted == Wanted::Open,
        // What is to leave and is still there may stay.
        can_open: (is_in && host.wanted != Wanted::Open) || host.wanted == Wanted::Gone,
        can_drain: is_in && host.wanted != Wanted::Empty && host.state != HostState::Down,
        can_cancel: is_in && host.wanted == Wanted::Empty,
        can_remove: host.wanted != Wanted::Gone && !host.is_reached_by_socket(),
        reason_problem,
        problem,
        layout,
    };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}
