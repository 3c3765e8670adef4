//! Sandboxes in the control database, as the worker writes them; what is copied from there; and what is in one (`store/`).

pub mod databases;
pub mod inside;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::SandboxId;
use crate::base::money::Currency;
use crate::db::StoreError;

/// Makes due what is not as it is wanted.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT 'sandboxes', wanted.id, $1, wanted.marker
          FROM (SELECT id, concat_ws('/', wanted_at, removed_at IS NULL) AS marker
                  FROM sandboxes
                 WHERE removed_at IS NOT NULL
                    OR clock_at IS NULL
                    OR clock_at < wanted_at) AS wanted
          LEFT JOIN turns ON turns.task = 'sandboxes' AND turns.subject = wanted.id
         WHERE turns.subject IS NULL
            OR turns.marker <> wanted.marker
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says whether sandboxes can be made.
pub async fn put_server(
    db: &mut PgConnection,
    state: &str,
    problem: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO sandbox_server (state, problem, looked_at)
        VALUES ($1, $2, $3)
            ON CONFLICT (only_one) DO UPDATE
           SET state = excluded.state
             , problem = excluded.problem
             , looked_at = excluded.looked_at
        "#,
        state,
        problem,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes what nobody wanted anything of since an instant.
pub async fn remove_left_alone(
    db: &mut PgConnection,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandboxes SET removed_at = $2 WHERE removed_at IS NULL AND touched_at < $1", since, now)
        .execute(db)
        .await?;
    Ok(())
}

/// All sandboxes.
pub async fn ids(db: &mut PgConnection) -> Result<Vec<SandboxId>, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: SandboxId" FROM sandboxes ORDER BY id"#).fetch_all(db).await?)
}

/// Notes where a clock is, and what was seen by then if that was looked at.
pub async fn note_clock(
    db: &mut PgConnection,
    id: SandboxId,
    clock_at: DateTime<Utc>,
    report: Option<&Value>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE sandboxes SET clock_at = $2, report = COALESCE($3, report), problem = '' WHERE id = $1",
        id as SandboxId,
        clock_at,
        report
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes why a sandbox is not further.
pub async fn note_problem(db: &mut PgConnection, id: SandboxId, problem: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandboxes SET problem = $2 WHERE id = $1", id as SandboxId, problem).execute(db).await?;
    Ok(())
}

/// Forgets a sandbox.
pub async fn delete(db: &mut PgConnection, id: SandboxId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM sandboxes WHERE id = $1", id as SandboxId).execute(db).await?;
    Ok(())
}

/// What a sandbox knows of the real world: the company that sells, and what it sells. Rows as they are.
pub struct World {
    pub seller: Value,
    pub ledger_accounts: Value,
    pub dunning_schedule: Value,
    pub plans: Value,
    pub versions: Value,
    pub prices: Value,
    pub meters: Value,
    pub tiers: Value,
}

/// Reads it from the control database.
pub async fn world(db: &mut PgConnection, currency: Currency) -> anyhow::Result<World> {
    let row = sqlx::query!(
        r#"
        SELECT (SELECT to_jsonb(it) FROM sellers it WHERE currency = $1) AS seller
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM ledger_accounts it JOIN sellers s ON s.id = it.seller_id
                 WHERE s.currency = $1) AS "ledger_accounts!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM dunning_schedules it JOIN sellers s ON s.id = it.seller_id
                 WHERE s.currency = $1) AS "dunning_schedule!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM plans it) AS "plans!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM plan_versions it WHERE it.state = 'published') AS "versions!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM plan_prices it JOIN plan_versions v ON v.id = it.plan_version_id
                 WHERE v.state = 'published') AS "prices!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM plan_meters it JOIN plan_versions v ON v.id = it.plan_version_id
                 WHERE v.state = 'published') AS "meters!"
             , (SELECT COALESCE(jsonb_agg(it), '[]') FROM plan_tiers it JOIN plan_versions v ON v.id = it.plan_version_id
                 WHERE v.state = 'published') AS "tiers!"
        "#,
        currency.code()
    )
    .fetch_one(db)
    .await
    .map_err(StoreError::from)?;
    Ok(World {
        seller: row.seller.context("nobody sells in this currency")?,
        ledger_accounts: row.ledger_accounts,
        dunning_schedule: row.dunning_schedule,
        plans: row.plans,
        versions: row.versions,
        prices: row.prices,
        meters: row.meters,
        tiers: row.tiers,
    })
}
