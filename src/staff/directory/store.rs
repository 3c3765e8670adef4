//! What staff read across accounts. The only SQL of these pages; nothing here changes a row.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::InstanceFilter;
use crate::base::ids::{AccountId, EnvironmentId, HostId, UserId};
use crate::db::StoreError;
use crate::metering::Meter;

/// Numbers for the first page.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Accounts that are not closed.
    pub accounts: i64,
    /// Environments that serve.
    pub running: i64,
    /// Environments that are not deleted.
    pub environments: i64,
    /// Environments in trouble.
    pub failing: i64,
    /// Spares that are ready.
    pub spares: i64,
    /// Accounts made in the last seven days.
    pub new_accounts: i64,
    /// Suspensions in force.
    pub suspended: i64,
    /// Jobs that were given up.
    pub failed_jobs: i64,
}

/// Counts.
pub async fn overview(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Overview, StoreError> {
    Ok(sqlx::query_as!(
        Overview,
        r#"
        SELECT (SELECT count(*) FROM accounts WHERE state <> 'closed') AS "accounts!"
             , (SELECT count(*) FROM environments WHERE status = 'running') AS "running!"
             , (SELECT count(*) FROM environments WHERE status <> 'deleted') AS "environments!"
             , (SELECT count(*) FROM environments WHERE status = 'failing') AS "failing!"
             , (SELECT count(*) FROM runtimes WHERE environment_id IS NULL AND state = 'ready' AND wanted <> 'gone') AS "spares!"
             , (SELECT count(*) FROM accounts WHERE created_at > $1::timestamptz - interval '7 days') AS "new_accounts!"
             , (SELECT count(*) FROM suspensions WHERE lifted_at IS NULL) AS "suspended!"
             , (SELECT count(*) FROM jobs WHERE state = 'failed') AS "failed_jobs!"
        "#,
        now,
    )
    .fetch_one(db)
    .await?)
}

/// One customer in a list.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// The organisation.
    pub name: String,
    /// ISO 3166.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// `active`, `closing` or `closed`.
    pub state: String,
    /// When it signed up.
    pub created_at: DateTime<Utc>,
    /// The first owner's e-mail.
    pub owner_email: Option<String>,
    /// How many environments are not deleted.
    pub environments: i64,
    /// The reason, while the account is suspended.
    pub suspended_because: Option<String>,
}

/// Customers whose name, id or members fit; `only` one of them.
pub async fn accounts(
    db: &mut PgConnection,
    only: Option<AccountId>,
    pattern: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<AccountRow>, StoreError> {
    Ok(sqlx::query_as!(
        AccountRow,
        r#"
        SELECT account.id AS "id: AccountId"
             , account.name
             , account.country
             , account.currency
             , account.state
             , account.created_at
             , ( SELECT users.email
                   FROM members
                   JOIN users ON users.id = members.user_id
                  WHERE members.account_id = account.id AND members.role = 'owner'
                  ORDER BY members.created_at
                  LIMIT 1 ) AS owner_email
             , ( SELECT count(*) FROM environments WHERE account_id = account.id AND status <> 'deleted' ) AS "environments!"
             , ( SELECT reason FROM suspensions
                  WHERE account_id = account.id AND environment_id IS NULL AND origin = 'staff' AND lifted_at IS NULL ) AS suspended_because
          FROM accounts AS account
         WHERE ($4::uuid IS NULL OR account.id = $4)
           AND ( account.name ILIKE $1
              OR account.id::text ILIKE $1
              OR EXISTS ( SELECT FROM members JOIN users ON users.id = members.user_id
                           WHERE members.account_id = account.id AND (users.email ILIKE $1 OR users.name ILIKE $1) ) )
         ORDER BY account.created_at DESC
         OFFSET $2
         LIMIT $3
        "#,
        pattern,
        offset,
        limit,
        only.map(AccountId::uuid),
    )
    .fetch_all(db)
    .await?)
}

/// One customer.
pub async fn account(db: &mut PgConnection, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    Ok(accounts(db, Some(id), "%", (0, 1)).await?.pop())
}

/// A member of an account.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Whose membership it is.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Login.
    pub email: String,
    /// Role.
    pub role: String,
    /// When the e-mail was proved.
    pub verified_at: Option<DateTime<Utc>>,
    /// When they were last seen.
    pub seen_at: Option<DateTime<Utc>>,
}

/// The members of an account.
pub async fn members(db: &mut PgConnection, account: AccountId) -> Result<Vec<MemberRow>, StoreError> {
    Ok(sqlx::query_as!(
        MemberRow,
        r#"
        SELECT users.id AS "user: UserId"
             , users.name
             , users.email
             , members.role
             , users.verified_at
             , ( SELECT max(seen_at) FROM sessions WHERE user_id = users.id ) AS seen_at
          FROM members
          JOIN users ON users.id = members.user_id
         WHERE members.account_id = $1
         ORDER BY members.created_at
        "#,
        account as AccountId,
    )
    .fetch_all(db)
    .await?)
}

/// A suspension, in force or lifted.
#[derive(Clone, Debug)]
pub struct SuspensionRow {
    /// The environment, when it is not the whole account.
    pub environment: Option<EnvironmentId>,
    /// Its name.
    pub environment_name: Option<String>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// From when.
    pub at: DateTime<Utc>,
    /// Until when; `None` while in force.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why it was lifted.
    pub lifted_reason: Option<String>,
}

/// Suspensions of an account and its environments.
pub async fn suspensions(db: &mut PgConnection, account: AccountId) -> Result<Vec<SuspensionRow>, StoreError> {
    Ok(sqlx::query_as!(
        SuspensionRow,
        r#"
        SELECT suspensions.environment_id AS "environment: EnvironmentId"
             , environments.name AS "environment_name?"
             , suspensions.reason
             , coalesce(staff.name, 'sayoo') AS "by!"
             , suspensions.suspended_at AS at
             , suspensions.lifted_at
             , suspensions.lifted_reason
          FROM suspensions
          LEFT JOIN staff ON staff.id = suspensions.suspended_by
          LEFT JOIN environments ON environments.id = suspensions.environment_id
         WHERE suspensions.account_id = $1
         ORDER BY suspensions.suspended_at DESC
         LIMIT 50
        "#,
        account as AccountId,
    )
    .fetch_all(db)
    .await?)
}

/// One environment in a list, with what the machinery knows of it.
#[derive(Clone, Debug)]
pub struct InstanceRow {
    /// Its id.
    pub id: EnvironmentId,
    /// Whose it is.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// The name that the customer gave.
    pub name: String,
    /// Its subdomain, unless it is deleted.
    pub subdomain: Option<String>,
    /// `development`, `test` or `production`.
    pub kind: String,
    /// What the customer wants.
    pub wanted: String,
    /// What the worker last saw.
    pub status: String,
    /// Since when.
    pub status_since: DateTime<Utc>,
    /// Why, when the status needs a reason.
    pub status_reason: Option<serde_json::Value>,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When its data goes, while it is being deleted.
    pub purge_after: Option<DateTime<Utc>>,
    /// The plan's code.
    pub plan: String,
    /// The plan's version.
    pub plan_version: i32,
    /// The runtime's code: the name of its database and the end of its service's name.
    pub runtime: Option<String>,
    /// The host it runs on.
    pub host: Option<String>,
    /// The reason, while it is suspended itself.
    pub suspended_because: Option<String>,
}

/// Environments that fit; `only` one of them.
pub async fn instances(
    db: &mut PgConnection,
    only: Option<EnvironmentId>,
    filter: &InstanceFilter,
    pattern: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<InstanceRow>, StoreError> {
    Ok(sqlx::query_as!(
        InstanceRow,
        r#"
        SELECT environment.id AS "id: EnvironmentId"
             , environment.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , environment.name
             , subdomains.name AS "subdomain?"
             , environment.kind
             , environment.wanted
             , environment.status
             , environment.status_since
             , environment.status_reason
             , environment.created_at
             , environment.purge_after
             , plans.code AS plan
             , plan_versions.version AS plan_version
             , runtimes.code AS "runtime?"
             , hosts.name AS "host?"
             , ( SELECT reason FROM suspensions
                  WHERE suspensions.environment_id = environment.id AND origin = 'staff' AND lifted_at IS NULL ) AS suspended_because
          FROM environments AS environment
          JOIN accounts ON accounts.id = environment.account_id
          JOIN plan_versions ON plan_versions.id = environment.plan_version_id
          JOIN plans ON plans.id = plan_versions.plan_id
          LEFT JOIN subdomains ON subdomains.environment_id = environment.id
          LEFT JOIN runtimes ON runtimes.environment_id = environment.id AND runtimes.wanted <> 'gone'
          LEFT JOIN hosts ON hosts.id = runtimes.host_id
         WHERE ( environment.name ILIKE $1
              OR environment.company ILIKE $1
              OR subdomains.name ILIKE $1
              OR accounts.name ILIKE $1
              OR environment.admin_email ILIKE $1
              OR runtimes.code ILIKE $1
              OR environment.id::text ILIKE $1 )
           AND ($2 = '' OR environment.status = $2 OR ($2 = 'preparing' AND environment.status = 'ordered'))
           AND ($3::uuid IS NULL OR environment.account_id = $3)
           AND ($6::uuid IS NULL OR environment.id = $6)
         ORDER BY environment.created_at DESC
         OFFSET $4
         LIMIT $5
        "#,
        pattern,
        filter.status,
        filter.account as Option<AccountId>,
        offset,
        limit,
        only.map(EnvironmentId::uuid),
    )
    .fetch_all(db)
    .await?)
}

/// One environment.
pub async fn instance(db: &mut PgConnection, id: EnvironmentId) -> Result<Option<InstanceRow>, StoreError> {
    Ok(instances(db, Some(id), &InstanceFilter::default(), "%", (0, 1)).await?.pop())
}

/// A host with what is promised on it.
#[derive(Clone, Debug)]
pub struct HostRow {
    /// Its id.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// `joining`, `active`, `cordoned` or `down`.
    pub state: String,
    /// What staff want of it.
    pub wanted: String,
    /// Why it is not active, as checks or staff said.
    pub state_reason: Option<String>,
    /// What fails together with it.
    pub zone: String,
    /// What is placed on it.
    pub pool: String,
    /// When the worker last saw it.
    pub seen_at: Option<DateTime<Utc>>,
    /// Thousandths of a core that may be promised.
    pub cpu_millis: i64,
    /// MiB that may be promised.
    pub memory_mb: i64,
    /// Thousandths of a core that are promised.
    pub cpu_promised: i64,
    /// MiB that are promised.
    pub memory_promised: i64,
    /// How many runtimes live there.
    pub runtimes: i64,
    /// How many of them are spares.
    pub spares: i64,
}

/// Hosts that fit. What may be promised is counted as `hosts::placement` counts it.
pub async fn hosts(db: &mut PgConnection, pattern: &str) -> Result<Vec<HostRow>, StoreError> {
    Ok(sqlx::query_as!(
        HostRow,
        r#"
        SELECT host.id AS "id: HostId"
             , host.name
             , host.state
             , host.wanted
             , coalesce(host.state_reason, nullif(host.wanted_reason, '')) AS state_reason
             , host.zone
             , host.pool
             , host.seen_at
             , host.cpu_millis::bigint * host.cpu_percent / 100 AS "cpu_millis!"
             , greatest(host.memory_mb - host.memory_kept_mb, 0)::bigint AS "memory_mb!"
             , coalesce(sum(runtime.cpu_millis), 0)::bigint AS "cpu_promised!"
             , coalesce(sum(runtime.memory_mb), 0)::bigint AS "memory_promised!"
             , count(runtime.id) AS "runtimes!"
             , count(runtime.id) FILTER (WHERE runtime.environment_id IS NULL) AS "spares!"
          FROM hosts AS host
          LEFT JOIN (SELECT id, host_id, environment_id, cpu_millis, memory_mb
                       FROM runtimes
                      WHERE state <> 'gone'
                      UNION ALL
                     -- A second container's room, while an update is under way.
                     SELECT NULL, host_id, environment_id, cpu_millis, memory_mb
                       FROM environment_updates
                      WHERE host_id IS NOT NULL
                      UNION ALL
                     -- Further containers of the same environment.
                     SELECT NULL, replicas.host_id, runtimes.environment_id, replicas.cpu_millis, replicas.memory_mb
                       FROM replicas
                       JOIN runtimes ON runtimes.id = replicas.runtime_id) AS runtime ON runtime.host_id = host.id
         WHERE host.name ILIKE $1
            OR host.upstream_address ILIKE $1
            OR host.zone ILIKE $1
            OR host.id::text ILIKE $1
         GROUP BY host.id
         ORDER BY host.name
        "#,
        pattern,
    )
    .fetch_all(db)
    .await?)
}

/// A person that a search found.
#[derive(Clone, Debug)]
pub struct PersonHit {
    /// Name.
    pub name: String,
    /// Login.
    pub email: String,
    /// The account they are in.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
}

/// People whose name or e-mail fits.
pub async fn people(db: &mut PgConnection, pattern: &str) -> Result<Vec<PersonHit>, StoreError> {
    Ok(sqlx::query_as!(
        PersonHit,
        r#"
        SELECT users.name
             , users.email
             , accounts.id AS "account: AccountId"
             , accounts.name AS account_name
          FROM users
          JOIN members ON members.user_id = users.id
          JOIN accounts ON accounts.id = members.account_id
         WHERE users.name ILIKE $1
            OR users.email ILIKE $1
         ORDER BY users.created_at DESC
         LIMIT 10
        "#,
        pattern,
    )
    .fetch_all(db)
    .await?)
}

/// What one environment used of one meter.
#[derive(Clone, Debug)]
pub struct UsageRow {
    /// The customer.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// The environment.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: String,
    /// The meter.
    pub meter: Meter,
    /// In the meter's raw unit.
    pub quantity: Decimal,
    /// For how many seconds it was measured.
    pub covered_seconds: i64,
}

/// Usage added up by environment and meter.
pub async fn usage(
    db: &mut PgConnection,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    (account, environment): (Option<AccountId>, Option<EnvironmentId>),
    limit: i64,
) -> Result<Vec<UsageRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT accounts.id AS "account: AccountId"
             , accounts.name AS account_name
             , environments.id AS "environment: EnvironmentId"
             , environments.name AS environment_name
             , usage_hours.meter
             , sum(usage_hours.quantity) AS "quantity!"
             , sum(usage_hours.covered_seconds)::bigint AS "covered_seconds!"
          FROM usage_hours
          JOIN environments ON environments.id = usage_hours.environment_id
          JOIN accounts ON accounts.id = environments.account_id
         WHERE usage_hours.hour >= $1
           AND usage_hours.hour < $2
           AND ($3::uuid IS NULL OR accounts.id = $3)
           AND ($4::uuid IS NULL OR environments.id = $4)
         GROUP BY accounts.id, environments.id, usage_hours.meter
         ORDER BY accounts.name, environments.name, environments.id, usage_hours.meter
         LIMIT $5
        "#,
        from,
        until,
        account.map(AccountId::uuid),
        environment.map(EnvironmentId::uuid),
        limit,
    )
    .fetch_all(db)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(UsageRow {
            account: row.account,
            account_name: row.account_name,
            environment: row.environment,
            environment_name: row.environment_name,
            meter: Meter::from_word(&row.meter)?,
            quantity: row.quantity,
            covered_seconds: row.covered_seconds,
        })
    });
    Ok(known.collect())
}
