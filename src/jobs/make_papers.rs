//! Makes the papers of a final document, keeps them, and tells whoever pays.

use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sayoo_papers::Fonts;

use super::JobError;
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::billing::documents;
use crate::billing::papers::MakePapers;
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
    let paper = document.paper.clone();
    // A tenth of a second of a processor: not beside what answers.
    let made = tokio::task::spawn_blocking(move || -> Result<_, sayoo_papers::Error> {
        let fonts = Fonts::load(Path::new(sayoo_papers::DEBIAN_FOLDER))?;
        Ok((sayoo_papers::pdf(&paper, &fonts)?, sayoo_papers::cii(&paper)?, sayoo_papers::ubl(&paper)?))
    });
    let (pdf, cii, ubl) = made.await.context("a thread that makes papers ended")?.context("make the papers")?;

    let mut tx = portal.db.begin().await.context("begin")?;
    for (kind, content) in [("cii", cii.as_bytes()), ("ubl", ubl.as_bytes()), ("pdf", pdf.as_slice())] {
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
