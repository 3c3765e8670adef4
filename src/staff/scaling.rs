//! Staff want another number of containers for a customer's environment, or another rule about it, with a reason.

use super::StaffMember;
use super::suspensions::is_reason;
use crate::audit::Actor;
use crate::base::ids::EnvironmentId;
use crate::environments::scaling::{self, Refusal, Scaled, ScalingError, Wish};
use crate::portal::Portal;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StaffScalingError {
    /// A reason has 3 to 1,000 characters.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// There is no such environment.
    #[error("it does not exist")]
    NotFound,
    /// The number or the rule cannot be had.
    #[error("the change was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Wants so many containers. The customer sees the number in the history; the reason stays in the audit log.
pub async fn scale(
    portal: &Portal,
    by: &StaffMember,
    id: EnvironmentId,
    number: i32,
    reason: &str,
) -> Result<Scaled, StaffScalingError> {
    let reason = reason.trim();
    if !is_reason(reason) {
        return Err(StaffScalingError::ReasonNeeded);
    }
    let actor = Actor::staff(by.id, &by.name);
    done(scaling::scale_of_any_account(portal, &actor, id, number, reason).await)
}

/// Sets the rule. The customer sees it in the history and on the rule's page; the reason stays in the audit log.
pub async fn set_rule(
    portal: &Portal,
    by: &StaffMember,
    id: EnvironmentId,
    wish: &Wish,
    reason: &str,
) -> Result<(), StaffScalingError> {
    let reason = reason.trim();
    if !is_reason(reason) {
        return Err(StaffScalingError::ReasonNeeded);
    }
    let actor = Actor::staff(by.id, &by.name);
    done(scaling::set_rule_of_any_account(portal, &actor, id, wish, reason).await)
}

fn done<T>(answer: Result<Option<T>, ScalingError>) -> Result<T, StaffScalingError> {
    match answer {
        Ok(Some(done)) => Ok(done),
        Ok(None) => Err(StaffScalingError::NotFound),
        Err(ScalingError::Refused(why)) => Err(StaffScalingError::Refused(why)),
        Err(ScalingError::Failed(cause)) => Err(StaffScalingError::Failed(cause)),
    }
}
