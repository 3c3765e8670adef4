//! Cards that customers saved.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, PaymentMethodId};
use crate::db::StoreError;
use crate::payments::methods::Card;
use crate::payments::stripe::{CardFacts, Method};

/// Cards of an account that were not removed, the one that is charged first.
pub async fn list(db: &mut PgConnection, account: AccountId) -> Result<Vec<Card>, StoreError> {
    Ok(sqlx::query_as!(
        Card,
        r#"
        SELECT id AS "id: PaymentMethodId", brand, last4, expires, is_default
          FROM payment_methods
         WHERE account_id = $1
           AND removed_at IS NULL
         ORDER BY is_default DESC, created_at, id
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await?)
}

/// Locks the account's cards: one of two people at once waits.
pub async fn lock(db: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT FROM payment_methods WHERE account_id = $1 ORDER BY id FOR NO KEY UPDATE",
        account as AccountId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a card be the one that is charged, or none.
pub async fn set_default(
    db: &mut PgConnection,
    account: AccountId,
    id: Option<PaymentMethodId>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE payment_methods SET is_default = false WHERE account_id = $1 AND is_default AND id IS DISTINCT FROM $2",
        account as AccountId,
        id as Option<PaymentMethodId>
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE payment_methods SET is_default = true WHERE account_id = $1 AND id = $2 AND removed_at IS NULL",
        account as AccountId,
        id as Option<PaymentMethodId>
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a card out of use.
pub async fn remove(
    db: &mut PgConnection,
    account: AccountId,
    id: PaymentMethodId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE payment_methods SET is_default = false, removed_at = $3 WHERE account_id = $1 AND id = $2 AND removed_at IS NULL",
        account as AccountId,
        id as PaymentMethodId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps a card that was saved at Stripe, once. It is charged from now on when no other one is. False when it was there.
pub async fn keep(
    db: &mut PgConnection,
    id: PaymentMethodId,
    account: AccountId,
    (method, card): (&Method, &CardFacts),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at, country)
        VALUES ($1, $2, $3, $4, $5, $6, $7
             , NOT EXISTS (SELECT FROM payment_methods WHERE account_id = $2 AND is_default), $8, $9)
        ON CONFLICT (provider_id) DO NOTHING
        ",
        id as PaymentMethodId,
        account as AccountId,
        method.customer,
        method.id,
        card.brand,
        card.last4,
        expires(card),
        now,
        country(card)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down what a card is by now.
pub async fn update(db: &mut PgConnection, method: &Method, card: &CardFacts) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_methods
           SET brand = $2
             , last4 = $3
             , expires = $4
             , country = $5
         WHERE provider_id = $1
           AND removed_at IS NULL
        ",
        method.id,
        card.brand,
        card.last4,
        expires(card),
        country(card)
    )
    .execute(db)
    .await?;
    Ok(())
}

fn expires(card: &CardFacts) -> String {
    format!("{:04}-{:02}", card.exp_year, card.exp_month)
}

/// What is no country's code is not known.
fn country(card: &CardFacts) -> &str {
    let is_code = card.country.len() == 2 && card.country.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code { &card.country } else { "" }
}

/// Notes that a card is with its customer no more, at Stripe.
pub async fn set_detached(db: &mut PgConnection, provider_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE payment_methods
           SET is_default = false
             , removed_at = COALESCE(removed_at, $2)
             , detached_at = $2
         WHERE provider_id = $1
           AND detached_at IS NULL
        ",
        provider_id,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cards that were removed here and not yet at Stripe.
pub async fn to_detach(db: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT provider_id FROM payment_methods WHERE removed_at IS NOT NULL AND detached_at IS NULL ORDER BY removed_at LIMIT 20"
    )
    .fetch_all(db)
    .await?)
}

/// Who a card's customer is at Stripe, when the card is one of ours.
pub async fn customer_of(db: &mut PgConnection, provider_id: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT customer_id FROM payment_methods WHERE provider_id = $1", provider_id)
        .fetch_optional(db)
        .await?)
}
