//! The rows of sandboxes in the control database.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rule::{Pays, Usage};
use super::{MOST, Sandbox, Server, Wish};
use crate::base::ids::{PlanVersionId, SandboxId, StaffId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;
use crate::i18n::Locale;

/// What the worker found of the server.
pub async fn server(db: &mut PgConnection) -> Result<Server, StoreError> {
    let row = sqlx::query!("SELECT state, problem FROM sandbox_server").fetch_optional(db).await?;
    Ok(match row {
        Some(row) if row.state == "ready" => Server::Ready,
        Some(row) if row.state == "failing" => Server::Failing(row.problem),
        _ => Server::Missing,
    })
}

/// Sandboxes, newest first: one, or all.
pub async fn list(db: &mut PgConnection, only: Option<SandboxId>) -> anyhow::Result<Vec<Sandbox>> {
    let rows = sqlx::query!(
        r#"
        SELECT sandboxes.id AS "id: SandboxId"
             , sandboxes.name
             , country
             , currency
             , plan_versions
             , usage_profile
             , pays
             , has_trial
             , budget_minor
             , language
             , starts_at
             , staff.name AS made_by
             , made_at
             , wanted_at
             , clock_at
             , removed_at IS NOT NULL AS "is_removed!"
             , problem
          FROM sandboxes
          JOIN staff ON staff.id = made_by
         WHERE $1::uuid IS NULL
            OR sandboxes.id = $1
         ORDER BY made_at DESC, sandboxes.id DESC
        "#,
        only as Option<SandboxId>
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)
    .context("list sandboxes")?;
    let parsed = rows.into_iter().map(|row| {
        let currency: Currency = row.currency.parse()?;
        Ok(Sandbox {
            id: row.id,
            name: row.name,
            country: row.country,
            currency,
            plans: row
                .plan_versions
                .iter()
                .map(|id| id.to_string().parse::<PlanVersionId>())
                .collect::<Result<Vec<_>, _>>()?,
            usage: Usage::from_word(&row.usage_profile).context("there is no such profile of usage")?,
            pays: Pays::from_word(&row.pays).context("nobody pays like this")?,
            has_trial: row.has_trial,
            budget: row.budget_minor.map(|minor| Money::new(minor, currency)),
            language: Locale::from_code(&row.language).context("there is no such language")?,
            starts_at: row.starts_at,
            made_by: row.made_by,
            made_at: row.made_at,
            wanted_at: row.wanted_at,
            clock_at: row.clock_at,
            is_removed: row.is_removed,
            problem: row.problem,
        })
    });
    parsed.collect()
}

/// What the worker saw last.
pub async fn report(db: &mut PgConnection, id: SandboxId) -> Result<Option<Value>, StoreError> {
    let found = sqlx::query_scalar!("SELECT report FROM sandboxes WHERE id = $1", id as SandboxId);
    Ok(found.fetch_optional(db).await?.flatten())
}

/// A sandbox to be made.
pub struct New<'a> {
    pub id: SandboxId,
    pub name: &'a str,
    pub currency: Currency,
    pub starts_at: DateTime<Utc>,
    pub made_by: StaffId,
    pub language: Locale,
    pub wish: &'a Wish,
}

/// Inserts a sandbox, unless there are as many as there may be.
pub async fn insert(db: &mut PgConnection, new: &New<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
    // One after the other: two that are made at once are counted.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('sandboxes', 1))").fetch_one(&mut *db).await?;
    let plans: Vec<Uuid> = new.wish.plans.iter().copied().map(PlanVersionId::uuid).collect();
    let done = sqlx::query!(
        r#"
        INSERT INTO sandboxes (id, name, country, currency, plan_versions, usage_profile, pays, has_trial, budget_minor, language
                             , starts_at, made_by, made_at, wanted_at, touched_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $11, $13
         WHERE (SELECT count(*) FROM sandboxes) < $14
        "#,
        new.id as SandboxId,
        new.name,
        new.wish.country,
        new.currency.code(),
        &plans,
        new.wish.usage.word(),
        new.wish.pays.word(),
        new.wish.has_trial,
        new.wish.budget_minor,
        new.language.code(),
        new.starts_at,
        new.made_by as StaffId,
        now,
        MOST
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps others from changing a sandbox until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: SandboxId) -> Result<(), StoreError> {
    sqlx::query!("SELECT id FROM sandboxes WHERE id = $1 FOR UPDATE", id as SandboxId).fetch_optional(db).await?;
    Ok(())
}

/// Says until when a sandbox's clock is to go.
pub async fn want(
    db: &mut PgConnection,
    id: SandboxId,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandboxes SET wanted_at = $2, touched_at = $3 WHERE id = $1", id as SandboxId, until, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Says that a sandbox is to be dropped.
pub async fn remove(db: &mut PgConnection, id: SandboxId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandboxes SET removed_at = $2 WHERE id = $1", id as SandboxId, now).execute(db).await?;
    Ok(())
}
