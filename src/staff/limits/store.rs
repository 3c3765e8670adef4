//! Limits of the public's requests, and what was turned away. Staff see every account's.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Traffic;
use crate::base::ids::{AccountId, EnvironmentId, StaffId};
use crate::db::StoreError;

/// Returns what an environment gets, and what was turned away since then.
pub async fn traffic(db: &mut PgConnection, id: EnvironmentId, since: DateTime<Utc>) -> Result<Traffic, StoreError> {
    Ok(sqlx::query_as!(
        Traffic,
        r#"
        SELECT (SELECT requests_per_second FROM traffic_limits WHERE environment_id = $1) AS requests_per_second
             , coalesce(sum(limited), 0)::bigint AS "limited!"
             , coalesce(sum(busy), 0)::bigint AS "busy!"
          FROM ( -- Numbers of one process only grow: what it counted before does not count.
                 SELECT max(limited) - coalesce(max(limited) FILTER (WHERE observed_at < $2), 0) AS limited
                      , max(busy) - coalesce(max(busy) FILTER (WHERE observed_at < $2), 0) AS busy
                   FROM traffic_refusals
                  WHERE environment_id = $1
                  GROUP BY proxy_epoch ) AS processes
        "#,
        id as EnvironmentId,
        since,
    )
    .fetch_one(db)
    .await?)
}

/// Returns the account of an environment that is there, which nobody deletes meanwhile.
pub async fn lock_environment(db: &mut PgConnection, id: EnvironmentId) -> Result<Option<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT account_id AS "account: AccountId" FROM environments WHERE id = $1 AND status <> 'deleted' FOR UPDATE"#,
        id as EnvironmentId,
    )
    .fetch_optional(db)
    .await?)
}

/// Writes an environment's own limit.
pub async fn put(
    db: &mut PgConnection,
    id: EnvironmentId,
    limit: u32,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO traffic_limits (environment_id, requests_per_second, set_by, set_at)
        VALUES ($1, $2, $3, $4)
            ON CONFLICT (environment_id)
            DO UPDATE SET requests_per_second = excluded.requests_per_second
                        , set_by = excluded.set_by
                        , set_at = excluded.set_at
        "#,
        id as EnvironmentId,
        i32::try_from(limit).unwrap_or(i32::MAX),
        by as StaffId,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes an environment's own limit away.
pub async fn delete(db: &mut PgConnection, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM traffic_limits WHERE environment_id = $1", id as EnvironmentId).execute(db).await?;
    Ok(())
}

/// Deletes numbers of long ago, but the last of each process: what comes after it is the difference to it.
pub async fn delete_old(db: &mut PgConnection, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        DELETE FROM traffic_refusals AS old
         WHERE observed_at < $1
           AND EXISTS (SELECT FROM traffic_refusals AS newer
                        WHERE newer.environment_id = old.environment_id
                          AND newer.proxy_epoch = old.proxy_epoch
                          AND newer.observed_at > old.observed_at)
        "#,
        before
    )
    .execute(db)
    .await?;
    Ok(())
}
