//! Writes drafts: lines from charges, and credit notes of corrections.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::store::{self, NewDocument};
use super::{Kind, NewLine, Whose};
use crate::base::ids::{DocumentId, PeriodId};

/// Writes the draft of a month's invoice. One for each month: the database refuses a second one.
pub async fn draft_invoice(
    db: &mut PgConnection,
    whose: Whose,
    period: PeriodId,
    lines: &[NewLine],
    now: DateTime<Utc>,
) -> anyhow::Result<DocumentId> {
    let id = DocumentId::new(now);
    let new = NewDocument { id, whose, kind: Kind::Invoice, period: Some(period), corrects: None, reason: "" };
    write(db, &new, lines, now).await?;
    Ok(id)
}

/// Writes the draft of a credit note for what a later look found less of than `corrects` billed.
pub async fn draft_note_of_corrections(
    db: &mut PgConnection,
    whose: Whose,
    corrects: DocumentId,
    lines: &[NewLine],
    now: DateTime<Utc>,
) -> anyhow::Result<DocumentId> {
    let id = DocumentId::new(now);
    let new =
        NewDocument { id, whose, kind: Kind::CreditNote, period: None, corrects: Some(corrects), reason: "correction" };
    write(db, &new, lines, now).await?;
    Ok(id)
}

pub(super) async fn write(
    db: &mut PgConnection,
    new: &NewDocument<'_>,
    lines: &[NewLine],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    ensure!(!lines.is_empty(), "a document has lines");
    let net: i64 = lines.iter().map(|line| line.net.minor).sum();
    ensure!(net >= 0, "a document never says less than nothing");
    store::insert_draft(db, new, net, now).await.context("insert a draft")?;
    store::insert_lines(db, new.id, lines).await.context("insert the lines")?;
    Ok(())
}
