//! Attempts, events and disputes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::attempts::{Attempt, Due};
use super::stripe::{Dispute, Event, Fields};
use crate::base::ids::{AccountId, AttemptId, DocumentId, PaymentId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Locks the invoice that a saved card should pay and that has waited the longest: no attempt is open or was a success, none
/// is to be waited for, and nothing of it was given back (who is asked again then is for people to say).
pub async fn lock_due(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Option<Due>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT d.id AS "document: DocumentId"
             , COALESCE(d.number, '') AS "number!"
             , d.account_id AS "account: AccountId"
             , d.currency
             , left_of(d) AS "open!"
             , (SELECT COALESCE(max(attempt_no), 0) + 1 FROM payment_attempts WHERE document_id = d.id) AS "no!"
             , c.customer_id
             , m.provider_id
          FROM open_invoices
          JOIN documents d ON d.id = open_invoices.document_id
          JOIN payment_methods m ON m.account_id = d.account_id AND m.is_default
          JOIN stripe_customers c ON c.customer_id = m.customer_id AND c.seller_id = d.seller_id
         WHERE NOT EXISTS (SELECT FROM allocations WHERE document_id = d.id AND amount_minor < 0)
           AND NOT EXISTS (
                SELECT
                  FROM payment_attempts a
                 WHERE a.document_id = d.id
                   AND (a.ended_at IS NULL OR a.state = 'succeeded' OR a.next_at IS NULL OR a.next_at > $1)
           )
         ORDER BY open_invoices.finalised_at
         LIMIT 1
           FOR UPDATE OF d SKIP LOCKED
        "#,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok::<_, StoreError>(Due {
            document: row.document,
            number: row.number,
            account: row.account,
            open: money(row.open, &row.currency)?,
            no: row.no,
            customer: row.customer_id,
            method: row.provider_id,
        })
    })
    .transpose()
}

fn money(minor: i64, currency: &str) -> Result<Money, StoreError> {
    let currency = currency.parse::<Currency>().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Money::new(minor, currency))
}

/// Inserts an attempt that is about to be made.
pub async fn insert_attempt(
    db: &mut PgConnection,
    attempt: &Attempt,
    next_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO payment_attempts
               (id, document_id, account_id, attempt_no, idempotency_key, amount_minor, currency, request, created_at, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ",
        attempt.id as AttemptId,
        attempt.document as DocumentId,
        attempt.account as AccountId,
        attempt.no,
        attempt.key,
        attempt.amount.minor,
        attempt.amount.currency.code(),
        Json(&attempt.request) as Json<&Fields>,
        attempt.created_at,
        next_at
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    id: AttemptId,
    document: DocumentId,
    account: AccountId,
    no: i32,
    key: String,
    amount_minor: i64,
    currency: String,
    request: Json<Fields>,
    state: String,
    provider_id: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Attempt {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            document: row.document,
            account: row.account,
            no: row.no,
            amount: money(row.amount_minor, &row.currency)?,
            key: row.key,
            request: row.request.0,
            state: row.state,
            provider_id: row.provider_id,
            created_at: row.created_at,
        })
    }
}

/// Takes the open attempt that is to be asked about, until `until`.
pub async fn take_open(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        UPDATE payment_attempts
           SET next_at = $2
         WHERE id = (
                SELECT id
                  FROM payment_attempts
                 WHERE ended_at IS NULL
                   AND next_at <= $1
                 ORDER BY next_at
                 LIMIT 1
                   FOR UPDATE SKIP LOCKED
         )
     RETURNING id AS "id: AttemptId", document_id AS "document: DocumentId", account_id AS "account: AccountId"
             , attempt_no AS no, idempotency_key AS key, amount_minor, currency, request AS "request: Json<Fields>"
             , state, provider_id, created_at
        "#,
        now,
        until
    )
    .fetch_optional(db)
    .await?;
    row.map(Attempt::try_from).transpose()
}

/// Locks an attempt.
pub async fn lock_attempt(db: &mut PgConnection, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: AttemptId", document_id AS "document: DocumentId", account_id AS "account: AccountId"
             , attempt_no AS no, idempotency_key AS key, amount_minor, currency, request AS "request: Json<Fields>"
             , state, provider_id, created_at
          FROM payment_attempts
         WHERE id = $1
           FOR UPDATE
        "#,
        id as AttemptId
    )
    .fetch_optional(db)
    .await?;
    row.map(Attempt::try_from).transpose()
}

/// Says how far an attempt is, with when it is asked about again and when it ended.
pub async fn set_state(
    db: &mut PgConnection,
    id: AttemptId,
    state: &str,
    intent: &str,
    (next_at, ended_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_attempts
           SET state = $2
             , provider_id = COALESCE(provider_id, $3)
             , next_at = $4
             , ended_at = CASE WHEN state = $2 THEN ended_at ELSE $5 END
         WHERE id = $1
        ",
        id as AttemptId,
        state,
        intent,
        next_at,
        ended_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that an attempt was refused, unless it has ended meanwhile, with when the next one is due.
pub async fn set_failed(
    db: &mut PgConnection,
    id: AttemptId,
    intent: Option<&str>,
    (code, message): (&str, &str),
    (next_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_attempts
           SET state = 'failed'
             , provider_id = COALESCE(provider_id, $2)
             , failure_code = $3
             , failure_message = $4
             , next_at = $5
             , ended_at = $6
         WHERE id = $1
           AND ended_at IS NULL
        ",
        id as AttemptId,
        intent,
        code,
        message,
        next_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that it is not known what became of an attempt, unless it was learned meanwhile.
pub async fn set_unknown(db: &mut PgConnection, id: AttemptId, next_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_attempts
           SET state = CASE state WHEN 'created' THEN 'unknown' ELSE state END
             , next_at = $2
         WHERE id = $1
           AND ended_at IS NULL
        ",
        id as AttemptId,
        next_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which payment in the books a payment at Stripe is.
pub async fn payment_of(db: &mut PgConnection, intent: &str) -> Result<Option<PaymentId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId" FROM payments WHERE method = 'card' AND external_ref = $1"#,
        intent
    )
    .fetch_optional(db)
    .await?)
}

/// Keeps a dispute. What was decided stays decided.
pub async fn keep_dispute(
    db: &mut PgConnection,
    payment: PaymentId,
    dispute: &Dispute,
    state: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO card_disputes (provider_id, payment_id, amount_minor, currency, reason, state, opened_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (provider_id) DO UPDATE
           SET state = excluded.state, changed_at = excluded.changed_at
         WHERE card_disputes.state = 'open'
           AND excluded.state <> 'open'
        ",
        dispute.id,
        payment as PaymentId,
        dispute.amount,
        dispute.currency.to_ascii_uppercase(),
        dispute.reason,
        state,
        DateTime::from_timestamp(dispute.created, 0).unwrap_or(now),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An event that is held for a while.
pub struct Taken {
    pub payload: serde_json::Value,
    pub tries: i32,
}

/// Inserts an event. One with a note is done with. False when it is there already.
pub async fn insert_event(
    db: &mut PgConnection,
    event: &Event,
    payload: &serde_json::Value,
    note: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        INSERT INTO stripe_events (event_id, kind, created, livemode, payload, received_at, next_at, processed_at, note)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
        ON CONFLICT (event_id) DO NOTHING
        ",
        event.id,
        event.kind,
        DateTime::from_timestamp(event.created, 0).unwrap_or(now),
        event.livemode,
        payload,
        now,
        (!note.is_empty()).then_some(now),
        note
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the event that has been due the longest, until `until`.
pub async fn take_event(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Taken>, StoreError> {
    Ok(sqlx::query_as!(
        Taken,
        "
        UPDATE stripe_events
           SET tries = tries + 1, next_at = $2
         WHERE event_id = (
                SELECT event_id
                  FROM stripe_events
                 WHERE processed_at IS NULL
                   AND next_at <= $1
                 ORDER BY next_at, event_id
                 LIMIT 1
                   FOR UPDATE SKIP LOCKED
         )
     RETURNING payload, tries
        ",
        now,
        until
    )
    .fetch_optional(db)
    .await?)
}

/// Notes what became of an event.
pub async fn set_processed(
    db: &mut PgConnection,
    event: &str,
    note: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE stripe_events SET processed_at = $3, note = $2 WHERE event_id = $1", event, note, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts an event back until `again`.
pub async fn put_event_back(
    db: &mut PgConnection,
    event: &str,
    note: &str,
    again: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE stripe_events SET next_at = $3, note = $2 WHERE event_id = $1", event, note, again)
        .execute(db)
        .await?;
    Ok(())
}

/// When Stripe was asked for events.
pub async fn polled_at(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT polled_at FROM stripe_polls").fetch_optional(db).await?)
}

/// Notes when Stripe was asked for events.
pub async fn set_polled_at(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO stripe_polls (polled_at) VALUES ($1) ON CONFLICT (is_only) DO UPDATE SET polled_at = excluded.polled_at",
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
