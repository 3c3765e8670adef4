//! Books credit that our people gave.

use super::JobError;
use crate::billing::lots::grants::{self, GiveCredit};
use crate::portal::Portal;

pub(super) async fn run(portal: &Portal, job: &GiveCredit) -> Result<(), JobError> {
    Ok(grants::give(portal, job.grant).await?)
}
