//! Coupons, redemptions, and what was taken off.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::coupons::{Coupon, NewCoupon, Redeemed};
use super::{Counted, Given};
use crate::base::ids::{AccountId, CouponId, PeriodId, PlanId, PlanVersionId, RedemptionId, StaffId, UserId};
use crate::base::money::{Currency, Money};
use crate::billing::rating::Span;
use crate::billing::rating::discounts::{Grant, Nets, Off};
use crate::billing::run::Period;
use crate::db::StoreError;
use crate::plans::Translated;

/// How much a coupon takes off, as it is kept.
fn off(percent: Option<Decimal>, amount: Option<i64>, currency: Option<String>) -> anyhow::Result<Off> {
    match (percent, amount, currency) {
        (Some(percent), None, None) => Ok(Off::Percent(percent)),
        (None, Some(minor), Some(currency)) => Ok(Off::Amount(Money::new(minor, currency.parse()?))),
        kept => anyhow::bail!("a coupon takes off {kept:?}"),
    }
}

fn names(kept: Vec<serde_json::Value>) -> anyhow::Result<Vec<Translated>> {
    kept.into_iter().map(|names| serde_json::from_value(names).context("read a plan's names")).collect()
}

/// Coupons that an account redeemed and that count in a month, the oldest redemption first.
///
/// Months are counted from the one in which it was redeemed, or in which the trial ended, whichever came later: from bounds that
/// never change, so that a correction finds what was counted then.
pub async fn counted(db: &mut PgConnection, account: AccountId, month: Span) -> anyhow::Result<Vec<Counted>> {
    let rows = sqlx::query!(
        r#"
        SELECT redemptions.id AS "redemption: RedemptionId"
             , coupons.code
             , coupons.percent
             , coupons.amount_minor
             , coupons.currency
             , EXISTS (SELECT FROM coupon_plans WHERE coupon_id = coupons.id) AS "is_limited!"
             , ARRAY(SELECT plan_versions.id
                       FROM coupon_plans
                       JOIN plan_versions ON plan_versions.plan_id = coupon_plans.plan_id
                      WHERE coupon_plans.coupon_id = coupons.id) AS "versions!: Vec<PlanVersionId>"
          FROM coupon_redemptions redemptions
          JOIN coupons ON coupons.id = redemptions.coupon_id
          LEFT JOIN trials ON trials.account_id = redemptions.account_id
         CROSS JOIN LATERAL (
               SELECT count(*) AS months
                 FROM billing_periods periods
                WHERE periods.account_id = redemptions.account_id
                  AND periods.until_at > GREATEST(redemptions.redeemed_at, LEAST(trials.until_at, trials.ended_at))
                  AND periods.from_at <= $2
             ) AS counted
         WHERE redemptions.account_id = $1
           AND counted.months BETWEEN 1 AND coupons.months
         ORDER BY redemptions.redeemed_at, redemptions.id
        "#,
        account as AccountId,
        month.from
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let only = row.is_limited.then(|| row.versions.into_iter().collect::<BTreeSet<_>>());
            let off = off(row.percent, row.amount_minor, row.currency)?;
            Ok(Counted { code: row.code, grant: Grant { redemption: row.redemption, off, only } })
        })
        .collect()
}

/// What a month was charged, by plan version, with months that began before an instant.
pub async fn charged_before(db: &mut PgConnection, of: PeriodId, before: DateTime<Utc>) -> Result<Nets, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT charges.plan_version_id AS "version: PlanVersionId"
             , sum(charges.net_minor)::bigint AS "net!"
          FROM charges
          JOIN billing_periods ON billing_periods.id = charges.period_id
         WHERE charges.of_period_id = $1
           AND charges.class <> 'trial'
           AND billing_periods.from_at < $2
         GROUP BY charges.plan_version_id
        "#,
        of as PeriodId,
        before
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.version, row.net)).collect())
}

/// What was taken off a month with months that began before an instant, and the last revision of it.
pub async fn taken_before(
    db: &mut PgConnection,
    of: PeriodId,
    before: DateTime<Utc>,
) -> Result<BTreeMap<RedemptionId, (i64, i32)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT discounts.redemption_id AS "redemption: RedemptionId"
             , sum(discounts.amount_minor)::bigint AS "taken!"
             , max(discounts.revision) AS "revision!"
          FROM discounts
          JOIN billing_periods ON billing_periods.id = discounts.period_id
         WHERE discounts.of_period_id = $1
           AND billing_periods.from_at < $2
         GROUP BY discounts.redemption_id
        "#,
        of as PeriodId,
        before
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.redemption, (row.taken, row.revision))).collect())
}

/// Keeps what is taken off with a month.
pub async fn insert_given(
    db: &mut PgConnection,
    period: &Period,
    given: &[Given],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO discounts (id, account_id, period_id, of_period_id, redemption_id, revision, currency, amount_minor, created_at)
        SELECT id, $1, $2, of_period_id, redemption_id, revision, $3, amount_minor, $4
          FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::int[], $9::bigint[])
            AS given (id, of_period_id, redemption_id, revision, amount_minor)
        "#,
        period.account as AccountId,
        period.id as PeriodId,
        period.whose.currency.code(),
        now,
        &given.iter().map(|it| it.id.uuid()).collect::<Vec<_>>(),
        &given.iter().map(|it| it.of.uuid()).collect::<Vec<_>>(),
        &given.iter().map(|it| it.redemption.uuid()).collect::<Vec<_>>(),
        &given.iter().map(|it| it.revision).collect::<Vec<_>>(),
        &given.iter().map(|it| it.amount.minor).collect::<Vec<_>>()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The months of which something was billed with a month, with where that one begins; oldest first.
pub async fn months_of(
    db: &mut PgConnection,
    account: AccountId,
    period: PeriodId,
) -> Result<Vec<(PeriodId, Span, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT months.id AS "id: PeriodId"
             , months.from_at
             , months.until_at
             , billed.from_at AS billed_from
          FROM billing_periods billed
          JOIN billing_periods months ON months.account_id = billed.account_id
         WHERE billed.id = $2
           AND billed.account_id = $1
           AND EXISTS (SELECT FROM charges
                        WHERE charges.period_id = billed.id
                          AND charges.of_period_id = months.id
                          AND charges.class <> 'trial'
                          AND charges.net_minor <> 0)
         ORDER BY months.from_at
        "#,
        account as AccountId,
        period as PeriodId
    )
    .fetch_all(db)
    .await?;
    let month = |row: (PeriodId, DateTime<Utc>, DateTime<Utc>, DateTime<Utc>)| {
        (row.0, Span { from: row.1, until: row.2 }, row.3)
    };
    Ok(rows.into_iter().map(|row| month((row.id, row.from_at, row.until_at, row.billed_from))).collect())
}

/// What was taken off a month with another one (or itself), on its invoice and its credit note together.
pub async fn given(
    db: &mut PgConnection,
    period: PeriodId,
    of: PeriodId,
) -> Result<BTreeMap<RedemptionId, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT redemption_id AS "redemption: RedemptionId"
             , sum(amount_minor)::bigint AS "amount!"
          FROM discounts
         WHERE period_id = $1
           AND of_period_id = $2
         GROUP BY redemption_id
        HAVING sum(amount_minor) <> 0
        "#,
        period as PeriodId,
        of as PeriodId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.redemption, row.amount)).collect())
}

/// Inserts a coupon. False when its code is taken.
pub async fn insert_coupon(
    db: &mut PgConnection,
    id: CouponId,
    (code, new): (&str, &NewCoupon),
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (percent, amount) = match new.off {
        Off::Percent(percent) => (Some(percent), None),
        Off::Amount(amount) => (None, Some(amount)),
    };
    let done = sqlx::query!(
        r#"
        INSERT INTO coupons (id, code, percent, amount_minor, currency, valid_from, valid_until, most_redemptions, months
                           , made_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT (code) DO NOTHING
        "#,
        id as CouponId,
        code,
        percent,
        amount.map(|amount| amount.minor),
        amount.map(|amount| amount.currency.code()),
        new.from,
        new.until,
        new.most,
        new.months,
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says for which plans a coupon is. Returns how many of them there are.
pub async fn insert_plans(db: &mut PgConnection, id: CouponId, plans: &[PlanId]) -> Result<usize, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO coupon_plans (coupon_id, plan_id) SELECT $1, id FROM plans WHERE id = ANY($2)",
        id as CouponId,
        &plans.iter().map(|id| id.uuid()).collect::<Vec<_>>()
    )
    .execute(db)
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

/// Ends a coupon. Returns its code; `None` when it was ended before, or there is none.
pub async fn end(db: &mut PgConnection, id: CouponId, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    let code = sqlx::query_scalar!(
        "UPDATE coupons SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING code",
        id as CouponId,
        now
    );
    Ok(code.fetch_optional(db).await?)
}

/// Every coupon, newest first.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<Coupon>> {
    let rows = sqlx::query!(
        r#"
        SELECT coupons.id AS "id: CouponId"
             , code
             , percent
             , amount_minor
             , currency
             , valid_from
             , valid_until
             , most_redemptions
             , months
             , ended_at
             , (SELECT count(*) FROM coupon_redemptions WHERE coupon_id = coupons.id) AS "redeemed!"
             , ARRAY(SELECT plans.names
                       FROM coupon_plans
                       JOIN plans ON plans.id = coupon_plans.plan_id
                      WHERE coupon_plans.coupon_id = coupons.id
                      ORDER BY plans.position) AS "plans!: Vec<serde_json::Value>"
          FROM coupons
         ORDER BY coupons.id DESC
        "#
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            Ok(Coupon {
                id: row.id,
                code: row.code,
                off: off(row.percent, row.amount_minor, row.currency)?,
                from: row.valid_from,
                until: row.valid_until,
                most: row.most_redemptions,
                redeemed: row.redeemed,
                months: row.months,
                plans: names(row.plans)?,
                ended_at: row.ended_at,
            })
        })
        .collect()
}

/// A coupon that somebody asks for.
pub struct Offered {
    pub id: CouponId,
    pub code: String,
    pub currency: Option<Currency>,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub most: i32,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The coupon of a code, locked until the transaction ends.
pub async fn lock_by_code(db: &mut PgConnection, code: &str) -> anyhow::Result<Option<Offered>> {
    let row = sqlx::query!(
        r#"
        SELECT id AS "id: CouponId", code, currency, valid_from, valid_until, most_redemptions, ended_at
          FROM coupons
         WHERE code = $1
           FOR UPDATE
        "#,
        code
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(|row| {
        Ok(Offered {
            id: row.id,
            code: row.code,
            currency: row.currency.map(|code| code.parse()).transpose()?,
            from: row.valid_from,
            until: row.valid_until,
            most: row.most_redemptions,
            ended_at: row.ended_at,
        })
    })
    .transpose()
}

/// In which currency an account pays.
pub async fn currency_of(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Currency> {
    let code = sqlx::query_scalar!("SELECT currency FROM accounts WHERE id = $1", account as AccountId);
    Ok(code.fetch_one(db).await.map_err(StoreError::from)?.parse()?)
}

/// By how many accounts a coupon was redeemed, and whether this one is among them.
pub async fn redeemed(db: &mut PgConnection, id: CouponId, account: AccountId) -> Result<(i64, bool), StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT count(*) AS "count!", COALESCE(bool_or(account_id = $2), false) AS "is_ours!"
          FROM coupon_redemptions
         WHERE coupon_id = $1
        "#,
        id as CouponId,
        account as AccountId
    )
    .fetch_one(db)
    .await?;
    Ok((row.count, row.is_ours))
}

/// Notes a redemption.
pub async fn insert_redemption(
    db: &mut PgConnection,
    (coupon, account): (CouponId, AccountId),
    by: UserId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO coupon_redemptions (id, coupon_id, account_id, redeemed_by, redeemed_at) VALUES ($1, $2, $3, $4, $5)",
        RedemptionId::new(now) as RedemptionId,
        coupon as CouponId,
        account as AccountId,
        by as UserId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an account has redeemed, oldest first.
pub async fn of_account(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Redeemed>> {
    let rows = sqlx::query!(
        r#"
        SELECT coupons.code
             , coupons.percent
             , coupons.amount_minor
             , coupons.currency
             , coupons.months
             , redemptions.redeemed_at
             , (SELECT count(*)
                  FROM billing_periods periods
                 WHERE periods.account_id = redemptions.account_id
                   AND periods.until_at > GREATEST(redemptions.redeemed_at, LEAST(trials.until_at, trials.ended_at))
               ) AS "counted!"
             , ARRAY(SELECT plans.names
                       FROM coupon_plans
                       JOIN plans ON plans.id = coupon_plans.plan_id
                      WHERE coupon_plans.coupon_id = coupons.id
                      ORDER BY plans.position) AS "plans!: Vec<serde_json::Value>"
          FROM coupon_redemptions redemptions
          JOIN coupons ON coupons.id = redemptions.coupon_id
          LEFT JOIN trials ON trials.account_id = redemptions.account_id
         WHERE redemptions.account_id = $1
         ORDER BY redemptions.redeemed_at, redemptions.id
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            Ok(Redeemed {
                code: row.code,
                off: off(row.percent, row.amount_minor, row.currency)?,
                at: row.redeemed_at,
                months: row.months,
                counted: row.counted.min(row.months.into()),
                plans: names(row.plans)?,
            })
        })
        .collect()
}
