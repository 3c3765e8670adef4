//! Environments that rest because of money: suspensions that nobody of ours wrote.
//!
//! There is one way for unpaid invoices and for budgets that are used up. Each lifts only its own, and neither those by staff.

mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::AccountId;

/// Why something rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Invoices are overdue.
    Unpaid,
    /// The month's budget is reached, and its account wants that.
    Budget,
}

impl Cause {
    const ALL: [Self; 2] = [Self::Unpaid, Self::Budget];

    /// The word kept in the database.
    fn origin(self) -> &'static str {
        match self {
            Self::Unpaid => "dunning",
            Self::Budget => "budget",
        }
    }

    /// Returns the key of the sentence that stands for a reason, because nobody of ours wrote one.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unpaid => "reason-unpaid",
            Self::Budget => "reason-budget",
        }
    }

    /// Returns the key of what ended it, for staff.
    #[must_use]
    pub fn ended(self) -> &'static str {
        match self {
            Self::Unpaid => "dunning-lifted",
            Self::Budget => "budget-lifted",
        }
    }

    /// Returns the cause of a reason; `None` when a person wrote it.
    #[must_use]
    pub fn of_reason(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.reason() == reason)
    }
}

/// What is to rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Development and test environments.
    pub others: bool,
    /// Production environments.
    pub production: bool,
    /// The account as a whole.
    pub account: bool,
}

/// Makes true for one cause what is to rest, and nothing else. Returns whether anything changed: where nothing does, nobody is
/// woken.
pub async fn apply(
    db: &mut PgConnection,
    account: AccountId,
    cause: Cause,
    rest: Rest,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let lifted = store::lift(db, account, cause, rest, now).await.context("lift what rests no longer")?;
    let suspended = store::suspend(db, account, cause, rest, now).await.context("suspend what rests")?;
    Ok(lifted || suspended)
}
