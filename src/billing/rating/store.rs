//! What rating reads: segments, trials, usage, prices, and what was charged before. The only SQL of it; writes nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{Carries, Charge, Class, Item, Owner, Rates, Segment, Span, Tariff, Usage, What};
use crate::base::ids::{AccountId, EnvironmentId, PeriodId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;
use crate::plans::Meter;

/// Returns the account's trial, until it ended or will.
pub async fn trial(db: &mut PgConnection, account: AccountId) -> Result<Option<Span>, StoreError> {
    Ok(sqlx::query_as!(
        Span,
        r#"
        SELECT from_at AS "from"
             , LEAST(until_at, ended_at) AS "until!"
          FROM trials
         WHERE account_id = $1
        "#,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}

/// Returns who was on which plan in a time, of all environments that were the account's in it (or of some of them), with their
/// time at other accounts. What has no end yet ends where the time ends, and says so.
pub async fn segments(
    db: &mut PgConnection,
    account: AccountId,
    span: Span,
    only: Option<&[EnvironmentId]>,
) -> Result<Vec<(Segment, bool)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT s.environment_id  AS "environment: EnvironmentId"
             , s.plan_version_id AS "plan_version: PlanVersionId"
             , s.account_id      AS "account: AccountId"
             , s.from_at
             , s.until_at
          FROM environment_segments s
         WHERE s.environment_id IN (SELECT environment_id
                                      FROM environment_segments
                                     WHERE account_id = $1
                                       AND from_at < $3
                                       AND (until_at IS NULL OR until_at > $2))
           AND s.from_at < $3
           AND (s.until_at IS NULL OR s.until_at > $2)
           AND ($4::uuid[] IS NULL OR s.environment_id = ANY($4))
         ORDER BY s.environment_id, s.from_at
        "#,
        account as AccountId,
        span.from,
        span.until,
        only.map(uuids) as Option<Vec<uuid::Uuid>>
    )
    .fetch_all(db)
    .await?;
    let segment = |from: DateTime<Utc>, until: Option<DateTime<Utc>>| Span {
        from,
        until: until.map_or(span.until, |until| until.min(span.until)),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let owner = if row.account == account { Owner::Ours } else { Owner::Another };
            let span = segment(row.from_at, row.until_at);
            let (environment, plan_version) = (row.environment, row.plan_version);
            (Segment { environment, plan_version, span, owner }, row.until_at.is_none())
        })
        .collect())
}

/// Returns the environments that were the account's on a plan in a time, and those that closed months were charged for, in order.
pub async fn environments(
    db: &mut PgConnection,
    account: AccountId,
    span: Span,
    closed: &[PeriodId],
) -> Result<Vec<EnvironmentId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT environment_id AS "id!: EnvironmentId"
          FROM (
            SELECT environment_id
              FROM environment_segments
             WHERE account_id = $1
               AND from_at < $3
               AND (until_at IS NULL OR until_at > $2)
             UNION
            SELECT environment_id
              FROM charges
             WHERE account_id = $1
               AND of_period_id = ANY($4)
          ) AS found
         ORDER BY environment_id
        "#,
        account as AccountId,
        span.from,
        span.until,
        &closed.iter().map(|id| id.uuid()).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?)
}

fn uuids(ids: &[EnvironmentId]) -> Vec<uuid::Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

/// A stretch of whole hours, with the whole days (UTC) in it; `(until, until)` when it has none.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Whose usage.
    pub environment: EnvironmentId,
    /// When.
    pub span: Span,
    /// The days in it: what they add up to is read from the days.
    pub days: (DateTime<Utc>, DateTime<Utc>),
}

/// Returns what was used in each stretch, added up, of the meters that have a price.
///
/// Each meter of each stretch is looked up by its key: read together, the whole history would be gone through.
pub async fn usage(db: &mut PgConnection, stretches: &[Stretch]) -> anyhow::Result<Vec<Usage>> {
    let rows = sqlx::query!(
        r#"
        SELECT named.environment_id AS "environment!: EnvironmentId"
             , named.from_at        AS "from!"
             , named.until_at       AS "until!"
             , meters.meter         AS "meter!"
             , total.quantity       AS "quantity!"
          FROM UNNEST($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
            AS named (environment_id, from_at, until_at, days_from, days_until)
         CROSS JOIN UNNEST($6::text[]) AS meters (meter)
         CROSS JOIN LATERAL (
            SELECT sum(part.quantity) AS quantity
              FROM (
                SELECT quantity
                  FROM usage_days
                 WHERE environment_id = named.environment_id AND meter = meters.meter
                   AND day >= named.days_from AND day < named.days_until
                UNION ALL
                SELECT quantity
                  FROM usage_hours
                 WHERE environment_id = named.environment_id AND meter = meters.meter
                   AND hour >= named.from_at AND hour < named.days_from
                UNION ALL
                SELECT quantity
                  FROM usage_hours
                 WHERE environment_id = named.environment_id AND meter = meters.meter
                   AND hour >= named.days_until AND hour < named.until_at
              ) AS part
          ) AS total
         WHERE total.quantity > 0
        "#,
        &stretches.iter().map(|it| it.environment.uuid()).collect::<Vec<_>>(),
        &stretches.iter().map(|it| it.span.from).collect::<Vec<_>>(),
        &stretches.iter().map(|it| it.span.until).collect::<Vec<_>>(),
        &stretches.iter().map(|it| it.days.0).collect::<Vec<_>>(),
        &stretches.iter().map(|it| it.days.1).collect::<Vec<_>>(),
        &Meter::ALL.map(|meter| meter.code().to_owned()),
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let span = Span { from: row.from, until: row.until };
            Ok(Usage { environment: row.environment, meter: row.meter.parse()?, span, raw: whole(row.quantity)? })
        })
        .collect()
}

/// Returns every hour of some environments in a time, of the meters that have a price: for whoever computes it again.
pub async fn hours(db: &mut PgConnection, environments: &[EnvironmentId], span: Span) -> anyhow::Result<Vec<Usage>> {
    let rows = sqlx::query!(
        r#"
        SELECT u.environment_id AS "environment: EnvironmentId"
             , u.meter
             , u.hour
             , u.quantity
          FROM UNNEST($1::uuid[]) AS named (id)
          JOIN usage_hours u ON u.environment_id = named.id
         WHERE u.meter = ANY($4)
           AND u.hour >= $2
           AND u.hour < $3
           AND u.quantity > 0
         ORDER BY u.environment_id, u.meter, u.hour
        "#,
        &environments.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        span.from,
        span.until,
        &Meter::ALL.map(|meter| meter.code().to_owned()),
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let span = Span { from: row.hour, until: row.hour + chrono::TimeDelta::hours(1) };
            Ok(Usage { environment: row.environment, meter: row.meter.parse()?, span, raw: whole(row.quantity)? })
        })
        .collect()
}

/// Returns what plan versions cost in a currency; one that is not sold in it is missing.
pub async fn tariffs(
    db: &mut PgConnection,
    versions: &[PlanVersionId],
    currency: Currency,
) -> anyhow::Result<BTreeMap<PlanVersionId, Tariff>> {
    let ids: Vec<_> = versions.iter().map(|id| id.uuid()).collect();
    let monthly = sqlx::query!(
        r#"
        SELECT plan_version_id AS "version: PlanVersionId"
             , monthly_minor
          FROM plan_prices
         WHERE plan_version_id = ANY($1)
           AND currency = $2
        "#,
        &ids,
        currency.code()
    )
    .fetch_all(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let mut tariffs: BTreeMap<PlanVersionId, Tariff> = monthly
        .into_iter()
        .map(|row| {
            let monthly = Money::new(row.monthly_minor, currency);
            (row.version, Tariff { monthly, meters: BTreeMap::new() })
        })
        .collect();
    let prices = sqlx::query!(
        r#"
        SELECT plan_version_id AS "version!: PlanVersionId"
             , meter           AS "meter!"
             , included        AS "included!"
             , from_quantity   AS "from_quantity!"
             , unit_price      AS "unit_price!"
          FROM (
            SELECT plan_version_id, meter, included, 0::numeric AS from_quantity, unit_price
              FROM plan_meters
             WHERE plan_version_id = ANY($1)
               AND currency = $2
            UNION ALL
            SELECT plan_version_id, meter, 0, from_quantity, unit_price
              FROM plan_tiers
             WHERE plan_version_id = ANY($1)
               AND currency = $2
          ) AS prices
         ORDER BY plan_version_id, meter, from_quantity
        "#,
        &ids,
        currency.code()
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    for row in prices {
        let Some(tariff) = tariffs.get_mut(&row.version) else { continue };
        let rates = tariff.meters.entry(row.meter.parse()?);
        // The first price comes first, and says what is included.
        let rates = rates.or_insert_with(|| Rates { included: row.included, prices: Vec::new() });
        rates.prices.push((row.from_quantity, row.unit_price));
    }
    Ok(tariffs)
}

/// Returns what remains unbilled of everything that was billed in periods that began before an instant.
pub async fn carries(db: &mut PgConnection, account: AccountId, before: DateTime<Utc>) -> anyhow::Result<Carries> {
    let rows = sqlx::query!(
        r#"
        SELECT c.environment_id AS "environment: EnvironmentId"
             , c.meter          AS "meter!"
             , sum(c.carry_out_raw - c.carry_in_raw) AS "carry!"
          FROM charges c
          JOIN billing_periods p ON p.id = c.period_id
         WHERE p.account_id = $1
           AND p.from_at < $2
           AND c.meter IS NOT NULL
           AND c.class <> 'trial'
         GROUP BY c.environment_id, c.meter
        HAVING sum(c.carry_out_raw - c.carry_in_raw) <> 0
        "#,
        account as AccountId,
        before
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(|row| Ok(((row.environment, row.meter.parse()?), whole(row.carry)?))).collect()
}

/// A row of `charges`, before it is understood.
struct Row {
    environment: EnvironmentId,
    plan_version: PlanVersionId,
    class: String,
    revision: i32,
    meter: Option<String>,
    tier: Option<i32>,
    from_at: DateTime<Utc>,
    until_at: DateTime<Utc>,
    used_raw: Decimal,
    carry_in_raw: Decimal,
    carry_out_raw: Decimal,
    quantity: Decimal,
    unit_price: Decimal,
    currency: String,
    net_minor: i64,
}

impl Row {
    fn parsed(self) -> anyhow::Result<Charge> {
        let what = match (self.meter, self.tier) {
            (None, None) => What::Base,
            (Some(meter), Some(0)) => What::Included(meter.parse()?),
            (Some(meter), Some(tier)) => What::Beyond(meter.parse()?, tier),
            (meter, tier) => anyhow::bail!("a charge of meter {meter:?} has the tier {tier:?}"),
        };
        let class = [Class::Usual, Class::Trial, Class::Correction].into_iter().find(|it| it.code() == self.class);
        let class = class.with_context(|| format!("{:?} is no class of charges", self.class))?;
        let (environment, plan_version) = (self.environment, self.plan_version);
        Ok(Charge {
            item: Item { environment, plan_version, is_trial: class == Class::Trial },
            class,
            revision: self.revision,
            what,
            span: Span { from: self.from_at, until: self.until_at },
            used_raw: whole(self.used_raw)?,
            carry_in_raw: whole(self.carry_in_raw)?,
            carry_out_raw: whole(self.carry_out_raw)?,
            quantity: self.quantity,
            unit_price: self.unit_price,
            net: Money::new(self.net_minor, self.currency.parse()?),
        })
    }
}

/// Returns what was charged for a period, in all revisions that were billed in periods that began before an instant.
pub async fn charged(
    db: &mut PgConnection,
    account: AccountId,
    of: PeriodId,
    before: DateTime<Utc>,
    only: Option<&[EnvironmentId]>,
) -> anyhow::Result<Vec<Charge>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT c.environment_id  AS "environment: EnvironmentId"
             , c.plan_version_id AS "plan_version: PlanVersionId"
             , c.class
             , c.revision
             , c.meter
             , c.tier
             , c.from_at
             , c.until_at
             , c.used_raw
             , c.carry_in_raw
             , c.carry_out_raw
             , c.quantity
             , c.unit_price
             , c.currency
             , c.net_minor
          FROM charges c
          JOIN billing_periods p ON p.id = c.period_id
         WHERE c.account_id = $1
           AND c.of_period_id = $2
           AND p.from_at < $3
           AND ($4::uuid[] IS NULL OR c.environment_id = ANY($4))
         ORDER BY c.environment_id, c.from_at, c.meter NULLS FIRST, c.tier, c.revision
        "#,
        account as AccountId,
        of as PeriodId,
        before,
        only.map(uuids) as Option<Vec<uuid::Uuid>>
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Row::parsed).collect()
}

fn whole(value: Decimal) -> anyhow::Result<i128> {
    anyhow::ensure!(value.is_integer(), "{value} is no whole number of raw units");
    Ok(value.trunc().mantissa() / 10_i128.pow(value.trunc().scale()))
}
