//! Closes an account when the time to take it back is over.

use chrono::{DateTime, Utc};

use super::JobError;
use crate::accounts::closing;
use crate::accounts::letters::CloseAccount;
use crate::portal::Portal;

pub(super) async fn run(portal: &Portal, job: &CloseAccount, now: DateTime<Utc>) -> Result<(), JobError> {
    Ok(closing::finish(portal, job.account, now).await?)
}
