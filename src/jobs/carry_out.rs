//! Carries out what our people want done in the books.

use super::JobError;
use crate::billing::instructions::{self, CarryOut};
use crate::portal::Portal;

pub(super) async fn run(portal: &Portal, job: &CarryOut) -> Result<(), JobError> {
    Ok(instructions::carry_out(portal, job.instruction).await?)
}
