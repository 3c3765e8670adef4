//! What is carried, as it stands in our own books.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::super::Push;
use crate::base::ids::{AccountId, DocumentId, PaybackId, PaymentId, SellerId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// A document, as far as it is carried.
pub struct KeptDocument {
    pub canonical: String,
    pub corrects: Option<DocumentId>,
}

/// Money that moved, as far as it is carried.
pub struct KeptPayment {
    pub method: String,
    pub amount: Money,
    pub on: NaiveDate,
    pub reference: String,
}

/// A final document.
pub async fn document(db: &mut PgConnection, id: DocumentId) -> Result<Option<KeptDocument>, StoreError> {
    Ok(sqlx::query_as!(
        KeptDocument,
        r#"
        SELECT canonical AS "canonical!"
             , corrects_id AS "corrects: DocumentId"
          FROM documents
         WHERE id = $1
           AND state = 'final'
        "#,
        id as DocumentId
    )
    .fetch_optional(db)
    .await?)
}

/// What stands on a customer's newest document of a company.
pub async fn newest_document(
    db: &mut PgConnection,
    seller: SellerId,
    account: AccountId,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT canonical AS "canonical!"
          FROM documents
         WHERE seller_id = $1
           AND account_id = $2
           AND state = 'final'
         ORDER BY series_year DESC, no DESC
         LIMIT 1
        "#,
        seller as SellerId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}

struct MovedRow {
    method: String,
    amount_minor: i64,
    currency: String,
    moved_on: NaiveDate,
    external_ref: String,
}

impl TryFrom<MovedRow> for KeptPayment {
    type Error = StoreError;

    fn try_from(row: MovedRow) -> Result<Self, StoreError> {
        let currency = row.currency.parse::<Currency>().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self {
            method: row.method,
            amount: Money::new(row.amount_minor, currency),
            on: row.moved_on,
            reference: row.external_ref,
        })
    }
}

/// Money that came in.
pub async fn payment(db: &mut PgConnection, id: PaymentId) -> Result<Option<KeptPayment>, StoreError> {
    sqlx::query_as!(
        MovedRow,
        "SELECT method, amount_minor, currency, received_on AS moved_on, external_ref FROM payments WHERE id = $1",
        id as PaymentId
    )
    .fetch_optional(db)
    .await?
    .map(KeptPayment::try_from)
    .transpose()
}

/// Money that went back, by the way by which it had come.
pub async fn payback(db: &mut PgConnection, id: PaybackId) -> Result<Option<KeptPayment>, StoreError> {
    sqlx::query_as!(
        MovedRow,
        "
        SELECT y.method, b.amount_minor, y.currency, b.paid_on AS moved_on, b.external_ref
          FROM paybacks b
          JOIN payments y ON y.id = b.payment_id
         WHERE b.id = $1
        ",
        id as PaybackId
    )
    .fetch_optional(db)
    .await?
    .map(KeptPayment::try_from)
    .transpose()
}

/// Whether a customer is there, as its newest document calls it.
pub async fn is_customer_there(
    db: &mut PgConnection,
    seller: SellerId,
    account: AccountId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
                SELECT FROM book_pushes WHERE seller_id = $1 AND account_id = $2 AND kind = 'customer' AND state = 'done'
               ) AS "is_there!"
        "#,
        seller as SellerId,
        account as AccountId
    )
    .fetch_one(db)
    .await?)
}

/// Whether a document is there yet; `None` when it never will be, because it is older than what is carried.
pub async fn is_document_there(db: &mut PgConnection, id: DocumentId) -> Result<Option<bool>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT odoo_id IS NOT NULL AS "is_there!" FROM book_pushes WHERE document_id = $1 AND kind = 'document'"#,
        id as DocumentId
    )
    .fetch_optional(db)
    .await?)
}

/// An end of a match: by which field its lines are found there, and its id.
pub type End = (&'static str, i64);

/// Where the two ends of a match are. `None` while one is not there.
pub async fn ends(db: &mut PgConnection, row: &Push) -> Result<Option<(End, End)>, StoreError> {
    let found = sqlx::query!(
        "
        SELECT (SELECT odoo_id FROM book_pushes WHERE kind = 'document' AND document_id = $1) AS invoice
             , (SELECT odoo_id FROM book_pushes WHERE kind = 'payback' AND payback_id = $2) AS payback
             , (SELECT odoo_id FROM book_pushes WHERE kind = 'payment' AND payment_id = $3) AS payment
             , (SELECT odoo_id FROM book_pushes WHERE kind = 'document' AND document_id = $4) AS credit_note
        ",
        row.document as Option<DocumentId>,
        row.payback as Option<PaybackId>,
        row.payment as Option<PaymentId>,
        row.credit_note as Option<DocumentId>
    )
    .fetch_one(db)
    .await?;
    let debit = found.invoice.map(|id| ("move_id", id)).or(found.payback.map(|id| ("payment_id", id)));
    let credit = found.credit_note.map(|id| ("move_id", id)).or(found.payment.map(|id| ("payment_id", id)));
    Ok(debit.zip(credit))
}
