//! What machines cost, who had room on them, what was used there, and what those environments were charged.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::base::ids::{EnvironmentId, HostId, StaffId};
use crate::base::money::{Currency, Money};
use crate::billing::revenue::hosts::{CostEntry, RateEntry};
use crate::billing::revenue::margin::Cost;
use crate::db::StoreError;

/// All the room that an environment (or spares together) had on a machine in a time.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    pub host: HostId,
    /// `None`: spares.
    pub environment: Option<EnvironmentId>,
    /// Microseconds, of all its containers.
    pub micros: Decimal,
    /// Thousandths of a core × microseconds.
    pub cpu: Decimal,
    /// MiB × microseconds.
    pub memory: Decimal,
}

/// Returns the name of a machine that is there.
pub async fn host_name(db: &mut PgConnection, host: HostId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT name FROM hosts WHERE id = $1", host as HostId).fetch_optional(db).await?)
}

/// Returns the machines that are there, by name.
pub async fn list_host_names(db: &mut PgConnection) -> Result<Vec<(HostId, String)>, StoreError> {
    let rows = sqlx::query!(r#"SELECT id AS "id: HostId", name FROM hosts ORDER BY name"#).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Returns what was said of machines' costs, by machine and first day; of the same day the later one last.
pub async fn list_costs(db: &mut PgConnection) -> Result<Vec<CostEntry>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT c.host_id AS "host: HostId"
             , c.host_name
             , c.from_on
             , c.monthly_minor
             , c.currency
             , s.name AS by
             , c.entered_at
          FROM host_costs c
          JOIN staff s ON s.id = c.entered_by
         ORDER BY c.host_name, c.host_id, c.from_on, c.id
        "#
    )
    .fetch_all(db)
    .await?;
    let entries = rows.into_iter().map(|row| {
        let monthly = Money::new(row.monthly_minor, currency(&row.currency)?);
        let cost = Cost { from_on: row.from_on, monthly };
        Ok::<_, StoreError>(CostEntry {
            host: row.host,
            name: row.host_name,
            cost,
            by: row.by,
            entered_at: row.entered_at,
        })
    });
    entries.collect()
}

/// Returns the rates that somebody typed, the newest months first; of each the one that counts.
pub async fn list_rates(db: &mut PgConnection) -> Result<Vec<RateEntry>, StoreError> {
    Ok(sqlx::query_as!(
        RateEntry,
        r#"
        SELECT DISTINCT ON (r.month)
               r.month
             , r.mad_per_eur
             , s.name AS by
             , r.entered_at
          FROM month_rates r
          JOIN staff s ON s.id = r.entered_by
         ORDER BY r.month DESC, r.id DESC
        "#
    )
    .fetch_all(db)
    .await?)
}

/// Writes down what a machine costs from a day on.
pub async fn add_cost(
    db: &mut PgConnection,
    (host, name): (HostId, &str),
    cost: Cost,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO host_costs (host_id, host_name, from_on, monthly_minor, currency, entered_by, entered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        "#,
        host as HostId,
        name,
        cost.from_on,
        cost.monthly.minor,
        cost.monthly.currency.code(),
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down a month's rate.
pub async fn add_rate(
    db: &mut PgConnection,
    month: NaiveDate,
    mad_per_eur: Decimal,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO month_rates (month, mad_per_eur, entered_by, entered_at) VALUES ($1, $2, $3, $4)",
        month,
        mad_per_eur,
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns who had room where in a time, added up.
pub async fn list_stays(
    db: &mut PgConnection,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Stay>, StoreError> {
    Ok(sqlx::query_as!(
        Stay,
        r#"
        SELECT host_id        AS "host: HostId"
             , environment_id AS "environment: EnvironmentId"
             , sum(micros)              AS "micros!"
             , sum(cpu_millis * micros) AS "cpu!"
             , sum(memory_mb * micros)  AS "memory!"
          FROM (
            SELECT host_id, environment_id, cpu_millis, memory_mb
                 , trunc(extract(epoch FROM LEAST(until_at, $2) - GREATEST(from_at, $1)) * 1000000) AS micros
              FROM host_stays
             WHERE from_at < $2
               AND (until_at IS NULL OR until_at > $1)
          ) AS stays
         GROUP BY host_id, environment_id
        "#,
        from,
        until
    )
    .fetch_all(db)
    .await?)
}

/// Returns what these environments used of processors (microseconds) and memory (byte-seconds) in whole days (UTC).
pub async fn list_usage(
    db: &mut PgConnection,
    environments: &[EnvironmentId],
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<BTreeMap<EnvironmentId, (Decimal, Decimal)>, StoreError> {
    let ids: Vec<uuid::Uuid> = environments.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT named.id     AS "environment!: EnvironmentId"
             , cpu.total    AS "cpu!"
             , memory.total AS "memory!"
          FROM UNNEST($1::uuid[]) AS named (id)
         CROSS JOIN LATERAL (
            SELECT COALESCE(sum(quantity), 0) AS total FROM usage_days
             WHERE environment_id = named.id AND meter = 'cpu' AND day >= $2 AND day < $3
          ) AS cpu
         CROSS JOIN LATERAL (
            SELECT COALESCE(sum(quantity), 0) AS total FROM usage_days
             WHERE environment_id = named.id AND meter = 'memory' AND day >= $2 AND day < $3
          ) AS memory
        "#,
        &ids,
        from,
        until
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.environment, (row.cpu, row.memory))).collect())
}

/// Returns what environments were charged for the month that ends about an instant (in whichever zone), also by later corrections;
/// trials not at all. Only months that are closed.
pub async fn list_revenue(
    db: &mut PgConnection,
    until: DateTime<Utc>,
) -> Result<Vec<(EnvironmentId, Money)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT c.environment_id AS "environment: EnvironmentId"
             , c.currency
             , sum(c.net_minor)::bigint AS "net!"
          FROM billing_periods p
          JOIN charges c ON c.of_period_id = p.id
         WHERE p.state = 'closed'
           AND p.until_at BETWEEN $1::timestamptz - interval '1 day' AND $1::timestamptz + interval '1 day'
           AND c.class <> 'trial'
         GROUP BY c.environment_id, c.currency
        HAVING sum(c.net_minor) <> 0
        "#,
        until
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((row.environment, Money::new(row.net, currency(&row.currency)?)))).collect()
}

fn currency(code: &str) -> Result<Currency, StoreError> {
    code.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}
