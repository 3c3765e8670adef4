//! Gives an instance a limit of requests of its own (POST only).

use actix_web::web::{Data, Path};

use super::instances::{self, Slip};
use crate::base::ids::EnvironmentId;
use crate::portal::Portal;
use crate::staff::limits;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// What was typed.
#[derive(Debug, serde::Deserialize)]
pub struct LimitForm {
    requests_per_second: String,
}

/// Sets it, or takes it away when nothing was typed.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<EnvironmentId>, posted: Posted<LimitForm>) -> Answer {
    let Some(limit) = limits::parse(&posted.form.requests_per_second) else {
        return instances::show(&portal, staff.layout, *id, Some(Slip::Limit(posted.form.requests_per_second))).await;
    };
    if limits::set(&portal, &staff.member, *id, limit).await? {
        answer::flash(urls::staff_instance(*id), FlashKind::Good, "staff-limit-done")
    } else {
        Err(PageError::NotFound)
    }
}
