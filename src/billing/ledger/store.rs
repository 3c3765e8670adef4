//! Entries and postings. Rows are only ever added.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Entry, Movement, Posting, Role};
use crate::base::ids::{AccountId, EntryId, SellerId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Inserts an entry; `false` when its source and template stand there already. The database gives it its number.
pub async fn insert_entry(
    db: &mut PgConnection,
    id: EntryId,
    entry: &Entry<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    // Looked for first: a row that is refused would have taken a number, and left a hole.
    let is_there = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM journal_entries WHERE source_kind = $1 AND source_id = $2 AND template = $3) AS "is_there!"
        "#,
        entry.source.0,
        entry.source.1,
        entry.template
    )
    .fetch_one(&mut *db)
    .await?;
    if is_there {
        return Ok(false);
    }
    sqlx::query!(
        r#"
        INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
        VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9)
        "#,
        id as EntryId,
        entry.seller as SellerId,
        entry.effective_on,
        entry.journal.word(),
        entry.source.0,
        entry.source.1,
        entry.template,
        entry.label,
        now
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Inserts the sides of an entry and returns how many found their account in the seller's books.
pub async fn insert_postings(
    db: &mut PgConnection,
    entry: EntryId,
    seller: SellerId,
    postings: &[&Posting],
) -> Result<usize, StoreError> {
    let roles: Vec<String> = postings.iter().map(|posting| posting.role.word().to_owned()).collect();
    let accounts: Vec<_> = postings.iter().map(|posting| posting.account.map(AccountId::uuid)).collect();
    let amounts: Vec<i64> = postings.iter().map(|posting| posting.amount.minor).collect();
    let currencies: Vec<String> = postings.iter().map(|posting| posting.amount.currency.code().to_owned()).collect();
    let done = sqlx::query!(
        r#"
        INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
        SELECT $1, posted.position, ledger_accounts.id, posted.account_id, posted.amount_minor, posted.currency
          FROM unnest($3::text[], $4::uuid[], $5::bigint[], $6::text[])
          WITH ORDINALITY AS posted (role, account_id, amount_minor, currency, position)
          JOIN ledger_accounts ON ledger_accounts.seller_id = $2
           AND ledger_accounts.role = posted.role
        "#,
        entry as EntryId,
        seller as SellerId,
        &roles,
        &accounts as &[Option<uuid::Uuid>],
        &amounts,
        &currencies
    )
    .execute(db)
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(0))
}

/// Adds up one customer's part of an account of the ledger.
pub async fn balance(
    db: &mut PgConnection,
    account: AccountId,
    role: Role,
    currency: Currency,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT COALESCE(sum(postings.amount_minor), 0)::bigint AS "sum!"
          FROM postings
          JOIN ledger_accounts ON ledger_accounts.id = postings.ledger_account_id
         WHERE postings.account_id = $1
           AND ledger_accounts.role = $2
           AND postings.currency = $3
        "#,
        account as AccountId,
        role.word(),
        currency.code()
    )
    .fetch_one(db)
    .await?)
}

/// What a customer owes more or less by each entry, newest first.
pub async fn statement(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    limit: i64,
) -> Result<Vec<Movement>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT journal_entries.seq
             , journal_entries.effective_on
             , journal_entries.source_kind
             , journal_entries.template
             , journal_entries.label
             , COALESCE(bool_or(payments.method = 'gift'), false) AS "is_gift!"
             , sum(postings.amount_minor)::bigint AS "amount_minor!"
          FROM postings
          JOIN ledger_accounts ON ledger_accounts.id = postings.ledger_account_id
          JOIN journal_entries ON journal_entries.id = postings.entry_id
          LEFT JOIN payments ON journal_entries.source_kind = 'payment' AND payments.id = journal_entries.source_id
         WHERE postings.account_id = $1
           AND postings.currency = $2
           AND ledger_accounts.role IN ('receivable', 'customer_credit')
         GROUP BY journal_entries.id
        HAVING sum(postings.amount_minor) <> 0
         ORDER BY journal_entries.effective_on DESC, journal_entries.seq DESC
         LIMIT $3
        "#,
        account as AccountId,
        currency.code(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Movement {
            seq: row.seq,
            on: row.effective_on,
            source_kind: row.source_kind,
            is_gift: row.is_gift,
            template: row.template,
            label: row.label,
            amount: Money::new(row.amount_minor, currency),
        })
        .collect())
}
