//! The bodies of the queue's jobs: one file each. docs/jobs.md lists them.

mod carry_out;
mod close_account;
mod give_credit;
mod make_papers;
mod send_letter;
pub mod worker;

use chrono::{DateTime, Utc};

use crate::accounts::letters::{CloseAccount, SendLetter};
use crate::billing::instructions::CarryOut;
use crate::billing::lots::grants::GiveCredit;
use crate::billing::papers::MakePapers;
use crate::mail::transport::Mailer;
use crate::portal::Portal;
use crate::queue::{Held, Job};

/// The name of every job that there is.
pub const KINDS: &[&str] = &[CarryOut::KIND, CloseAccount::KIND, GiveCredit::KIND, MakePapers::KIND, SendLetter::KIND];

/// Why a job did not work.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Worth another try.
    #[error("the job failed")]
    Retry(#[source] anyhow::Error),
    /// No later try can work.
    #[error("the job was given up")]
    GiveUp(#[source] anyhow::Error),
}

impl From<anyhow::Error> for JobError {
    fn from(cause: anyhow::Error) -> Self {
        Self::Retry(cause)
    }
}

/// Carries one job out.
async fn run(portal: &Portal, mailer: &Mailer, held: &Held, now: DateTime<Utc>) -> Result<(), JobError> {
    match held.kind.as_str() {
        CarryOut::KIND => carry_out::run(portal, &held.read().map_err(JobError::GiveUp)?).await,
        CloseAccount::KIND => close_account::run(portal, &held.read().map_err(JobError::GiveUp)?, now).await,
        GiveCredit::KIND => give_credit::run(portal, &held.read().map_err(JobError::GiveUp)?).await,
        MakePapers::KIND => make_papers::run(portal, &held.read().map_err(JobError::GiveUp)?, now).await,
        SendLetter::KIND => {
            send_letter::run(portal, mailer, (held.id, &held.read().map_err(JobError::GiveUp)?), now).await
        }
        kind => Err(JobError::GiveUp(anyhow::anyhow!("there is no job called {kind}"))),
    }
}
