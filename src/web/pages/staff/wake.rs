//! Wakes an instance for staff (POST).

use actix_web::web::{Data, Path};

use crate::base::ids::EnvironmentId;
use crate::portal::Portal;
use crate::staff::waking;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Wants it awake now.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<EnvironmentId>, _: Posted<Button>) -> Answer {
    match waking::wake(&portal, &staff.member, *id).await? {
        None => Err(PageError::NotFound),
        Some(true) => answer::flash(urls::staff_instance(*id), FlashKind::Good, "staff-wake-done"),
        Some(false) => answer::flash(urls::staff_instance(*id), FlashKind::Info, "staff-wake-not-asleep"),
    }
}
