//! The files of months. Rows are only ever added.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Offered;
use crate::base::ids::{AccountId, DocumentId, PeriodId};
use crate::base::money::Money;
use crate::db::StoreError;

/// Inserts a part of a month's file.
pub async fn insert(
    db: &mut PgConnection,
    (period, part): (PeriodId, i32),
    content: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO period_proofs (period_id, part, content, sha256, created_at)
        VALUES ($1, $2, $3, sha256($3), $4)
        "#,
        period as PeriodId,
        part,
        content,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The file of the month of an invoice, or that a credit note's corrections were found with.
pub async fn of_document(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> anyhow::Result<Option<Offered>> {
    let row = sqlx::query!(
        r#"
        SELECT periods.id AS "period: PeriodId"
             , periods.currency
             , (SELECT COALESCE(sum(net_minor), 0)::bigint
                  FROM charges
                 WHERE period_id = periods.id
                   AND class <> 'trial') AS "net_minor!"
          FROM documents
          JOIN billing_periods periods ON periods.account_id = documents.account_id
           AND periods.id = COALESCE(documents.period_id, (SELECT charges.period_id
                                                             FROM charge_lines
                                                             JOIN charges ON charges.id = charge_lines.charge_id
                                                            WHERE charge_lines.document_id = documents.id
                                                            LIMIT 1))
         WHERE documents.id = $1
           AND documents.account_id = $2
           AND documents.state = 'final'
           AND EXISTS (SELECT FROM period_proofs WHERE period_id = periods.id)
        "#,
        document as DocumentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(|row| Ok(Offered { period: row.period, net: Money::new(row.net_minor, row.currency.parse()?) })).transpose()
}

/// The part of a month's file after another one, with its number.
pub async fn next(db: &mut PgConnection, period: PeriodId, after: i32) -> Result<Option<(i32, Vec<u8>)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT part, content
          FROM period_proofs
         WHERE period_id = $1
           AND part > $2
         ORDER BY part
         LIMIT 1
        "#,
        period as PeriodId,
        after
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.part, row.content)))
}
