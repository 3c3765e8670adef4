//! Staff stop a customer or one environment, with a reason, until they lift it.
//!
//! Only rows change; the worker stops what runs and the proxy shows a page that says so. No data is touched.

use anyhow::Context;

use super::{StaffMember, store};
use crate::audit::{self, Actor};
use crate::base::ids::{AccountId, EnvironmentId, SuspensionId};
use crate::db;
use crate::portal::Portal;

/// What is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything that an account has.
    Account(AccountId),
    /// One environment.
    Environment(EnvironmentId),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SuspensionError {
    /// A reason has 3 to 1,000 characters: the customer reads it.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// There is no such account or environment.
    #[error("it does not exist")]
    NotFound,
    /// It is suspended already, or not suspended any more.
    #[error("it is in that state already")]
    AlreadySo,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What is done.
#[derive(Clone, Copy)]
enum Change {
    Suspend,
    Lift,
}

/// Suspends. The customer sees the reason.
pub async fn suspend(portal: &Portal, by: &StaffMember, subject: Subject, reason: &str) -> Result<(), SuspensionError> {
    change(portal, by, subject, reason, Change::Suspend).await
}

/// Lifts a suspension; what ran before runs again.
pub async fn lift(portal: &Portal, by: &StaffMember, subject: Subject, reason: &str) -> Result<(), SuspensionError> {
    change(portal, by, subject, reason, Change::Lift).await
}

/// Whether a reason says something.
#[must_use]
pub(super) fn is_reason(reason: &str) -> bool {
    (3..=1000).contains(&reason.chars().count())
}

async fn change(
    portal: &Portal,
    by: &StaffMember,
    subject: Subject,
    reason: &str,
    change: Change,
) -> Result<(), SuspensionError> {
    let reason = reason.trim();
    if !is_reason(reason) {
        return Err(SuspensionError::ReasonNeeded);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let whose =
        store::suspension_subject(&mut tx, subject).await.context("find it")?.ok_or(SuspensionError::NotFound)?;
    let (action, is_changed) = match change {
        Change::Suspend => {
            let id = SuspensionId::new(now);
            ("suspended", store::insert_suspension(&mut tx, id, whose, (by.id, reason), now).await)
        }
        Change::Lift => ("resumed", store::lift_suspension(&mut tx, whose, (by.id, reason), now).await),
    };
    if !is_changed.context("change the suspension")? {
        return Err(SuspensionError::AlreadySo);
    }
    let (account, environment) = whose;
    let entry = audit::Entry::new(action)
        .account(account)
        .environment(environment)
        .detail(serde_json::json!({ "reason": reason }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}
