//! `/staff/hosts`: machines and what is promised on them.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::rows::HostLine;
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;

#[derive(Template)]
#[template(path = "pages/staff/hosts.html")]
struct HostsPage {
    layout: Layout,
    hosts: Vec<HostLine>,
}

/// Shows the hosts.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let rows = directory::hosts(&mut db).await?;
    let layout = staff.layout;
    answer::page(&HostsPage { hosts: rows.iter().map(|row| HostLine::new(&layout, row)).collect(), layout })
}
