//! The environments and projects tables. Everything is looked up inside an account.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::listing::Glance;
use super::{Environment, Suspension, Wanted};
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId};
use crate::base::names::Subdomain;
use crate::db::StoreError;

mod changes;
mod orders;

pub use changes::{add_restart, insert_wish, set_name, set_wanted, sleeper_of_any_account};
pub use orders::{NewEnvironment, Standing, find_order, insert, insert_project, lock_standing, terms};

struct Row {
    id: EnvironmentId,
    account: AccountId,
    project: ProjectId,
    kind: String,
    name: String,
    subdomain: Option<String>,
    plan_version: PlanVersionId,
    wanted: String,
    wanted_generation: i64,
    company: String,
    language: String,
    country: String,
    apps: Vec<String>,
    admin_email: String,
    status: String,
    status_since: DateTime<Utc>,
    status_reason: Option<Value>,
    purge_after: Option<DateTime<Utc>>,
    first_ready_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    suspended_reason: Option<String>,
    suspended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Environment {
    type Error = anyhow::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.id,
            account: row.account,
            project: row.project,
            kind: row.kind.parse()?,
            name: row.name,
            subdomain: row.subdomain.map(Subdomain::kept),
            plan_version: row.plan_version,
            wanted: Wanted::parse(&row.wanted, row.purge_after)?,
            wanted_generation: row.wanted_generation,
            company: row.company,
            language: row.language,
            country: row.country,
            apps: row.apps,
            admin_email: row.admin_email,
            status: row.status.parse()?,
            status_since: row.status_since,
            status_reason: row.status_reason.as_ref().and_then(reason_key),
            suspension: row.suspended_reason.zip(row.suspended_at).map(|(reason, since)| Suspension { reason, since }),
            first_ready_at: row.first_ready_at,
            created_at: row.created_at,
        })
    }
}

/// The worker writes a reason as `{"key": "reason-…"}` or as the key alone.
fn reason_key(reason: &Value) -> Option<String> {
    let key = reason.as_str().or_else(|| reason.get("key").and_then(Value::as_str));
    key.filter(|key| key.starts_with("reason-")).map(str::to_owned)
}

/// The account's environments; `only` some, or all that are not gone for good.
async fn select(
    db: &mut PgConnection,
    account: AccountId,
    only: Option<&[EnvironmentId]>,
) -> anyhow::Result<Vec<Environment>> {
    let only: Option<Vec<Uuid>> = only.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT environments.id               AS "id: EnvironmentId"
             , environments.account_id       AS "account: AccountId"
             , environments.project_id       AS "project: ProjectId"
             , environments.kind
             , environments.name
             , subdomains.name               AS "subdomain?"
             , environments.plan_version_id  AS "plan_version: PlanVersionId"
             , environments.wanted
             , environments.wanted_generation
             , environments.company
             , environments.language
             , environments.country
             , environments.apps
             , environments.admin_email
             , environments.status
             , environments.status_since
             , environments.status_reason
             , environments.purge_after
             , environments.first_ready_at
             , environments.created_at
             , suspension.reason             AS "suspended_reason?"
             , suspension.suspended_at       AS "suspended_at?"
          FROM environments
          LEFT JOIN subdomains ON subdomains.environment_id = environments.id
          LEFT JOIN LATERAL (
               SELECT reason, suspended_at
                 FROM suspensions
                WHERE suspensions.account_id = environments.account_id
                  AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                  AND suspensions.lifted_at IS NULL
                ORDER BY suspended_at
                LIMIT 1
               ) AS suspension ON true
         WHERE environments.account_id = $1
           AND ($2::uuid[] IS NULL OR environments.id = ANY($2))
           AND ($2::uuid[] IS NOT NULL OR environments.status <> 'deleted')
         ORDER BY environments.created_at DESC, environments.id DESC
        "#,
        account as AccountId,
        only.as_deref()
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Environment::try_from).collect::<Result<_, _>>().context("read a row of environments")
}

/// The account's environment, or `None`: also when it belongs to another account.
pub async fn find(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Environment>> {
    Ok(select(db, account, Some(&[id])).await?.pop())
}

/// All environments of the account that are not gone for good, newest first.
pub async fn list(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Environment>> {
    select(db, account, None).await
}

/// Some of the account's environments, newest first.
pub async fn list_of(
    db: &mut PgConnection,
    account: AccountId,
    ids: &[EnvironmentId],
) -> anyhow::Result<Vec<Environment>> {
    select(db, account, Some(ids)).await
}

/// What all environments of the account that are not gone for good are filtered by, newest first.
pub async fn list_glances(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Glance>> {
    let rows = sqlx::query!(
        r#"
        SELECT environments.id  AS "id: EnvironmentId"
             , environments.name
             , subdomains.name  AS "subdomain?"
             , environments.wanted
             , environments.purge_after
             , environments.status
             , EXISTS (SELECT FROM suspensions
                        WHERE suspensions.account_id = environments.account_id
                          AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                          AND suspensions.lifted_at IS NULL) AS "is_suspended!"
          FROM environments
          LEFT JOIN subdomains ON subdomains.environment_id = environments.id
         WHERE environments.account_id = $1
           AND environments.status <> 'deleted'
         ORDER BY environments.created_at DESC, environments.id DESC
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            Ok(Glance {
                id: row.id,
                name: row.name,
                subdomain: row.subdomain.unwrap_or_default(),
                wanted: Wanted::parse(&row.wanted, row.purge_after)?,
                status: row.status.parse()?,
                is_suspended: row.is_suspended,
            })
        })
        .collect::<anyhow::Result<_>>()
        .context("read a row of environments")
}

/// Locks the account's environment until the transaction ends, then reads it.
pub async fn lock(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Environment>> {
    sqlx::query!(
        "SELECT 1 AS one FROM environments WHERE id = $1 AND account_id = $2 FOR UPDATE",
        id as EnvironmentId,
        account as AccountId
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(StoreError::from)?;
    find(db, account, id).await
}

/// The code of the runtime that serves the account's environment now.
pub async fn runtime_code(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT runtimes.code
          FROM runtimes
          JOIN environments ON environments.id = runtimes.environment_id
         WHERE environments.id = $1
           AND environments.account_id = $2
           AND runtimes.wanted <> 'gone'
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}

/// How long environments lately took from the order to the first answer, in seconds: the middle of the last twenty.
pub async fn usual_seconds_of_any_account(db: &mut PgConnection) -> Result<Option<f64>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM first_ready_at - created_at)::float8)
          FROM (SELECT first_ready_at, created_at
                  FROM environments
                 WHERE first_ready_at IS NOT NULL
                 ORDER BY created_at DESC
                 LIMIT 20) AS latest
        "#
    )
    .fetch_one(db)
    .await?)
}
