//! `/staff/payments`: card payments, what was tried, what goes back, what Stripe paid out, and what it told us that nobody
//! understands.

pub mod show;

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use sqlx::PgConnection;

use super::billing::credit;
use super::rows::{formats, people};
use crate::billing::lots::grants;
use crate::payments::{lists, payouts, refunds};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// How many lines a list shows.
const SHOWN: i64 = 100;

/// The lists, as the address names them.
const TABS: [&str; 7] = ["received", "attempts", "refunds", "credit", "disputes", "payouts", "events"];

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct ListQuery {
    list: String,
}

/// One line of a list.
#[derive(Default)]
struct Line {
    when: String,
    amount: String,
    /// What it is, and where more stands.
    name: String,
    url: String,
    account: String,
    account_url: String,
    badge: &'static str,
    state: String,
    detail: String,
    /// Words of Stripe's.
    said: String,
    retry_url: String,
}

#[derive(Template)]
#[template(path = "pages/staff/payments/list.html")]
struct ListPage {
    layout: Layout,
    /// Label, address, whether it is this one.
    tabs: Vec<(String, String, bool)>,
    title: String,
    lines: Vec<Line>,
    empty_text: String,
}

/// Lists one of them.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<ListQuery>) -> Answer {
    let layout = staff.layout;
    let tab = TABS.into_iter().find(|tab| *tab == query.list).unwrap_or(TABS[0]);
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let lines = match tab {
        "attempts" => attempts(&mut db, &layout).await?,
        "refunds" => refund_lines(&layout, &refunds::list(&mut db, None, SHOWN).await?),
        "credit" => grant_lines(&layout, &grants::list(&mut db, None, SHOWN).await?),
        "disputes" => disputes(&mut db, &layout).await?,
        "payouts" => paid_out(&mut db, &layout).await?,
        "events" => events(&mut db, &layout).await?,
        _ => received(&mut db, &layout).await?,
    };
    drop(db);
    let tabs = TABS.map(|name| {
        (layout.t(format!("payments-tab-{name}")), format!("{}?list={name}", urls::staff_payments()), name == tab)
    });
    answer::page(&ListPage {
        tabs: tabs.to_vec(),
        title: layout.t(format!("payments-tab-{tab}")),
        lines,
        empty_text: layout.t(format!("payments-none-{tab}")),
        layout,
    })
}

async fn received(db: &mut PgConnection, layout: &Layout) -> anyhow::Result<Vec<Line>> {
    let formats = formats(layout);
    let lines = refunds::payments(db, SHOWN).await?.into_iter().map(|payment| Line {
        when: formats.spoken(payment.created_at, layout.now),
        amount: formats.money(payment.amount),
        url: urls::staff_payment(payment.id),
        account_url: urls::staff_account(payment.account),
        account: payment.account_name,
        badge: if payment.free.minor > 0 { "neutral" } else { "running" },
        state: if payment.free.minor > 0 {
            layout.t1("payments-free-of", "amount", formats.money(payment.free))
        } else {
            layout.t("payments-used")
        },
        name: payment.external_ref,
        ..Line::default()
    });
    Ok(lines.collect())
}

async fn attempts(db: &mut PgConnection, layout: &Layout) -> anyhow::Result<Vec<Line>> {
    let formats = formats(layout);
    let lines = lists::attempts(db, SHOWN).await?.into_iter().map(|attempt| {
        let how = if attempt.is_page { "payments-by-page" } else { "payments-by-card" };
        let next = attempt.next_at.map(|at| layout.t1("payments-next", "when", formats.spoken(at, layout.now)));
        Line {
            when: formats.spoken(attempt.created_at, layout.now),
            amount: formats.money(attempt.amount),
            name: format!("{} · {}", attempt.number, attempt.no),
            account_url: urls::staff_account(attempt.account),
            account: attempt.account_name,
            badge: match attempt.state.as_str() {
                "succeeded" => "running",
                "failed" => "failed",
                // Stripe does not take it, and says why: that waits for somebody.
                "unknown" if !attempt.failure_code.is_empty() => "failed",
                _ => "working",
            },
            state: layout.t(format!("payments-attempt-{}", attempt.state)),
            detail: [Some(layout.t(how)), next].into_iter().flatten().collect::<Vec<_>>().join(" · "),
            said: [attempt.failure_code, attempt.failure_message].join(" ").trim().to_owned(),
            ..Line::default()
        }
    });
    Ok(lines.collect())
}

/// Lines of refunds.
fn refund_lines(layout: &Layout, refunds: &[refunds::Refund]) -> Vec<Line> {
    let formats = formats(layout);
    let line = |refund: &refunds::Refund| Line {
        when: formats.spoken(refund.created_at, layout.now),
        amount: formats.money(refund.amount),
        name: refund.reason.clone(),
        url: urls::staff_payment(refund.payment),
        account: refund.account_name.clone(),
        account_url: urls::staff_account(refund.account),
        badge: show::badge(refund.state),
        state: layout.t(format!("payments-refund-{}", refund.state.word())),
        detail: people(&refund.asked_name, &refund.approved_name),
        said: refund.failure.clone(),
        ..Line::default()
    };
    refunds.iter().map(line).collect()
}

/// Lines of credit that staff gave.
fn grant_lines(layout: &Layout, grants: &[grants::Grant]) -> Vec<Line> {
    let formats = formats(layout);
    let line = |grant: &grants::Grant| Line {
        when: formats.spoken(grant.created_at, layout.now),
        amount: formats.money(grant.amount),
        name: grant.reason.clone(),
        url: format!("{}#credit", urls::staff_account(grant.account)),
        account: grant.account_name.clone(),
        account_url: urls::staff_account(grant.account),
        badge: credit::badge(grant.state),
        state: layout.t(format!("credit-grant-{}", grant.state.word())),
        detail: people(&grant.asked_name, &grant.approved_name),
        ..Line::default()
    };
    grants.iter().map(line).collect()
}

async fn disputes(db: &mut PgConnection, layout: &Layout) -> anyhow::Result<Vec<Line>> {
    let formats = formats(layout);
    let lines = lists::disputes(db, SHOWN).await?.into_iter().map(|dispute| Line {
        when: formats.spoken(dispute.opened_at, layout.now),
        amount: formats.money(dispute.amount),
        name: dispute.provider_id,
        url: urls::staff_payment(dispute.payment),
        account: dispute.account_name,
        account_url: urls::staff_account(dispute.account),
        badge: match dispute.state.as_str() {
            "won" => "running",
            "lost" => "failed",
            _ => "warning",
        },
        state: layout.t(format!("payments-dispute-{}", dispute.state)),
        said: dispute.reason,
        ..Line::default()
    });
    Ok(lines.collect())
}

async fn paid_out(db: &mut PgConnection, layout: &Layout) -> anyhow::Result<Vec<Line>> {
    let formats = formats(layout);
    let lines = payouts::list(db, SHOWN).await?.into_iter().map(|payout| {
        let is_back = payout.returned_at.is_some();
        Line {
            when: formats.calendar_day(payout.arrived_on),
            amount: formats.money(payout.amount),
            name: payout.provider_id,
            badge: if is_back { "failed" } else { "running" },
            state: layout.t(if is_back { "payments-payout-returned" } else { "payments-payout-paid" }),
            detail: layout.t1("payments-fees", "amount", formats.money(payout.fees)),
            ..Line::default()
        }
    });
    Ok(lines.collect())
}

async fn events(db: &mut PgConnection, layout: &Layout) -> anyhow::Result<Vec<Line>> {
    let formats = formats(layout);
    let lines = lists::puzzles(db, SHOWN).await?.into_iter().map(|puzzle| Line {
        when: formats.spoken(puzzle.received_at, layout.now),
        name: puzzle.kind,
        badge: "warning",
        state: match puzzle.next_at {
            Some(at) => layout.t1("payments-next", "when", formats.spoken(at, layout.now)),
            None => layout.t("payments-event-unmatched"),
        },
        detail: layout.t1("payments-tries", "count", puzzle.tries.to_string()),
        said: if puzzle.next_at.is_some() { puzzle.note } else { puzzle.event.clone() },
        retry_url: urls::staff_card_event_retry(&puzzle.event),
        ..Line::default()
    });
    Ok(lines.collect())
}

/// Has an event looked at again.
pub async fn retry(portal: Data<Portal>, staff: Staff, event: Path<String>, _posted: Posted<Button>) -> Answer {
    if !lists::look_again(&portal, &staff.member, &event).await? {
        return Err(PageError::NotFound);
    }
    answer::flash(format!("{}?list=events", urls::staff_payments()), FlashKind::Good, "payments-retried")
}
