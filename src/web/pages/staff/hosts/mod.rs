//! `/staff/hosts`: machines, what is promised on them, and what the loss of one would leave.

pub mod add;
pub mod drain;
pub mod edit;
pub mod show;

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::rows::{HostLine, TroubleLine, formats};
use crate::hosts::steering::HostError;
use crate::hosts::{self, Pool, preview::Headroom};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/hosts.html")]
struct HostsPage {
    layout: Layout,
    add: String,
    hosts: Vec<HostLine>,
    /// What the loss of one would leave, in a sentence; empty with fewer than two.
    headroom: String,
    /// How it is meant.
    headroom_kind: &'static str,
    /// Since when the manager takes no orders; empty when it does.
    silent: String,
    /// Who waits for room.
    waiting: Vec<TroubleLine>,
}

/// Shows the hosts.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let rows = directory::hosts(&mut db).await?;
    let headroom = hosts::overview(&mut db).await?.headroom();
    let layout = staff.layout;
    let silent = silence(&layout, &mut db).await?;
    let waiting = hosts::troubles::without_room(&mut db, layout.now).await?;
    let (headroom_kind, headroom) = headroom.map(|found| sentence(&layout, &found)).unwrap_or_default();
    answer::page(&HostsPage {
        add: urls::staff_host_new(),
        hosts: rows.iter().map(|row| HostLine::new(&layout, row)).collect(),
        headroom,
        headroom_kind,
        silent,
        waiting: waiting.iter().map(|row| TroubleLine::new(&layout, row)).collect(),
        layout,
    })
}

/// Says since when the manager takes no orders; nothing when it does.
pub async fn silence(layout: &Layout, db: &mut sqlx::PgConnection) -> anyhow::Result<String> {
    let since = hosts::silent_since(db).await?;
    Ok(since.map(|at| layout.t1("staff-manager-silent", "since", formats(layout).time(at))).unwrap_or_default())
}

fn sentence(layout: &Layout, found: &Headroom) -> (&'static str, String) {
    if found.homeless > 0 {
        return ("warning", layout.t2("staff-headroom-short", "host", &found.host, "count", found.homeless));
    }
    let spare = formats(layout).mebibytes(u32::try_from(found.spare_mb).unwrap_or(0));
    let enough = layout.t2("staff-headroom-enough", "host", &found.host, "spare", spare);
    match found.lessened {
        0 => ("good", enough),
        count => ("warning", format!("{enough} {}", layout.t1("staff-host-lessened", "count", count))),
    }
}

/// Returns the pools for a form: code, word, whether it is chosen.
fn pools(layout: &Layout, chosen: &str) -> Vec<(&'static str, String, bool)> {
    let of = |pool: Pool| {
        let word = pool.as_str();
        (word, layout.t(format!("staff-host-pool-{word}")), chosen == word)
    };
    [Pool::Any, Pool::Production, Pool::Test].map(of).to_vec()
}

/// Says why nothing was changed. What only we can mend has no sentence: it is an error.
fn problem(layout: &Layout, error: HostError) -> anyhow::Result<String> {
    let count = |key, count: usize| layout.t1(key, "count", count);
    Ok(match error {
        HostError::BadAddress => layout.t("staff-host-bad-address"),
        HostError::BadName => layout.t("staff-host-bad-name"),
        HostError::Taken => layout.t("staff-host-taken"),
        HostError::ReasonNeeded => layout.t("staff-reason-needed"),
        HostError::NotFound => layout.t("staff-host-gone"),
        HostError::AlreadySo => layout.t("staff-already-so"),
        HostError::NoRoom(homeless) => count("staff-host-no-room", homeless),
        HostError::Lessened(lessened) => count("staff-drain-confirm-first", lessened),
        HostError::NotEmpty(left) => count("staff-host-not-empty", left),
        HostError::Manager => layout.t("staff-host-manager"),
        HostError::BeingEmptied => layout.t("staff-host-being-emptied"),
        HostError::BadPercent => layout.t("staff-host-bad-percent"),
        HostError::BadMemory => layout.t("staff-host-bad-memory"),
        HostError::Failed(error) => return Err(error),
    })
}
