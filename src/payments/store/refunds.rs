//! Card payments that staff give back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::money;
use crate::base::ids::{AccountId, CardRefundId, PaymentId, StaffId};
use crate::base::money::Money;
use crate::db::StoreError;
use crate::payments::refunds::{Payment, Refund, State};

/// The newest card payments, or one.
pub async fn payments(db: &mut PgConnection, id: Option<PaymentId>, limit: i64) -> Result<Vec<Payment>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT payments.id AS "id: PaymentId"
             , payments.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , payments.amount_minor
             , payments.currency
             , left_of(payments) AS "free!"
             , refundable_of(payments) AS "refundable!"
             , payments.external_ref
             , payments.created_at
          FROM payments
          JOIN accounts ON accounts.id = payments.account_id
         WHERE payments.method = 'card'
           AND ($1::uuid IS NULL OR payments.id = $1)
         ORDER BY payments.created_at DESC, payments.id DESC
         LIMIT $2
        "#,
        id as Option<PaymentId>,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok::<_, StoreError>(Payment {
                id: row.id,
                account: row.account,
                account_name: row.account_name,
                amount: money(row.amount_minor, &row.currency)?,
                free: money(row.free, &row.currency)?,
                refundable: money(row.refundable, &row.currency)?,
                external_ref: row.external_ref,
                created_at: row.created_at,
            })
        })
        .collect()
}

struct Row {
    id: CardRefundId,
    payment: PaymentId,
    account: AccountId,
    account_name: String,
    amount_minor: i64,
    currency: String,
    reason: String,
    state: String,
    asked_by: StaffId,
    asked_name: String,
    approved_name: Option<String>,
    failure: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Refund {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = State::from_word(&row.state);
        let state = state.ok_or_else(|| sqlx::Error::Decode(format!("{} is no state", row.state).into()))?;
        Ok(Self {
            id: row.id,
            payment: row.payment,
            account: row.account,
            account_name: row.account_name,
            amount: money(row.amount_minor, &row.currency)?,
            reason: row.reason,
            state,
            asked_by: row.asked_by,
            asked_name: row.asked_name,
            approved_name: row.approved_name.unwrap_or_default(),
            failure: row.failure,
            created_at: row.created_at,
        })
    }
}

/// The newest refunds, of one payment or of all.
pub async fn list(db: &mut PgConnection, payment: Option<PaymentId>, limit: i64) -> Result<Vec<Refund>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT r.id AS "id: CardRefundId", r.payment_id AS "payment: PaymentId", r.account_id AS "account: AccountId"
             , accounts.name AS account_name, r.amount_minor, r.currency, r.reason, r.state
             , r.asked_by AS "asked_by: StaffId", first.name AS asked_name, second.name AS "approved_name?", r.failure
             , r.created_at
          FROM card_refunds r
          JOIN accounts ON accounts.id = r.account_id
          JOIN staff first ON first.id = r.asked_by
          LEFT JOIN staff second ON second.id = r.approved_by
         WHERE $1::uuid IS NULL OR r.payment_id = $1
         ORDER BY r.ended_at IS NOT NULL, r.created_at DESC, r.id DESC
         LIMIT $2
        "#,
        payment as Option<PaymentId>,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Refund::try_from).collect()
}

/// Locks a refund.
pub async fn lock(db: &mut PgConnection, id: CardRefundId) -> Result<Option<Refund>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT r.id AS "id: CardRefundId", r.payment_id AS "payment: PaymentId", r.account_id AS "account: AccountId"
             , accounts.name AS account_name, r.amount_minor, r.currency, r.reason, r.state
             , r.asked_by AS "asked_by: StaffId", first.name AS asked_name, NULL::text AS "approved_name?", r.failure, r.created_at
          FROM card_refunds r
          JOIN accounts ON accounts.id = r.account_id
          JOIN staff first ON first.id = r.asked_by
         WHERE r.id = $1
           FOR UPDATE OF r
        "#,
        id as CardRefundId
    )
    .fetch_optional(db)
    .await?;
    row.map(Refund::try_from).transpose()
}

/// Locks a payment of which something is to go back.
pub async fn lock_payment(db: &mut PgConnection, id: PaymentId) -> Result<(), StoreError> {
    sqlx::query!("SELECT FROM payments WHERE id = $1 FOR UPDATE", id as PaymentId).execute(db).await?;
    Ok(())
}

/// Whether a refund of this payment is under way.
pub async fn is_under_way(db: &mut PgConnection, id: PaymentId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM card_refunds WHERE payment_id = $1 AND ended_at IS NULL) AS "is_there!""#,
        id as PaymentId
    )
    .fetch_one(db)
    .await?)
}

/// Above this a second person confirms, in the smallest coin.
pub async fn four_eyes_minor(db: &mut PgConnection, id: PaymentId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT sellers.four_eyes_minor FROM sellers JOIN payments ON payments.seller_id = sellers.id WHERE payments.id = $1",
        id as PaymentId
    )
    .fetch_one(db)
    .await?)
}

/// How much of a payment went back, or is about to, without a second person.
pub async fn given_alone(db: &mut PgConnection, id: PaymentId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT COALESCE(sum(amount_minor), 0)::bigint AS "sum!"
          FROM card_refunds
         WHERE payment_id = $1
           AND approved_by IS NULL
           AND state NOT IN ('waiting', 'failed', 'withdrawn')
        "#,
        id as PaymentId
    )
    .fetch_one(db)
    .await?)
}

/// Inserts a refund. The database refuses more than may go back.
pub async fn insert(
    db: &mut PgConnection,
    (id, payment): (CardRefundId, &Payment),
    amount: Money,
    (reason, state): (&str, State),
    (by, now): (StaffId, DateTime<Utc>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO card_refunds (id, payment_id, account_id, amount_minor, currency, reason, state, asked_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ",
        id as CardRefundId,
        payment.id as PaymentId,
        payment.account as AccountId,
        amount.minor,
        amount.currency.code(),
        reason,
        state.word(),
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes the second person.
pub async fn confirm(db: &mut PgConnection, id: CardRefundId, by: StaffId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE card_refunds SET state = 'wanted', approved_by = $2 WHERE id = $1",
        id as CardRefundId,
        by as StaffId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that nothing goes back.
pub async fn withdraw(db: &mut PgConnection, id: CardRefundId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE card_refunds SET state = 'withdrawn', ended_at = $2 WHERE id = $1", id as CardRefundId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// A refund that the worker does something about.
pub struct Due {
    pub id: CardRefundId,
    pub intent: String,
    pub amount_minor: i64,
    pub sent_at: DateTime<Utc>,
    pub is_first: bool,
}

/// Takes the refund that has been due the longest, until `until`.
pub async fn take(db: &mut PgConnection, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Due>, StoreError> {
    Ok(sqlx::query_as!(
        Due,
        r#"
        WITH taken AS (
            SELECT id, sent_at IS NULL AS is_first
              FROM card_refunds
             WHERE state IN ('wanted', 'unknown', 'pending')
               AND (next_at IS NULL OR next_at <= $1)
             ORDER BY created_at
             LIMIT 1
               FOR UPDATE SKIP LOCKED
        )
        UPDATE card_refunds r
           SET next_at = $2
             , sent_at = COALESCE(r.sent_at, $1)
          FROM taken, payments p
         WHERE r.id = taken.id
           AND p.id = r.payment_id
     RETURNING r.id AS "id: CardRefundId", p.external_ref AS intent, r.amount_minor, r.sent_at AS "sent_at!"
             , taken.is_first AS "is_first!"
        "#,
        now,
        until
    )
    .fetch_optional(db)
    .await?)
}

/// Whether the books still have what goes back: what is free of the payment, and credit notes.
pub async fn is_covered(db: &mut PgConnection, id: CardRefundId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT returnable_of(p) >= r.amount_minor AS "is_covered!"
          FROM card_refunds r
          JOIN payments p ON p.id = r.payment_id
         WHERE r.id = $1
        "#,
        id as CardRefundId
    )
    .fetch_one(db)
    .await?)
}

/// Notes that it is not known whether Stripe did it.
pub async fn set_unknown(db: &mut PgConnection, id: CardRefundId, next_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE card_refunds
           SET state = CASE state WHEN 'wanted' THEN 'unknown' ELSE state END
             , next_at = $2
         WHERE id = $1
           AND ended_at IS NULL
        ",
        id as CardRefundId,
        next_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that nothing went back.
pub async fn set_failed(
    db: &mut PgConnection,
    id: CardRefundId,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE card_refunds SET state = 'failed', failure = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL",
        id as CardRefundId,
        why,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down what Stripe says of a refund of this payment. False when it is none of ours, or that is known.
pub async fn note(
    db: &mut PgConnection,
    (id, payment, amount_minor): (CardRefundId, PaymentId, i64),
    (provider_id, state, failure): (&str, State, &str),
    (next_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let ended_at = matches!(state, State::Done | State::Failed).then_some(now);
    let done = sqlx::query!(
        "
        UPDATE card_refunds
           SET state = $4
             , provider_id = COALESCE(provider_id, $5)
             , failure = $6
             , next_at = $7
             , ended_at = $8
         WHERE id = $1
           AND payment_id = $2
           AND amount_minor = $3
           AND state NOT IN ('waiting', 'failed', 'withdrawn')
           AND COALESCE(provider_id, $5) = $5
           AND (state <> $4 OR $8::timestamptz IS NULL)
        ",
        id as CardRefundId,
        payment as PaymentId,
        amount_minor,
        state.word(),
        provider_id,
        failure,
        next_at,
        ended_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
