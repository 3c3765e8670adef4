//! Payments, allocations and paybacks. Rows are only ever added; the database refuses more than there is.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{OpenInvoice, Received, Source};
use crate::base::ids::{AccountId, AllocationId, DocumentId, PaybackId, PaymentId, SellerId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// What is free of a source, and open on an invoice.
#[derive(Clone, Debug)]
pub struct Standing {
    pub account: AccountId,
    pub seller: SellerId,
    pub currency: Currency,
    pub number: String,
    pub free: i64,
    pub open: i64,
}

/// A payment that is held until the end of the transaction.
pub struct Locked {
    pub account: AccountId,
    pub seller: SellerId,
    pub method: String,
    pub free: i64,
}

/// Who sells to the account in a currency.
pub async fn seller_of(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
) -> Result<Option<SellerId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT sellers.id AS "id: SellerId"
          FROM sellers
          JOIN accounts ON accounts.id = $1
         WHERE sellers.currency = $2
        "#,
        account as AccountId,
        currency.code()
    )
    .fetch_optional(db)
    .await?)
}

/// Locks an account against others who lock it; whoever merely refers to it does not wait.
pub async fn lock_account(db: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account as AccountId).execute(db).await?;
    Ok(())
}

/// Inserts a payment unless the same money is there.
pub async fn insert_payment(
    db: &mut PgConnection,
    id: PaymentId,
    seller: SellerId,
    received: &Received<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (method, external_ref) DO NOTHING
        "#,
        id as PaymentId,
        received.account as AccountId,
        seller as SellerId,
        received.method.word(),
        received.amount.minor,
        received.amount.currency.code(),
        received.received_on,
        received.external_ref,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks an invoice and a source of the same account, in the order in which the database locks them, and says what is open
/// and free. `None` when one of them is not there, or they are not of one account, seller and currency.
pub async fn lock_standing(
    db: &mut PgConnection,
    source: Source,
    document: DocumentId,
) -> Result<Option<Standing>, StoreError> {
    let (payment, credit_note) = match source {
        Source::Payment(id) => (Some(id.uuid()), None),
        Source::CreditNote(id) => (None, Some(id.uuid())),
    };
    sqlx::query!(
        "SELECT FROM documents WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        &[Some(document.uuid()), credit_note].into_iter().flatten().collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("SELECT FROM payments WHERE id = $1 FOR UPDATE", payment).execute(&mut *db).await?;
    let row = sqlx::query!(
        r#"
        SELECT documents.account_id AS "account: AccountId"
             , documents.seller_id AS "seller: SellerId"
             , documents.currency
             , COALESCE(documents.number, '') AS "number!"
             , left_of(documents) AS "open!"
             , CASE WHEN notes.id IS NULL THEN left_of(payments) ELSE left_of(notes) END AS "free!"
          FROM documents
          LEFT JOIN payments ON payments.id = $2
           AND (payments.account_id, payments.seller_id, payments.currency)
             = (documents.account_id, documents.seller_id, documents.currency)
          LEFT JOIN documents notes ON notes.id = $3
           AND notes.kind = 'credit_note'
           AND notes.state = 'final'
           AND (notes.account_id, notes.seller_id, notes.currency)
             = (documents.account_id, documents.seller_id, documents.currency)
         WHERE documents.id = $1
           AND documents.kind = 'invoice'
           AND documents.state = 'final'
           AND (payments.id IS NOT NULL OR notes.id IS NOT NULL)
        "#,
        document as DocumentId,
        payment,
        credit_note
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        Some(Standing {
            account: row.account,
            seller: row.seller,
            currency: row.currency.parse().ok()?,
            number: row.number,
            free: row.free,
            open: row.open,
        })
    }))
}

/// Inserts an allocation. The database refuses more than is free or open.
pub async fn insert_allocation(
    db: &mut PgConnection,
    id: AllocationId,
    (account, source, document): (AccountId, Source, DocumentId),
    amount_minor: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (payment, credit_note) = match source {
        Source::Payment(id) => (Some(id), None),
        Source::CreditNote(id) => (None, Some(id)),
    };
    sqlx::query!(
        r#"
        INSERT INTO allocations (id, account_id, payment_id, credit_note_id, document_id, amount_minor, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        "#,
        id as AllocationId,
        account as AccountId,
        payment as Option<PaymentId>,
        credit_note as Option<DocumentId>,
        document as DocumentId,
        amount_minor,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lots of an account of which something is free and that have not run out, in the order in which they are used: what ends first,
/// then by priority (grants, credit notes, money), then the oldest.
pub async fn list_free(
    db: &mut PgConnection,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<Source>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT payment_id AS "payment: PaymentId"
             , credit_note_id AS "credit_note: DocumentId"
          FROM credit_lots
         WHERE account_id = $1
           AND remaining_minor > 0
           AND COALESCE(expires_at > $2, true)
         ORDER BY expires_at NULLS LAST, priority, since_on, id
        "#,
        account as AccountId,
        now
    )
    .fetch_all(db)
    .await?;
    let source = |payment: Option<PaymentId>, note: Option<DocumentId>| {
        payment.map(Source::Payment).or(note.map(Source::CreditNote))
    };
    Ok(rows.into_iter().filter_map(|row| source(row.payment, row.credit_note)).collect())
}

/// The invoice that a credit note is about.
pub struct Cited {
    pub invoice: DocumentId,
    pub currency: Currency,
    /// What grants paid of it.
    pub granted: i64,
    /// What credit notes leave of it.
    pub left: i64,
}

/// Locks a final credit note and the invoice that it is about, in the order in which documents are locked.
pub async fn lock_cited(db: &mut PgConnection, note: DocumentId) -> Result<Option<Cited>, StoreError> {
    sqlx::query!(
        r#"
        SELECT
          FROM documents
         WHERE id IN ($1, (SELECT corrects_id FROM documents WHERE id = $1))
         ORDER BY id
           FOR UPDATE
        "#,
        note as DocumentId
    )
    .execute(&mut *db)
    .await?;
    let row = sqlx::query!(
        r#"
        SELECT invoices.id AS "invoice: DocumentId"
             , invoices.currency
             , COALESCE((SELECT sum(allocations.amount_minor)
                           FROM allocations
                           JOIN payments ON payments.id = allocations.payment_id AND payments.method = 'gift'
                          WHERE allocations.document_id = invoices.id), 0)::bigint AS "granted!"
             , (invoices.gross_minor
             - (SELECT sum(gross_minor) FROM documents WHERE corrects_id = invoices.id AND state = 'final'))::bigint AS "left!"
          FROM documents notes
          JOIN documents invoices ON invoices.id = notes.corrects_id
         WHERE notes.id = $1
           AND notes.kind = 'credit_note'
           AND notes.state = 'final'
        "#,
        note as DocumentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        let currency = row.currency.parse().ok()?;
        Some(Cited { invoice: row.invoice, currency, granted: row.granted, left: row.left })
    }))
}

/// What each grant pays of an invoice, in the opposite order of that in which grants are used.
pub async fn list_granted(db: &mut PgConnection, invoice: DocumentId) -> Result<Vec<(PaymentId, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT credit_lots.payment_id AS "payment!: PaymentId"
             , sum(allocations.amount_minor)::bigint AS "sum!"
          FROM allocations
          JOIN credit_lots ON credit_lots.payment_id = allocations.payment_id AND credit_lots.source = 'grant'
         WHERE allocations.document_id = $1
         GROUP BY credit_lots.id
        HAVING sum(allocations.amount_minor) > 0
         ORDER BY credit_lots.expires_at DESC NULLS FIRST, credit_lots.priority DESC, credit_lots.since_on DESC, credit_lots.id DESC
        "#,
        invoice as DocumentId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.payment, row.sum)).collect())
}

/// Lets a grant that ends before `until` end then.
pub async fn give_time(db: &mut PgConnection, grant: PaymentId, until: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_lots SET expires_at = $2, reminded_at = NULL WHERE id = $1 AND expires_at < $2",
        grant as PaymentId,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a payment and says what is free of it. Its invoices are locked first, as everywhere.
pub async fn lock_payment(db: &mut PgConnection, id: PaymentId) -> Result<Option<Locked>, StoreError> {
    sqlx::query!(
        r#"
        SELECT FROM documents
         WHERE id IN (SELECT document_id FROM allocations WHERE payment_id = $1)
         ORDER BY id
           FOR UPDATE
        "#,
        id as PaymentId
    )
    .execute(&mut *db)
    .await?;
    let row = sqlx::query!(
        r#"
        SELECT account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , method
          FROM payments
         WHERE id = $1
           FOR UPDATE
        "#,
        id as PaymentId
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // Looked at after the lock: what others gave away while it was waited for counts.
    let free =
        sqlx::query_scalar!(r#"SELECT left_of(payments) AS "free!" FROM payments WHERE id = $1"#, id as PaymentId)
            .fetch_one(db)
            .await?;
    Ok(Some(Locked { account: row.account, seller: row.seller, method: row.method, free }))
}

/// What a payment pays of each invoice, the newest allocation first.
pub async fn list_allocated(db: &mut PgConnection, payment: PaymentId) -> Result<Vec<(DocumentId, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT document_id AS "document: DocumentId"
             , sum(amount_minor)::bigint AS "sum!"
          FROM allocations
         WHERE payment_id = $1
         GROUP BY document_id
        HAVING sum(amount_minor) > 0
         ORDER BY max(created_at) DESC, document_id DESC
        "#,
        payment as PaymentId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.document, row.sum)).collect())
}

/// Whether a payback with this reference was booked.
pub async fn is_paid_back(db: &mut PgConnection, external_ref: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM paybacks WHERE external_ref = $1) AS "is_there!""#,
        external_ref
    )
    .fetch_one(db)
    .await?)
}

/// Inserts a payback.
pub async fn insert_payback(
    db: &mut PgConnection,
    id: PaybackId,
    (account, payment): (AccountId, PaymentId),
    kind: &str,
    (amount_minor, external_ref): (i64, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let today: NaiveDate = now.date_naive();
    sqlx::query!(
        r#"
        INSERT INTO paybacks (id, account_id, payment_id, kind, amount_minor, external_ref, paid_on, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        id as PaybackId,
        account as AccountId,
        payment as PaymentId,
        kind,
        amount_minor,
        external_ref,
        today,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Invoices that are not paid in full, oldest first.
pub async fn open_invoices(db: &mut PgConnection, account: AccountId) -> Result<Vec<OpenInvoice>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "id: DocumentId"
             , documents.number AS "number!"
             , documents.issued_on AS "issued_on!"
             , documents.due_on AS "due_on!"
             , documents.currency
             , documents.gross_minor
             , left_of(documents) AS "open!"
          FROM open_invoices
          JOIN documents ON documents.id = open_invoices.document_id
         WHERE open_invoices.account_id = $1
         ORDER BY documents.issued_on, documents.no
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().filter_map(|row| {
        let currency = row.currency.parse().ok()?;
        Some(OpenInvoice {
            id: row.id,
            number: row.number,
            issued_on: row.issued_on,
            due_on: row.due_on,
            gross: Money::new(row.gross_minor, currency),
            open: Money::new(row.open, currency),
        })
    });
    Ok(open.collect())
}
