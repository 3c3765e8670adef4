//! Numbers that cannot be right, for the people who look after the installation. They are billed to nobody.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::counting::Reason;
use super::{Meter, store};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// What was refused of one source for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The customer.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// The environment.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: String,
    /// The meter.
    pub meter: Meter,
    /// Where the numbers came from.
    pub source: String,
    /// What is wrong with them.
    pub reason: Reason,
    /// How many there were.
    pub times: i64,
    /// When the last one came in.
    pub taken_at: DateTime<Utc>,
    /// When the newest of them says that it was read.
    pub observed_at: DateTime<Utc>,
}

/// Returns what came in during a period and was refused, of one customer or one instance only if it is named.
pub async fn latest(
    db: &mut PgConnection,
    period: (DateTime<Utc>, DateTime<Utc>),
    only: (Option<AccountId>, Option<EnvironmentId>),
    limit: i64,
) -> Result<Vec<Refusal>, StoreError> {
    store::list_refusals(db, period, only, limit).await
}
