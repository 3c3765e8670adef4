//! The audit log: what people and staff did, chained by hash so that an edited or missing row shows.

mod chain;
mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub use chain::Broken;
pub use store::{Filter, Row};

use crate::base::ids::{AccountId, EnvironmentId, StaffId, UserId};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    kind: &'static str,
    id: Option<Uuid>,
    name: String,
    address: Option<String>,
}

impl Actor {
    /// A customer's user.
    #[must_use]
    pub fn user(id: UserId, name: &str) -> Self {
        Self { kind: "user", id: Some(id.uuid()), name: name.to_owned(), address: None }
    }

    /// One of the hosting company's own people.
    #[must_use]
    pub fn staff(id: StaffId, name: &str) -> Self {
        Self { kind: "staff", id: Some(id.uuid()), name: name.to_owned(), address: None }
    }

    /// The program itself.
    #[must_use]
    pub fn system() -> Self {
        Self { kind: "system", id: None, name: "sayoo".to_owned(), address: None }
    }

    /// Adds the network address that the act came from.
    #[must_use]
    pub fn from_address(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }
}

/// What was done, to whom.
#[derive(Clone, Debug)]
pub struct Entry {
    action: &'static str,
    account: Option<AccountId>,
    environment: Option<EnvironmentId>,
    detail: serde_json::Value,
}

impl Entry {
    /// Begins an entry. `action` is a stable name such as `environment.stopped`; pages translate `audit-` and it, dots as hyphens.
    #[must_use]
    pub fn new(action: &'static str) -> Self {
        Self { action, account: None, environment: None, detail: serde_json::json!({}) }
    }

    /// Says which account it concerns.
    #[must_use]
    pub fn account(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// Says which environment it concerns.
    #[must_use]
    pub fn environment(self, environment: impl Into<Option<EnvironmentId>>) -> Self {
        Self { environment: environment.into(), ..self }
    }

    /// Adds what else is worth knowing. Never a secret.
    #[must_use]
    pub fn detail(self, detail: serde_json::Value) -> Self {
        Self { detail, ..self }
    }
}

/// Writes one entry in the transaction of the act itself: neither exists without the other.
///
/// Entries are written one after the other (a lock held until the commit), because each carries the hash of the one before.
pub async fn record(db: &mut PgConnection, actor: &Actor, entry: Entry, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (last, previous_hash) = store::lock_last(db).await.context("read the end of the audit log")?;
    let mut row = Row {
        seq: last + 1,
        at: now,
        actor_kind: actor.kind.to_owned(),
        actor_id: actor.id,
        actor_name: actor.name.clone(),
        account_id: entry.account.map(AccountId::uuid),
        environment_id: entry.environment.map(EnvironmentId::uuid),
        action: entry.action.to_owned(),
        detail: entry.detail,
        address: actor.address.clone(),
        previous_hash,
        hash: Vec::new(),
    };
    row.hash = chain::hash(&row);
    store::insert(db, &row).await.context("append to the audit log")
}

/// Checks the whole chain. Returns how many entries it has, or where it is broken.
pub async fn verify(db: &mut PgConnection) -> anyhow::Result<Result<i64, Broken>> {
    /// Read in parts, so that a long log does not fill the memory.
    const PART: i64 = 5_000;
    let mut checker = chain::Checker::default();
    loop {
        let rows = store::after(db, checker.count(), PART).await.context("read the audit log")?;
        if rows.is_empty() {
            return Ok(Ok(checker.count()));
        }
        for row in &rows {
            if let Err(broken) = checker.next(row) {
                return Ok(Err(broken));
            }
        }
    }
}

/// Returns the newest entries that fit, newest first.
pub async fn list(db: &mut PgConnection, filter: &Filter, before: Option<i64>, limit: i64) -> anyhow::Result<Vec<Row>> {
    store::list(db, filter, before, limit).await.context("read the audit log")
}
