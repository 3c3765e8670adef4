//! Writes drafts: lines from charges, and credit notes that staff or corrections ask for.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::store::{self, NewDocument};
use super::{Kind, NewLine, Whose};
use crate::base::ids::{DocumentId, PeriodId};
use crate::base::money::Money;

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

/// Writes the draft of a credit note that takes a part of each line of an invoice back: `of` says of which lines how much
/// (net, above zero). Fails when it is more than the line billed; the database refuses more than all notes together may take.
pub async fn credit(
    db: &mut PgConnection,
    invoice: DocumentId,
    of: &[(i32, Money)],
    reason: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<DocumentId> {
    let (whose, billed) = store::lines_of(db, invoice).await.context("read the invoice")?.context("no such invoice")?;
    let mut lines = Vec::new();
    for (line_no, net) in of {
        let line = billed.iter().find(|line| line.line_no == *line_no).context("the invoice has no such line")?;
        ensure!(net.minor > 0 && net.minor <= line.net_minor, "a line is given back at most once");
        lines.push(NewLine {
            kind: "correction",
            environment: line.environment,
            meter: None,
            title: line.title.clone(),
            detail: line.detail.clone(),
            span: line.from_at.zip(line.until_at),
            quantity: Decimal::ONE,
            unit: "one",
            unit_price: net.exact(),
            net: *net,
            charge: None,
            discount: None,
            vat: (line.vat_category.clone(), line.vat_rate),
        });
    }
    let id = DocumentId::new(now);
    let new = NewDocument { id, whose, kind: Kind::CreditNote, period: None, corrects: Some(invoice), reason };
    write(db, &new, &lines, now).await?;
    Ok(id)
}

async fn write(
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
