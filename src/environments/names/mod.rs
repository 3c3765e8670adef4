//! Addresses below the instances' domain: claimed by one environment at a time, resting after they are freed.

pub(super) mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::base::names::Subdomain;

/// How long a freed name rests before another account can have it: mail, bookmarks and cookies of the old owner die meanwhile.
pub const REST: TimeDelta = TimeDelta::days(30);

/// Whether the account could have this name now.
pub async fn is_free(
    db: &mut PgConnection,
    account: AccountId,
    name: &Subdomain,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    Ok(!store::is_taken(db, account, name, now).await.context("look up an address")?)
}

/// Returns the first name like `wish` that the account could have: `acme`, `acme-2`, `acme-3` …
pub async fn free_like(
    db: &mut PgConnection,
    account: AccountId,
    wish: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Subdomain>> {
    for number in 1..=9 {
        let text = if number == 1 { wish.to_owned() } else { format!("{wish}-{number}") };
        let Ok(name) = Subdomain::parse(&text) else { continue };
        if is_free(db, account, &name, now).await? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Frees the name of an environment that is gone: it begins its rest. Called by the worker when it has removed everything.
pub async fn free(db: &mut PgConnection, environment: EnvironmentId, now: DateTime<Utc>) -> anyhow::Result<()> {
    store::free(db, environment, now, now + REST).await.context("free an address")
}
