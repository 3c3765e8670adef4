//! Usage by hour: which hours are due, what samples say of them, what was derived.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::EnvironmentId;
use crate::db::StoreError;
use crate::metering::rollup::{self, Hour, Slice};
use crate::metering::{Meter, Quality};

/// An hour of one meter of one environment.
pub type HourKey = (EnvironmentId, Meter, DateTime<Utc>);

/// Takes hours that are to be derived again. They are gone when the transaction commits.
pub async fn take_due(tx: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<HourKey>, StoreError> {
    let rows = sqlx::query!(
        r#"
        DELETE FROM usage_due
         WHERE (environment_id, meter, hour) IN (
            SELECT environment_id, meter, hour
              FROM usage_due
             WHERE due_at <= $1
             ORDER BY due_at
             LIMIT $2
               FOR UPDATE SKIP LOCKED
         )
        RETURNING environment_id AS "environment: EnvironmentId", meter, hour
        "#,
        now,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let mut keys: Vec<HourKey> =
        rows.into_iter().filter_map(|row| Some((row.environment, Meter::from_word(&row.meter)?, row.hour))).collect();
    keys.sort_unstable();
    Ok(keys)
}

/// Returns everything that samples say of these hours.
pub async fn list_slices(db: &mut PgConnection, keys: &[HourKey]) -> Result<BTreeMap<HourKey, Vec<Slice>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT named.environment_id AS "environment!: EnvironmentId"
             , named.meter          AS "meter!"
             , named.hour           AS "hour!"
             , s.from_at
             , s.until_at
             , s.quantity::bigint   AS "quantity!"
             , s.quality
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) AS named (environment_id, meter, hour)
          JOIN meter_epochs e ON e.environment_id = named.environment_id AND e.meter = named.meter
           AND e.last_observed_at >= named.hour AND e.opened_at <= named.hour + interval '1 hour'
          JOIN meter_samples s ON s.epoch_id = e.id
           AND s.until_at >= named.hour AND s.from_at < named.hour + interval '1 hour'
        "#,
        &keys.iter().map(|key| key.0.uuid()).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1.as_str().to_owned()).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    let mut slices: BTreeMap<HourKey, Vec<Slice>> = BTreeMap::new();
    for row in rows {
        let (Some(meter), Some(quality)) = (Meter::from_word(&row.meter), Quality::from_word(&row.quality)) else {
            continue;
        };
        let slice = Slice { from: row.from_at, until: row.until_at, quantity: row.quantity, quality };
        slices.entry((row.environment, meter, row.hour)).or_default().push(slice);
    }
    Ok(slices)
}

/// Writes derived hours down; the same hour again replaces itself, and says when it became another one.
pub async fn put_hours(
    db: &mut PgConnection,
    hours: &[(EnvironmentId, Meter, Hour)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO usage_hours AS known (environment_id, meter, hour, quantity, covered_seconds, quality, changed_at)
        SELECT environment_id, meter, hour, quantity, covered_seconds, quality, $7
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::integer[], $6::text[])
            AS derived (environment_id, meter, hour, quantity, covered_seconds, quality)
            ON CONFLICT (environment_id, meter, hour) DO UPDATE
           SET quantity = excluded.quantity
             , covered_seconds = excluded.covered_seconds
             , quality = excluded.quality
             , changed_at = CASE WHEN known.quantity = excluded.quantity THEN known.changed_at ELSE excluded.changed_at END
        "#,
        &hours.iter().map(|it| it.0.uuid()).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.1.as_str().to_owned()).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.hour).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.quantity).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.covered_seconds).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.quality.as_str().to_owned()).collect::<Vec<_>>(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds up the days (UTC) of these hours from their hours.
///
/// In two statements: the first one holds the days, so that the second one, which looks anew, also sees the hours that
/// another worker has written meanwhile.
pub async fn add_up_days(db: &mut PgConnection, hours: &[(EnvironmentId, Meter, Hour)]) -> Result<(), StoreError> {
    let days: BTreeSet<HourKey> = hours.iter().map(|it| (it.0, it.1, rollup::day_of(it.2.hour))).collect();
    let environments: Vec<_> = days.iter().map(|day| day.0.uuid()).collect();
    let meters: Vec<_> = days.iter().map(|day| day.1.as_str().to_owned()).collect();
    let days: Vec<_> = days.iter().map(|day| day.2).collect();
    sqlx::query!(
        r#"
        INSERT INTO usage_days (environment_id, meter, day, quantity)
        SELECT environment_id, meter, day, 0
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) AS named (environment_id, meter, day)
            ON CONFLICT (environment_id, meter, day) DO UPDATE
           SET quantity = usage_days.quantity
        "#,
        &environments,
        &meters,
        &days,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        UPDATE usage_days AS d
           SET quantity = (
                SELECT sum(u.quantity)
                  FROM usage_hours u
                 WHERE u.environment_id = d.environment_id
                   AND u.meter = d.meter
                   AND u.hour >= d.day
                   AND u.hour < d.day + interval '24 hours'
           )
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) AS named (environment_id, meter, day)
         WHERE d.environment_id = named.environment_id
           AND d.meter = named.meter
           AND d.day = named.day
        "#,
        &environments,
        &meters,
        &days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes every hour of a period due, to be derived again from the samples.
pub async fn mark_due(
    db: &mut PgConnection,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO usage_due (environment_id, meter, hour, due_at)
        SELECT environment_id, meter, hour, $3
          FROM usage_hours
         WHERE hour >= $1
           AND hour < $2
            ON CONFLICT (environment_id, meter, hour) DO NOTHING
        "#,
        from,
        until,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
