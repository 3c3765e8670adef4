//! `/staff/instances`: every customer's instances, and everything about one of them.

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;

use super::accounts::{ListQuery, neighbours};
use super::containers::{Containers, CountSlip};
use super::rows::{AuditLine, InstanceLine, PlacementLine, TroubleLine, audit_of, cut, formats, status_words};
use crate::base::ids::EnvironmentId;
use crate::environments::{Status, maintenance, scaling};
use crate::hosts;
use crate::portal::Portal;
use crate::staff::directory::{self, InstanceFilter};
use crate::staff::limits;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/instances.html")]
struct InstancesPage {
    layout: Layout,
    text: String,
    /// Code, word, whether it is chosen.
    statuses: Vec<(&'static str, String, bool)>,
    lines: Vec<InstanceLine>,
    newer: String,
    older: String,
}

/// Lists instances.
pub async fn list(portal: Data<Portal>, staff: Staff, query: Query<ListQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let filter = InstanceFilter { text: query.q.clone(), status: query.status.clone(), account: None };
    let rows = directory::instances(&mut db, &filter, i64::from(query.page)).await?;
    let (rows, has_more) = cut(rows, directory::PAGE);
    let layout = staff.layout;
    let (newer, older) = neighbours(&urls::staff_instances(), &query, has_more);
    answer::page(&InstancesPage {
        text: query.q.clone(),
        // What is ordered is being made as well, in one word.
        statuses: Status::ALL
            .iter()
            .filter(|status| **status != Status::Ordered)
            .map(|status| (status.code(), status_words(&layout, status.code()).1, status.code() == query.status))
            .collect(),
        lines: rows.iter().map(|row| InstanceLine::new(&layout, row)).collect(),
        newer,
        older,
        layout,
    })
}

#[derive(Template)]
#[template(path = "pages/staff/instance.html")]
struct InstancePage {
    layout: Layout,
    line: InstanceLine,
    id: String,
    usage_url: String,
    address: String,
    wanted: String,
    wake_url: String,
    /// Since when it sleeps, in a sentence; empty when it does not.
    asleep: String,
    /// Since when visitors read that it is worked on; empty when they reach it.
    maintenance: String,
    reason: String,
    purge: String,
    host: String,
    shortage: String,
    action: String,
    because: String,
    problem: Option<String>,
    limit_url: String,
    /// Requests in a second, as set or typed.
    limit: String,
    limit_problem: Option<String>,
    /// Requests that were turned away lately.
    limited: String,
    busy: String,
    containers: Containers,
    troubles: Vec<TroubleLine>,
    placements: Vec<PlacementLine>,
    audit: Vec<AuditLine>,
}

/// What was wrong in a form of the page.
#[derive(Debug)]
pub enum Slip {
    /// There was no reason for a suspension.
    Reason,
    /// This is no limit.
    Limit(String),
    /// This number of containers cannot be had, or there was no reason for it.
    Count(CountSlip),
}

/// Shows one instance.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<EnvironmentId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Shows one instance, with what was wrong in a form.
pub async fn show(portal: &Portal, layout: Layout, id: EnvironmentId, slip: Option<Slip>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let row = directory::instance(&mut db, id).await?.ok_or(PageError::NotFound)?;
    let is_again = slip.is_some();
    let problem = matches!(slip, Some(Slip::Reason)).then(|| layout.t("staff-reason-needed"));
    let traffic = limits::traffic(&mut db, id, layout.now).await?;
    let standing = scaling::find_of_any_account(&mut db, id).await?.ok_or(PageError::NotFound)?;
    let places = hosts::places_of(&mut db, id).await?;
    let set = traffic.requests_per_second.map(|limit| limit.to_string()).unwrap_or_default();
    let (limit, limit_problem, count_slip) = match slip {
        Some(Slip::Limit(typed)) => (typed, Some(layout.t("staff-limit-bad")), None),
        Some(Slip::Count(slip)) => (set, None, Some(slip)),
        _ => (set, None, None),
    };
    let page = InstancePage {
        line: InstanceLine::new(&layout, &row),
        id: id.to_string(),
        usage_url: urls::staff_usage_of("", "", None, Some(id)),
        address: row.subdomain.as_deref().map(|name| portal.public.instance_url(name)).unwrap_or_default(),
        wanted: layout.t(format!("staff-wanted-{}", row.wanted)),
        wake_url: urls::staff_wake(id),
        asleep: if row.status == Status::Asleep.code() {
            layout.t1("staff-asleep-text", "when", formats(&layout).spoken(row.status_since, layout.now))
        } else {
            String::new()
        },
        maintenance: maintenance::begun_at(&mut db, id)
            .await?
            .map(|at| formats(&layout).date_time(at))
            .unwrap_or_default(),
        reason: row
            .status_reason
            .as_ref()
            .and_then(|reason| reason.get("key").and_then(serde_json::Value::as_str).map(str::to_owned))
            .map(|key| layout.t(key))
            .unwrap_or_default(),
        purge: row.purge_after.map(|at| formats(&layout).date_time(at)).unwrap_or_default(),
        host: places.hosts.join(" · "),
        shortage: places.shortage.unwrap_or_default(),
        action: urls::staff_instance(id),
        because: row.suspended_because.clone().unwrap_or_default(),
        problem,
        limit_url: urls::staff_limit(id),
        limit,
        limit_problem,
        limited: formats(&layout).number(traffic.limited),
        busy: formats(&layout).number(traffic.busy),
        containers: Containers::new(&layout, &standing, count_slip),
        troubles: hosts::troubles::of(&mut db, id, layout.now)
            .await?
            .iter()
            .map(|row| TroubleLine::new(&layout, row))
            .collect(),
        placements: hosts::placements_of(&mut db, id)
            .await?
            .iter()
            .map(|row| PlacementLine::new(&layout, row))
            .collect(),
        audit: audit_of(&mut db, &layout, None, Some(id)).await?,
        layout,
    };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}
