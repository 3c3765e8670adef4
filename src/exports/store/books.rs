//! Reads the ledger for accountants' files.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::super::Filter;
use crate::base::ids::SellerId;
use crate::db::StoreError;

/// One of our companies.
#[derive(Clone, Debug)]
pub struct SellerRow {
    /// Which.
    pub id: SellerId,
    /// Its code.
    pub code: String,
    /// Where it is at home.
    pub country: String,
    /// Its currency.
    pub currency: String,
    /// Its number in France; empty elsewhere.
    pub siren: String,
    /// The newest entry of its books: a later one is of another moment.
    pub last_seq: i64,
}

/// Returns our companies, by code.
pub async fn list_sellers(db: &mut PgConnection) -> Result<Vec<SellerRow>, StoreError> {
    Ok(sqlx::query_as!(
        SellerRow,
        r#"
        SELECT id       AS "id: SellerId"
             , code
             , country
             , currency
             , COALESCE(details #>> '{seller,identifiers,siren}', '') AS "siren!"
             , COALESCE((SELECT last_seq FROM journal_counters WHERE seller_id = sellers.id), 0) AS "last_seq!"
          FROM sellers
         ORDER BY code
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// A side of an entry.
#[derive(Clone, Debug)]
pub struct Line {
    /// The entry's number in the seller's books.
    pub seq: i64,
    /// Which side of it.
    pub position: i32,
    /// The day on which it counts.
    pub effective_on: NaiveDate,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// Which book.
    pub journal: String,
    /// What it is, for accountants.
    pub label: String,
    /// The document or the bank's reference.
    pub piece: String,
    /// What the account of the ledger is for.
    pub role: String,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The customer, where it is a customer's.
    pub account: Option<Uuid>,
    /// The customer's name.
    pub customer: String,
    /// Debit above zero, in coins.
    pub amount_minor: i64,
    /// The currency.
    pub currency: String,
}

/// Returns the sides of a seller's entries that count in the days, in the order of their numbers, after one and until the newest
/// that is asked for.
pub async fn list_entries(
    db: &mut PgConnection,
    (seller, last_seq): (SellerId, i64),
    filter: &Filter,
    after: (i64, i32),
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    Ok(sqlx::query_as!(
        Line,
        r#"
        SELECT e.seq
             , p.position
             , e.effective_on
             , e.created_at AS booked_at
             , e.journal
             , e.label
             , COALESCE(d.number, y.external_ref, e.label) AS "piece!"
             , l.role
             , l.code
             , l.name
             , p.account_id AS account
             , COALESCE(b.legal_name, a.name, '') AS "customer!"
             , p.amount_minor
             , p.currency
          FROM journal_entries e
          JOIN postings p ON p.entry_id = e.id
          JOIN ledger_accounts l ON l.id = p.ledger_account_id
          LEFT JOIN documents d ON e.source_kind = 'document' AND d.id = e.source_id
          LEFT JOIN payments y ON e.source_kind = 'payment' AND y.id = e.source_id
          LEFT JOIN accounts a ON a.id = p.account_id
          LEFT JOIN billing_profiles b ON b.account_id = a.id
         WHERE e.seller_id = $1
           AND e.effective_on >= $2
           AND e.effective_on < $3
           AND (e.seq, p.position) > ($4::bigint, $5::int)
           AND e.seq <= $7
         ORDER BY e.seq, p.position
         LIMIT $6
        "#,
        seller as SellerId,
        filter.from,
        filter.to,
        after.0,
        after.1,
        limit,
        last_seq,
    )
    .fetch_all(db)
    .await?)
}

/// What stands on an account of the ledger, for one customer where it is a customer's, at the beginning of a day.
#[derive(Clone, Debug)]
pub struct Balance {
    /// The account of the ledger.
    pub ledger_account: Uuid,
    /// What it is for.
    pub role: String,
    /// The customer; the nil id where it is nobody's.
    pub account: Uuid,
    /// The currency.
    pub currency: String,
    /// The day.
    pub day: NaiveDate,
    /// Debit above zero, in coins.
    pub minor: i64,
}

/// Where a list of balances stands.
pub type BalanceKey = (Uuid, Uuid, String, NaiveDate);

/// Returns balances of a seller's books after one: at the first day, at the end of each month with entries, at the last day. Later
/// entries than the newest that is asked for are not in them.
pub async fn list_balances(
    db: &mut PgConnection,
    (seller, last_seq): (SellerId, i64),
    filter: &Filter,
    after: &BalanceKey,
    limit: i64,
) -> Result<Vec<Balance>, StoreError> {
    Ok(sqlx::query_as!(
        Balance,
        r#"
        SELECT m.ledger_account AS "ledger_account!"
             , l.role
             , m.account        AS "account!"
             , m.currency       AS "currency!"
             , m.day            AS "day!"
             , m.minor          AS "minor!"
          FROM (
              SELECT p.ledger_account_id AS ledger_account
                   , COALESCE(p.account_id, '00000000-0000-0000-0000-000000000000') AS account
                   , p.currency
                   , t.day
                   , (sum(sum(p.amount_minor)) OVER (
                         PARTITION BY p.ledger_account_id, p.account_id, p.currency ORDER BY t.day))::bigint AS minor
                FROM journal_entries e
                JOIN postings p ON p.entry_id = e.id
               CROSS JOIN LATERAL (
                   SELECT CASE WHEN e.effective_on < $2 THEN $2::date
                               ELSE LEAST((date_trunc('month', e.effective_on::timestamp) + interval '1 month')::date, $3::date)
                          END AS day
               ) AS t
               WHERE e.seller_id = $1
                 AND e.effective_on < $3
                 AND e.seq <= $9
               GROUP BY p.ledger_account_id, p.account_id, p.currency, t.day
          ) AS m
          JOIN ledger_accounts l ON l.id = m.ledger_account
         WHERE (m.ledger_account, m.account, m.currency, m.day) > ($4::uuid, $5::uuid, $6::text, $7::date)
         ORDER BY m.ledger_account, m.account, m.currency, m.day
         LIMIT $8
        "#,
        seller as SellerId,
        filter.from,
        filter.to,
        after.0,
        after.1,
        after.2,
        after.3,
        limit,
        last_seq,
    )
    .fetch_all(db)
    .await?)
}
