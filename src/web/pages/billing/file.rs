//! `/account/billing/invoices/{document}/files/{kind}`: a paper of a document.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use anyhow::Context;

use super::find;
use crate::billing::documents;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Gives the paper; while it is being made, the document's page says so.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<(String, String)>) -> Answer {
    let (document, kind) = path.into_inner();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found) = find(&mut db, &member, &document).await?;
    let (media_type, ending) = match kind.as_str() {
        "pdf" => ("application/pdf", ".pdf"),
        "cii" => ("application/xml", "-cii.xml"),
        "ubl" => ("application/xml", "-ubl.xml"),
        _ => return Err(PageError::NotFound),
    };
    let Some(content) = documents::file(&mut db, Some(member.account), id, &kind).await? else {
        return answer::flash(urls::billing_invoice(id), FlashKind::Info, "billing-file-being-made");
    };
    // A number may hold a slash, a file's name may not.
    let name = found.listed.number.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "-");
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}{ending}\"")))
        .body(content))
}
