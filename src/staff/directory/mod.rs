//! What staff look through: customers, instances, hosts, and one search over all of them.

mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};

pub use store::{AccountRow, HostRow, InstanceRow, MemberRow, Overview, PersonHit, SuspensionRow, UsageRow};

/// How many rows a list shows at once.
pub const PAGE: i64 = 50;

/// Numbers for the first page.
pub async fn overview(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Overview> {
    store::overview(db, now).await.context("count what there is")
}

/// Customers whose name or members' e-mail contain `text` (all for an empty one), newest first.
pub async fn accounts(db: &mut PgConnection, text: &str, page: i64) -> anyhow::Result<Vec<AccountRow>> {
    store::accounts(db, None, &pattern(text), (page * PAGE, PAGE + 1)).await.context("list the customers")
}

/// One customer.
pub async fn account(db: &mut PgConnection, id: AccountId) -> anyhow::Result<Option<AccountRow>> {
    store::account(db, id).await.context("read the customer")
}

/// A customer's members.
pub async fn members(db: &mut PgConnection, id: AccountId) -> anyhow::Result<Vec<MemberRow>> {
    store::members(db, id).await.context("list the members")
}

/// Suspensions of a customer or of one of its instances, newest first.
pub async fn suspensions(db: &mut PgConnection, id: AccountId) -> anyhow::Result<Vec<SuspensionRow>> {
    store::suspensions(db, id).await.context("list the suspensions")
}

/// Which instances are wanted.
#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    /// Part of the name, address, company or runtime code.
    pub text: String,
    /// A status, or empty.
    pub status: String,
    /// Of this customer only.
    pub account: Option<AccountId>,
}

/// Instances that fit, newest first.
pub async fn instances(db: &mut PgConnection, filter: &InstanceFilter, page: i64) -> anyhow::Result<Vec<InstanceRow>> {
    store::instances(db, None, filter, &pattern(&filter.text), (page * PAGE, PAGE + 1))
        .await
        .context("list the instances")
}

/// One instance.
pub async fn instance(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Option<InstanceRow>> {
    store::instance(db, id).await.context("read the instance")
}

/// Hosts with what is promised on them.
pub async fn hosts(db: &mut PgConnection) -> anyhow::Result<Vec<HostRow>> {
    store::hosts(db, "%").await.context("list the hosts")
}

/// How many lines of usage are shown at once.
pub const USAGE_LINES: i64 = 1_000;

/// What instances used of every meter from the first instant of `period` to the second one, by one customer or one instance only
/// if it is named; one line more than is shown.
pub async fn usage(
    db: &mut PgConnection,
    period: (DateTime<Utc>, DateTime<Utc>),
    only: (Option<AccountId>, Option<EnvironmentId>),
) -> anyhow::Result<Vec<UsageRow>> {
    store::usage(db, period, only, USAGE_LINES + 1).await.context("add the usage up")
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Customers by name, member's e-mail or id.
    pub accounts: Vec<AccountRow>,
    /// Instances by name, address, company, id or runtime code.
    pub instances: Vec<InstanceRow>,
    /// People by name or e-mail.
    pub people: Vec<PersonHit>,
    /// Hosts by name, address, zone or id.
    pub hosts: Vec<HostRow>,
}

/// Searches everything for one text.
pub async fn search(db: &mut PgConnection, text: &str) -> anyhow::Result<Found> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Found::default());
    }
    let pattern = pattern(text);
    let by_text = InstanceFilter { text: text.to_owned(), ..InstanceFilter::default() };
    Ok(Found {
        accounts: store::accounts(db, None, &pattern, (0, 10)).await.context("search the customers")?,
        instances: store::instances(db, None, &by_text, &pattern, (0, 10)).await.context("search the instances")?,
        people: store::people(db, &pattern).await.context("search the people")?,
        hosts: store::hosts(db, &pattern).await.context("search the hosts")?,
    })
}

/// Makes a `LIKE` pattern of what was typed, so that `%` and `_` mean themselves.
fn pattern(text: &str) -> String {
    let escaped = text.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
