//! `/instances/{id}/events`: tells an open page that its instance changed.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use serde::Deserialize;

use super::id;
use crate::environments::history;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::live::{Live, Subject};

/// What the page shows already.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Seen {
    since: String,
}

/// Answers with the stream. After a break the browser says what it heard last.
pub async fn get(
    portal: Data<Portal>,
    live: Data<Live>,
    member: Member,
    request: HttpRequest,
    path: Path<String>,
    seen: Query<Seen>,
) -> Answer {
    let environment = id(&path)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let version = history::version(&mut db, member.account, environment).await?;
    version.ok_or(PageError::NotFound)?;
    let last = request.headers().get("last-event-id").and_then(|last| last.to_str().ok()).map(str::to_owned);
    let seen = last.unwrap_or_else(|| seen.into_inner().since);
    answer::events(live.versions(portal.db.clone(), member.account, Subject::Environment(environment), seen))
}
