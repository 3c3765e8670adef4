//! The list of what is carried into our books: taking from it, and what became of it.

mod finding;
mod links;
mod reading;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::staff::Waiting;
use crate::base::ids::{AccountId, DocumentId, PaybackId, PaymentId, PushId, SellerId};
use crate::db::StoreError;

pub use finding::enqueue;
pub use links::{count_failure, forget_links, links, name_link, set_away, set_seen};
pub use reading::{document, ends, is_customer_there, is_document_there, newest_document, payback, payment};

/// Something to be carried, held by one worker.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which one.
    pub id: PushId,
    /// Of which company.
    pub seller: SellerId,
    /// `customer`, `document`, `payment`, `payback` or `match`.
    pub kind: String,
    /// Of which customer.
    pub account: AccountId,
    /// A document; in a match, the invoice that is paid.
    pub document: Option<DocumentId>,
    /// A payment; in a match, what pays.
    pub payment: Option<PaymentId>,
    /// In a match, what pays.
    pub credit_note: Option<DocumentId>,
    /// A payback; in a match, what it takes from the payment.
    pub payback: Option<PaybackId>,
    /// Of a match: how much, in the smallest coin.
    pub wanted_minor: Option<i64>,
    /// How often it was tried, with this time.
    pub tries: i32,
    /// Of a customer: the hash of what was carried.
    pub carried: String,
    /// Its id there, when it is known.
    pub odoo_id: Option<i64>,
    /// Since when it was due.
    pub next_at: DateTime<Utc>,
    /// Until when it is held.
    pub taken_until: Option<DateTime<Utc>>,
}

/// Makes everything due now that is not there, and lets its Odoo be asked.
pub async fn ask_for_all(db: &mut PgConnection, seller: SellerId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE book_pushes SET state = 'due', tries = 0, next_at = $2 WHERE seller_id = $1 AND state <> 'done'",
        seller as SellerId,
        now
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("UPDATE book_links SET failures = 0, not_before = NULL WHERE seller_id = $1", seller as SellerId)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes what comes first of what is due, until `until`. While an Odoo is left alone, only what somebody asked for.
pub async fn take(
    db: &mut PgConnection,
    seller: SellerId,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        UPDATE book_pushes
           SET state = 'due', tries = CASE WHEN asked_at IS NULL THEN tries + 1 ELSE 1 END, asked_at = NULL, taken_until = $3
         WHERE id = (
                SELECT p.id
                  FROM book_pushes p
                  JOIN book_links l ON l.seller_id = p.seller_id
                 WHERE p.seller_id = $1
                   AND p.state <> 'done'
                   AND (p.taken_until IS NULL OR p.taken_until <= $2)
                   AND (p.asked_at IS NOT NULL
                        OR (p.state = 'due' AND p.next_at <= $2 AND (l.not_before IS NULL OR l.not_before <= $2)))
                 ORDER BY p.rank, p.created_at, p.id
                 LIMIT 1
                   FOR UPDATE OF p SKIP LOCKED
         )
     RETURNING id AS "id: PushId"
             , seller_id AS "seller: SellerId"
             , kind
             , account_id AS "account: AccountId"
             , document_id AS "document: DocumentId"
             , payment_id AS "payment: PaymentId"
             , credit_note_id AS "credit_note: DocumentId"
             , payback_id AS "payback: PaybackId"
             , wanted_minor
             , tries
             , carried
             , odoo_id
             , next_at
             , taken_until
        "#,
        seller as SellerId,
        now,
        until
    )
    .fetch_optional(db)
    .await?)
}

/// Notes that it is there. Changes nothing when another worker has it by now, or when it became due anew meanwhile.
pub async fn set_done(
    db: &mut PgConnection,
    row: &Row,
    (odoo, carried): (Option<i64>, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE book_pushes
           SET odoo_id = COALESCE($3, odoo_id)
             , carried = $4
             , problem = ''
             , taken_until = NULL
             , state = CASE WHEN next_at = $6 THEN 'done' ELSE 'due' END
             , done_at = CASE WHEN next_at = $6 THEN $5::timestamptz END
         WHERE id = $1
           AND taken_until = $2
        ",
        row.id as PushId,
        row.taken_until,
        odoo,
        carried,
        now,
        row.next_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts it back until `again`, with why, and with as many tries as the row says.
pub async fn put_back(
    db: &mut PgConnection,
    row: &Row,
    (problem, odoo): (&str, Option<i64>),
    again: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE book_pushes
           SET problem = $3, odoo_id = COALESCE($4, odoo_id), next_at = $5, tries = $6, taken_until = NULL
         WHERE id = $1
           AND taken_until = $2
        ",
        row.id as PushId,
        row.taken_until,
        problem,
        odoo,
        again,
        row.tries
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets it wait for a person, with why.
pub async fn park(db: &mut PgConnection, row: &Row, (problem, odoo): (&str, Option<i64>)) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE book_pushes
           SET state = 'parked', problem = $3, odoo_id = COALESCE($4, odoo_id), taken_until = NULL
         WHERE id = $1
           AND taken_until = $2
        ",
        row.id as PushId,
        row.taken_until,
        problem,
        odoo
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is not there: first what waits for a person.
pub async fn list_waiting(db: &mut PgConnection, limit: i64, now: DateTime<Utc>) -> Result<Vec<Waiting>, StoreError> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"
        SELECT p.id AS "id: PushId"
             , s.code AS seller
             , p.kind
             , p.account_id AS "account: AccountId"
             , a.name AS account_name
             , CASE p.kind
               WHEN 'customer' THEN ''
               WHEN 'match' THEN concat_ws(' ← ', COALESCE(d.number, b.external_ref), COALESCE(n.number, y.external_ref))
               ELSE COALESCE(d.number, y.external_ref, b.external_ref, '')
               END AS "name!"
             , p.state = 'parked' AS "is_parked!"
             , COALESCE(p.taken_until > $2, false) OR p.asked_at IS NOT NULL AS "is_tried_now!"
             , p.tries
             , p.problem
             , p.created_at
             , p.next_at
          FROM book_pushes p
          JOIN sellers s ON s.id = p.seller_id
          JOIN accounts a ON a.id = p.account_id
          LEFT JOIN documents d ON d.id = p.document_id
          LEFT JOIN documents n ON n.id = p.credit_note_id
          LEFT JOIN payments y ON y.id = p.payment_id
          LEFT JOIN paybacks b ON b.id = p.payback_id
         WHERE p.state <> 'done'
         ORDER BY p.state DESC, p.rank, p.created_at, p.id
         LIMIT $1
        "#,
        limit,
        now
    )
    .fetch_all(db)
    .await?)
}

/// Notes that somebody wants it tried now. The account that it is about; `None` when it is there already, or nowhere.
pub async fn ask(db: &mut PgConnection, id: PushId, now: DateTime<Utc>) -> Result<Option<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        UPDATE book_pushes
           SET asked_at = $2
         WHERE id = $1
           AND state <> 'done'
        RETURNING account_id AS "account: AccountId"
        "#,
        id as PushId,
        now
    )
    .fetch_optional(db)
    .await?)
}
