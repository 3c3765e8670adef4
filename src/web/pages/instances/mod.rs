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
pub mod what_if;

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::PgConnection;

use crate::base::chain;
use crate::base::ids::EnvironmentId;
use crate::base::money::Currency;
use crate::billing::rating::account::{self, Month};
use crate::billing::rating::{SoFar, Span};
use crate::billing::{run, sellers};
use crate::environments::{By, Environment};
use crate::i18n::format::Formats;
use crate::plans::cost;
use crate::portal::Portal;
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::Layout;

/// Returns who asks, as use cases know it.
fn by(member: &Member) -> By {
    By { account: member.account, user: member.user, name: member.name.clone(), actor: member.actor() }
}

/// Returns what some instances cost so far this month, by the function that invoices are made with. `None` when that cannot be said:
/// a page about instances is shown all the same.
async fn costs_so_far(
    db: &mut PgConnection,
    member: &Member,
    currency: Currency,
    only: &[EnvironmentId],
) -> Option<BTreeMap<EnvironmentId, SoFar>> {
    let costs = read_costs(db, member, currency, only).await;
    if let Err(error) = &costs {
        tracing::error!(account = %member.account, error = chain::of_any(error), "the cost so far cannot be said");
    }
    costs.ok()
}

async fn read_costs(
    db: &mut PgConnection,
    member: &Member,
    currency: Currency,
    only: &[EnvironmentId],
) -> anyhow::Result<BTreeMap<EnvironmentId, SoFar>> {
    let (account, now) = (member.account, member.layout.now);
    let period = if let Some(period) = run::open_period(db, account, now).await? {
        period.span
    } else {
        // None is open yet: as it will be.
        let sellers = sellers::list(db).await?;
        let zone = sellers.iter().find(|seller| seller.currency == currency).map_or(chrono_tz::UTC, |it| it.zone);
        let (from, until) = cost::month(now, zone);
        Span { from, until }
    };
    let month = Month { account, currency, period, only: Some(only) };
    account::environments_so_far(db, month, now).await
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
