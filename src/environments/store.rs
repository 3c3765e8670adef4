//! The environments and projects tables. Everything is looked up inside an account.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::orders::{Order, Terms};
use super::{Environment, Kind, Suspension, Wanted};
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId, UserId};
use crate::base::names::Subdomain;
use crate::db::StoreError;

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

/// The account's environments; of `only` one, or all that are not gone for good.
async fn select(
    db: &mut PgConnection,
    account: AccountId,
    only: Option<EnvironmentId>,
) -> anyhow::Result<Vec<Environment>> {
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
           AND ($2::uuid IS NULL OR environments.id = $2)
           AND ($2::uuid IS NOT NULL OR environments.status <> 'deleted')
         ORDER BY environments.created_at DESC, environments.id DESC
        "#,
        account as AccountId,
        only.map(EnvironmentId::uuid)
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(Environment::try_from).collect::<Result<_, _>>().context("read a row of environments")
}

/// The account's environment, or `None`: also when it belongs to another account.
pub async fn find(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Environment>> {
    Ok(select(db, account, Some(id)).await?.pop())
}

/// All environments of the account that are not gone for good, newest first.
pub async fn list(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Environment>> {
    select(db, account, None).await
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

/// What an account is allowed and has, read while it is locked: one order at a time.
pub struct Standing {
    /// Whether the account is neither closing nor closed.
    pub is_active: bool,
    /// Whether staff suspended it as a whole.
    pub is_suspended: bool,
    /// How many environments it may have.
    pub limit: i32,
    /// How many it has.
    pub count: i64,
    /// What the person who orders is called in Odoo: e-mail, name.
    pub admin: (String, String),
    /// Whether that person's e-mail is proved.
    pub is_verified: bool,
}

/// Locks the account and returns how it stands. `None` if the person is no member of it.
pub async fn lock_standing(
    db: &mut PgConnection,
    account: AccountId,
    user: UserId,
) -> Result<Option<Standing>, StoreError> {
    sqlx::query!("SELECT 1 AS one FROM accounts WHERE id = $1 FOR UPDATE", account as AccountId)
        .fetch_optional(&mut *db)
        .await?;
    let row = sqlx::query!(
        r#"
        SELECT accounts.state
             , accounts.environment_limit
             , users.email
             , users.name
             , users.verified_at
             , EXISTS (SELECT FROM suspensions
                        WHERE suspensions.account_id = accounts.id AND environment_id IS NULL AND lifted_at IS NULL)
               AS "is_suspended!"
             , (SELECT count(*) FROM environments
                 WHERE environments.account_id = accounts.id AND wanted <> 'deleted') AS "count!"
          FROM accounts
          JOIN members ON members.account_id = accounts.id
          JOIN users ON users.id = members.user_id
         WHERE accounts.id = $1
           AND users.id = $2
        "#,
        account as AccountId,
        user as UserId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Standing {
        is_active: row.state == "active",
        is_suspended: row.is_suspended,
        limit: row.environment_limit,
        count: row.count,
        admin: (row.email, row.name),
        is_verified: row.verified_at.is_some(),
    }))
}

/// The account's name, country and currency.
pub async fn terms(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Terms>> {
    let row = sqlx::query!("SELECT name, country, currency FROM accounts WHERE id = $1", account as AccountId)
        .fetch_optional(db)
        .await
        .map_err(StoreError::from)?;
    row.map(|row| Ok(Terms { name: row.name, country: row.country, currency: row.currency.parse()? })).transpose()
}

/// The environment that was ordered with this key before, if any.
pub async fn find_order(
    db: &mut PgConnection,
    account: AccountId,
    key: Uuid,
) -> Result<Option<EnvironmentId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: EnvironmentId" FROM environments WHERE account_id = $1 AND order_key = $2"#,
        account as AccountId,
        key
    )
    .fetch_optional(db)
    .await?)
}

/// Inserts a project.
pub async fn insert_project(
    db: &mut PgConnection,
    account: AccountId,
    id: ProjectId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO projects (id, account_id, name, created_at) VALUES ($1, $2, $3, $4)",
        id as ProjectId,
        account as AccountId,
        name,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an inserted environment is, besides its order.
pub struct NewEnvironment<'a> {
    pub id: EnvironmentId,
    pub account: AccountId,
    pub project: ProjectId,
    pub kind: Kind,
    pub order: &'a Order,
    pub admin: &'a (String, String),
    pub ordered_by: UserId,
}

/// Inserts an environment that is wanted running.
pub async fn insert(db: &mut PgConnection, new: &NewEnvironment<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let order = new.order;
    sqlx::query!(
        r#"
        INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country
                                , currency, timezone, apps, admin_email, admin_name, order_key, status_since, ordered_by
                                , created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $16)
        "#,
        new.id as EnvironmentId,
        new.account as AccountId,
        new.project as ProjectId,
        new.kind.code(),
        order.name,
        order.plan_version as PlanVersionId,
        order.company,
        order.language,
        order.country,
        order.currency,
        order.timezone,
        &order.apps,
        new.admin.0,
        new.admin.1,
        order.key,
        now,
        new.ordered_by as UserId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Changes what is wanted; a new generation.
pub async fn set_wanted(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    wanted: Wanted,
) -> Result<(), StoreError> {
    let purge_after = match wanted {
        Wanted::Deleted { purge_after } => Some(purge_after),
        Wanted::Running | Wanted::Stopped => None,
    };
    sqlx::query!(
        r#"
        UPDATE environments
           SET wanted = $3
             , purge_after = $4
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId,
        wanted.code(),
        purge_after
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks for one more restart.
pub async fn add_restart(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environments
           SET restarts = restarts + 1
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Changes the name; a new generation, because the address may have changed with it.
pub async fn set_name(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    name: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environments SET name = $3, wanted_generation = wanted_generation + 1 WHERE id = $1 AND account_id = $2",
        id as EnvironmentId,
        account as AccountId,
        name
    )
    .execute(db)
    .await?;
    Ok(())
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
