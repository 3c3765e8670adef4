//! `/staff/billing/documents/{document}`: a document as it was written, what paid it, its papers and its place in the chain; and
//! the credit note that gives it back.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use sqlx::PgConnection;

use super::{AskedLine, is_asked, told};
use crate::base::ids::{DocumentId, InstructionId};
use crate::base::money::Money;
use crate::billing::documents::credit::{self, Creditable};
use crate::billing::documents::{self, Final, Place};
use crate::billing::instructions::{self, AskError, Parts, Wanted};
use crate::billing::lookup;
use crate::billing::transfers::statement;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::billing::paper::{Body, FILES, Pen, Reader};
use crate::web::pages::billing::state;
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/billing/document.html")]
struct DocumentPage {
    layout: Layout,
    title: String,
    number: String,
    account: String,
    account_url: String,
    badge: &'static str,
    word: String,
    body: Body,
    /// Label, address where it is made.
    files: Vec<(String, Option<String>)>,
    sha256: String,
    previous_sha256: String,
    before: Option<(String, String)>,
    after: Option<(String, String)>,
    fits: bool,
    asked: Vec<AskedLine>,
    is_asked: bool,
    /// What of each line can still be given back.
    left: Vec<LeftLine>,
    can_credit: bool,
    credit_url: String,
    form: CreditForm,
    problems: Problems,
}

struct LeftLine {
    name: String,
    label: String,
    net: String,
    left: String,
    is_over: bool,
    value: String,
}

/// What is to be given back.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct CreditForm {
    key: String,
    /// `everything` or `lines`.
    what: String,
    /// The numbers of lines, in the order of `amount`.
    line: Vec<i32>,
    /// How much of each, without VAT; empty: nothing.
    amount: Vec<String>,
    reason: String,
}

/// Shows it.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<DocumentId>) -> Answer {
    let key = InstructionId::new(staff.layout.now).to_string();
    let form = CreditForm { key, what: "everything".to_owned(), ..CreditForm::default() };
    answer::page(&page(&portal, staff.layout, *id, form, Problems::default()).await?)
}

async fn page(
    portal: &Portal,
    layout: Layout,
    id: DocumentId,
    form: CreditForm,
    problems: Problems,
) -> Result<DocumentPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let found = documents::find(&mut db, None, id).await?.ok_or(PageError::NotFound)?;
    let place = documents::place(&mut db, id).await?.ok_or(PageError::NotFound)?;
    let account = found.listed.account;
    let currency = found.listed.gross.currency;
    let paid = lookup::paid(&mut db, account, id, currency).await?;
    let kinds = lookup::kinds_of_files(&mut db, account, id).await?;
    let asked = instructions::about(&mut db, &[id.uuid()]).await?.remove(&id.uuid()).unwrap_or_default();
    let left = credit::creditable(&mut db, id).await?;
    drop(db);

    let pen = Pen { layout: &layout, formats: formats(&layout), currency, reader: Reader::Staff };
    let (badge, word) = state(&layout, &found.listed, layout.now.date_naive());
    let left = left.map(|left| left_lines(&layout, &found, &left, &form)).unwrap_or_default();
    let Place { before, after, fits } = place;
    let link = |(id, number): (DocumentId, String)| (urls::staff_document(id), number);
    Ok(DocumentPage {
        title: layout.t1(format!("billing-title-{}", found.listed.kind.word()), "number", &found.listed.number),
        number: found.listed.number.clone(),
        account: found.listed.account_name.clone(),
        account_url: urls::staff_account(account),
        badge,
        word,
        body: pen.body(&found, &paid),
        files: FILES
            .map(|kind| {
                let is_made = kinds.iter().any(|made| made == kind);
                (layout.t(format!("billing-file-{kind}")), is_made.then(|| urls::staff_document_file(id, kind)))
            })
            .into(),
        sha256: found.sha256.clone(),
        previous_sha256: found.previous_sha256.clone(),
        before: before.map(link),
        after: after.map(link),
        fits,
        is_asked: is_asked(&asked),
        asked: asked.iter().map(|it| AskedLine::new(&layout, it)).collect(),
        can_credit: left.iter().any(|line| !line.is_over),
        left,
        credit_url: urls::staff_document_credit(id),
        form,
        problems,
        layout,
    })
}

fn left_lines(layout: &Layout, found: &Final, left: &Creditable, form: &CreditForm) -> Vec<LeftLine> {
    let formats = formats(layout);
    let texts: BTreeMap<u32, &str> = found.paper.lines.iter().map(|line| (line.line_no, line.text.as_str())).collect();
    left.lines
        .iter()
        .map(|line| {
            let text = u32::try_from(line.line_no).ok().and_then(|no| texts.get(&no)).copied().unwrap_or_default();
            let position = form.line.iter().position(|no| *no == line.line_no);
            LeftLine {
                name: line.line_no.to_string(),
                label: text.to_owned(),
                net: formats.money(line.net),
                left: formats.money(line.left),
                is_over: line.left.minor == 0,
                value: position.and_then(|position| form.amount.get(position)).cloned().unwrap_or_default(),
            }
        })
        .collect()
}

/// Reads what is to be given back; `None` when an amount is none.
async fn parts(db: &mut PgConnection, id: DocumentId, form: &CreditForm) -> Result<Option<Parts>, PageError> {
    if form.what != "lines" {
        return Ok(Some(Parts::Everything));
    }
    let left = credit::creditable(db, id).await?.ok_or(PageError::NotFound)?;
    let typed = form.line.iter().zip(&form.amount).filter(|(_, amount)| !amount.trim().is_empty());
    let lines = typed.map(|(line_no, amount)| {
        let minor = statement::minor(amount).filter(|minor| *minor != 0)?;
        Some((*line_no, Money::new(minor, left.whose.currency)))
    });
    Ok(lines.collect::<Option<Vec<_>>>().map(Parts::Lines))
}

/// Asks the worker for a credit note.
pub async fn credit(portal: Data<Portal>, staff: Staff, id: Path<DocumentId>, posted: Posted<CreditForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout);
    let key: InstructionId = form.key.parse().map_err(|_| PageError::BadForm)?;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let parts = parts(&mut db, *id, &form).await?;
    drop(db);
    let done = match parts {
        Some(parts) => {
            let wanted = Wanted::Credit(*id, parts);
            Some(instructions::ask(&portal, &staff.member, key, &wanted, &form.reason).await)
        }
        None => None,
    };
    let (field, words) = match done {
        None => ("amount", layout.t("transfers-amount-bad")),
        Some(Err(AskError::ReasonNeeded)) => ("reason", layout.t("transfers-reason-needed")),
        Some(Err(AskError::Refused(refusal))) => ("amount", layout.t(refusal.key)),
        Some(other) => return told(&layout, &urls::staff_document(*id), other),
    };
    let mut problems = Problems::default();
    problems.add(field, words);
    answer::again(&page(&portal, layout, *id, form, problems).await?)
}

/// Gives a paper.
pub async fn file(portal: Data<Portal>, _staff: Staff, path: Path<(DocumentId, String)>) -> Answer {
    let (id, kind) = path.into_inner();
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (media_type, ending) = match kind.as_str() {
        "pdf" => ("application/pdf", ".pdf"),
        "cii" => ("application/xml", "-cii.xml"),
        "ubl" => ("application/xml", "-ubl.xml"),
        _ => return Err(PageError::NotFound),
    };
    let found = documents::find(&mut db, None, id).await?.ok_or(PageError::NotFound)?;
    let Some(content) = documents::file(&mut db, None, id, &kind).await? else {
        return answer::flash(urls::staff_document(id), FlashKind::Info, "billing-file-being-made");
    };
    // A number may hold a slash, a file's name may not.
    let name = found.listed.number.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "-");
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}{ending}\"")))
        .body(content))
}
