//! Reads what is exported, a page at a time. The only SQL of exports but for usage.
//!
//! The lists are read as texts, written by the database: what is exact there stays exact.

use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::Filter;
use super::lists::Keyed;
use crate::base::ids::AccountId;
use crate::db::StoreError;

mod books;
mod focus;

pub use books::{Balance, BalanceKey, Line, SellerRow, list_balances, list_entries, list_sellers};
pub use focus::{
    Charge, Document, DocumentLine, Month, Newest, Vat, list_documents, list_focus_charges, list_focus_lines,
    list_months, list_vat, newest_documents,
};

/// A transaction that reads one moment, however long it lasts, and writes nothing.
pub async fn one_moment(db: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    Ok(db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

/// Returns charges of closed periods that ended in the days, after one, by their ids. What is not closed may still become
/// another amount, and stands on no document.
pub(super) async fn list_charges(
    db: &mut PgConnection,
    filter: &Filter,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Vec<Keyed>, StoreError> {
    Ok(sqlx::query_as!(
        Keyed,
        r#"
        SELECT c.id AS key
             , 0    AS "part!"
             , ARRAY[ c.id::text, c.account_id::text, COALESCE(f.customer, a.name), s.code
                    , written_at(p.from_at), written_at(p.until_at), written_at(o.from_at), written_at(o.until_at)
                    , c.environment_id::text, COALESCE(n.name, e.name), pl.code, v.version::text, c.class, c.revision::text
                    , c.meter, c.tier::text, written_at(c.from_at), written_at(c.until_at)
                    , c.used_raw::text, c.carry_in_raw::text, c.carry_out_raw::text
                    , c.quantity::text, c.unit_price::text, written_money(c.net_minor), c.currency
                    , d.number, cl.line_no::text
                    ] AS "cells!: Vec<Option<String>>"
          FROM charges c
          JOIN billing_periods p ON p.id = c.period_id
          JOIN billing_periods o ON o.id = c.of_period_id
          JOIN sellers s ON s.id = p.seller_id
          JOIN accounts a ON a.id = c.account_id
          JOIN environments e ON e.id = c.environment_id
          JOIN plan_versions v ON v.id = c.plan_version_id
          JOIN plans pl ON pl.id = v.plan_id
          LEFT JOIN period_facts f ON f.period_id = p.id
          LEFT JOIN environment_facts n ON n.period_id = p.id AND n.environment_id = c.environment_id
          LEFT JOIN charge_lines cl ON cl.charge_id = c.id
          LEFT JOIN documents d ON d.id = cl.document_id
         WHERE p.state = 'closed'
           AND p.until_at > $1
           AND p.until_at <= $2
           AND ($3::uuid IS NULL OR c.account_id = $3)
           AND c.id > $4
         ORDER BY c.id
         LIMIT $5
        "#,
        filter.from_at(),
        filter.until_at(),
        filter.account.map(AccountId::uuid),
        after.0,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Returns lines of final documents that were issued in the days, after one.
pub(super) async fn list_lines(
    db: &mut PgConnection,
    filter: &Filter,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Vec<Keyed>, StoreError> {
    Ok(sqlx::query_as!(
        Keyed,
        r#"
        SELECT d.id      AS key
             , l.line_no AS part
             , ARRAY[ d.id::text, d.number, d.kind, d.account_id::text, f.customer, s.code
                    , d.issued_on::text, d.due_on::text, written_at(f.from_at), written_at(f.until_at)
                    , o.number, d.reason, d.currency
                    , written_money(d.net_minor), written_money(d.vat_minor), written_money(d.gross_minor)
                    , CASE d.kind WHEN 'invoice' THEN written_money(COALESCE(
                          (SELECT sum(amount_minor) FROM allocations WHERE document_id = d.id), 0)) END
                    , encode(d.sha256, 'hex')
                    , l.line_no::text, l.kind, l.environment_id::text, l.meter, l.title, l.detail
                    , written_at(l.from_at), written_at(l.until_at), l.quantity::text, l.unit, l.unit_price::text
                    , written_money(l.net_minor), l.vat_category, l.vat_rate::text
                    ] AS "cells!: Vec<Option<String>>"
          FROM documents d
          JOIN document_facts f ON f.document_id = d.id
          JOIN document_lines l ON l.document_id = d.id
          JOIN sellers s ON s.id = d.seller_id
          LEFT JOIN documents o ON o.id = d.corrects_id
         WHERE d.state = 'final'
           AND d.issued_on >= $1
           AND d.issued_on < $2
           AND ($3::uuid IS NULL OR d.account_id = $3)
           AND (d.id, l.line_no) > ($4::uuid, $5::int)
         ORDER BY d.id, l.line_no
         LIMIT $6
        "#,
        filter.from,
        filter.to,
        filter.account.map(AccountId::uuid),
        after.0,
        after.1,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Returns money that came in or went back in the days, after one, by ids.
pub(super) async fn list_payments(
    db: &mut PgConnection,
    filter: &Filter,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Vec<Keyed>, StoreError> {
    Ok(sqlx::query_as!(
        Keyed,
        r#"
        SELECT m.id AS "key!"
             , 0    AS "part!"
             , ARRAY[ m.id::text, m.kind, m.payment_id::text, m.account_id::text, COALESCE(b.legal_name, a.name), s.code
                    , p.method, m.received_on::text, written_money(m.amount_minor), p.currency
                    , CASE m.kind WHEN 'payment' THEN written_money(COALESCE(
                          (SELECT sum(amount_minor) FROM allocations WHERE payment_id = p.id), 0)) END
                    , m.external_ref
                    , CASE m.kind WHEN 'payment' THEN (
                          SELECT string_agg(DISTINCT d.number, ' ' ORDER BY d.number)
                            FROM allocations l JOIN documents d ON d.id = l.document_id WHERE l.payment_id = p.id) END
                    ] AS "cells!: Vec<Option<String>>"
          FROM (
              SELECT id, 'payment' AS kind, id AS payment_id, account_id, received_on, amount_minor, external_ref FROM payments
              UNION ALL
              SELECT id, kind, payment_id, account_id, paid_on, -amount_minor, external_ref FROM paybacks
          ) AS m
          JOIN payments p ON p.id = m.payment_id
          JOIN sellers s ON s.id = p.seller_id
          JOIN accounts a ON a.id = m.account_id
          LEFT JOIN billing_profiles b ON b.account_id = a.id
         WHERE m.received_on >= $1
           AND m.received_on < $2
           AND ($3::uuid IS NULL OR m.account_id = $3)
           AND m.id > $4
         ORDER BY m.id
         LIMIT $5
        "#,
        filter.from,
        filter.to,
        filter.account.map(AccountId::uuid),
        after.0,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Returns sides of entries that count in the days, after one. One customer's are those on the customer's own accounts.
pub(super) async fn list_postings(
    db: &mut PgConnection,
    filter: &Filter,
    after: (Uuid, i32),
    limit: i64,
) -> Result<Vec<Keyed>, StoreError> {
    Ok(sqlx::query_as!(
        Keyed,
        r#"
        SELECT e.id       AS key
             , p.position AS part
             , ARRAY[ e.id::text, p.position::text, s.code, e.seq::text, e.effective_on::text, e.journal, l.code, l.name
                    , p.account_id::text, COALESCE(b.legal_name, a.name), e.label, e.source_kind, e.source_id::text, e.template
                    , written_money(GREATEST(p.amount_minor, 0)), written_money(GREATEST(-p.amount_minor, 0)), p.currency
                    , written_at(e.created_at)
                    ] AS "cells!: Vec<Option<String>>"
          FROM journal_entries e
          JOIN postings p ON p.entry_id = e.id
          JOIN ledger_accounts l ON l.id = p.ledger_account_id
          JOIN sellers s ON s.id = e.seller_id
          LEFT JOIN accounts a ON a.id = p.account_id
          LEFT JOIN billing_profiles b ON b.account_id = a.id
         WHERE e.effective_on >= $1
           AND e.effective_on < $2
           AND ($3::uuid IS NULL OR p.account_id = $3)
           AND (e.id, p.position) > ($4::uuid, $5::int)
         ORDER BY e.id, p.position
         LIMIT $6
        "#,
        filter.from,
        filter.to,
        filter.account.map(AccountId::uuid),
        after.0,
        after.1,
        limit,
    )
    .fetch_all(db)
    .await?)
}
