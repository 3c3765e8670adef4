//! Budgets and what was told about them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rule::Level;
use super::{Alert, Budget};
use crate::base::ids::AccountId;
use crate::base::money::Money;
use crate::db::StoreError;

struct Row {
    amount_minor: i64,
    currency: String,
    is_cap: bool,
    caps_production: bool,
}

impl Row {
    fn parsed(self) -> anyhow::Result<Budget> {
        let amount = Money::new(self.amount_minor, self.currency.parse()?);
        Ok(Budget { amount, is_cap: self.is_cap, caps_production: self.caps_production })
    }
}

/// An account's budget.
pub async fn find(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Budget>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT amount_minor, currency, is_cap, caps_production FROM budgets WHERE account_id = $1",
        account as AccountId
    );
    row.fetch_optional(db).await.map_err(StoreError::from)?.map(Row::parsed).transpose()
}

/// The same, and nobody changes it until the transaction ends.
pub async fn lock(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Budget>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT amount_minor, currency, is_cap, caps_production FROM budgets WHERE account_id = $1 FOR UPDATE",
        account as AccountId
    );
    row.fetch_optional(db).await.map_err(StoreError::from)?.map(Row::parsed).transpose()
}

/// Sets a budget; it is due at once.
pub async fn put(
    db: &mut PgConnection,
    account: AccountId,
    new: &Budget,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO budgets (account_id, amount_minor, currency, is_cap, caps_production, look_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (account_id) DO UPDATE
           SET amount_minor = excluded.amount_minor
             , currency = excluded.currency
             , is_cap = excluded.is_cap
             , caps_production = excluded.caps_production
             , look_at = excluded.look_at
             , changed_at = excluded.changed_at
        "#,
        account as AccountId,
        new.amount.minor,
        new.amount.currency.code(),
        new.is_cap,
        new.caps_production,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a budget away.
pub async fn delete(db: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM budgets WHERE account_id = $1", account as AccountId).execute(db).await?;
    Ok(())
}

/// Says when an account is looked at next.
pub async fn look_at(db: &mut PgConnection, account: AccountId, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE budgets SET look_at = $2 WHERE account_id = $1", account as AccountId, at).execute(db).await?;
    Ok(())
}

/// Accounts whose budget is due, and those that have none any more but rest because of one.
pub async fn due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT due.account_id AS "id!: AccountId"
          FROM (SELECT account_id FROM budgets WHERE look_at <= $1 ORDER BY look_at LIMIT $2) AS due
         UNION
        SELECT suspensions.account_id
          FROM suspensions
         WHERE suspensions.origin = 'budget'
           AND suspensions.lifted_at IS NULL
           AND NOT EXISTS (SELECT FROM budgets WHERE budgets.account_id = suspensions.account_id)
        "#,
        now,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// Notes an alert. False when it was told before.
pub async fn insert_alert(
    db: &mut PgConnection,
    (account, month): (AccountId, DateTime<Utc>),
    alert: &Alert,
    forecast: Money,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO budget_alerts (account_id, from_at, amount_minor, level, currency, so_far_minor, forecast_minor, alerted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT DO NOTHING
        "#,
        account as AccountId,
        month,
        alert.amount.minor,
        alert.level.word(),
        alert.amount.currency.code(),
        alert.so_far.minor,
        forecast.minor,
        alert.at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was told of a month.
pub async fn alerts(db: &mut PgConnection, account: AccountId, month: DateTime<Utc>) -> anyhow::Result<Vec<Alert>> {
    let rows = sqlx::query!(
        r#"
        SELECT level, amount_minor, currency, so_far_minor, alerted_at
          FROM budget_alerts
         WHERE account_id = $1
           AND from_at = $2
         ORDER BY alerted_at, amount_minor, level
        "#,
        account as AccountId,
        month
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let mut alerts = Vec::with_capacity(rows.len());
    for row in rows {
        let currency = row.currency.parse()?;
        let level = Level::from_word(&row.level).ok_or_else(|| anyhow::anyhow!("{:?} is no level", row.level))?;
        let (amount, so_far) = (Money::new(row.amount_minor, currency), Money::new(row.so_far_minor, currency));
        alerts.push(Alert { level, amount, so_far, at: row.alerted_at });
    }
    Ok(alerts)
}

/// Since when something rests because of the budget.
pub async fn rests_since(db: &mut PgConnection, account: AccountId) -> Result<Option<DateTime<Utc>>, StoreError> {
    let since = sqlx::query_scalar!(
        "SELECT min(suspended_at) FROM suspensions WHERE account_id = $1 AND origin = 'budget' AND lifted_at IS NULL",
        account as AccountId
    );
    Ok(since.fetch_one(db).await?)
}
