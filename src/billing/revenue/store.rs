//! Reads what revenue is made of: segments with their base prices, documents, and who was on which machine.
//!
//! What recurs just before an instant is said by [`recurring`] and [`changes`]: the base prices of the segments that began before it
//! and did not end before it, of accounts whose trial does not cover it. A month's changes are found by what began or ended in it,
//! through indexes, so that a month costs what happened in it and not all customers.

mod hosts;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::recurring::{Change, Total};
use super::{Billed, Customer, Part, Unpaid};
use crate::base::ids::{AccountId, PlanId};
use crate::base::money::{Currency, Money};
use crate::billing::rating::Span;
use crate::db::StoreError;
use crate::plans::Translated;

pub use hosts::{
    Stay, add_cost, add_rate, host_name, list_costs, list_host_names, list_rates, list_revenue, list_stays, list_usage,
};

/// Begins to read: everything until the end is as it is now.
pub async fn snapshot(db: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    Ok(db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

/// Returns what recurs just before an instant.
pub async fn recurring(db: &mut PgConnection, currency: Currency, at: DateTime<Utc>) -> Result<Total, StoreError> {
    Ok(sqlx::query_as!(
        Total,
        r#"
        SELECT COALESCE(sum(monthly), 0)::bigint   AS "minor!"
             , count(*) FILTER (WHERE monthly > 0) AS "customers!"
          FROM (
            SELECT sum(p.monthly_minor) AS monthly
              FROM environment_segments s
              JOIN accounts a ON a.id = s.account_id AND a.currency = $1
              JOIN plan_prices p ON p.plan_version_id = s.plan_version_id AND p.currency = $1
              LEFT JOIN trials t ON t.account_id = s.account_id AND t.from_at < $2 AND LEAST(t.until_at, t.ended_at) >= $2
             WHERE s.from_at < $2
               AND (s.until_at IS NULL OR s.until_at >= $2)
               AND t.account_id IS NULL
             GROUP BY s.account_id
          ) AS customers
        "#,
        currency.code(),
        at
    )
    .fetch_one(db)
    .await?)
}

/// Returns what each customer's was before a time and at its end, of those for whom something began or ended in it.
pub async fn changes(db: &mut PgConnection, currency: Currency, span: Span) -> Result<Vec<Change>, StoreError> {
    Ok(sqlx::query_as!(
        Change,
        r#"
        WITH touched AS (
            SELECT account_id FROM environment_segments WHERE from_at >= $2 AND from_at < $3
             UNION
            SELECT account_id FROM environment_segments WHERE until_at >= $2 AND until_at < $3
             UNION
            SELECT account_id FROM trials
             WHERE (from_at >= $2 AND from_at < $3) OR (LEAST(until_at, ended_at) >= $2 AND LEAST(until_at, ended_at) < $3)
        )
        SELECT its.before       AS "before!"
             , its.after        AS "after!"
             , its.was_customer AS "was_customer!"
          FROM touched
          JOIN accounts a ON a.id = touched.account_id AND a.currency = $1
         CROSS JOIN LATERAL (
            SELECT COALESCE(sum(p.monthly_minor) FILTER (
                       WHERE s.from_at < $2 AND (s.until_at IS NULL OR s.until_at >= $2)
                         AND NOT (t.account_id IS NOT NULL AND t.from_at < $2 AND LEAST(t.until_at, t.ended_at) >= $2)
                   ), 0)::bigint AS before
                 , COALESCE(sum(p.monthly_minor) FILTER (
                       WHERE s.from_at < $3 AND (s.until_at IS NULL OR s.until_at >= $3)
                         AND NOT (t.account_id IS NOT NULL AND t.from_at < $3 AND LEAST(t.until_at, t.ended_at) >= $3)
                   ), 0)::bigint AS after
                   -- Some of its time before lies outside of the trial.
                 , COALESCE(bool_or(
                       p.monthly_minor > 0 AND s.from_at < $2
                       AND NOT (t.account_id IS NOT NULL AND t.from_at <= s.from_at
                                AND LEAST(t.until_at, t.ended_at) >= LEAST(s.until_at, $2))
                   ), false) AS was_customer
              FROM environment_segments s
              JOIN plan_prices p ON p.plan_version_id = s.plan_version_id AND p.currency = $1
              LEFT JOIN trials t ON t.account_id = s.account_id
             WHERE s.account_id = a.id
               AND s.from_at < $3
          ) AS its
        "#,
        currency.code(),
        span.from,
        span.until
    )
    .fetch_all(db)
    .await?)
}

/// Returns what was billed by month, from a day on.
pub async fn billed(db: &mut PgConnection, currency: Currency, from: NaiveDate) -> Result<Vec<Billed>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT date_trunc('month', issued_on::timestamp)::date                               AS "month!"
             , sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END)::bigint      AS "net!"
             , count(*)                                                                      AS "documents!"
          FROM documents
         WHERE state = 'final'
           AND currency = $1
           AND issued_on >= $2
         GROUP BY 1
        "#,
        currency.code(),
        from
    )
    .fetch_all(db)
    .await?;
    let billed = |month, net, documents| Billed { month, net: Money::new(net, currency), documents };
    Ok(rows.into_iter().map(|row| billed(row.month, row.net, row.documents)).collect())
}

/// Returns what lines of documents that were issued in some days were about, added up.
pub async fn parts(
    db: &mut PgConnection,
    currency: Currency,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<Part>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT plans.id    AS "plan?: PlanId"
             , plans.code  AS "code?"
             , plans.names AS "names?: Json<Translated>"
             , lines.what  AS "what!"
             , lines.net   AS "net!"
          FROM (
            SELECT of_plan.plan_id
                 , CASE WHEN l.kind IN ('discount', 'credit') AND l.meter IS NULL THEN l.kind ELSE COALESCE(l.meter, 'base') END AS what
                 , sum(CASE d.kind WHEN 'invoice' THEN l.net_minor ELSE -l.net_minor END)::bigint AS net
              FROM documents d
              JOIN document_lines l ON l.document_id = d.id
              LEFT JOIN LATERAL (
                SELECT v.plan_id
                  FROM charge_lines cl
                  JOIN charges c ON c.id = cl.charge_id
                  JOIN plan_versions v ON v.id = c.plan_version_id
                 WHERE cl.document_id = l.document_id
                   AND cl.line_no = l.line_no
                 LIMIT 1
              ) AS of_plan ON true
             WHERE d.state = 'final'
               AND d.currency = $1
               AND d.issued_on >= $2
               AND d.issued_on < $3
             GROUP BY 1, 2
          ) AS lines
          LEFT JOIN plans ON plans.id = lines.plan_id
         ORDER BY plans.position NULLS LAST, plans.id, lines.what
        "#,
        currency.code(),
        from,
        until
    )
    .fetch_all(db)
    .await?;
    let parts = rows.into_iter().map(|row| Part {
        plan: row.plan.zip(row.code).zip(row.names).map(|((id, code), names)| (id, code, names.0)),
        what: row.what,
        net: Money::new(row.net, currency),
    });
    Ok(parts.collect())
}

/// Returns invoices that are not paid in full, added up by the day on which they are due.
///
/// Those that are paid are left out by one pass over what was allocated: what is left of each is asked for the others only.
pub async fn unpaid(db: &mut PgConnection, currency: Currency) -> Result<Vec<(NaiveDate, Unpaid)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT d.due_on                  AS "due_on!"
             , count(*)                  AS "documents!"
             , sum(left_of(d))::bigint   AS "left!"
          FROM documents d
          LEFT JOIN (SELECT document_id, sum(amount_minor) AS amount FROM allocations GROUP BY document_id) AS paid
            ON paid.document_id = d.id
         WHERE d.kind = 'invoice'
           AND d.state = 'final'
           AND d.currency = $1
           AND d.gross_minor > COALESCE(paid.amount, 0)
         GROUP BY d.due_on
        "#,
        currency.code()
    )
    .fetch_all(db)
    .await?;
    let unpaid = |documents, left| Unpaid { documents, left: Money::new(left, currency) };
    Ok(rows.into_iter().map(|row| (row.due_on, unpaid(row.documents, row.left))).collect())
}

/// Returns who was billed the most since a day, and what recurs of them just before an instant.
pub async fn top(
    db: &mut PgConnection,
    currency: Currency,
    (from, at): (NaiveDate, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<Customer>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT most.account_id AS "account!: AccountId"
             , accounts.name
             , most.net        AS "net!"
             , COALESCE((
                   SELECT sum(p.monthly_minor)
                     FROM environment_segments s
                     JOIN plan_prices p ON p.plan_version_id = s.plan_version_id AND p.currency = $1
                     LEFT JOIN trials t ON t.account_id = s.account_id AND t.from_at < $3 AND LEAST(t.until_at, t.ended_at) >= $3
                    WHERE s.account_id = most.account_id
                      AND s.from_at < $3
                      AND (s.until_at IS NULL OR s.until_at >= $3)
                      AND t.account_id IS NULL
               ), 0)::bigint AS "recurring!"
          FROM (
            SELECT account_id
                 , sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END)::bigint AS net
              FROM documents
             WHERE state = 'final'
               AND currency = $1
               AND issued_on >= $2
             GROUP BY account_id
            HAVING sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END) > 0
             ORDER BY net DESC, account_id
             LIMIT $4
          ) AS most
          JOIN accounts ON accounts.id = most.account_id
         ORDER BY most.net DESC, most.account_id
        "#,
        currency.code(),
        from,
        at,
        limit
    )
    .fetch_all(db)
    .await?;
    let customers = rows.into_iter().map(|row| Customer {
        account: row.account,
        name: row.name,
        billed: Money::new(row.net, currency),
        recurring: Money::new(row.recurring, currency),
    });
    Ok(customers.collect())
}
