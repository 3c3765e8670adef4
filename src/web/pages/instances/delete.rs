//! `/instances/{id}/delete`: deletion with a typed name, and its undoing.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{by, find, forbidden_or_missing, formats, id};
use crate::accounts::policy::Action;
use crate::environments::removal::{self, Refusal, RemovalError, UNDO_FOR};
use crate::environments::{Environment, Wanted};
use crate::metering::usage;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    typed: String,
}

/// Shows the page: what will be lost.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    member.require(Action::DeleteInstance)?;
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return answer::see_other(urls::instance(environment.id));
    }
    let size = database_size(&portal, &member, &environment).await?;
    answer::page(&DeletePage::new(&member.layout, &environment, size, None))
}

/// Deletes, or says that the name is not right.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<DeleteForm>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::DeleteInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    match removal::ask(&portal, &by(&member), environment, &posted.form.typed).await {
        Ok(Some(())) => answer::flash(urls::instance(environment), FlashKind::Info, "instances-deletion-asked"),
        Ok(None) => Err(PageError::NotFound),
        Err(RemovalError::Refused(_)) => {
            let environment = find(&portal, &member, environment).await?;
            let problem = member.layout.t("instances-delete-wrong-name");
            let size = database_size(&portal, &member, &environment).await?;
            answer::again(&DeletePage::new(&member.layout, &environment, size, Some(problem)))
        }
        Err(RemovalError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

/// Takes a deletion back.
pub async fn undo(portal: Data<Portal>, member: Member, path: Path<String>, _: Posted<Button>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::DeleteInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    match removal::undo(&portal, &by(&member), environment).await {
        Ok(Some(())) => answer::flash(urls::instance(environment), FlashKind::Good, "instances-deletion-undone"),
        Ok(None) => Err(PageError::NotFound),
        Err(RemovalError::Refused(Refusal::TooLate | Refusal::WrongName)) => {
            answer::flash(urls::instances(), FlashKind::Bad, "instances-deletion-too-late")
        }
        Err(RemovalError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

/// Returns the newest known size of the database in words; empty while nobody has measured it.
async fn database_size(portal: &Portal, member: &Member, environment: &Environment) -> Result<String, PageError> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let bytes = usage::database_bytes(&mut db, member.account, environment.id).await?;
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok());
    Ok(bytes.map(|bytes| formats(&member.layout).bytes(bytes)).unwrap_or_default())
}

#[derive(Template)]
#[template(path = "pages/instances/delete.html")]
struct DeletePage {
    layout: Layout,
    name: String,
    /// What is to be typed: the name in the address.
    typed: String,
    host: String,
    until: String,
    /// Empty while nobody has measured it.
    database_size: String,
    problem: Option<String>,
    delete_url: String,
    instance_url: String,
    list_url: String,
}

impl DeletePage {
    fn new(layout: &Layout, environment: &Environment, database_size: String, problem: Option<String>) -> Self {
        let typed = environment.subdomain.as_ref().map_or(environment.name.clone(), ToString::to_string);
        Self {
            layout: layout.clone(),
            name: environment.name.clone(),
            host: layout.public.instance_host(&typed),
            typed,
            until: formats(layout).date_time(layout.now + UNDO_FOR),
            database_size,
            problem,
            delete_url: urls::delete_instance(environment.id),
            instance_url: urls::instance(environment.id),
            list_url: urls::instances(),
        }
    }
}
