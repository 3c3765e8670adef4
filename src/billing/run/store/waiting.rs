//! Drafts and months that wait for somebody.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, DocumentId, InstructionId, PeriodId};
use crate::base::money::Money;
use crate::billing::run::{Dropped, Waiting};
use crate::db::StoreError;

/// Notes why a draft waits, and with which details it was tried. Returns whose it is, and how often it was held for the same
/// reason; `None` when it is no draft any more.
pub async fn hold(
    db: &mut PgConnection,
    draft: DocumentId,
    why: &Value,
    now: DateTime<Utc>,
) -> Result<Option<(AccountId, i32)>, StoreError> {
    let row = sqlx::query!(
        r#"
        UPDATE documents
           SET held = $2::jsonb
             , held_at = CASE WHEN held ->> 'reason' = $2::jsonb ->> 'reason' THEN held_at ELSE $3 END
             , held_tries = CASE WHEN held ->> 'reason' = $2::jsonb ->> 'reason' THEN held_tries + 1 ELSE 1 END
             , held_try_at = NULL
             , held_details = details_behind(documents)
         WHERE id = $1
           AND state = 'draft'
        RETURNING account_id AS "account: AccountId", held_tries
        "#,
        draft as DocumentId,
        why,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.account, row.held_tries)))
}

/// Notes when a draft that waits is tried again by itself.
pub async fn try_later(db: &mut PgConnection, draft: DocumentId, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE documents SET held_try_at = $2 WHERE id = $1 AND state = 'draft'", draft as DocumentId, at)
        .execute(db)
        .await?;
    Ok(())
}

/// Has drafts tried now that waited for our company's or the customer's details, when those are others than they were.
pub async fn try_again(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE documents
           SET held_try_at = $1
         WHERE id IN (SELECT id
                        FROM documents
                       WHERE state = 'draft'
                         AND held ->> 'reason' IN ('seller', 'buyer')
                         AND held_details IS DISTINCT FROM details_behind(documents)
                         -- What somebody holds is looked at next time: nobody waits for it.
                         FOR UPDATE SKIP LOCKED)
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a draft go on that waits for a person.
pub async fn release_draft(db: &mut PgConnection, draft: DocumentId) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE documents
           SET held = NULL
             , held_at = NULL
             , held_tries = 0
             , held_try_at = NULL
               -- Who lets an amount go on has said nothing of the country.
             , is_released = is_released OR held ->> 'reason' = 'country'
         WHERE id = $1
           AND state = 'draft'
           AND held IS NOT NULL
        "#,
        draft as DocumentId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a draft of what was credited already. `None` when it is no such draft.
pub async fn drop_draft(
    db: &mut PgConnection,
    draft: DocumentId,
    by: InstructionId,
) -> anyhow::Result<Option<Dropped>> {
    let row = sqlx::query!(
        r#"
        UPDATE documents
           SET state = 'dropped'
             , dropped_by = $2
             , held = NULL
             , held_at = NULL
             , held_try_at = NULL
          FROM documents invoices
         WHERE documents.id = $1
           AND documents.state = 'draft'
           AND documents.kind = 'credit_note'
           AND documents.held ->> 'reason' = 'credited'
           AND invoices.id = documents.corrects_id
        RETURNING documents.account_id AS "account: AccountId"
                , documents.net_minor
                , documents.currency
                , invoices.number AS "invoice!"
        "#,
        draft as DocumentId,
        by as InstructionId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(|row| {
        let net = Money::new(row.net_minor, row.currency.parse()?);
        Ok(Dropped { account: row.account, invoice: row.invoice, net })
    })
    .transpose()
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
