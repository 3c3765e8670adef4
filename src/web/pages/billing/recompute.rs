//! `/account/billing/invoices/{document}/recompute.json.gz` and `/account/billing/recompute.py`: what an invoice is computed again with.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING};
use actix_web::web::{Data, Path};
use anyhow::Context;

use super::find;
use crate::billing::proofs;
use crate::portal::Portal;
use crate::web::answer::Answer;
use crate::web::error::PageError;
use crate::web::extract::Member;

/// What the file of a document is called. A number may hold a slash, a file's name may not.
pub(super) fn name_of(number: &str) -> String {
    let number = number.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "-");
    format!("{number}-recompute.json.gz")
}

/// Gives the hours, prices and charges of a document's month, as they were known when it was charged.
pub async fn file(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found) = find(&mut db, &member, &path).await?;
    let offered = proofs::of_document(&mut db, member.account, id).await?.ok_or(PageError::NotFound)?;
    drop(db);
    Ok(HttpResponse::Ok()
        .content_type("application/gzip")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", name_of(&found.listed.number))))
        // It is compressed already.
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(proofs::stream(portal.db.clone(), offered.period)))
}

/// Gives the program that computes such a file again; an accountant needs no login for it.
pub async fn program() -> Answer {
    Ok(HttpResponse::Ok()
        .content_type("text/x-python; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"recompute.py\""))
        .body(proofs::PROGRAM))
}
