//! `/staff/audit`: who did what, and whether the log is whole.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;

use super::rows::{AuditLine, cut};
use crate::audit::{self, Filter};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// How many entries a page shows.
const PAGE: i64 = 100;

#[derive(Template)]
#[template(path = "pages/staff/audit.html")]
struct AuditPage {
    layout: Layout,
    text: String,
    /// Code, word, whether it is chosen.
    kinds: Vec<(&'static str, String, bool)>,
    lines: Vec<AuditLine>,
    older: String,
}

/// What the address may hold.
#[derive(Debug, serde::Deserialize)]
pub struct AuditQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    before: Option<i64>,
}

/// Shows the log.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<AuditQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = Filter { actor_kind: some(&query.kind), text: some(query.q.trim()), ..Filter::default() };
    let (rows, has_more) = cut(audit::list(&mut db, &filter, query.before, PAGE + 1).await?, PAGE);
    let older = match rows.last() {
        Some(last) if has_more => {
            let (text, kind) = (urls::encoded(&query.q), urls::encoded(&query.kind));
            format!("{}?q={text}&kind={kind}&before={}", urls::staff_audit(), last.seq)
        }
        _ => String::new(),
    };
    let layout = staff.layout;
    let kinds = [
        ("", "staff-audit-all"),
        ("user", "staff-audit-users"),
        ("staff", "staff-audit-staff"),
        ("system", "staff-audit-system"),
    ];
    answer::page(&AuditPage {
        text: query.q.clone(),
        kinds: kinds.iter().map(|(code, key)| (*code, layout.t(key), *code == query.kind)).collect(),
        lines: rows.iter().map(|row| AuditLine::new(&layout, row)).collect(),
        older,
        layout,
    })
}

/// Checks the chain from its beginning.
pub async fn verify(portal: Data<Portal>, _staff: Staff, _posted: Posted<Button>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    match audit::verify(&mut db).await? {
        Ok(count) => answer::flash_with(
            urls::staff_audit(),
            FlashKind::Good,
            "staff-audit-verified",
            ("count", &count.to_string()),
        ),
        Err(broken) => {
            tracing::error!(seq = broken.seq, what = broken.what, "the audit log was changed");
            answer::flash_with(
                urls::staff_audit(),
                FlashKind::Bad,
                "staff-audit-broken",
                ("seq", &broken.seq.to_string()),
            )
        }
    }
}
