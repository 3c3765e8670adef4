//! `/staff/transfers/import`: a bank's statement, shown before anything is written.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;

use super::day;
use crate::base::ids::SellerId;
use crate::billing::sellers::{self, Seller};
use crate::billing::transfers::importing::{self, ImportError, Preview, Seen};
use crate::billing::transfers::statement;
use crate::i18n::Texts;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Staff, Uploaded};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/transfers/import.html")]
struct ImportPage {
    layout: Layout,
    list_url: String,
    post_url: String,
    /// Id, words, whether it is chosen.
    sellers: Vec<(String, String, bool)>,
    problem: Option<String>,
    preview: Option<PreviewPart>,
}

struct PreviewPart {
    seller: String,
    /// The file again: what was looked at is what is taken in.
    content: String,
    lines: Vec<SeenLine>,
    new_count: usize,
    summary: String,
}

struct SeenLine {
    day: String,
    amount: String,
    payer: String,
    remittance: String,
    account: String,
    numbers: String,
    why: String,
    badge: &'static str,
    state: String,
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    answer::page(&page(&portal, staff.layout, "", None, None).await?)
}

/// Shows what a file says, or takes in what was shown.
pub async fn post(portal: Data<Portal>, uploaded: Uploaded) -> Answer {
    let layout = uploaded.staff.layout.clone();
    let chosen = uploaded.value("seller");
    let seller: SellerId = chosen.parse().map_err(|_| PageError::BadForm)?;
    let is_confirmed = !uploaded.bytes("content").is_empty();
    let bytes = if is_confirmed { uploaded.bytes("content") } else { uploaded.bytes("file") };
    let text = statement::decode(bytes);
    if is_confirmed {
        let done = importing::import(&portal, &uploaded.staff.member, seller, &text).await;
        return match done {
            Ok((new, old)) => {
                let said = layout.t2("transfers-imported-count", "new", new, "old", old);
                let said = ("said", said.as_str());
                answer::flash_with(urls::staff_transfers(), FlashKind::Good, "transfers-imported-done", said)
            }
            Err(error) => again(&portal, layout, &chosen, error).await,
        };
    }
    match importing::preview(&portal, seller, &text).await {
        Ok(preview) => {
            let part = preview_part(&layout, chosen.clone(), text, &preview);
            answer::page(&page(&portal, layout, &chosen, None, Some(part)).await?)
        }
        Err(error) => again(&portal, layout, &chosen, error).await,
    }
}

async fn again(portal: &Portal, layout: Layout, chosen: &str, error: ImportError) -> Answer {
    let problem = match error {
        ImportError::Unreadable(unreadable) => {
            let what = layout.t(unreadable.problem.key());
            match unreadable.place {
                0 => what,
                place => layout.t2("transfers-file-place", "what", what, "place", place),
            }
        }
        ImportError::OtherAccount => layout.t("transfers-file-other-account"),
        ImportError::NotFound => return Err(PageError::NotFound),
        ImportError::Failed(cause) => return Err(PageError::Failed(cause)),
    };
    answer::again(&page(portal, layout, chosen, Some(problem), None).await?)
}

async fn page(
    portal: &Portal,
    layout: Layout,
    chosen: &str,
    problem: Option<String>,
    preview: Option<PreviewPart>,
) -> Result<ImportPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let sellers = sellers::list(&mut db).await?;
    let option = |seller: &Seller| {
        let id = seller.id.to_string();
        let is_chosen = id == chosen;
        (id, format!("{} · {}", seller.code, seller.currency), is_chosen)
    };
    Ok(ImportPage {
        list_url: urls::staff_transfers(),
        post_url: urls::staff_transfer_import(),
        sellers: sellers.iter().map(option).collect(),
        problem,
        preview,
        layout,
    })
}

fn preview_part(layout: &Layout, seller: String, content: String, preview: &Preview) -> PreviewPart {
    let new_count = preview.lines.iter().filter(|seen| seen.same.is_none()).count();
    let count = |number: usize| number.to_string();
    PreviewPart {
        seller,
        content,
        lines: preview.lines.iter().map(|seen| seen_line(layout, seen)).collect(),
        new_count,
        summary: summary(
            layout.texts,
            &[
                ("new", count(new_count)),
                ("old", count(preview.lines.len() - new_count)),
                ("left", count(preview.statement.left_out)),
                ("foreign", count(preview.statement.foreign)),
            ],
        ),
    }
}

fn summary(texts: Texts, counts: &[(&str, String)]) -> String {
    let values: Vec<_> = counts.iter().map(|(name, count)| (*name, count.as_str().into())).collect();
    texts.with("transfers-preview-summary", &values)
}

fn seen_line(layout: &Layout, seen: &Seen) -> SeenLine {
    let formats = formats(layout);
    let proposal = seen.answer.proposal.as_ref();
    let theirs = proposal
        .and_then(|(account, _)| seen.answer.candidates.iter().find(|(invoice, _)| invoice.account == *account));
    let paid = proposal.map(|(_, paid)| paid.as_slice()).unwrap_or_default();
    let numbers: Vec<&str> = seen
        .answer
        .candidates
        .iter()
        .filter(|(invoice, _)| paid.iter().any(|(id, _)| *id == invoice.id))
        .map(|(invoice, _)| invoice.number.as_str())
        .collect();
    let (badge, key) = match (&seen.same, proposal) {
        (Some(_), _) => ("stopped", "transfers-preview-there"),
        (None, Some(_)) => ("running", "transfers-preview-clear"),
        (None, None) => ("warning", "transfers-state-choice"),
    };
    SeenLine {
        day: day(formats, seen.line.value_on),
        amount: formats.money(seen.line.amount),
        payer: seen.line.payer.clone(),
        remittance: seen.line.remittance.clone(),
        account: theirs.map(|(invoice, _)| invoice.account_name.clone()).unwrap_or_default(),
        numbers: numbers.join(", "),
        why: layout.t(seen.answer.reason.key()),
        badge,
        state: layout.t(key),
    }
}
