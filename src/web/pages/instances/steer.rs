//! Start, stop, restart and wake (POST): each leads back to the instance.

use actix_web::web::{Data, Path};

use super::{by, id};
use crate::accounts::policy::Action;
use crate::environments::steering::{self, Change, Refusal, SteeringError};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Wants it running.
pub async fn start(portal: Data<Portal>, member: Member, path: Path<String>, _: Posted<Button>) -> Answer {
    steer(&portal, &member, &path, Change::Start).await
}

/// Wants it stopped.
pub async fn stop(portal: Data<Portal>, member: Member, path: Path<String>, _: Posted<Button>) -> Answer {
    steer(&portal, &member, &path, Change::Stop).await
}

/// Wants it restarted.
pub async fn restart(portal: Data<Portal>, member: Member, path: Path<String>, _: Posted<Button>) -> Answer {
    steer(&portal, &member, &path, Change::Restart).await
}

/// Wants it awake now.
pub async fn wake(portal: Data<Portal>, member: Member, path: Path<String>, _: Posted<Button>) -> Answer {
    steer(&portal, &member, &path, Change::Wake).await
}

async fn steer(portal: &Portal, member: &Member, path: &str, change: Change) -> Answer {
    let environment = id(path)?;
    if let Err(error) = member.require(Action::SteerInstance) {
        return Err(super::forbidden_or_missing(portal, member, environment, error).await);
    }
    match steering::change(portal, &by(member), environment, change).await {
        Ok(Some(())) => answer::see_other(urls::instance(environment)),
        Ok(None) => Err(PageError::NotFound),
        Err(SteeringError::Refused(why)) => {
            let key = match why {
                Refusal::Suspended => "instances-refused-suspended",
                Refusal::BeingDeleted => "instances-refused-deleting",
                Refusal::Stopped => "instances-refused-stopped",
            };
            answer::flash(urls::instance(environment), FlashKind::Bad, key)
        }
        Err(SteeringError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}
