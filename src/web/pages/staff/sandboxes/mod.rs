//! `/staff/sandboxes`: invented customers whose time our people move.

pub mod add;
pub mod show;

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::rows::formats;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::sandboxes::{self, MOST, Sandbox, Server, State};
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

struct Line {
    url: String,
    name: String,
    country: String,
    clock: String,
    made: String,
    badge: &'static str,
    state: String,
}

#[derive(Template)]
#[template(path = "pages/staff/sandboxes/list.html")]
struct ListPage {
    layout: Layout,
    lines: Vec<Line>,
    new_url: String,
    /// Whether the worker was told where sandboxes may be.
    is_set_up: bool,
    /// What the server says, where it refuses.
    failing: String,
    is_full: bool,
}

/// Lists them.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let all = sandboxes::list(&mut db).await?;
    let server = sandboxes::server(&mut db).await?;
    drop(db);
    let layout = staff.layout;
    answer::page(&ListPage {
        lines: all.iter().map(|sandbox| line(&layout, sandbox)).collect(),
        new_url: urls::staff_sandbox_new(),
        is_set_up: server != Server::Missing,
        failing: if let Server::Failing(why) = server { why } else { String::new() },
        is_full: i64::try_from(all.len()).is_ok_and(|count| count >= MOST),
        layout,
    })
}

fn line(layout: &Layout, sandbox: &Sandbox) -> Line {
    let formats = formats(layout);
    let (badge, state) = state(layout, sandbox);
    Line {
        url: urls::staff_sandbox(sandbox.id),
        name: sandbox.name.clone(),
        country: layout.t(country(&sandbox.country)),
        clock: sandbox.clock_at.map(|at| formats.date_time(at)).unwrap_or_default(),
        made: layout.t2(
            "transfers-by-when",
            "name",
            &sandbox.made_by,
            "when",
            formats.spoken(sandbox.made_at, layout.now),
        ),
        badge,
        state,
    }
}

/// Returns the key of a country's name.
fn country(code: &str) -> &str {
    regions::find_country(code).map_or(code, |country| country.name)
}

/// Returns the shape and the words of how far a sandbox is.
fn state(layout: &Layout, sandbox: &Sandbox) -> (&'static str, String) {
    let (badge, key) = match sandbox.state() {
        State::Leaving => ("stopped", "sandboxes-leaving"),
        _ if !sandbox.problem.is_empty() => ("failed", "sandboxes-stuck"),
        State::Making => ("working", "sandboxes-making"),
        State::Advancing => ("working", "sandboxes-advancing"),
        State::Ready => ("running", "sandboxes-ready"),
    };
    (badge, layout.t(key))
}
