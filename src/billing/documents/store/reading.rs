//! What pages read of final documents.

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, DocumentId, PeriodId};
use crate::base::money::Money;
use crate::billing::documents::{Final, Kind, Listed, Place};
use crate::db::StoreError;

/// Which final documents.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// This one only.
    pub id: Option<DocumentId>,
    /// One account's only.
    pub account: Option<AccountId>,
    /// With this text in the number or the customer's name.
    pub text: Option<&'a str>,
}

struct Row {
    id: DocumentId,
    account: AccountId,
    account_name: String,
    kind: String,
    number: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    currency: String,
    gross_minor: i64,
    open: i64,
}

impl Row {
    fn listed(self) -> anyhow::Result<Listed> {
        let currency = self.currency.parse()?;
        Ok(Listed {
            id: self.id,
            account: self.account,
            account_name: self.account_name,
            kind: if self.kind == "invoice" { Kind::Invoice } else { Kind::CreditNote },
            number: self.number,
            issued_on: self.issued_on,
            due_on: self.due_on,
            gross: Money::new(self.gross_minor, currency),
            open: Money::new(self.open, currency),
        })
    }
}

/// Final documents, newest first.
pub async fn list(db: &mut PgConnection, wanted: Wanted<'_>, limit: i64) -> anyhow::Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT documents.id AS "id: DocumentId"
             , documents.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , documents.kind
             , documents.number AS "number!"
             , documents.issued_on AS "issued_on!"
             , documents.due_on AS "due_on!"
             , documents.currency
             , documents.gross_minor
             , left_of(documents) AS "open!"
          FROM documents
          JOIN accounts ON accounts.id = documents.account_id
         WHERE documents.state = 'final'
           AND ($1::uuid IS NULL OR documents.account_id = $1)
           AND ($2::text IS NULL OR $2 = '' OR strpos(lower(documents.number), lower($2)) > 0
                OR strpos(lower(accounts.name), lower($2)) > 0)
           AND ($4::uuid IS NULL OR documents.id = $4)
         ORDER BY documents.issued_on DESC, documents.seller_id, documents.no DESC
         LIMIT $3
        "#,
        wanted.account as Option<AccountId>,
        wanted.text,
        limit,
        wanted.id as Option<DocumentId>
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Row::listed).collect()
}

/// A final document: of one account, or of anybody's.
pub async fn find(db: &mut PgConnection, account: Option<AccountId>, id: DocumentId) -> anyhow::Result<Option<Final>> {
    let wanted = Wanted { id: Some(id), account, text: None };
    let Some(listed) = list(db, wanted, 1).await?.pop() else { return Ok(None) };
    let row = sqlx::query!(
        r#"
        SELECT canonical AS "canonical!"
             , sha256 AS "sha256!"
             , previous_sha256 AS "previous_sha256!"
             , period_id AS "period: PeriodId"
          FROM documents
         WHERE id = $1
        "#,
        id as DocumentId
    )
    .fetch_one(db)
    .await
    .map_err(StoreError::from)?;
    Ok(Some(Final {
        paper: serde_json::from_str(&row.canonical).with_context(|| format!("document {}", listed.number))?,
        listed,
        canonical: row.canonical,
        sha256: hex::encode(row.sha256),
        previous_sha256: hex::encode(row.previous_sha256),
        period: row.period,
    }))
}

/// A paper of a final document.
pub async fn file(
    db: &mut PgConnection,
    account: Option<AccountId>,
    id: DocumentId,
    kind: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT document_files.content
          FROM document_files
          JOIN documents ON documents.id = document_files.document_id
         WHERE documents.id = $1
           AND document_files.kind = $3
           AND ($2::uuid IS NULL OR documents.account_id = $2)
        "#,
        id as DocumentId,
        account as Option<AccountId>,
        kind
    )
    .fetch_optional(db)
    .await?)
}

/// Final documents with a text in the number or the customer's name, of a kind of standing: newest first.
pub async fn search(
    db: &mut PgConnection,
    (text, which): (&str, &str),
    (offset, limit): (i64, i64),
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT documents.id AS "id: DocumentId"
             , documents.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , documents.kind
             , documents.number AS "number!"
             , documents.issued_on AS "issued_on!"
             , documents.due_on AS "due_on!"
             , documents.currency
             , documents.gross_minor
             , left_of(documents) AS "open!"
          FROM documents
          JOIN accounts ON accounts.id = documents.account_id
          JOIN sellers ON sellers.id = documents.seller_id
         WHERE documents.state = 'final'
           AND ($1 = '' OR strpos(lower(documents.number), lower($1)) > 0 OR strpos(lower(accounts.name), lower($1)) > 0)
           AND CASE $2::text
               WHEN 'open' THEN documents.kind = 'invoice' AND left_of(documents) > 0
               WHEN 'overdue' THEN documents.kind = 'invoice'
                                   AND documents.due_on < ($3::timestamptz AT TIME ZONE sellers.timezone)::date
                                   AND left_of(documents) > 0
               WHEN 'paid' THEN documents.kind = 'invoice' AND left_of(documents) <= 0
               WHEN 'credit-notes' THEN documents.kind = 'credit_note'
               ELSE true
               END
         ORDER BY documents.issued_on DESC, documents.seller_id, documents.no DESC
        OFFSET $4
         LIMIT $5
        "#,
        text,
        which,
        now,
        offset,
        limit
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Row::listed).collect()
}

/// Where a final document stands in its seller's chain.
pub async fn place(db: &mut PgConnection, id: DocumentId) -> Result<Option<Place>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT before.id AS "before?: DocumentId"
             , before.number AS "before_number?"
             , after.id AS "after?: DocumentId"
             , after.number AS "after_number?"
             , documents.sha256 = sha256(documents.previous_sha256 || convert_to(documents.canonical, 'UTF8'))
               AND documents.previous_sha256 = COALESCE(before.sha256, '') AS "fits!"
          FROM documents
          LEFT JOIN LATERAL (SELECT id, number, sha256
                               FROM documents other
                              WHERE other.seller_id = documents.seller_id
                                AND (other.series_year, other.no) < (documents.series_year, documents.no)
                              ORDER BY other.series_year DESC, other.no DESC
                              LIMIT 1) AS before ON true
          LEFT JOIN LATERAL (SELECT id, number
                               FROM documents other
                              WHERE other.seller_id = documents.seller_id
                                AND (other.series_year, other.no) > (documents.series_year, documents.no)
                              ORDER BY other.series_year, other.no
                              LIMIT 1) AS after ON true
         WHERE documents.id = $1
           AND documents.state = 'final'
        "#,
        id as DocumentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Place {
        before: row.before.zip(row.before_number),
        after: row.after.zip(row.after_number),
        fits: row.fits,
    }))
}
