//! What staff see of card payments.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::money;
use crate::base::ids::{AccountId, DocumentId, PaymentId};
use crate::db::StoreError;
use crate::payments::lists::{Attempt, Dispute, Puzzle};

/// The newest attempts; those that are open first.
pub async fn attempts(db: &mut PgConnection, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT a.document_id AS "document: DocumentId"
             , COALESCE(d.number, '') AS "number!"
             , a.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , a.attempt_no
             , a.kind
             , a.amount_minor
             , a.currency
             , a.state
             , a.failure_code
             , a.failure_message
             , a.created_at
             , a.next_at
          FROM payment_attempts a
          JOIN documents d ON d.id = a.document_id
          JOIN accounts ON accounts.id = a.account_id
         ORDER BY a.ended_at IS NOT NULL, a.created_at DESC, a.id DESC
         LIMIT $1
        "#,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok::<_, StoreError>(Attempt {
                document: row.document,
                number: row.number,
                account: row.account,
                account_name: row.account_name,
                no: row.attempt_no,
                is_page: row.kind == "page",
                amount: money(row.amount_minor, &row.currency)?,
                state: row.state,
                failure_code: row.failure_code,
                failure_message: row.failure_message,
                created_at: row.created_at,
                next_at: row.next_at,
            })
        })
        .collect()
}

/// The newest disputes; those that are open first.
pub async fn disputes(db: &mut PgConnection, limit: i64) -> Result<Vec<Dispute>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT x.provider_id
             , x.payment_id AS "payment: PaymentId"
             , p.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , x.amount_minor
             , x.currency
             , x.reason
             , x.state
             , x.opened_at
          FROM card_disputes x
          JOIN payments p ON p.id = x.payment_id
          JOIN accounts ON accounts.id = p.account_id
         ORDER BY x.state <> 'open', x.opened_at DESC, x.provider_id DESC
         LIMIT $1
        "#,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok::<_, StoreError>(Dispute {
                provider_id: row.provider_id,
                payment: row.payment,
                account: row.account,
                account_name: row.account_name,
                amount: money(row.amount_minor, &row.currency)?,
                reason: row.reason,
                state: row.state,
                opened_at: row.opened_at,
            })
        })
        .collect()
}

/// Events that were not understood, the newest first.
pub async fn puzzles(db: &mut PgConnection, limit: i64) -> Result<Vec<Puzzle>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT event_id
             , kind
             , note
             , tries
             , received_at
             , CASE WHEN processed_at IS NULL THEN next_at END AS "next_at?"
          FROM stripe_events
         WHERE (processed_at IS NULL AND tries > 0 AND note <> '')
            OR note = 'unmatched'
         ORDER BY received_at DESC, event_id DESC
         LIMIT $1
        "#,
        limit
    )
    .fetch_all(db)
    .await?;
    let puzzles = rows.into_iter().map(|row| Puzzle {
        event: row.event_id,
        kind: row.kind,
        note: row.note,
        tries: row.tries,
        received_at: row.received_at,
        next_at: row.next_at,
    });
    Ok(puzzles.collect())
}

/// Has an event looked at again. False when there is no such event.
pub async fn set_again(db: &mut PgConnection, event: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done =
        sqlx::query!("UPDATE stripe_events SET again_at = $2 WHERE event_id = $1", event, now).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
