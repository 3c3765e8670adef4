//! Numbers that were refused, for people.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
use crate::metering::Meter;
use crate::metering::counting::Reason;
use crate::metering::refusals::Refusal;

/// Returns what was refused in a period, added up by source and reason, the newest first.
pub async fn list_refusals(
    db: &mut PgConnection,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    (account, environment): (Option<AccountId>, Option<EnvironmentId>),
    limit: i64,
) -> Result<Vec<Refusal>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT a.id   AS "account: AccountId"
             , a.name AS account_name
             , v.id   AS "environment: EnvironmentId"
             , v.name AS environment_name
             , r.meter
             , r.source
             , r.reason
             , count(*) AS "times!"
             , max(b.taken_at) AS "taken_at!"
             , max(r.observed_at) AS "observed_at!"
          FROM meter_batches b
          JOIN meter_refusals r ON r.batch_id = b.id
          JOIN environments v ON v.id = r.environment_id
          JOIN accounts a ON a.id = v.account_id
         WHERE b.taken_at >= $1
           AND b.taken_at < $2
           AND b.refused > 0
           AND ($3::uuid IS NULL OR a.id = $3)
           AND ($4::uuid IS NULL OR v.id = $4)
         GROUP BY a.id, v.id, r.meter, r.source, r.reason
         ORDER BY max(b.taken_at) DESC, v.id, r.meter, r.source, r.reason
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
        Some(Refusal {
            account: row.account,
            account_name: row.account_name,
            environment: row.environment,
            environment_name: row.environment_name,
            meter: Meter::from_word(&row.meter)?,
            source: row.source,
            reason: Reason::from_word(&row.reason)?,
            times: row.times,
            taken_at: row.taken_at,
            observed_at: row.observed_at,
        })
    });
    Ok(known.collect())
}
