//! The customer's pages about instances. (People say *instance*; the program says environment.)

pub mod check_name;
pub mod containers;
pub mod delete;
pub mod domains;
pub mod events;
mod facts;
pub mod list;
pub mod logs;
pub mod open;
pub mod order;
pub mod plan;
pub mod rename;
pub mod scaling;
pub mod show;
pub mod steer;
pub mod usage;

use anyhow::Context;

use crate::base::ids::EnvironmentId;
use crate::environments::{By, Environment};
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::Layout;

/// Returns who asks, as use cases know it.
fn by(member: &Member) -> By {
    By { account: member.account, user: member.user, name: member.name.clone(), actor: member.actor() }
}

/// Returns how values are written for this reader: the language of the page, the time zone of the organisation.
fn formats(layout: &Layout) -> Formats {
    Formats::new(layout.locale, layout.person.as_ref().map_or("UTC", |person| &person.timezone))
}

/// Reads an id of a path. What is no id is no instance either.
fn id<T: std::str::FromStr>(text: &str) -> Result<T, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

/// What a person without the right gets: a refusal for an instance of the own account, nothing for anybody else's.
async fn forbidden_or_missing(
    portal: &Portal,
    member: &Member,
    environment: EnvironmentId,
    forbidden: PageError,
) -> PageError {
    match find(portal, member, environment).await {
        Ok(_) => forbidden,
        Err(error) => error,
    }
}

/// Returns the account's instance. Anybody else's does not exist.
async fn find(portal: &Portal, member: &Member, environment: EnvironmentId) -> Result<Environment, PageError> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    crate::environments::find(&mut db, member.account, environment).await?.ok_or(PageError::NotFound)
}
