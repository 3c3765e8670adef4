//! `/staff/sandboxes/{sandbox}`: its clock, what happened in it, its documents and its statement.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use super::{add, country, state};
use crate::base::ids::SandboxId;
use crate::base::money::{Currency, Money};
use crate::billing::budgets::rule::Level;
use crate::billing::dunning::rule::Step;
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::sandboxes::report::{Event, Move, Paper};
use crate::sandboxes::rule::Advance;
use crate::sandboxes::{self, AdvanceError, Sandbox, State};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::billing::statement;
use crate::web::pages::staff::billing::run::held;
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

struct EventLine {
    iso: String,
    when: String,
    text: String,
    kind: &'static str,
}

struct DocumentCard {
    number: String,
    title: String,
    dates: String,
    badge: &'static str,
    state: String,
    lines: Vec<DocumentLine>,
    net: String,
    vat: String,
    gross: String,
}

struct DocumentLine {
    text: String,
    detail: String,
    quantity: String,
    price: String,
    net: String,
}

struct MoveLine {
    on: String,
    what: String,
    label: String,
    amount: String,
    balance: String,
}

struct MoveBy {
    word: &'static str,
    label: String,
}

#[derive(Template)]
#[template(path = "pages/staff/sandboxes/show.html")]
struct ShowPage {
    layout: Layout,
    name: String,
    list_url: String,
    advance_url: String,
    remove_url: String,
    badge: &'static str,
    state: String,
    is_moving: bool,
    is_ready: bool,
    is_leaving: bool,
    problem: String,
    clock: String,
    wanted: String,
    starts: String,
    ends: String,
    customer: String,
    usage: String,
    pays: String,
    trial: String,
    budget: String,
    made: String,
    steps: Vec<MoveBy>,
    events: Vec<EventLine>,
    documents: Vec<DocumentCard>,
    moves: Vec<MoveLine>,
    balance_says: String,
    balance: String,
}

/// Shows it.
pub async fn get(portal: Data<Portal>, staff: Staff, path: Path<String>) -> Answer {
    let id: SandboxId = path.parse().map_err(|_| PageError::NotFound)?;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let sandbox = sandboxes::find(&mut db, id).await?.ok_or(PageError::NotFound)?;
    let report = sandboxes::report(&mut db, id).await?;
    drop(db);
    let layout = staff.layout;
    let formats = formats(&layout);
    let money = |minor: i64| formats.money(Money::new(minor, sandbox.currency));
    let (badge, words) = state(&layout, &sandbox);
    let mut after = report.balance_minor;
    let moves = report.movements.iter().map(|it| {
        let line = move_line(&layout, formats, it, (money(it.amount_minor), money(after)));
        after -= it.amount_minor;
        line
    });
    answer::page(&ShowPage {
        name: sandbox.name.clone(),
        list_url: urls::staff_sandboxes(),
        advance_url: urls::staff_sandbox_advance(id),
        remove_url: urls::staff_sandbox_remove(id),
        badge,
        state: words,
        is_moving: sandbox.state() != State::Ready,
        is_ready: sandbox.state() == State::Ready,
        is_leaving: sandbox.state() == State::Leaving,
        clock: sandbox.clock_at.map_or_else(|| layout.t("sandboxes-no-clock"), |at| formats.date_time(at)),
        wanted: wanted(&layout, formats, &sandbox),
        starts: formats.date_time(sandbox.starts_at),
        ends: formats.date(sandbox.ends_at()),
        customer: format!("{} · {}", layout.t(country(&sandbox.country)), sandbox.currency),
        usage: layout.t(add::usage(sandbox.usage)),
        pays: layout.t(add::payer(sandbox.pays)),
        trial: layout.t(if sandbox.has_trial { "sandboxes-with-trial" } else { "sandboxes-without-trial" }),
        budget: sandbox.budget.map_or_else(|| layout.t("sandboxes-no-budget"), |budget| formats.money(budget)),
        made: layout.t2(
            "transfers-by-when",
            "name",
            &sandbox.made_by,
            "when",
            formats.spoken(sandbox.made_at, layout.now),
        ),
        steps: Advance::ALL.map(|how| MoveBy { word: how.word(), label: layout.t(advance_key(how)) }).into(),
        events: report.events.iter().rev().map(|it| event_line(&layout, formats, it, sandbox.currency)).collect(),
        documents: report.documents.iter().map(|it| document(&layout, formats, it, sandbox.currency)).collect(),
        moves: moves.collect(),
        balance_says: layout.t(match report.balance_minor {
            1.. => "sandboxes-owes",
            0 => "billing-statement-even",
            _ => "sandboxes-has-credit",
        }),
        balance: money(report.balance_minor.abs()),
        problem: sandbox.problem,
        layout,
    })
}

/// The form of the buttons that move the clock.
#[derive(Debug, serde::Deserialize)]
pub struct AdvanceForm {
    by: String,
}

/// Has the clock moved.
pub async fn advance(portal: Data<Portal>, staff: Staff, path: Path<String>, posted: Posted<AdvanceForm>) -> Answer {
    let id: SandboxId = path.parse().map_err(|_| PageError::NotFound)?;
    let url = urls::staff_sandbox(id);
    let Some(how) = Advance::from_word(&posted.form.by) else {
        return answer::flash(url, FlashKind::Bad, "sandboxes-bad-choice");
    };
    match sandboxes::advance(&portal, &staff.member, id, how).await {
        Ok(()) => answer::flash(url, FlashKind::Good, "sandboxes-moves"),
        Err(AdvanceError::NotFound) => Err(PageError::NotFound),
        Err(AdvanceError::Busy) => answer::flash(url, FlashKind::Info, "sandboxes-busy"),
        Err(AdvanceError::TooFar) => answer::flash(url, FlashKind::Bad, "sandboxes-too-far"),
        Err(AdvanceError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

/// Has it dropped.
pub async fn remove(portal: Data<Portal>, staff: Staff, path: Path<String>, _: Posted<Button>) -> Answer {
    let id: SandboxId = path.parse().map_err(|_| PageError::NotFound)?;
    if sandboxes::remove(&portal, &staff.member, id).await? {
        answer::flash(urls::staff_sandboxes(), FlashKind::Good, "sandboxes-removed")
    } else {
        Err(PageError::NotFound)
    }
}

fn advance_key(how: Advance) -> &'static str {
    match how {
        Advance::Day => "sandboxes-by-day",
        Advance::MonthEnd => "sandboxes-by-month-end",
        Advance::Month => "sandboxes-by-month",
        Advance::Year => "sandboxes-by-year",
    }
}

fn wanted(layout: &Layout, formats: Formats, sandbox: &Sandbox) -> String {
    if sandbox.state() == State::Advancing {
        layout.t1("sandboxes-until", "when", formats.date_time(sandbox.wanted_at))
    } else {
        String::new()
    }
}

fn event_line(layout: &Layout, formats: Formats, event: &Event, currency: Currency) -> EventLine {
    let money = formats.money(Money::new(event.amount_minor.unwrap_or_default(), currency));
    let about = event.about.as_str();
    let day = |text: &str| text.parse::<NaiveDate>().map_or_else(|_| text.to_owned(), |day| formats.calendar_day(day));
    let (text, kind) = match event.kind.as_str() {
        "begun" => (layout.t1("sandbox-event-begun", "name", about), "running"),
        "trial" => {
            let until = about.parse::<DateTime<Utc>>().map(|at| formats.date_time(at)).unwrap_or_default();
            (layout.t1("sandbox-event-trial", "until", until), "")
        }
        "trial-ended" => (layout.t("sandbox-event-trial-ended"), ""),
        "invoice" => {
            let values = [("number", about.into()), ("gross", money.into()), ("due", day(&event.detail).into())];
            (layout.texts.with("sandbox-event-invoice", &values), "")
        }
        "credit-note" => (layout.t2("sandbox-event-credit-note", "number", about, "gross", money), ""),
        "held" => (layout.t1("sandbox-event-held", "reason", held(layout, about)), "warning"),
        "released" => (layout.t1("sandbox-event-released", "reason", held(layout, about)), ""),
        "mail" => (layout.t1("sandbox-event-mail", "subject", about), ""),
        "step" => {
            let step = Step::from_word(about).map(|step| layout.t(step.key())).unwrap_or_default();
            (layout.t2("sandbox-event-step", "step", step, "number", &event.detail), "warning")
        }
        "rests" if about.is_empty() => (layout.t("sandbox-event-all-rest"), "failed"),
        "rests" => (layout.t1("sandbox-event-rests", "name", about), "failed"),
        "given-back" if about.is_empty() => (layout.t("sandbox-event-all-given-back"), "running"),
        "given-back" => (layout.t1("sandbox-event-given-back", "name", about), "running"),
        "restored" => (layout.t("sandbox-event-restored"), "running"),
        "payment" => {
            let key = if event.detail == "card" { "sandbox-event-card" } else { "sandbox-event-transfer" };
            (layout.t1(key, "amount", money), "running")
        }
        "refused" => (layout.t1("sandbox-event-refused", "number", about), "warning"),
        "budget" => (budget(layout, about, &money), "warning"),
        _ => (about.to_owned(), ""),
    };
    EventLine { iso: formats.iso(event.at), when: formats.date_time(event.at), text, kind }
}

fn budget(layout: &Layout, word: &str, so_far: &str) -> String {
    let level = Level::from_word(word);
    match level.and_then(Level::percent) {
        Some(percent) => layout.t2("sandbox-event-budget", "percent", u32::from(percent), "amount", so_far),
        None if level == Some(Level::Forecast) => layout.t("sandbox-event-budget-forecast"),
        None => layout.t("sandbox-event-budget-cap"),
    }
}

fn document(layout: &Layout, formats: Formats, paper: &Paper, currency: Currency) -> DocumentCard {
    let price = |value| formats.price(value, currency);
    let amount = |value| formats.money(Money::rounded(value, currency));
    let (badge, state) = match (paper.is_invoice, paper.open_minor) {
        (true, 0) => ("running", layout.t("sandboxes-paid")),
        (true, open) => ("warning", layout.t1("sandboxes-open", "amount", formats.money(Money::new(open, currency)))),
        (false, _) => ("neutral", layout.t("billing-kind-credit_note")),
    };
    DocumentCard {
        number: paper.number.clone(),
        title: layout.t(if paper.is_invoice { "billing-kind-invoice" } else { "billing-kind-credit_note" }),
        dates: layout.t2(
            "sandboxes-dates",
            "issued",
            formats.calendar_day(paper.issued_on),
            "due",
            formats.calendar_day(paper.due_on),
        ),
        badge,
        state,
        lines: paper
            .lines
            .iter()
            .map(|line| DocumentLine {
                text: line.text.clone(),
                detail: line.detail.clone(),
                quantity: formats.decimal(line.quantity, 4),
                price: price(line.unit_price),
                net: amount(line.net),
            })
            .collect(),
        net: amount(paper.net),
        vat: amount(paper.vat),
        gross: amount(paper.gross),
    }
}

fn move_line(layout: &Layout, formats: Formats, it: &Move, (amount, balance): (String, String)) -> MoveLine {
    // Nobody gives a sandbox anything.
    let key = statement::words(&it.kind, it.amount_minor, false);
    MoveLine { on: formats.calendar_day(it.on), what: layout.t(key), label: it.label.clone(), amount, balance }
}
