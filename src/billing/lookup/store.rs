//! What pages read beside documents and charges. Writes nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Hour, Paid, Source, Usage};
use crate::base::ids::{AccountId, DocumentId, EnvironmentId};
use crate::base::money::{Currency, Money};
use crate::billing::payments::Method;
use crate::billing::rating::Span;
use crate::db::StoreError;
use crate::metering::rollup::hour_of;

/// The account's environments by name, with whether they are still wanted. One that is another account's by now has no name here.
pub async fn environments(
    db: &mut PgConnection,
    account: AccountId,
    ids: &[EnvironmentId],
) -> Result<BTreeMap<EnvironmentId, (String, bool)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: EnvironmentId"
             , name
             , wanted <> 'deleted' AS "is_there!"
          FROM environments
         WHERE id = ANY($1)
           AND account_id = $2
        "#,
        &ids.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        account as AccountId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.name, row.is_there))).collect())
}

/// What paid an invoice.
pub async fn paid(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
    currency: Currency,
) -> anyhow::Result<Vec<Paid>> {
    let rows = sqlx::query!(
        r#"
        SELECT allocations.amount_minor
             , COALESCE(payments.received_on, allocations.created_at::date) AS "on!"
             , payments.method AS "method?"
             , payments.external_ref AS "reference?"
             , notes.id AS "note?: DocumentId"
             , notes.number AS "note_number?"
          FROM allocations
          LEFT JOIN payments ON payments.id = allocations.payment_id
          LEFT JOIN documents notes ON notes.id = allocations.credit_note_id
         WHERE allocations.document_id = $1
           AND allocations.account_id = $2
         ORDER BY allocations.created_at, allocations.id
        "#,
        document as DocumentId,
        account as AccountId
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let method = |word: &str| {
        let all = [Method::Card, Method::Transfer, Method::Withholding, Method::Gift];
        all.into_iter().find(|method| method.word() == word)
    };
    rows.into_iter()
        .map(|row| {
            let source = match (row.method.as_deref().and_then(method), row.note) {
                (Some(method), _) => Source::Payment(method, row.reference.unwrap_or_default()),
                (None, Some(note)) => Source::CreditNote(row.note_number.unwrap_or_default(), note),
                (None, None) => anyhow::bail!("an allocation of document {document} comes from nowhere"),
            };
            Ok(Paid { source, on: row.on, amount: Money::new(row.amount_minor, currency) })
        })
        .collect()
}

/// The kinds of papers of a document.
pub async fn kinds_of_files(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT document_files.kind
          FROM document_files
          JOIN documents ON documents.id = document_files.document_id
         WHERE documents.id = $1
           AND documents.account_id = $2
        "#,
        document as DocumentId,
        account as AccountId
    )
    .fetch_all(db)
    .await?)
}

/// The charge of a line that is about usage. Its part that is included stands on no line: it is found beside it.
pub async fn usage_of_line(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
    line_no: i32,
) -> anyhow::Result<Option<Usage>> {
    let row = sqlx::query!(
        r#"
        SELECT charges.environment_id AS "environment: EnvironmentId"
             , CASE WHEN environments.account_id = documents.account_id THEN environments.name ELSE '' END AS "name!"
             , charges.meter AS "meter!"
             , charges.tier AS "tier!"
             , charges.from_at
             , charges.until_at
             , charges.used_raw
             , remains.carry_in AS "carry_in!"
             , remains.carry_out AS "carry_out!"
             , charges.quantity
             , remains.included AS "included!"
          FROM charge_lines
          JOIN documents ON documents.id = charge_lines.document_id
          JOIN charges ON charges.id = charge_lines.charge_id
          JOIN environments ON environments.id = charges.environment_id
         CROSS JOIN LATERAL (
            SELECT COALESCE(sum(carry_in_raw), 0) AS carry_in
                 , COALESCE(sum(carry_out_raw), 0) AS carry_out
                 , COALESCE(sum(quantity) FILTER (WHERE tier = 0), 0) AS included
              FROM charges same
             WHERE same.period_id = charges.period_id
               AND same.of_period_id = charges.of_period_id
               AND same.environment_id = charges.environment_id
               AND same.plan_version_id = charges.plan_version_id
               AND same.class = charges.class
               AND same.meter = charges.meter
          ) AS remains
         WHERE charge_lines.document_id = $1
           AND charge_lines.line_no = $2
           AND documents.account_id = $3
           AND documents.state = 'final'
           AND charges.meter IS NOT NULL
         ORDER BY charges.from_at
         LIMIT 1
        "#,
        document as DocumentId,
        line_no,
        account as AccountId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(|row| {
        Ok(Usage {
            environment: row.environment,
            name: row.name,
            meter: row.meter.parse()?,
            tier: row.tier,
            span: Span { from: row.from_at, until: row.until_at },
            used_raw: row.used_raw,
            carry_in_raw: row.carry_in,
            carry_out_raw: row.carry_out,
            quantity: row.quantity,
            included: row.included,
        })
    })
    .transpose()
}

/// The hours of a charge.
pub async fn hours(db: &mut PgConnection, usage: &Usage) -> Result<Vec<Hour>, StoreError> {
    let first: DateTime<Utc> = hour_of(usage.span.from);
    Ok(sqlx::query_as!(
        Hour,
        r#"
        SELECT hour AS at
             , quantity AS raw
             , covered_seconds
             , quality
          FROM usage_hours
         WHERE environment_id = $1
           AND meter = $2
           AND hour >= $3
           AND hour < $4
         ORDER BY hour
        "#,
        usage.environment as EnvironmentId,
        usage.meter.code(),
        first,
        usage.span.until
    )
    .fetch_all(db)
    .await?)
}
