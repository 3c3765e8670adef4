//! The tables of the catalogue. The only SQL about plans.

mod prices;

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::{Allowance, Plan, Resources, Translated, Version};
use crate::base::ids::{PlanId, PlanVersionId};
use crate::base::money::Money;
use crate::db::StoreError;

pub use prices::{insert_allowances, insert_prices};

struct Row {
    plan: PlanId,
    code: String,
    kind: String,
    position: i32,
    names: Value,
    summaries: Value,
    is_offered: bool,
    version: PlanVersionId,
    number: i32,
    published_at: Option<DateTime<Utc>>,
    valid_from: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
    cpu_millis: i32,
    memory_mb: i32,
    storage_mb: i32,
    sleep_after_seconds: Option<i32>,
    max_replicas: i32,
    daily_backups: i32,
    weekly_backups: i32,
    monthly_backups: i32,
}

/// Selects versions with their plans. Which of them, the callers filter: the catalogue has tens of rows.
async fn rows(db: &mut PgConnection, only: Option<PlanVersionId>) -> anyhow::Result<Vec<(Plan, Version)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT plans.id          AS "plan: PlanId"
             , plans.code
             , plans.kind
             , plans.position
             , plans.names
             , plans.summaries
             , plans.is_offered
             , plan_versions.id  AS "version: PlanVersionId"
             , plan_versions.version AS number
             , plan_versions.published_at
             -- What was published before dates could be given was sold at once.
             , COALESCE(plan_versions.valid_from, plan_versions.published_at) AS valid_from
             , plan_withdrawals.withdrawn_at AS "withdrawn_at?"
             , plan_versions.cpu_millis
             , plan_versions.memory_mb
             , plan_versions.storage_mb
             , plan_versions.sleep_after_seconds
             , plan_versions.max_replicas
             , plan_versions.daily_backups
             , plan_versions.weekly_backups
             , plan_versions.monthly_backups
          FROM plan_versions
          JOIN plans ON plans.id = plan_versions.plan_id
          LEFT JOIN plan_withdrawals ON plan_withdrawals.plan_version_id = plan_versions.id
         WHERE $1::uuid IS NULL OR plan_versions.id = $1
         ORDER BY plans.position, plans.code, plan_versions.version DESC
        "#,
        only.map(PlanVersionId::uuid)
    )
    .fetch_all(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let ids: Vec<_> = rows.iter().map(|row| row.version.uuid()).collect();
    let mut prices = prices::monthly(db, &ids).await?;
    let mut allowances = prices::allowances(db, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let (prices, allowances) = (prices.remove(&row.version), allowances.remove(&row.version));
            row.parsed(prices.unwrap_or_default(), allowances.unwrap_or_default())
        })
        .collect()
}

struct PlanRow {
    id: PlanId,
    code: String,
    kind: String,
    position: i32,
    names: Value,
    summaries: Value,
    is_offered: bool,
}

impl PlanRow {
    fn parsed(self) -> anyhow::Result<Plan> {
        Ok(Plan {
            id: self.id,
            kind: self.kind.parse()?,
            position: self.position,
            names: serde_json::from_value(self.names).with_context(|| format!("names of plan {}", self.code))?,
            summaries: serde_json::from_value(self.summaries)
                .with_context(|| format!("summaries of plan {}", self.code))?,
            code: self.code,
            is_offered: self.is_offered,
        })
    }
}

impl Row {
    fn parsed(self, prices: Vec<Money>, allowances: Vec<Allowance>) -> anyhow::Result<(Plan, Version)> {
        let plan = PlanRow {
            id: self.plan,
            code: self.code,
            kind: self.kind,
            position: self.position,
            names: self.names,
            summaries: self.summaries,
            is_offered: self.is_offered,
        };
        let resources = Resources {
            cpu_millis: self.cpu_millis,
            memory_mb: self.memory_mb,
            storage_mb: self.storage_mb,
            sleep_after_seconds: self.sleep_after_seconds,
            max_replicas: self.max_replicas,
            daily_backups: self.daily_backups,
            weekly_backups: self.weekly_backups,
            monthly_backups: self.monthly_backups,
        };
        let version = Version {
            id: self.version,
            number: self.number,
            published_at: self.published_at,
            valid_from: self.valid_from,
            withdrawn_at: self.withdrawn_at,
            resources,
            prices,
            allowances,
        };
        Ok((plan.parsed()?, version))
    }
}

/// One version with its plan.
pub async fn find_version(db: &mut PgConnection, id: PlanVersionId) -> anyhow::Result<Option<(Plan, Version)>> {
    Ok(rows(db, Some(id)).await?.pop())
}

/// Every plan with its versions, newest first; also a plan that has none yet.
pub async fn everything(db: &mut PgConnection) -> anyhow::Result<Vec<(Plan, Vec<Version>)>> {
    let mut versions: HashMap<PlanId, Vec<Version>> = HashMap::new();
    for (plan, version) in rows(db, None).await? {
        versions.entry(plan.id).or_default().push(version);
    }
    let plans = plans(db).await?.into_iter();
    Ok(plans
        .map(|plan| {
            let versions = versions.remove(&plan.id).unwrap_or_default();
            (plan, versions)
        })
        .collect())
}

async fn plans(db: &mut PgConnection) -> anyhow::Result<Vec<Plan>> {
    let rows = sqlx::query_as!(
        PlanRow,
        r#"
        SELECT id AS "id: PlanId"
             , code
             , kind
             , position
             , names
             , summaries
             , is_offered
          FROM plans
         ORDER BY position, code
        "#
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(PlanRow::parsed).collect()
}

/// Keeps anybody else from changing the order of the plans until the end of the transaction; returns the order.
pub async fn lock_order(db: &mut PgConnection) -> Result<Vec<PlanId>, StoreError> {
    // The table's lock and not the rows': what is read after it is what the one before us left.
    sqlx::query!("LOCK TABLE plans IN SHARE ROW EXCLUSIVE MODE").execute(&mut *db).await?;
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: PlanId" FROM plans ORDER BY position, code"#).fetch_all(db).await?)
}

/// Writes the order of the plans, all of them.
pub async fn set_order(db: &mut PgConnection, order: &[PlanId]) -> Result<(), StoreError> {
    let ids: Vec<_> = order.iter().map(|plan| plan.uuid()).collect();
    sqlx::query!(
        r#"
        UPDATE plans
           SET position = wanted.number - 1
          FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, number)
         WHERE plans.id = wanted.id
           AND plans.position <> wanted.number - 1
        "#,
        &ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a plan until the end of the transaction, so that its versions are made and published one after the other; `false`
/// when there is no such plan.
pub async fn lock_plan(db: &mut PgConnection, plan: PlanId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!("SELECT id FROM plans WHERE id = $1 FOR NO KEY UPDATE", plan as PlanId);
    Ok(found.fetch_optional(db).await?.is_some())
}

/// Inserts a plan unless one has its code already; returns the id of a new one.
pub async fn insert_plan(db: &mut PgConnection, plan: &Plan, now: DateTime<Utc>) -> anyhow::Result<Option<PlanId>> {
    let inserted = sqlx::query_scalar!(
        r#"
        INSERT INTO plans (id, code, kind, position, names, summaries, is_offered, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (code) DO NOTHING
        RETURNING id AS "id: PlanId"
        "#,
        plan.id as PlanId,
        plan.code,
        plan.kind.code(),
        plan.position,
        serde_json::to_value(&plan.names)?,
        serde_json::to_value(&plan.summaries)?,
        plan.is_offered,
        now
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    Ok(inserted)
}

/// Inserts the next version of a plan as a draft. The caller holds the plan's lock: two at once would take one number.
pub async fn insert_draft(
    db: &mut PgConnection,
    plan: PlanId,
    id: PlanVersionId,
    resources: &Resources,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, sleep_after_seconds
                                 , max_replicas, daily_backups, weekly_backups, monthly_backups, created_at)
        SELECT $1, plans.id
             , COALESCE((SELECT max(version) FROM plan_versions WHERE plan_id = plans.id), 0) + 1
             , 'draft', $3, $4, $5, $6, $7, $8, $9, $10, $11
          FROM plans
         WHERE plans.id = $2
        "#,
        id as PlanVersionId,
        plan as PlanId,
        resources.cpu_millis,
        resources.memory_mb,
        resources.storage_mb,
        resources.sleep_after_seconds,
        resources.max_replicas,
        resources.daily_backups,
        resources.weekly_backups,
        resources.monthly_backups,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a draft final and returns its number. A draft that is older than what was published meanwhile takes the next number: of
/// those that are sold from the same instant on, the highest one is what is sold. The caller holds the plan's lock; the schema
/// refuses a second time.
pub async fn publish(
    db: &mut PgConnection,
    id: PlanVersionId,
    valid_from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        UPDATE plan_versions AS draft
           SET state = 'published'
             , published_at = $2
             , valid_from = $3
             , version = CASE WHEN EXISTS (SELECT FROM plan_versions AS newer
                                            WHERE newer.plan_id = draft.plan_id
                                              AND newer.state = 'published'
                                              AND newer.version > draft.version)
                              THEN (SELECT max(version) + 1 FROM plan_versions WHERE plan_id = draft.plan_id)
                              ELSE draft.version
                         END
         WHERE id = $1
        RETURNING version
        "#,
        id as PlanVersionId,
        now,
        valid_from
    )
    .fetch_one(db)
    .await?)
}

/// Notes that a version will not be sold; `false` when that was noted before. The schema refuses it once it is sold.
pub async fn withdraw(
    db: &mut PgConnection,
    id: PlanVersionId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO plan_withdrawals (plan_version_id, withdrawn_at, withdrawn_by)
        VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
        "#,
        id as PlanVersionId,
        now,
        by
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes names, summaries and whether the plan is offered; `false` when there is no such plan.
pub async fn describe(
    db: &mut PgConnection,
    plan: PlanId,
    names: &Translated,
    summaries: &Translated,
    is_offered: bool,
) -> anyhow::Result<bool> {
    let done = sqlx::query!(
        "UPDATE plans SET names = $2, summaries = $3, is_offered = $4 WHERE id = $1",
        plan as PlanId,
        serde_json::to_value(names)?,
        serde_json::to_value(summaries)?,
        is_offered
    )
    .execute(db)
    .await
    .map_err(StoreError::from)?;
    Ok(done.rows_affected() == 1)
}

/// What the plans of some versions are called.
pub async fn names(
    db: &mut PgConnection,
    versions: &[PlanVersionId],
) -> anyhow::Result<BTreeMap<PlanVersionId, Translated>> {
    let rows = sqlx::query!(
        r#"
        SELECT plan_versions.id AS "id: PlanVersionId"
             , plans.names
          FROM plan_versions
          JOIN plans ON plans.id = plan_versions.plan_id
         WHERE plan_versions.id = ANY($1)
        "#,
        &versions.iter().map(|id| id.uuid()).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(|row| Ok((row.id, serde_json::from_value(row.names)?))).collect()
}
