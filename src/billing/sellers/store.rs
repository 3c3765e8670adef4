//! The table of our companies.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Details, Seller, Terms};
use crate::base::ids::SellerId;
use crate::base::money::{Currency, Money};
use crate::billing::ledger::Role;
use crate::db::StoreError;

/// Inserts a company unless one with its code or currency is there.
pub async fn insert(
    db: &mut PgConnection,
    id: SellerId,
    (code, country, currency, zone): (&str, &str, Currency, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO sellers (id, code, country, currency, timezone, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING
        "#,
        id as SellerId,
        code,
        country,
        currency.code(),
        zone,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Inserts an account of a company's ledger.
pub async fn insert_ledger_account(
    db: &mut PgConnection,
    seller: SellerId,
    role: Role,
    (code, name): (&str, &str),
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO ledger_accounts (seller_id, role, code, name) VALUES ($1, $2, $3, $4)",
        seller as SellerId,
        role.word(),
        code,
        name
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All companies, by code.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<Seller>> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: SellerId"
             , code
             , country
             , currency
             , timezone
             , details
             , payment_days
             , trial_days
             , four_eyes_minor
          FROM sellers
         ORDER BY code
        "#
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let parsed = rows.into_iter().map(|row| {
        let currency = row.currency.parse()?;
        let is_empty = row.details.as_object().is_none_or(serde_json::Map::is_empty);
        let details: Option<Details> = if is_empty {
            None
        } else {
            Some(serde_json::from_value(row.details).with_context(|| format!("details of seller {}", row.code))?)
        };
        Ok(Seller {
            id: row.id,
            country: row.country,
            currency,
            zone: row.timezone.parse().map_err(|_| anyhow::anyhow!("{} is no time zone", row.timezone))?,
            details,
            payment_days: row.payment_days,
            trial_days: row.trial_days,
            four_eyes: Money::new(row.four_eyes_minor, currency),
            code: row.code,
        })
    });
    parsed.collect()
}

/// Changes a company.
pub async fn update(db: &mut PgConnection, id: SellerId, terms: &Terms) -> anyhow::Result<()> {
    sqlx::query!(
        "UPDATE sellers SET details = $2, payment_days = $3, trial_days = $4, four_eyes_minor = $5 WHERE id = $1",
        id as SellerId,
        serde_json::to_value(&terms.details)?,
        terms.payment_days,
        terms.trial_days,
        terms.four_eyes.minor
    )
    .execute(db)
    .await
    .map_err(StoreError::from)?;
    Ok(())
}
