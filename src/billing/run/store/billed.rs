//! What an account was billed before.

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::Period;
use crate::base::ids::{AccountId, DocumentId, PeriodId, SellerId};
use crate::base::money::Money;
use crate::db::StoreError;

/// An invoice that billed something, with what is left of it that was not given back.
pub struct Billed {
    pub document: DocumentId,
    pub number: String,
    /// Category and rate of what is left.
    pub vat: (String, Decimal),
    /// Without VAT; credit notes that are drafts count as given, but for those of which a person has to say whether they were.
    pub left: Money,
    /// Whether one of our people has given something of it back.
    pub was_credited: bool,
    /// Whether it billed something of the month that is asked about.
    pub of_month: bool,
}

/// Final invoices of the account by the same seller, the oldest first; those that billed something of the month `of` come before
/// all others.
pub async fn list_billed(db: &mut PgConnection, period: &Period, of: PeriodId) -> Result<Vec<Billed>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "document: DocumentId"
             , documents.number AS "number!"
             , document_vat.category
             , document_vat.rate
             , document_vat.base_minor - COALESCE((SELECT sum(lines.net_minor)
                                                     FROM documents notes
                                                     JOIN document_lines lines ON lines.document_id = notes.id
                                                    WHERE notes.corrects_id = documents.id
                                                      AND notes.state <> 'dropped'
                                                      AND NOT (notes.state = 'draft'
                                                               AND COALESCE(notes.held ->> 'reason', '') = 'credited')
                                                      AND lines.vat_category = document_vat.category
                                                      AND lines.vat_rate = document_vat.rate), 0)::bigint AS "left!"
             , EXISTS (SELECT
                         FROM charge_lines
                         JOIN charges ON charges.id = charge_lines.charge_id
                        WHERE charge_lines.document_id = documents.id
                          AND charges.of_period_id = $2) AS "of_month!"
             , EXISTS (SELECT
                         FROM documents notes
                         JOIN document_lines lines ON lines.document_id = notes.id
                        WHERE notes.corrects_id = documents.id
                          AND notes.state <> 'dropped'
                          AND lines.corrects_line IS NOT NULL) AS "was_credited!"
          FROM documents
          JOIN document_vat ON document_vat.document_id = documents.id
         WHERE documents.account_id = $1
           AND documents.seller_id = $3
           AND documents.kind = 'invoice'
           AND documents.state = 'final'
         ORDER BY 6 DESC, documents.issued_on, documents.no, document_vat.base_minor DESC
        "#,
        period.account as AccountId,
        of as PeriodId,
        period.whose.seller as SellerId
    )
    .fetch_all(db)
    .await?;
    let billed = rows.into_iter().map(|row| Billed {
        document: row.document,
        number: row.number,
        vat: (row.category, row.rate),
        left: Money::new(row.left, period.whose.currency),
        of_month: row.of_month,
        was_credited: row.was_credited,
    });
    Ok(billed.collect())
}

/// The median of the account's last six invoices, before discounts and VAT; `None` when there are fewer than three.
pub async fn usual_net(db: &mut PgConnection, period: &Period) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT CASE WHEN count(*) >= 3 THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY net_minor) END
          FROM (SELECT net_minor - COALESCE((SELECT sum(lines.net_minor)
                                               FROM document_lines lines
                                              WHERE lines.document_id = documents.id
                                                AND lines.kind = 'discount'), 0)::bigint AS net_minor
                  FROM documents
                 WHERE account_id = $1
                   AND kind = 'invoice'
                   AND state = 'final'
                   AND currency = $2
                 ORDER BY issued_on DESC
                 LIMIT 6) AS newest
        "#,
        period.account as AccountId,
        period.whose.currency.code()
    )
    .fetch_one(db)
    .await?)
}

/// What a month costs by the base prices alone, of all that was on a plan in it: each for a whole month, without VAT.
pub async fn base_prices(db: &mut PgConnection, period: &Period) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT COALESCE(sum(prices.monthly_minor), 0)::bigint AS "minor!"
          FROM (SELECT DISTINCT environment_id, plan_version_id
                  FROM charges
                 WHERE period_id = $1
                   AND of_period_id = $1) AS items
          JOIN plan_prices prices ON prices.plan_version_id = items.plan_version_id AND prices.currency = $2
        "#,
        period.id as PeriodId,
        period.whose.currency.code()
    )
    .fetch_one(db)
    .await?)
}
