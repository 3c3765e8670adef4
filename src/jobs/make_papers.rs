//! Makes the papers of a final document, keeps them, and tells whoever pays.

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::JobError;
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::billing::documents;
use crate::billing::papers::{self, MakePapers};
use crate::portal::Portal;

pub(super) async fn run(portal: &Portal, job: &MakePapers, now: DateTime<Utc>) -> Result<(), JobError> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let found = documents::find(&mut db, None, job.document).await?;
    let document = found.context("there is no such document").map_err(JobError::GiveUp)?;
    let is_told = documents::file(&mut db, None, job.document, "pdf").await?.is_some();
    drop(db);
    if is_told {
        return Ok(());
    }
    let made = papers::make(&document.paper).await.context("make the papers")?;

    let mut tx = portal.db.begin().await.context("begin")?;
    for (kind, content) in [("cii", made.cii.as_bytes()), ("ubl", made.ubl.as_bytes()), ("pdf", made.pdf.as_slice())] {
        documents::keep_file(&mut tx, job.document, kind, content, now).await?;
    }
    let listed = &document.listed;
    let letter = |payer| SendLetter::DocumentIssued {
        payer,
        document: job.document,
        is_invoice: listed.kind == documents::Kind::Invoice,
        number: listed.number.clone(),
        gross_minor: listed.gross.minor,
        open_minor: listed.open.minor,
        currency: listed.gross.currency,
        due_on: listed.due_on,
    };
    people::write_about_money(&mut tx, listed.account, letter, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}
