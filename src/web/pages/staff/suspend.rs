//! Suspends and resumes customers and instances (POST only).

use actix_web::web::{Data, Path};

use super::instances::Slip;
use super::{accounts, instances};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::portal::Portal;
use crate::staff::suspensions::{self, Subject, SuspensionError};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// What the forms hold.
#[derive(Debug, serde::Deserialize)]
pub struct ReasonForm {
    reason: String,
}

#[derive(Clone, Copy)]
enum Act {
    Suspend,
    Lift,
}

/// Suspends a customer.
pub async fn account(portal: Data<Portal>, staff: Staff, id: Path<AccountId>, posted: Posted<ReasonForm>) -> Answer {
    act(&portal, staff, Subject::Account(*id), Act::Suspend, &posted.form.reason).await
}

/// Resumes a customer.
pub async fn account_resume(
    portal: Data<Portal>,
    staff: Staff,
    id: Path<AccountId>,
    posted: Posted<ReasonForm>,
) -> Answer {
    act(&portal, staff, Subject::Account(*id), Act::Lift, &posted.form.reason).await
}

/// Suspends an instance.
pub async fn instance(
    portal: Data<Portal>,
    staff: Staff,
    id: Path<EnvironmentId>,
    posted: Posted<ReasonForm>,
) -> Answer {
    act(&portal, staff, Subject::Environment(*id), Act::Suspend, &posted.form.reason).await
}

/// Resumes an instance.
pub async fn instance_resume(
    portal: Data<Portal>,
    staff: Staff,
    id: Path<EnvironmentId>,
    posted: Posted<ReasonForm>,
) -> Answer {
    act(&portal, staff, Subject::Environment(*id), Act::Lift, &posted.form.reason).await
}

async fn act(portal: &Portal, staff: Staff, subject: Subject, act: Act, reason: &str) -> Answer {
    let done = match act {
        Act::Suspend => suspensions::suspend(portal, &staff.member, subject, reason).await,
        Act::Lift => suspensions::lift(portal, &staff.member, subject, reason).await,
    };
    let page = match subject {
        Subject::Account(id) => urls::staff_account(id),
        Subject::Environment(id) => urls::staff_instance(id),
    };
    match (done, act) {
        (Ok(()), Act::Suspend) => answer::flash(page, FlashKind::Good, "staff-suspended-done"),
        (Ok(()), Act::Lift) => answer::flash(page, FlashKind::Good, "staff-resumed-done"),
        (Err(SuspensionError::AlreadySo), _) => answer::flash(page, FlashKind::Info, "staff-already-so"),
        (Err(SuspensionError::NotFound), _) => Err(PageError::NotFound),
        (Err(SuspensionError::ReasonNeeded), _) => match subject {
            Subject::Account(id) => {
                let problem = Some(staff.layout.t("staff-reason-needed"));
                accounts::show(portal, staff.layout, id, problem).await
            }
            Subject::Environment(id) => instances::show(portal, staff.layout, id, Some(Slip::Reason)).await,
        },
        (Err(SuspensionError::Failed(cause)), _) => Err(cause.into()),
    }
}
