//! `/staff`: how things are, in one look. Also makes links for new colleagues.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::hosts::silence;
use super::rows::{HostLine, InstanceLine, formats};
use crate::portal::Portal;
use crate::staff::directory::{self, InstanceFilter};
use crate::staff::invitations;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/home.html")]
struct HomePage {
    layout: Layout,
    invitation: Option<String>,
    running: String,
    of_total: String,
    accounts: String,
    new_accounts: String,
    is_failing: bool,
    failing: String,
    failing_detail: String,
    spares: String,
    suspended: String,
    failed_jobs: String,
    hosts: Vec<HostLine>,
    instances: Vec<InstanceLine>,
    /// Since when the manager takes no orders; empty when it does.
    silent: String,
}

/// Shows the overview.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    show(&portal, staff.layout, None).await
}

/// Makes a link for a colleague and shows it once.
pub async fn invite(portal: Data<Portal>, staff: Staff, _posted: Posted<Button>) -> Answer {
    let token = invitations::invite(&portal, &staff.member).await?;
    let link = format!("{}{}", portal.public.portal_url, urls::staff_join(token.expose()));
    show(&portal, staff.layout, Some(link)).await
}

async fn show(portal: &Portal, layout: Layout, invitation: Option<String>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let now = directory::overview(&mut db, layout.now).await?;
    let hosts = directory::hosts(&mut db).await?;
    let mut latest = directory::instances(&mut db, &InstanceFilter::default(), 0).await?;
    latest.truncate(8);
    let silent = silence(&layout, &mut db).await?;
    let formats = formats(&layout);
    answer::page(&HomePage {
        invitation,
        running: formats.number(now.running),
        of_total: layout.t1("staff-home-of", "total", formats.number(now.environments)),
        accounts: formats.number(now.accounts),
        new_accounts: layout.t1("staff-home-new", "count", now.new_accounts),
        is_failing: now.failing > 0,
        failing: formats.number(now.failing),
        failing_detail: layout.t(if now.failing > 0 { "staff-home-failing-look" } else { "staff-home-failing-none" }),
        spares: formats.number(now.spares),
        silent,
        suspended: formats.number(now.suspended),
        failed_jobs: formats.number(now.failed_jobs),
        hosts: hosts.iter().map(|row| HostLine::new(&layout, row)).collect(),
        instances: latest.iter().map(|row| InstanceLine::new(&layout, row)).collect(),
        layout,
    })
}
