//! `/staff/hosts/{host}/settings`: zone, pool, what may be promised, and the address of a machine.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use super::{pools, problem};
use crate::base::ids::HostId;
use crate::hosts::settings::{self, Settings};
use crate::hosts::steering::HostError;
use crate::hosts::{self, Pool};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds, as it was typed.
#[derive(Debug, Default, serde::Deserialize)]
pub struct SettingsForm {
    zone: String,
    pool: String,
    cpu_percent: String,
    memory_kept_mb: String,
    address: String,
}

impl SettingsForm {
    fn parse(&self) -> Result<Settings, HostError> {
        Ok(Settings {
            zone: Some(self.zone.clone()),
            pool: Pool::from_word(&self.pool),
            cpu_percent: Some(self.cpu_percent.trim().parse().map_err(|_| HostError::BadPercent)?),
            memory_kept_mb: Some(self.memory_kept_mb.trim().parse().map_err(|_| HostError::BadMemory)?),
            address: Some(self.address.clone()),
        })
    }
}

#[derive(Template)]
#[template(path = "pages/staff/hosts/edit.html")]
struct EditPage {
    layout: Layout,
    name: String,
    back: String,
    action: String,
    form: SettingsForm,
    /// Code, word, whether it is chosen.
    pools: Vec<(&'static str, String, bool)>,
    zone_problem: Option<String>,
    percent_problem: Option<String>,
    memory_problem: Option<String>,
    address_problem: Option<String>,
}

/// Shows what is set.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<HostId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Sets it.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<HostId>, posted: Posted<SettingsForm>) -> Answer {
    let done = match posted.form.parse() {
        Ok(settings) => settings::set(&portal, &staff.actor(), *id, &settings).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => answer::flash(urls::staff_host(*id), FlashKind::Good, "staff-host-settings-done"),
        Err(HostError::NotFound) => Err(PageError::NotFound),
        Err(HostError::AlreadySo) => answer::flash(urls::staff_host(*id), FlashKind::Info, "staff-already-so"),
        Err(error) => show(&portal, staff.layout, *id, Some((posted.form, error))).await,
    }
}

async fn show(portal: &Portal, layout: Layout, id: HostId, again: Option<(SettingsForm, HostError)>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let all = hosts::overview(&mut db).await?;
    let host = &all.find(id).ok_or(PageError::NotFound)?.host;
    let is_again = again.is_some();
    let (form, error) = match again {
        Some((form, error)) => (form, Some(error)),
        None => (
            SettingsForm {
                zone: host.zone.clone(),
                pool: host.pool.as_str().to_owned(),
                cpu_percent: host.cpu_percent.to_string(),
                memory_kept_mb: host.memory_kept_mb.to_string(),
                address: host.address_wanted.clone().unwrap_or_else(|| host.upstream_address.clone()),
            },
            None,
        ),
    };
    let mut page = EditPage {
        name: host.name.clone(),
        back: urls::staff_host(id),
        action: urls::staff_host_act(id, "settings"),
        pools: pools(&layout, &form.pool),
        form,
        zone_problem: None,
        percent_problem: None,
        memory_problem: None,
        address_problem: None,
        layout,
    };
    if let Some(error) = error {
        let field = match error {
            HostError::BadName => &mut page.zone_problem,
            HostError::BadPercent => &mut page.percent_problem,
            HostError::BadMemory => &mut page.memory_problem,
            _ => &mut page.address_problem,
        };
        *field = Some(problem(&page.layout, error)?);
    }
    if is_again { answer::again(&page) } else { answer::page(&page) }
}
