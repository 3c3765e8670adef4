//! What Stripe paid out to our bank.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::money;
use crate::base::ids::{CardPayoutId, SellerId};
use crate::base::money::Currency;
use crate::db::StoreError;
use crate::payments::payouts::Payout;

struct Row {
    id: CardPayoutId,
    provider_id: String,
    seller: SellerId,
    amount_minor: i64,
    fees_minor: i64,
    currency: String,
    arrived_on: NaiveDate,
    returned_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Payout {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            provider_id: row.provider_id,
            seller: row.seller,
            amount: money(row.amount_minor, &row.currency)?,
            fees: money(row.fees_minor, &row.currency)?,
            arrived_on: row.arrived_on,
            returned_at: row.returned_at,
        })
    }
}

/// Who sells in a currency.
pub async fn seller(db: &mut PgConnection, currency: Currency) -> Result<Option<SellerId>, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: SellerId" FROM sellers WHERE currency = $1"#, currency.code())
        .fetch_optional(db)
        .await?)
}

/// A payout that is booked.
pub async fn find(db: &mut PgConnection, provider_id: &str) -> Result<Option<Payout>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: CardPayoutId", provider_id, seller_id AS "seller: SellerId", amount_minor, fees_minor, currency
             , arrived_on, returned_at
          FROM card_payouts
         WHERE provider_id = $1
        "#,
        provider_id
    )
    .fetch_optional(db)
    .await?;
    row.map(Payout::try_from).transpose()
}

/// The newest payouts.
pub async fn list(db: &mut PgConnection, limit: i64) -> Result<Vec<Payout>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: CardPayoutId", provider_id, seller_id AS "seller: SellerId", amount_minor, fees_minor, currency
             , arrived_on, returned_at
          FROM card_payouts
         ORDER BY arrived_on DESC, id DESC
         LIMIT $1
        "#,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Payout::try_from).collect()
}

/// Inserts a payout, once. False when it is there.
pub async fn insert(db: &mut PgConnection, payout: &Payout, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        INSERT INTO card_payouts (id, provider_id, seller_id, amount_minor, fees_minor, currency, arrived_on, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (provider_id) DO NOTHING
        ",
        payout.id as CardPayoutId,
        payout.provider_id,
        payout.seller as SellerId,
        payout.amount.minor,
        payout.fees.minor,
        payout.amount.currency.code(),
        payout.arrived_on,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the bank sent a payout back, once. False when that is known.
pub async fn set_returned(db: &mut PgConnection, id: CardPayoutId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE card_payouts SET returned_at = $2 WHERE id = $1 AND returned_at IS NULL",
        id as CardPayoutId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
