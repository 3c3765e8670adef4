//! What open months come to, and what staff read of a run.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Filter, Incomplete, Row, Standing, Sum};
use crate::base::ids::{AccountId, PeriodId, SellerId};
use crate::base::money::Money;
use crate::billing::documents::Whose;
use crate::billing::rating::Span;
use crate::billing::run::Period;
use crate::db::StoreError;

/// Forgets months that were rated: their charges say what they come to.
pub async fn forget_rated(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        DELETE FROM dry_runs
         USING billing_periods
         WHERE billing_periods.id = dry_runs.period_id
           AND billing_periods.rated_at IS NOT NULL
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Months that have begun and are not rated, which were never computed, or before `stale`: those first.
pub async fn list_stale(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    stale: DateTime<Utc>,
    limit: i64,
) -> anyhow::Result<Vec<Period>> {
    let rows = sqlx::query!(
        r#"
        SELECT periods.id AS "id: PeriodId"
             , periods.account_id AS "account: AccountId"
             , periods.seller_id AS "seller: SellerId"
             , periods.currency
             , periods.from_at
             , periods.until_at
          FROM billing_periods periods
          LEFT JOIN dry_runs ON dry_runs.period_id = periods.id
         WHERE periods.state = 'open'
           AND periods.rated_at IS NULL
           AND periods.from_at <= $1
           AND (dry_runs.computed_at IS NULL OR dry_runs.computed_at <= $2)
         ORDER BY dry_runs.computed_at NULLS FIRST, periods.id
         LIMIT $3
        "#,
        now,
        stale,
        limit
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let period = rows.into_iter().map(|row| {
        Ok(Period {
            id: row.id,
            account: row.account,
            whose: Whose { account: row.account, seller: row.seller, currency: row.currency.parse()? },
            span: Span { from: row.from_at, until: row.until_at },
        })
    });
    period.collect()
}

/// Writes down what a month comes to, or why that is not known.
pub async fn put(
    db: &mut PgConnection,
    period: PeriodId,
    (net_minor, problem): (Option<i64>, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO dry_runs (period_id, net_minor, problem, computed_at)
        VALUES ($1, $2, $3, $4)
            ON CONFLICT (period_id) DO UPDATE
           SET net_minor = excluded.net_minor
             , problem = excluded.problem
             , computed_at = excluded.computed_at
         WHERE dry_runs.computed_at <= excluded.computed_at
        "#,
        period as PeriodId,
        net_minor,
        problem,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How far months are, and what they come to.
pub async fn sums(db: &mut PgConnection, filter: &Filter<'_>) -> Result<Vec<Sum>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT standing AS "standing!"
             , count(*) AS "count!"
             , COALESCE(sum(net_minor), 0)::bigint AS "net!"
          FROM month_run($1, $2)
         GROUP BY standing
        "#,
        filter.seller as SellerId,
        filter.at
    )
    .fetch_all(db)
    .await?;
    let sum = |standing: Standing| {
        let row = rows.iter().find(|row| row.standing == standing.word());
        let (count, net) = row.map_or((0, 0), |row| (row.count, row.net));
        Sum { standing, count, net: Money::new(net, filter.currency) }
    };
    Ok(Standing::ALL.map(sum).into())
}

/// Months, those that differ most from the month before first.
pub async fn rows(
    db: &mut PgConnection,
    filter: &Filter<'_>,
    (offset, limit): (i64, i64),
) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT run.period_id AS "period!: PeriodId"
             , run.account_id AS "account!: AccountId"
             , accounts.name AS account_name
             , run.standing AS "standing!"
             , run.net_minor
             , run.before_minor
             , run.computed_at
             , run.problem AS "problem!"
          FROM month_run($1, $2) AS run
          JOIN accounts ON accounts.id = run.account_id
         WHERE ($3 = '' OR strpos(lower(accounts.name), lower($3)) > 0)
           AND ($4::text IS NULL OR run.standing = $4)
         ORDER BY run.standing = 'failed' OR run.problem <> '' DESC
                , abs(COALESCE(run.net_minor, 0) - COALESCE(run.before_minor, 0)) DESC
                , accounts.name
                , run.account_id
        OFFSET $5
         LIMIT $6
        "#,
        filter.seller as SellerId,
        filter.at,
        filter.text,
        filter.standing.map(Standing::word),
        offset,
        limit
    )
    .fetch_all(db)
    .await?;
    let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, filter.currency));
    let row = rows.into_iter().map(|row| Row {
        period: row.period,
        account: row.account,
        account_name: row.account_name,
        standing: Standing::from_word(&row.standing).unwrap_or(Standing::Failed),
        net: money(row.net_minor),
        before: money(row.before_minor),
        computed_at: row.computed_at,
        problem: row.problem,
    });
    Ok(row.collect())
}

/// Who has an open month, and something missing on paper. Until a profile is saved, an account is a business of its country.
pub async fn incomplete(db: &mut PgConnection, filter: &Filter<'_>, limit: i64) -> Result<Vec<Incomplete>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT accounts.id AS "account: AccountId"
             , accounts.name
             , missing.street AS "street!"
             , missing.city AS "city!"
             , missing.siren AS "siren!"
          FROM billing_periods periods
          JOIN accounts ON accounts.id = periods.account_id
          JOIN sellers ON sellers.id = periods.seller_id
          LEFT JOIN billing_profiles profiles ON profiles.account_id = accounts.id
         CROSS JOIN LATERAL (
            SELECT COALESCE(profiles.street, '') = '' AS street
                 , COALESCE(profiles.city, '') = '' AS city
                 , sellers.country = 'FR'
                   AND COALESCE(profiles.country, accounts.country) = 'FR'
                   AND COALESCE(profiles.is_business, true)
                   AND COALESCE(profiles.siren, '') = '' AS siren
          ) AS missing
         WHERE periods.seller_id = $1
           AND periods.from_at <= $2
           AND periods.until_at > $2
           AND periods.state = 'open'
           AND (missing.street OR missing.city OR missing.siren)
         ORDER BY accounts.name, accounts.id
         LIMIT $3
        "#,
        filter.seller as SellerId,
        filter.at,
        limit
    )
    .fetch_all(db)
    .await?;
    let incomplete = rows.into_iter().map(|row| {
        let lacks = [("street", row.street), ("city", row.city), ("siren", row.siren)];
        Incomplete {
            account: row.account,
            account_name: row.name,
            lacks: lacks.into_iter().filter(|(_, is_missing)| *is_missing).map(|(field, _)| field).collect(),
        }
    });
    Ok(incomplete.collect())
}

/// Whether a month that is over is not closed yet.
pub async fn is_under_way(db: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM billing_periods WHERE state = 'open' AND until_at <= $1) AS "is_there!""#,
        now
    )
    .fetch_one(db)
    .await?)
}
