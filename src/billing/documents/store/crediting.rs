//! What credit notes have taken of an invoice.

use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::base::ids::DocumentId;
use crate::db::StoreError;

/// A line of a credit note.
pub struct Part {
    /// Which line of the invoice it gives back; `None` of a correction, which speaks of the month.
    pub line_no: Option<i32>,
    pub vat_category: String,
    pub vat_rate: Decimal,
    pub net_minor: i64,
}

/// Holds a document until the end of the transaction.
pub async fn lock(db: &mut PgConnection, id: DocumentId) -> Result<(), StoreError> {
    sqlx::query!("SELECT FROM documents WHERE id = $1 FOR UPDATE", id as DocumentId).execute(db).await?;
    Ok(())
}

/// The lines of all credit notes on an invoice, drafts with them; but for what was given back before, perhaps, and waits for a
/// person or was dropped by one.
pub async fn given_back(db: &mut PgConnection, invoice: DocumentId) -> Result<Vec<Part>, StoreError> {
    Ok(sqlx::query_as!(
        Part,
        r#"
        SELECT document_lines.corrects_line AS line_no
             , document_lines.vat_category
             , document_lines.vat_rate
             , document_lines.net_minor
          FROM document_lines
          JOIN documents ON documents.id = document_lines.document_id
         WHERE documents.corrects_id = $1
           AND documents.state <> 'dropped'
           AND NOT (documents.state = 'draft' AND COALESCE(documents.held ->> 'reason', '') = 'credited')
        "#,
        invoice as DocumentId
    )
    .fetch_all(db)
    .await?)
}

/// Says of the lines of a draft, in their order, which lines of its invoice they give back.
pub async fn say_which_lines(db: &mut PgConnection, note: DocumentId, which: &[i32]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE document_lines
           SET corrects_line = which.line
          FROM unnest($2::int[]) WITH ORDINALITY AS which (line, position)
         WHERE document_lines.document_id = $1
           AND document_lines.line_no = which.position
        "#,
        note as DocumentId,
        which
    )
    .execute(db)
    .await?;
    Ok(())
}
