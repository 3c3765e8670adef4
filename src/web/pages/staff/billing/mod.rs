//! What staff see of billing: the month's run, what waits for them, documents, our companies; and what they ask for.

pub mod account;
pub mod credit;
pub mod document;
pub mod documents;
pub mod run;
pub mod sellers;
pub mod waiting;

use crate::billing::instructions::{AskError, Instruction, State};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

/// A tab of these pages.
struct Tab {
    label: String,
    href: String,
    is_current: bool,
}

/// Returns the tabs; the one with `current` as address is the present one.
fn tabs(layout: &Layout, current: &str) -> Vec<Tab> {
    [
        ("staff-billing-tab-run", urls::staff_billing()),
        ("staff-billing-tab-documents", urls::staff_documents()),
        ("staff-billing-tab-sellers", urls::staff_sellers()),
    ]
    .map(|(key, href)| Tab { label: layout.t(key), is_current: href == current, href })
    .into()
}

/// What somebody asked for, and what became of it.
struct AskedLine {
    at_iso: String,
    at: String,
    by: String,
    what: String,
    reason: String,
    badge: &'static str,
    state: String,
    why: String,
    /// What is known beside that, as it was written down.
    problems: Vec<String>,
    made_url: String,
    made: String,
}

impl AskedLine {
    fn new(layout: &Layout, it: &Instruction) -> Self {
        let at = formats(layout).when(it.at, layout.now);
        let (badge, state, why, problems) = match &it.state {
            State::Asked => ("working", "instruction-asked", String::new(), Vec::new()),
            State::Done => ("running", "instruction-done", String::new(), Vec::new()),
            State::Refused(key, problems) => ("failed", "instruction-refused", layout.t(key), problems.clone()),
        };
        let made = it.made.as_ref().map(|(id, number)| match number {
            Some(number) => (urls::staff_document(*id), number.clone()),
            None => (String::new(), layout.t("instruction-becomes-final")),
        });
        let (made_url, made) = made.unwrap_or_default();
        Self {
            at_iso: at.iso,
            at: at.words,
            by: it.by.clone(),
            what: match it.dropped {
                Some(net) => layout.t1("instruction-dropped", "net", formats(layout).money(net)),
                None => layout.t(format!("instruction-kind-{}", it.kind)),
            },
            reason: it.reason.clone(),
            badge,
            state: layout.t(state),
            why,
            problems,
            made_url,
            made,
        }
    }
}

/// Whether the worker has yet to carry one of them out.
fn is_asked(all: &[Instruction]) -> bool {
    all.iter().any(|it| it.state == State::Asked)
}

/// Says on a page that something was asked for, or why not.
fn told(layout: &Layout, page: &str, done: Result<(), AskError>) -> Answer {
    match done {
        Ok(()) => answer::flash(page, FlashKind::Good, "instruction-taken"),
        Err(AskError::NotFound) => Err(PageError::NotFound),
        Err(AskError::Failed(cause)) => Err(PageError::Failed(cause)),
        Err(AskError::ReasonNeeded) => answer::flash(page, FlashKind::Warning, "transfers-reason-needed"),
        Err(AskError::UnderWay) => answer::flash(page, FlashKind::Info, "instruction-under-way"),
        Err(AskError::Refused(refusal)) => answer::flash(page, FlashKind::Warning, refusal.key),
        Err(AskError::Wrong(problems)) => {
            let words = problems.first().map(|(_, problem)| problem.text(layout.texts)).unwrap_or_default();
            answer::flash_with(page, FlashKind::Warning, "instruction-wrong", ("said", &words))
        }
    }
}
