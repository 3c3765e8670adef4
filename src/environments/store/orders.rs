//! What an order reads and writes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId, UserId};
use crate::db::StoreError;
use crate::environments::Kind;
use crate::environments::orders::{Order, Terms};

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
