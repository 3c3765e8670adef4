//! Lots, what they paid, and what ran out of them. What is left of one is changed by the database only.

pub mod grants;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Lot, Source};
use crate::base::ids::{AccountId, CreditExpiryId, DocumentId, PaymentId, SellerId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Adds up what is left of an account's lots that have not run out.
pub async fn usable(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT COALESCE(sum(remaining_minor), 0)::bigint AS "sum!"
          FROM credit_lots
         WHERE account_id = $1
           AND currency = $2
           AND remaining_minor > 0
           AND COALESCE(expires_at > $3, true)
        "#,
        account as AccountId,
        currency.code(),
        now
    )
    .fetch_one(db)
    .await?)
}

/// Lots of an account: those that can be used first, in their order; then what was bought or given and is used up.
pub async fn list(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    limit: i64,
) -> Result<Vec<Lot>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT lots.id
             , lots.source
             , COALESCE(payments.method, '') AS "method!"
             , COALESCE(notes.number, '') AS "number!"
             , lots.amount_minor
             , lots.remaining_minor
             , lots.expires_at
             , lots.since_on
             , COALESCE((SELECT sum(amount_minor) FROM credit_expiries WHERE lot_id = lots.id), 0)::bigint AS "expired!"
             , COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE payment_id = lots.payment_id), 0)::bigint AS "paid_back!"
          FROM credit_lots lots
          LEFT JOIN payments ON payments.id = lots.payment_id
          LEFT JOIN documents notes ON notes.id = lots.credit_note_id
         WHERE lots.account_id = $1
           AND lots.currency = $2
           AND (lots.remaining_minor > 0 OR lots.source IN ('top_up', 'grant'))
         ORDER BY lots.remaining_minor = 0
                , CASE WHEN lots.remaining_minor > 0 THEN lots.expires_at END NULLS LAST
                , CASE WHEN lots.remaining_minor > 0 THEN lots.priority END
                , CASE WHEN lots.remaining_minor > 0 THEN lots.since_on END
                , CASE WHEN lots.remaining_minor > 0 THEN lots.id END
                , lots.id DESC
         LIMIT $3
        "#,
        account as AccountId,
        currency.code(),
        limit
    )
    .fetch_all(db)
    .await?;
    let money = |minor| Money::new(minor, currency);
    let lot = rows.into_iter().filter_map(|row| {
        Some(Lot {
            id: row.id,
            source: Source::ALL.into_iter().find(|source| source.word() == row.source)?,
            method: row.method,
            number: row.number,
            amount: money(row.amount_minor),
            remaining: money(row.remaining_minor),
            expires_at: row.expires_at,
            since_on: row.since_on,
            expired: money(row.expired),
            paid_back: money(row.paid_back),
            paid: Vec::new(),
        })
    });
    Ok(lot.collect())
}

/// What lots pay of invoices: which lot, which invoice, its number, how much.
pub async fn paid(db: &mut PgConnection, lots: &[Uuid]) -> Result<Vec<(Uuid, DocumentId, String, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT COALESCE(allocations.payment_id, allocations.credit_note_id) AS "lot!"
             , documents.id AS "document: DocumentId"
             , COALESCE(documents.number, '') AS "number!"
             , sum(allocations.amount_minor)::bigint AS "sum!"
          FROM allocations
          JOIN documents ON documents.id = allocations.document_id
         WHERE allocations.payment_id = ANY($1)
            OR allocations.credit_note_id = ANY($1)
         GROUP BY 1, documents.id
        HAVING sum(allocations.amount_minor) > 0
         ORDER BY documents.issued_on, documents.no
        "#,
        lots
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lot, row.document, row.number, row.sum)).collect())
}

/// A grant of which something is left.
#[derive(Clone, Debug)]
pub struct Ending {
    pub lot: PaymentId,
    pub account: AccountId,
    pub seller: SellerId,
    pub left: Money,
    pub expires_at: DateTime<Utc>,
    pub external_ref: String,
}

struct Row {
    lot: PaymentId,
    account: AccountId,
    seller: SellerId,
    remaining_minor: i64,
    currency: String,
    expires_at: DateTime<Utc>,
    external_ref: String,
}

impl Row {
    fn ending(self) -> anyhow::Result<Ending> {
        Ok(Ending {
            lot: self.lot,
            account: self.account,
            seller: self.seller,
            left: Money::new(self.remaining_minor, self.currency.parse()?),
            expires_at: self.expires_at,
            external_ref: self.external_ref,
        })
    }
}

/// The grant that ran out first and of which something is left, held until the end of the transaction. What somebody else holds is
/// left out.
pub async fn lock_expired(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Option<Ending>> {
    // The payment first, as everywhere: whoever allocates holds it before the lot.
    let payment = sqlx::query_scalar!(
        r#"
        SELECT payments.id AS "id: PaymentId"
          FROM credit_lots
          JOIN payments ON payments.id = credit_lots.payment_id
         WHERE credit_lots.remaining_minor > 0
           AND credit_lots.expires_at <= $1
         ORDER BY credit_lots.expires_at
         LIMIT 1
           FOR UPDATE OF payments SKIP LOCKED
        "#,
        now
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let Some(payment) = payment else { return Ok(None) };
    // Looked at after the lock: what another one did meanwhile counts.
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT payments.id AS "lot: PaymentId"
             , credit_lots.account_id AS "account: AccountId"
             , credit_lots.seller_id AS "seller: SellerId"
             , credit_lots.remaining_minor
             , credit_lots.currency
             , credit_lots.expires_at AS "expires_at!"
             , payments.external_ref
          FROM credit_lots
          JOIN payments ON payments.id = credit_lots.payment_id
         WHERE payments.id = $1
           AND credit_lots.remaining_minor > 0
           AND credit_lots.expires_at <= $2
           FOR UPDATE OF credit_lots
        "#,
        payment as PaymentId,
        now
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(Row::ending).transpose()
}

/// Writes down what ran out.
pub async fn insert_expiry(
    db: &mut PgConnection,
    id: CreditExpiryId,
    ending: &Ending,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO credit_expiries (id, account_id, lot_id, amount_minor, expired_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        id as CreditExpiryId,
        ending.account as AccountId,
        ending.lot as PaymentId,
        ending.left.minor,
        ending.expires_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes of grants that end until `soon` that their people are told, and returns them.
pub async fn take_ending(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    soon: DateTime<Utc>,
    limit: i64,
) -> anyhow::Result<Vec<Ending>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        UPDATE credit_lots
           SET reminded_at = $1
          FROM payments
         WHERE payments.id = credit_lots.payment_id
           AND credit_lots.id IN (SELECT id
                                    FROM credit_lots
                                   WHERE reminded_at IS NULL
                                     AND remaining_minor > 0
                                     AND expires_at > $1
                                     AND expires_at <= $2
                                   ORDER BY expires_at
                                   LIMIT $3
                                     FOR UPDATE SKIP LOCKED)
        RETURNING payments.id AS "lot: PaymentId"
                , credit_lots.account_id AS "account: AccountId"
                , credit_lots.seller_id AS "seller: SellerId"
                , credit_lots.remaining_minor
                , credit_lots.currency
                , credit_lots.expires_at AS "expires_at!"
                , payments.external_ref
        "#,
        now,
        soon,
        limit
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Row::ending).collect()
}
