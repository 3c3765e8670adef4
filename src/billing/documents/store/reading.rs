//! What pages read of final documents.

use anyhow::Context;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, DocumentId, PeriodId};
use crate::base::money::Money;
use crate::billing::documents::{Final, Kind, Listed};
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

/// Final documents, newest first.
pub async fn list(db: &mut PgConnection, wanted: Wanted<'_>, limit: i64) -> anyhow::Result<Vec<Listed>> {
    let rows = sqlx::query!(
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
    let listed = rows.into_iter().map(|row| {
        let currency = row.currency.parse()?;
        Ok(Listed {
            id: row.id,
            account: row.account,
            account_name: row.account_name,
            kind: if row.kind == "invoice" { Kind::Invoice } else { Kind::CreditNote },
            number: row.number,
            issued_on: row.issued_on,
            due_on: row.due_on,
            gross: Money::new(row.gross_minor, currency),
            open: Money::new(row.open, currency),
        })
    });
    listed.collect()
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
