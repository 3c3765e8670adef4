//! Drafts and months that wait for somebody.

use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, DocumentId, PeriodId};
use crate::base::money::Money;
use crate::billing::run::Waiting;
use crate::db::StoreError;

/// Notes why a draft waits, or that it does no more.
pub async fn hold(db: &mut PgConnection, draft: DocumentId, why: &Value) -> Result<(), StoreError> {
    sqlx::query!("UPDATE documents SET held = $2 WHERE id = $1 AND state = 'draft'", draft as DocumentId, why)
        .execute(db)
        .await?;
    Ok(())
}

/// Lets drafts go on that waited for our company's or the customer's details, when those are there now.
pub async fn try_again(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE documents
           SET held = NULL
         WHERE state = 'draft'
           AND CASE held ->> 'reason'
               WHEN 'seller' THEN EXISTS (SELECT FROM sellers WHERE id = documents.seller_id AND details <> '{}')
               WHEN 'buyer' THEN EXISTS (SELECT
                                           FROM billing_profiles
                                          WHERE account_id = documents.account_id
                                            AND street <> ''
                                            AND city <> '')
               ELSE false
               END
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a draft go on that waits for a person.
pub async fn release_draft(db: &mut PgConnection, draft: DocumentId) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE documents SET held = NULL WHERE id = $1 AND state = 'draft' AND held IS NOT NULL",
        draft as DocumentId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a month be rated again that could not be.
pub async fn release_period(db: &mut PgConnection, period: PeriodId) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE billing_periods
           SET rated_at = NULL
             , parked = NULL
         WHERE id = $1
           AND state = 'open'
           AND parked IS NOT NULL
        "#,
        period as PeriodId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Drafts and months that wait for somebody, oldest first.
pub async fn list_waiting(db: &mut PgConnection) -> anyhow::Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"
        SELECT waiting.document AS "document: DocumentId"
             , waiting.period AS "period: PeriodId"
             , waiting.account_id AS "account!: AccountId"
             , accounts.name
             , waiting.since AS "since!"
             , waiting.currency AS "currency!"
             , waiting.why AS "why!"
             , waiting.net_minor AS "net_minor!"
          FROM (SELECT id AS document, NULL::uuid AS period, account_id, created_at AS since, currency, held AS why, net_minor
                  FROM documents
                 WHERE held IS NOT NULL
                 UNION ALL
                SELECT NULL, id, account_id, until_at, currency, parked, 0
                  FROM billing_periods
                 WHERE parked IS NOT NULL) AS waiting
          JOIN accounts ON accounts.id = waiting.account_id
         ORDER BY waiting.since, accounts.name
        "#
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let waiting = rows.into_iter().map(|row| {
        let currency = row.currency.parse()?;
        let problems = row.why["problems"].as_array().cloned().unwrap_or_default();
        Ok(Waiting {
            document: row.document,
            period: row.period,
            account: row.account,
            account_name: row.name,
            since: row.since,
            reason: row.why["reason"].as_str().unwrap_or("failed").to_owned(),
            problems: problems.iter().filter_map(|problem| problem.as_str().map(str::to_owned)).collect(),
            net: Money::new(row.net_minor, currency),
            usual: row.why["usual_minor"].as_i64().map(|minor| Money::new(minor, currency)),
        })
    });
    waiting.collect()
}
