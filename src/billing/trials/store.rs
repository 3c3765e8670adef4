//! Whom to tell of trials, and what they are told.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Beginning;
use crate::base::ids::AccountId;
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Notes of trials that end soon that their people are told, and returns when each ends.
pub async fn take_ending(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    soon: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(AccountId, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        UPDATE trials
           SET reminded_at = $1
         WHERE account_id IN (SELECT account_id
                                FROM trials
                               WHERE reminded_at IS NULL
                                 AND ended_at IS NULL
                                 AND until_at > $1
                                 AND until_at <= $2
                               ORDER BY until_at
                               LIMIT $3
                                 FOR UPDATE SKIP LOCKED)
        RETURNING account_id AS "account: AccountId", until_at
        "#,
        now,
        soon,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.until_at)).collect())
}

/// Notes of trials that have ended that their people are told, and returns when each ended.
pub async fn take_ended(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(AccountId, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        UPDATE trials
           SET converted_at = $1
         WHERE account_id IN (SELECT account_id
                                FROM trials
                               WHERE converted_at IS NULL
                                 AND LEAST(until_at, ended_at) <= $1
                               ORDER BY LEAST(until_at, ended_at)
                               LIMIT $2
                                 FOR UPDATE SKIP LOCKED)
        RETURNING account_id AS "account: AccountId", LEAST(until_at, ended_at) AS "since!"
        "#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.since)).collect())
}

/// Every environment that is charged, with its plan's base price.
pub async fn beginning(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
) -> anyhow::Result<Vec<Beginning>> {
    let rows = sqlx::query!(
        r#"
        SELECT environments.name
             , plans.names
             , plan_prices.monthly_minor
          FROM environment_segments
          JOIN environments ON environments.id = environment_segments.environment_id
          JOIN plan_versions ON plan_versions.id = environment_segments.plan_version_id
          JOIN plans ON plans.id = plan_versions.plan_id
          JOIN plan_prices ON plan_prices.plan_version_id = plan_versions.id
         WHERE environment_segments.account_id = $1
           AND environment_segments.until_at IS NULL
           AND plan_prices.currency = $2
         ORDER BY environments.name, environments.id
        "#,
        account as AccountId,
        currency.code()
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let monthly = Money::new(row.monthly_minor, currency);
            Ok(Beginning { instance: row.name, plan: serde_json::from_value(row.names)?, monthly })
        })
        .collect()
}
