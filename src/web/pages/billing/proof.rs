//! `/account/billing/proof`: what the nightly self-audit found of the customer's own rows.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::formats;
use crate::accounts::policy::Action;
use crate::billing::self_audit;
use crate::i18n::format::When;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let found = self_audit::newest_of(&mut db, member.account).await?;
    drop(db);
    let layout = &member.layout;
    let formats = formats(layout);
    answer::page(&ProofPage {
        looked: found.filter(|report| report.looked_at() > 0).map(|report| Looked {
            at: super::exact(formats, report.ended_at),
            is_right: report.wrong() == 0,
            total: formats.number(report.looked_at()),
            rows: report
                .outcomes
                .iter()
                .map(|outcome| Row {
                    rule: layout.t(format!("self-audit-{}", outcome.code)),
                    badge: if outcome.wrong == 0 { "running" } else { "failed" },
                    word: layout.t(if outcome.wrong == 0 { "self-audit-right" } else { "self-audit-wrong" }),
                    looked_at: formats.number(outcome.looked_at),
                })
                .collect(),
        }),
        layout: member.layout.clone(),
    })
}

struct Looked {
    at: When,
    is_right: bool,
    total: String,
    rows: Vec<Row>,
}

struct Row {
    rule: String,
    badge: &'static str,
    word: String,
    looked_at: String,
}

#[derive(Template)]
#[template(path = "pages/billing/proof.html")]
struct ProofPage {
    layout: Layout,
    looked: Option<Looked>,
}
