//! What is to be carried: found by what is final, paid and allocated, and not in the list yet. Only what was written since an instant
//! is looked at, through indexes: what is older is in the list, and there is more of it every month.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, SellerId};
use crate::db::StoreError;

/// Adds what has become to be carried among what was written after `new_since`: what is final or paid (after `since`, where that is
/// configured), its customers, and what is allocated.
pub async fn enqueue(
    db: &mut PgConnection,
    seller: SellerId,
    (since, new_since): (Option<NaiveDate>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut accounts = sqlx::query_scalar!(
        r#"
        INSERT INTO book_pushes (id, seller_id, kind, rank, account_id, document_id, created_at, next_at)
        SELECT gen_random_uuid(), d.seller_id, 'document', CASE d.kind WHEN 'invoice' THEN 1 ELSE 2 END, d.account_id, d.id
             , d.finalised_at, $3::timestamptz
          FROM documents d
         WHERE d.seller_id = $1
           AND d.state = 'final'
           -- The day on which it became final where its seller is, or a later one.
           AND d.issued_on >= GREATEST($2, ($4::timestamptz - interval '1 day')::date)
           AND NOT EXISTS (SELECT FROM book_pushes p WHERE p.document_id = d.id AND p.kind = 'document')
            ON CONFLICT DO NOTHING
        RETURNING account_id AS "account_id: AccountId"
        "#,
        seller as SellerId,
        since,
        now,
        new_since
    )
    .fetch_all(&mut *db)
    .await?;
    accounts.extend(enqueue_payments(db, seller, (since, new_since), now).await?);
    let accounts: Vec<_> = accounts.into_iter().map(AccountId::uuid).collect();
    sqlx::query!(
        "
        INSERT INTO book_pushes (id, seller_id, kind, rank, account_id, created_at, next_at)
        SELECT gen_random_uuid(), $1::uuid, 'customer', 0, account_id, $3::timestamptz, $3
          FROM (SELECT DISTINCT unnest($2::uuid[]) AS account_id) AS those
            ON CONFLICT (seller_id, kind, account_id, document_id, payment_id, credit_note_id, payback_id) DO UPDATE
           SET state = 'due', done_at = NULL, next_at = excluded.next_at
        ",
        seller as SellerId,
        &accounts,
        now
    )
    .execute(&mut *db)
    .await?;
    enqueue_matches(db, seller, new_since, now).await
}

async fn enqueue_payments(
    db: &mut PgConnection,
    seller: SellerId,
    (since, new_since): (Option<NaiveDate>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Vec<AccountId>, StoreError> {
    let mut accounts = sqlx::query_scalar!(
        r#"
        INSERT INTO book_pushes (id, seller_id, kind, rank, account_id, payment_id, created_at, next_at)
        SELECT gen_random_uuid(), y.seller_id, 'payment', 3, y.account_id, y.id, y.created_at, $3::timestamptz
          FROM payments y
         WHERE y.seller_id = $1
           AND y.received_on >= COALESCE($2, '-infinity'::date)
           AND y.created_at >= $4
           AND NOT EXISTS (SELECT FROM book_pushes p WHERE p.payment_id = y.id AND p.kind = 'payment')
            ON CONFLICT DO NOTHING
        RETURNING account_id AS "account_id: AccountId"
        "#,
        seller as SellerId,
        since,
        now,
        new_since
    )
    .fetch_all(&mut *db)
    .await?;
    let back = sqlx::query_scalar!(
        r#"
        INSERT INTO book_pushes (id, seller_id, kind, rank, account_id, payback_id, created_at, next_at)
        SELECT gen_random_uuid(), y.seller_id, 'payback', 4, b.account_id, b.id, b.created_at, $3::timestamptz
          FROM paybacks b
          JOIN payments y ON y.id = b.payment_id
         WHERE y.seller_id = $1
           AND b.paid_on >= COALESCE($2, '-infinity'::date)
           AND b.created_at >= $4
            ON CONFLICT DO NOTHING
        RETURNING account_id AS "account_id: AccountId"
        "#,
        seller as SellerId,
        since,
        now,
        new_since
    )
    .fetch_all(db)
    .await?;
    accounts.extend(back);
    Ok(accounts)
}

/// Adds what pays what, where both are carried: of all invoices of which something was allocated lately. What changed is due again.
async fn enqueue_matches(
    db: &mut PgConnection,
    seller: SellerId,
    new_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO book_pushes
               (id, seller_id, kind, rank, account_id, document_id, payment_id, credit_note_id, payback_id, wanted_minor, created_at, next_at)
        SELECT gen_random_uuid(), $1::uuid, 'match', 5, account_id, document_id, payment_id, credit_note_id, payback_id, wanted, since, $2::timestamptz
          FROM (
                -- Joins alone: they are fast whatever the planner believes of a list that this transaction has just written.
                SELECT a.account_id, a.document_id, a.payment_id, a.credit_note_id, NULL::uuid AS payback_id
                     , sum(a.amount_minor)::bigint AS wanted, min(a.created_at) AS since
                  FROM allocations a
                  JOIN documents d ON d.id = a.document_id AND d.seller_id = $1
                  JOIN book_pushes paid ON paid.document_id = a.document_id AND paid.kind = 'document'
                  LEFT JOIN book_pushes pays ON pays.payment_id = a.payment_id AND pays.kind = 'payment'
                  LEFT JOIN book_pushes gives ON gives.document_id = a.credit_note_id AND gives.kind = 'document'
                 WHERE a.document_id IN (SELECT document_id FROM allocations WHERE created_at >= $3)
                   AND COALESCE(pays.id, gives.id) IS NOT NULL
                 GROUP BY 1, 2, 3, 4
                UNION ALL
                SELECT b.account_id, NULL, b.payment_id, NULL, b.id, b.amount_minor, b.created_at
                  FROM paybacks b
                  JOIN payments y ON y.id = b.payment_id AND y.seller_id = $1
                  JOIN book_pushes takes ON takes.payback_id = b.id AND takes.kind = 'payback'
                  JOIN book_pushes pays ON pays.payment_id = b.payment_id AND pays.kind = 'payment'
                 WHERE b.created_at >= $3
               ) AS pairs
            ON CONFLICT (seller_id, kind, account_id, document_id, payment_id, credit_note_id, payback_id) DO UPDATE
           SET wanted_minor = excluded.wanted_minor, state = 'due', done_at = NULL, tries = 0, next_at = excluded.next_at
         WHERE book_pushes.wanted_minor <> excluded.wanted_minor
        ",
        seller as SellerId,
        now,
        new_since
    )
    .execute(db)
    .await?;
    Ok(())
}
