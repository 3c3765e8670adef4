//! Reads usage for exports, a page at a time.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::{Filter, Row};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// Returns the rows after one, ordered by hour and environment.
pub(super) async fn list_page(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<(DateTime<Utc>, EnvironmentId)>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    // Before the first row, and before every environment's id.
    let (after_hour, after_environment) = after.map_or((filter.from, None), |(hour, id)| (hour, Some(id.uuid())));
    Ok(sqlx::query_as!(
        Row,
        r#"
        SELECT a.id                   AS "account_id: AccountId"
             , a.name                 AS account
             , p.name                 AS project
             , v.id                   AS "environment_id: EnvironmentId"
             , v.name                 AS environment
             , v.kind
             , coalesce(max(s.name), '') AS "subdomain!"
             , u.hour
             , coalesce(max(u.quantity) FILTER (WHERE u.meter = 'cpu'), 0)      AS "cpu_us!"
             , coalesce(max(u.quantity) FILTER (WHERE u.meter = 'memory'), 0)   AS "memory_byte_seconds!"
             , coalesce(max(u.quantity) FILTER (WHERE u.meter = 'database'), 0) AS "database_byte_seconds!"
             , coalesce(max(u.quantity) FILTER (WHERE u.meter = 'egress'), 0)   AS "egress_bytes!"
             , coalesce(max(u.quantity) FILTER (WHERE u.meter = 'requests'), 0) AS "requests!"
             , coalesce(max(u.covered_seconds) FILTER (WHERE u.meter = 'cpu'), 0) AS "cpu_covered_seconds!"
             , coalesce(max(u.quality) FILTER (WHERE u.meter = 'cpu'), '') AS "cpu_quality!"
             , coalesce(max(u.covered_seconds) FILTER (WHERE u.meter = 'memory'), 0) AS "memory_covered_seconds!"
             , coalesce(max(u.quality) FILTER (WHERE u.meter = 'memory'), '') AS "memory_quality!"
             , coalesce(max(u.covered_seconds) FILTER (WHERE u.meter = 'database'), 0) AS "database_covered_seconds!"
             , coalesce(max(u.quality) FILTER (WHERE u.meter = 'database'), '') AS "database_quality!"
             , coalesce(max(u.covered_seconds) FILTER (WHERE u.meter = 'egress'), 0) AS "egress_covered_seconds!"
             , coalesce(max(u.quality) FILTER (WHERE u.meter = 'egress'), '') AS "egress_quality!"
             , coalesce(max(u.covered_seconds) FILTER (WHERE u.meter = 'requests'), 0) AS "requests_covered_seconds!"
             , coalesce(max(u.quality) FILTER (WHERE u.meter = 'requests'), '') AS "requests_quality!"
             , (SELECT CASE WHEN looks.read_until > date_trunc('day', u.hour, 'UTC')
                            THEN (SELECT count(*)
                                    FROM user_days
                                   WHERE environment_id = v.id
                                     AND day = (u.hour AT TIME ZONE 'UTC')::date)
                       END
                  FROM user_looks looks
                 WHERE looks.environment_id = v.id) AS active_users_of_day
          FROM usage_hours u
          JOIN environments v ON v.id = u.environment_id
          JOIN projects p ON p.id = v.project_id
          JOIN accounts a ON a.id = v.account_id
          LEFT JOIN subdomains s ON s.environment_id = v.id
         WHERE u.hour >= $1
           AND u.hour < $2
           AND ($3::uuid IS NULL OR (u.hour, u.environment_id) > ($4, $3))
           AND ($5::uuid IS NULL OR a.id = $5)
           AND ($6::uuid IS NULL OR v.id = $6)
         GROUP BY u.hour, v.id, p.id, a.id
         ORDER BY u.hour, v.id
         LIMIT $7
        "#,
        after_hour,
        filter.until,
        after_environment,
        after_hour,
        filter.account.map(AccountId::uuid),
        filter.environment.map(EnvironmentId::uuid),
        limit,
    )
    .fetch_all(db)
    .await?)
}
