//! Attempts; what else there is stands in its parts.

pub mod disputes;
pub mod events;
pub mod lists;
pub mod methods;
pub mod payouts;
pub mod refunds;
pub mod wishes;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::attempts::{Attempt, Due, Said};
use super::stripe::Fields;
use crate::base::ids::{AccountId, AttemptId, CardWishId, DocumentId, PaymentId, PaymentMethodId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Locks the invoice that a saved card should pay and that has waited the longest: no attempt is open or was a success, none
/// of this card is to be waited for, the customer is not about to pay on a page, nothing that Stripe told about it or about this
/// customer is still to be understood (it may be money for an invoice that is lost here), no transfer that may be meant for it waits
/// for somebody, the customer's bank takes nothing back at this moment, and nothing of it was given back (who is asked again then is
/// for people to say). Only in this currency, and never less than Stripe charges.
pub async fn lock_due(
    db: &mut PgConnection,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<Option<Due>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT d.id AS "document: DocumentId"
             , COALESCE(d.number, '') AS "number!"
             , d.account_id AS "account: AccountId"
             , d.currency
             , left_of(d) AS "open!"
             , (SELECT COALESCE(max(attempt_no), 0) + 1 FROM payment_attempts WHERE document_id = d.id) AS "no!"
             , c.customer_id
             , m.id AS "method_id: PaymentMethodId"
             , m.provider_id
          FROM open_invoices
          JOIN documents d ON d.id = open_invoices.document_id
          JOIN payment_methods m ON m.account_id = d.account_id AND m.is_default
          JOIN stripe_customers c ON c.customer_id = m.customer_id AND c.seller_id = d.seller_id
         WHERE d.currency = $2
           AND left_of(d) >= $3
           AND NOT EXISTS (SELECT FROM allocations WHERE document_id = d.id AND amount_minor < 0)
           AND NOT EXISTS (
                SELECT
                  FROM payment_attempts a
                 WHERE a.document_id = d.id
                   AND (a.ended_at IS NULL
                        OR a.state = 'succeeded'
                        OR (a.kind = 'saved' AND COALESCE(a.method_id, m.id) = m.id AND (a.next_at IS NULL OR a.next_at > $1)))
           )
           AND NOT EXISTS (SELECT FROM card_wishes w WHERE w.document_id = d.id AND w.state IN ('asked', 'ready'))
           AND NOT EXISTS (
                SELECT
                  FROM stripe_events e
                 WHERE e.processed_at IS NULL
                   AND (e.payload -> 'data' -> 'object' -> 'metadata' ->> 'document' = d.id::text
                        OR e.payload -> 'data' -> 'object' ->> 'customer' = c.customer_id)
           )
           AND NOT EXISTS (
                SELECT
                  FROM bank_receipts r
                 WHERE r.state = 'entered'
                   AND r.seller_id = d.seller_id
                   AND (r.account_id = d.account_id OR position(d.number in upper(r.remittance)) > 0)
           )
           AND NOT EXISTS (
                SELECT
                  FROM card_disputes x
                  JOIN payments p ON p.id = x.payment_id
                 WHERE p.account_id = d.account_id
                   AND x.state = 'open'
           )
         ORDER BY open_invoices.finalised_at
         LIMIT 1
           FOR UPDATE OF d SKIP LOCKED
        "#,
        now,
        currency.code(),
        currency.smallest_charge()
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
            method_id: row.method_id,
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
    next_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO payment_attempts
               (id, document_id, account_id, attempt_no, idempotency_key, amount_minor, currency, request, created_at, next_at
             , kind, method_id, wish_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $12::uuid IS NULL THEN 'saved' ELSE 'page' END, $11, $12)
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
        next_at,
        attempt.method as Option<PaymentMethodId>,
        attempt.wish as Option<CardWishId>
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
    method: Option<PaymentMethodId>,
    wish: Option<CardWishId>,
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
            method: row.method,
            wish: row.wish,
        })
    }
}

/// Takes the open attempt that is to be asked about, until `until`. A page that nobody has paid on is its wish's.
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
                   AND (kind = 'saved' OR provider_id IS NOT NULL)
                 ORDER BY next_at
                 LIMIT 1
                   FOR UPDATE SKIP LOCKED
         )
     RETURNING id AS "id: AttemptId", document_id AS "document: DocumentId", account_id AS "account: AccountId"
             , attempt_no AS no, idempotency_key AS key, amount_minor, currency, request AS "request: Json<Fields>"
             , state, provider_id, created_at, method_id AS "method: PaymentMethodId", wish_id AS "wish: CardWishId"
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
             , state, provider_id, created_at, method_id AS "method: PaymentMethodId", wish_id AS "wish: CardWishId"
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
             , failure_code = CASE WHEN state = 'unknown' THEN '' ELSE failure_code END
             , failure_message = CASE WHEN state = 'unknown' THEN '' ELSE failure_message END
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

/// The attempt of a page that was asked for.
pub async fn attempt_of_wish(db: &mut PgConnection, wish: CardWishId) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: AttemptId", document_id AS "document: DocumentId", account_id AS "account: AccountId"
             , attempt_no AS no, idempotency_key AS key, amount_minor, currency, request AS "request: Json<Fields>"
             , state, provider_id, created_at, method_id AS "method: PaymentMethodId", wish_id AS "wish: CardWishId"
          FROM payment_attempts
         WHERE wish_id = $1
        "#,
        wish as CardWishId
    )
    .fetch_optional(db)
    .await?;
    row.map(Attempt::try_from).transpose()
}

/// How often an invoice was refused by the same card before this attempt.
pub async fn refusals_before(db: &mut PgConnection, attempt: &Attempt) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
          FROM payment_attempts
         WHERE document_id = $1
           AND attempt_no < $2
           AND kind = 'saved'
           AND state = 'failed'
           AND is_of_card
           AND COALESCE(method_id, $3) IS NOT DISTINCT FROM $3
        "#,
        attempt.document as DocumentId,
        attempt.no,
        attempt.method as Option<PaymentMethodId>
    )
    .fetch_one(db)
    .await?)
}

/// An invoice's number, and what is open on it.
pub async fn number_and_open(db: &mut PgConnection, document: DocumentId) -> Result<(String, Money), StoreError> {
    let row = sqlx::query!(
        r#"SELECT COALESCE(number, '') AS "number!", left_of(documents) AS "open!", currency FROM documents WHERE id = $1"#,
        document as DocumentId
    )
    .fetch_one(db)
    .await?;
    Ok((row.number, money(row.open, &row.currency)?))
}

/// Notes that an attempt was refused, with when the next one is due. False when it has ended meanwhile.
pub async fn set_failed(
    db: &mut PgConnection,
    id: AttemptId,
    intent: Option<&str>,
    said: Said<'_>,
    (next_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        UPDATE payment_attempts
           SET state = 'failed'
             , provider_id = COALESCE(provider_id, $2)
             , failure_code = $3
             , failure_message = $4
             , next_at = $5
             , ended_at = $6
             , is_of_card = $7
         WHERE id = $1
           AND ended_at IS NULL
        ",
        id as AttemptId,
        intent,
        said.code,
        said.message,
        next_at,
        now,
        said.is_of_card
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what Stripe says of an attempt that it does not take, and that nothing is known of it otherwise.
pub async fn set_puzzling(
    db: &mut PgConnection,
    id: AttemptId,
    (code, message): (&str, &str),
    next_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_attempts
           SET state = CASE state WHEN 'created' THEN 'unknown' ELSE state END
             , failure_code = $2
             , failure_message = $3
             , next_at = $4
         WHERE id = $1
           AND ended_at IS NULL
        ",
        id as AttemptId,
        if code.is_empty() { "refused" } else { code },
        message,
        next_at
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

/// Whose final invoice in this currency it is. `None` when that account is another customer at Stripe, or that customer another
/// account here; one of whom nothing is known yet may be anybody.
pub async fn payer_of(
    db: &mut PgConnection,
    document: DocumentId,
    currency: Currency,
    customer: &str,
) -> Result<Option<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT d.account_id AS "account: AccountId"
          FROM documents d
         WHERE d.id = $1
           AND d.kind = 'invoice'
           AND d.state = 'final'
           AND d.currency = $2
           AND NOT EXISTS (
                SELECT
                  FROM stripe_customers c
                 WHERE (c.account_id = d.account_id AND c.seller_id = d.seller_id) <> (c.customer_id = $3)
           )
        "#,
        document as DocumentId,
        currency.code(),
        customer
    )
    .fetch_optional(db)
    .await?)
}

/// Which account a customer at Stripe is, of the seller of this currency.
pub async fn account_of(
    db: &mut PgConnection,
    customer: &str,
    currency: Currency,
) -> Result<Option<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT c.account_id AS "account: AccountId"
          FROM stripe_customers c
          JOIN sellers ON sellers.id = c.seller_id
         WHERE c.customer_id = $1
           AND sellers.currency = $2
        "#,
        customer,
        currency.code()
    )
    .fetch_optional(db)
    .await?)
}

/// A payment in the books.
pub struct Booked {
    pub id: PaymentId,
    pub account: AccountId,
    pub currency: Currency,
}

/// Which payment in the books a payment at Stripe is.
pub async fn payment_of(db: &mut PgConnection, intent: &str) -> Result<Option<Booked>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT id AS "id: PaymentId", account_id AS "account: AccountId", currency
          FROM payments
         WHERE method = 'card'
           AND external_ref = $1
        "#,
        intent
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let currency = money(0, &row.currency)?.currency;
        Ok::<_, StoreError>(Booked { id: row.id, account: row.account, currency })
    })
    .transpose()
}
