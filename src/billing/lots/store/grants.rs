//! Grants: what was asked for, and what became of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, CreditGrantId, PaymentId, StaffId};
use crate::base::money::Money;
use crate::billing::lots::grants::{Grant, State};
use crate::db::StoreError;

/// In what an account pays, and what our company there allows one person.
pub struct Terms {
    pub currency: String,
    pub four_eyes_minor: Option<i64>,
    pub timezone: Option<String>,
}

/// In what an account pays, and what our company there allows one person.
pub async fn terms(db: &mut PgConnection, account: AccountId) -> Result<Option<Terms>, StoreError> {
    Ok(sqlx::query_as!(
        Terms,
        r#"
        SELECT accounts.currency
             , sellers.four_eyes_minor AS "four_eyes_minor?"
             , sellers.timezone AS "timezone?"
          FROM accounts
          LEFT JOIN sellers ON sellers.currency = accounts.currency
         WHERE accounts.id = $1
        "#,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}

/// A grant to be.
pub struct New<'a> {
    pub id: CreditGrantId,
    pub account: AccountId,
    pub amount: Money,
    pub reason: &'a str,
    pub priority: i16,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Inserts a grant; `false` when it is there already.
pub async fn insert(
    db: &mut PgConnection,
    new: &New<'_>,
    state: State,
    (by, now): (StaffId, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO credit_grants (id, account_id, amount_minor, currency, reason, priority, expires_at, state, asked_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT DO NOTHING
        "#,
        new.id as CreditGrantId,
        new.account as AccountId,
        new.amount.minor,
        new.amount.currency.code(),
        new.reason,
        new.priority,
        new.expires_at,
        state.word(),
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A grant that is held until the end of the transaction.
pub struct Held {
    pub account: AccountId,
    pub amount_minor: i64,
    pub currency: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub state: String,
    pub asked_by: StaffId,
}

/// Locks a grant.
pub async fn lock(db: &mut PgConnection, id: CreditGrantId) -> Result<Option<Held>, StoreError> {
    Ok(sqlx::query_as!(
        Held,
        r#"
        SELECT account_id AS "account: AccountId"
             , amount_minor
             , currency
             , expires_at
             , state
             , asked_by AS "asked_by: StaffId"
          FROM credit_grants
         WHERE id = $1
           FOR UPDATE
        "#,
        id as CreditGrantId
    )
    .fetch_optional(db)
    .await?)
}

/// Notes the second person.
pub async fn confirm(db: &mut PgConnection, id: CreditGrantId, by: StaffId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_grants SET state = 'wanted', approved_by = $2 WHERE id = $1",
        id as CreditGrantId,
        by as StaffId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that nobody confirmed it.
pub async fn withdraw(db: &mut PgConnection, id: CreditGrantId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE credit_grants SET state = 'withdrawn', ended_at = $2 WHERE id = $1", id as CreditGrantId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that it was over before it was booked.
pub async fn fail(db: &mut PgConnection, id: CreditGrantId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE credit_grants SET state = 'failed', ended_at = $2 WHERE id = $1", id as CreditGrantId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that it is booked.
pub async fn done(
    db: &mut PgConnection,
    id: CreditGrantId,
    payment: PaymentId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_grants SET state = 'done', payment_id = $2, ended_at = $3 WHERE id = $1",
        id as CreditGrantId,
        payment as PaymentId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest grants, of one account or of all; those that wait come first.
pub async fn list(db: &mut PgConnection, account: Option<AccountId>, limit: i64) -> Result<Vec<Grant>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT grants.id AS "id: CreditGrantId"
             , grants.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , grants.amount_minor
             , grants.currency
             , grants.reason
             , grants.expires_at
             , grants.state
             , grants.asked_by AS "asked_by: StaffId"
             , first.name AS asked_name
             , second.name AS "approved_name?"
             , grants.created_at
          FROM credit_grants grants
          JOIN accounts ON accounts.id = grants.account_id
          JOIN staff first ON first.id = grants.asked_by
          LEFT JOIN staff second ON second.id = grants.approved_by
         WHERE $1::uuid IS NULL OR grants.account_id = $1
         ORDER BY grants.state <> 'waiting', grants.created_at DESC, grants.id DESC
         LIMIT $2
        "#,
        account as Option<AccountId>,
        limit
    )
    .fetch_all(db)
    .await?;
    let grant = rows.into_iter().filter_map(|row| {
        Some(Grant {
            id: row.id,
            account: row.account,
            account_name: row.account_name,
            amount: Money::new(row.amount_minor, row.currency.parse().ok()?),
            reason: row.reason,
            expires_at: row.expires_at,
            state: State::ALL.into_iter().find(|state| state.word() == row.state)?,
            asked_by: row.asked_by,
            asked_name: row.asked_name,
            approved_name: row.approved_name.unwrap_or_default(),
            created_at: row.created_at,
        })
    });
    Ok(grant.collect())
}
