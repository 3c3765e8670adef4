//! Who used an Odoo, by day, as hashes.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId, RuntimeId};
use crate::db::StoreError;
use crate::metering::users::Due;
use crate::tenant_db::Activity;

/// Notes that environments are asked now, those first that have waited the longest, and returns them.
///
/// Those that were asked after `asked_before` are left alone, and so is what is not the customer's own yet.
pub async fn take_users_due(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    asked_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH due AS (
            SELECT runtimes.environment_id, runtimes.id, runtimes.claimed_at
              FROM runtimes
              LEFT JOIN user_looks ON user_looks.environment_id = runtimes.environment_id
             WHERE runtimes.environment_id IS NOT NULL
               AND runtimes.wanted <> 'gone'
               AND runtimes.state <> 'gone'
               AND runtimes.personalised_at IS NOT NULL
               AND (user_looks.looked_at IS NULL OR user_looks.looked_at <= $2
                    -- The clock has stepped back.
                    OR user_looks.looked_at > $1)
             ORDER BY user_looks.looked_at NULLS FIRST, runtimes.environment_id
             LIMIT $3
        ), asked AS (
            INSERT INTO user_looks (environment_id, looked_at)
            SELECT environment_id, $1
              FROM due
                ON CONFLICT (environment_id) DO UPDATE
               SET looked_at = excluded.looked_at
            RETURNING environment_id, read_until
        )
        SELECT due.environment_id AS "environment!: EnvironmentId"
             , due.id             AS "runtime: RuntimeId"
             , due.claimed_at     AS "claimed_at!"
             , asked.read_until
          FROM due
          JOIN asked USING (environment_id)
        "#,
        now,
        asked_before,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let due = rows.into_iter().map(|row| Due {
        environment: row.environment,
        runtime: row.runtime,
        claimed_at: row.claimed_at,
        read_until: row.read_until,
    });
    Ok(due.collect())
}

/// Keeps who was seen when. The same again changes nothing.
pub async fn keep_users(
    tx: &mut PgConnection,
    environment: EnvironmentId,
    seen: &[Activity],
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO user_days AS known (environment_id, day, user_hash, first_seen_at, last_seen_at)
        SELECT looks.environment_id
             , (seen.at AT TIME ZONE 'UTC')::date
             , sha256(looks.salt || int8send(seen.number))
             , min(seen.at)
             , max(seen.at)
          FROM user_looks looks
         CROSS JOIN UNNEST($2::bigint[], $3::timestamptz[]) AS seen (number, at)
         WHERE looks.environment_id = $1
         GROUP BY 1, 2, 3
         ORDER BY 1, 2, 3
            ON CONFLICT (environment_id, day, user_hash) DO UPDATE
           SET first_seen_at = least(known.first_seen_at, excluded.first_seen_at)
             , last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
        "#,
        environment as EnvironmentId,
        &seen.iter().map(|activity| activity.user).collect::<Vec<_>>(),
        &seen.iter().map(|activity| activity.at).collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes until when an environment's answers reach.
pub async fn note_look(
    tx: &mut PgConnection,
    environment: EnvironmentId,
    read_until: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE user_looks SET read_until = greatest(read_until, $2) WHERE environment_id = $1",
        environment as EnvironmentId,
        read_until,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts the people who used each of some of an account's environments in a period, of which something is known of it.
pub async fn count_users(
    db: &mut PgConnection,
    account: AccountId,
    environments: &[EnvironmentId],
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(EnvironmentId, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT v.id AS "environment: EnvironmentId"
             , count(DISTINCT days.user_hash) AS "users!"
          FROM environments v
          JOIN user_looks looks ON looks.environment_id = v.id AND looks.read_until > $3
          LEFT JOIN user_days days
                 ON days.environment_id = v.id
                AND days.day >= ($3::timestamptz AT TIME ZONE 'UTC')::date
                AND days.day <= ($4::timestamptz AT TIME ZONE 'UTC')::date
                AND days.last_seen_at >= $3
                AND days.first_seen_at < $4
         WHERE v.account_id = $1
           AND v.id = ANY($2)
         GROUP BY v.id
         ORDER BY v.id
        "#,
        account as AccountId,
        &environments.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        from,
        until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.environment, row.users)).collect())
}
