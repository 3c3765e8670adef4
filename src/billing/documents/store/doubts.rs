//! What a person has to look at before a document becomes final, what is left of it then, and what is kept about where a customer
//! lives.

use sqlx::PgConnection;

use crate::base::ids::{AccountId, DocumentId, SellerId};
use crate::billing::documents::Whose;
use crate::db::StoreError;

/// How much more, without VAT, a draft of a credit note gives back than its invoice has left, with that one's number; `None` when
/// it is not too much.
pub async fn beyond(db: &mut PgConnection, note: DocumentId) -> Result<Option<(String, i64)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT billed.number AS "number!"
             , sum(GREATEST(taken.net_minor - COALESCE(document_vat.base_minor, 0), 0))::bigint AS "beyond!"
          FROM documents note
          JOIN documents billed ON billed.id = note.corrects_id
          JOIN LATERAL (SELECT lines.vat_category, lines.vat_rate, sum(lines.net_minor) AS net_minor
                          FROM documents notes
                          JOIN document_lines lines ON lines.document_id = notes.id
                         WHERE notes.corrects_id = note.corrects_id
                           AND (notes.state = 'final' OR notes.id = note.id)
                         GROUP BY lines.vat_category, lines.vat_rate) AS taken ON true
          LEFT JOIN document_vat ON document_vat.document_id = billed.id
           AND document_vat.category = taken.vat_category
           AND document_vat.rate = taken.vat_rate
         WHERE note.id = $1
         GROUP BY billed.number
        "#,
        note as DocumentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.filter(|row| row.beyond > 0).map(|row| (row.number, row.beyond)))
}

/// Which country the newest invoice to a customer by the same seller names.
pub async fn country_before(db: &mut PgConnection, whose: Whose) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT canonical::jsonb -> 'buyer' -> 'address' ->> 'country'
          FROM documents
         WHERE account_id = $1
           AND seller_id = $2
           AND kind = 'invoice'
           AND state = 'final'
         ORDER BY issued_on DESC, no DESC
         LIMIT 1
        "#,
        whose.account as AccountId,
        whose.seller as SellerId
    )
    .fetch_optional(db)
    .await?
    .flatten())
}

/// Keeps with an invoice what says where a consumer lives: the country of the billing details, of the card that is charged, and
/// of the bank account that paid last; as far as each is known.
pub async fn keep_evidence(
    db: &mut PgConnection,
    document: DocumentId,
    account: AccountId,
    country: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO document_evidence (document_id, kind, country)
        SELECT $1::uuid, 'billing', $3::text
         UNION ALL
        SELECT $1::uuid, 'card', country
          FROM payment_methods
         WHERE account_id = $2
           AND is_default
           AND country <> ''
         UNION ALL
        SELECT $1::uuid, 'bank', country
          FROM (SELECT left(payer_iban, 2) AS country
                  FROM bank_receipts
                 WHERE account_id = $2
                   AND state = 'booked'
                   AND payer_iban <> ''
                 ORDER BY ended_at DESC
                 LIMIT 1) AS newest
        "#,
        document as DocumentId,
        account as AccountId,
        country
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What is left of a document: open on an invoice, free of a credit note.
pub async fn left(db: &mut PgConnection, id: DocumentId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT left_of(documents) AS "left!" FROM documents WHERE id = $1"#, id as DocumentId)
        .fetch_one(db)
        .await?)
}
