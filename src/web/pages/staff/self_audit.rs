//! `/staff/billing/audit`: which rules the books were held against last night, and what is wrong.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;

use super::rows::formats;
use crate::billing::self_audit::{self, Outcome};
use crate::i18n::format::{Formats, When};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;

/// A look is missing when the newest one is older than a night and half a day.
const MISSED_AFTER: TimeDelta = TimeDelta::hours(36);

/// Shows the newest look.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let found = self_audit::newest(&mut db).await?;
    drop(db);
    let layout = staff.layout;
    let formats = formats(&layout);
    answer::page(&SelfAuditPage {
        is_late: found.as_ref().is_some_and(|report| report.ended_at + MISSED_AFTER < layout.now),
        looked: found.map(|report| Looked {
            at: formats.when(report.ended_at, layout.now),
            since: formats.date_time(report.since),
            wrong: report.wrong(),
            wrong_words: formats.number(report.wrong()),
            total: formats.number(report.looked_at()),
            rows: report.outcomes.iter().map(|outcome| row(&layout, formats, outcome)).collect(),
        }),
        layout,
    })
}

fn row(layout: &Layout, formats: Formats, outcome: &Outcome) -> Row {
    let is_right = outcome.wrong == 0;
    Row {
        rule: layout.t(format!("self-audit-{}", outcome.code)),
        code: format!("{} · {}", outcome.rules, outcome.code),
        badge: if is_right { "running" } else { "failed" },
        word: layout.t(if is_right { "self-audit-right" } else { "self-audit-wrong" }),
        looked_at: formats.number(outcome.looked_at),
        wrong: formats.number(outcome.wrong),
        examples: outcome.examples.clone(),
    }
}

struct Looked {
    at: When,
    since: String,
    wrong: i64,
    wrong_words: String,
    total: String,
    rows: Vec<Row>,
}

struct Row {
    rule: String,
    code: String,
    badge: &'static str,
    word: String,
    looked_at: String,
    wrong: String,
    examples: Vec<String>,
}

#[derive(Template)]
#[template(path = "pages/staff/self_audit.html")]
struct SelfAuditPage {
    layout: Layout,
    is_late: bool,
    looked: Option<Looked>,
}
