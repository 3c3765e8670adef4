//! The metering tables. The only SQL about them, but for exports.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::counting::{self, Cursor, Reason, Sample, Verdict};
use super::rollup::{Hour, Slice, hours_of};
use super::{Meter, Observation, Quality};
use crate::base::ids::{AccountId, EnvironmentId, RuntimeId};
use crate::db::StoreError;

/// How long usage by hour may lag behind the samples.
const DERIVED_AFTER: TimeDelta = TimeDelta::minutes(3);

/// What became of numbers that came in together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many there were.
    pub received: usize,
    /// How many became samples.
    pub accepted: usize,
    /// How many said nothing new.
    pub duplicate: usize,
    /// How many cannot be right.
    pub refused: usize,
}

/// A runtime that belongs to an environment.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its code, which is its database's name.
    pub code: String,
    /// Whose it is.
    pub environment: EnvironmentId,
    /// Since when.
    pub claimed_at: DateTime<Utc>,
}

/// A part of a graph's line.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its beginning.
    pub at: DateTime<Utc>,
    /// What was used.
    pub quantity: Decimal,
    /// How many seconds samples speak of.
    pub seconds: Decimal,
}

/// Begins a look of one kind unless somebody has begun one a moment ago. Says whether it is this process's turn.
pub async fn begin_look(
    db: &mut PgConnection,
    kind: &str,
    now: DateTime<Utc>,
    every: TimeDelta,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO meter_looks (kind, looked_at)
        VALUES ($1, $2)
            ON CONFLICT (kind) DO UPDATE
           SET looked_at = excluded.looked_at
         WHERE meter_looks.looked_at <= $3
            -- The clock has stepped back.
            OR meter_looks.looked_at > $4
        "#,
        kind,
        now,
        now - every,
        now + every,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns every runtime that belongs to an environment and is not gone.
pub async fn list_claimed(db: &mut PgConnection) -> Result<Vec<Claimed>, StoreError> {
    Ok(sqlx::query_as!(
        Claimed,
        r#"
        SELECT id             AS "runtime: RuntimeId"
             , code
             , environment_id AS "environment!: EnvironmentId"
             , claimed_at     AS "claimed_at!"
          FROM runtimes
         WHERE environment_id IS NOT NULL
           AND state <> 'gone'
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// Takes what the proxies have written, up to `limit` rows, oldest first. They are gone when the transaction commits.
///
/// Rows of environments that do not exist (any more) are taken and dropped.
pub async fn take_traffic(tx: &mut PgConnection, limit: i64) -> Result<Vec<Observation>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH taken AS (
            DELETE FROM traffic_samples
             WHERE (proxy_epoch, environment_id, seq) IN (
                SELECT proxy_epoch, environment_id, seq
                  FROM traffic_samples
                 ORDER BY observed_at
                 LIMIT $1
                   FOR UPDATE SKIP LOCKED
             )
            RETURNING proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes
        )
        SELECT t.proxy_epoch    AS "proxy_epoch!"
             , t.environment_id AS "environment!: EnvironmentId"
             , t.observed_at    AS "observed_at!"
             , t.requests       AS "requests!"
             , t.egress_bytes   AS "egress_bytes!"
          FROM taken t
          JOIN environments e ON e.id = t.environment_id
         ORDER BY t.proxy_epoch, t.environment_id, t.seq
        "#,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let both = rows.into_iter().flat_map(|row| {
        [(Meter::Requests, row.requests), (Meter::Egress, row.egress_bytes)].map(|(meter, value)| Observation {
            environment: row.environment,
            meter,
            source: format!("proxy:{}", row.proxy_epoch),
            opened_at: row.observed_at,
            is_inherited: false,
            observed_at: row.observed_at,
            value,
        })
    });
    Ok(both.collect())
}

/// Judges numbers and keeps what they add: samples, cursors, refusals, and which hours are to be derived again.
///
/// One transaction: all of it is done, or none. Sources are locked in one order, so that two workers never wait for
/// each other.
pub async fn ingest(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    observations: &[Observation],
) -> Result<Batch, StoreError> {
    if observations.is_empty() {
        return Ok(Batch::default());
    }
    let mut sources: BTreeMap<(EnvironmentId, &str, &str), Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        let key = (observation.environment, observation.meter.as_str(), observation.source.as_str());
        sources.entry(key).or_default().push(observation);
    }
    open_epochs(tx, now, &sources).await?;
    let cursors = lock_cursors(tx, &sources).await?;
    let mut batch = Batch { received: observations.len(), ..Batch::default() };
    let mut samples: Vec<(Uuid, Meter, EnvironmentId, Sample)> = Vec::new();
    let mut refusals: Vec<(&Observation, Reason)> = Vec::new();
    for (key, mut observations) in sources {
        let Some((epoch, mut cursor)) = cursors.get(&(key.0, key.1.to_owned(), key.2.to_owned())).copied() else {
            continue;
        };
        observations.sort_by_key(|observation| (observation.observed_at, observation.value));
        for observation in observations {
            match counting::judge(&cursor, observation) {
                Verdict::Accepted(sample) => {
                    batch.accepted += 1;
                    cursor.last_seq = sample.seq;
                    cursor.last_value = sample.value;
                    cursor.last_observed_at = sample.observed_at;
                    samples.push((epoch, observation.meter, observation.environment, sample));
                }
                Verdict::Duplicate => batch.duplicate += 1,
                Verdict::Refused(reason) => {
                    batch.refused += 1;
                    refusals.push((observation, reason));
                }
            }
        }
    }
    insert_samples(tx, now, &samples).await?;
    insert_batch(tx, now, batch, &refusals).await?;
    Ok(batch)
}

type Sources<'a> = BTreeMap<(EnvironmentId, &'a str, &'a str), Vec<&'a Observation>>;

async fn open_epochs(tx: &mut PgConnection, now: DateTime<Utc>, sources: &Sources<'_>) -> Result<(), StoreError> {
    let firsts: Vec<(&Observation, Cursor)> = sources
        .values()
        .filter_map(|observations| observations.iter().min_by_key(|observation| observation.observed_at))
        .map(|first| (*first, counting::opened(first)))
        .collect();
    let ids: Vec<Uuid> = firsts.iter().map(|_| crate::base::ids::MeterEpochId::new(now).uuid()).collect();
    sqlx::query!(
        r#"
        INSERT INTO meter_epochs (id, environment_id, meter, source, opened_at, base_value, last_value, last_observed_at)
        SELECT id, environment_id, meter, source, last_observed_at, base_value, base_value, last_observed_at
          FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
            AS opened (id, environment_id, meter, source, base_value, last_observed_at)
         ORDER BY environment_id, meter, source
            ON CONFLICT (environment_id, meter, source) DO NOTHING
        "#,
        &ids,
        &firsts.iter().map(|(first, _)| first.environment.uuid()).collect::<Vec<_>>(),
        &firsts.iter().map(|(first, _)| first.meter.as_str().to_owned()).collect::<Vec<_>>(),
        &firsts.iter().map(|(first, _)| first.source.clone()).collect::<Vec<_>>(),
        &firsts.iter().map(|(_, cursor)| cursor.last_value).collect::<Vec<_>>(),
        &firsts.iter().map(|(_, cursor)| cursor.last_observed_at).collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

type Cursors = BTreeMap<(EnvironmentId, String, String), (Uuid, Cursor)>;

async fn lock_cursors(tx: &mut PgConnection, sources: &Sources<'_>) -> Result<Cursors, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT e.id
             , e.environment_id AS "environment: EnvironmentId"
             , e.meter
             , e.source
             , e.last_seq
             , e.last_value
             , e.last_observed_at
             , (e.last_seq = 0 AND EXISTS (
                   SELECT
                     FROM meter_epochs o
                    WHERE o.environment_id = e.environment_id
                      AND o.meter = e.meter
                      AND o.id <> e.id
                      AND o.last_seq > 0
               )) AS "follows_another!"
          FROM meter_epochs e
          JOIN UNNEST($1::uuid[], $2::text[], $3::text[]) AS named (environment_id, meter, source)
            ON (e.environment_id, e.meter, e.source) = (named.environment_id, named.meter, named.source)
         ORDER BY e.environment_id, e.meter, e.source
           FOR NO KEY UPDATE OF e
        "#,
        &sources.keys().map(|key| key.0.uuid()).collect::<Vec<_>>(),
        &sources.keys().map(|key| key.1.to_owned()).collect::<Vec<_>>(),
        &sources.keys().map(|key| key.2.to_owned()).collect::<Vec<_>>(),
    )
    .fetch_all(tx)
    .await?;
    let cursor = |last_seq, last_value, last_observed_at, follows_another| Cursor {
        last_seq,
        last_value,
        last_observed_at,
        follows_another,
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let cursor = cursor(row.last_seq, row.last_value, row.last_observed_at, row.follows_another);
            ((row.environment, row.meter, row.source), (row.id, cursor))
        })
        .collect())
}

async fn insert_samples(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    samples: &[(Uuid, Meter, EnvironmentId, Sample)],
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO meter_samples (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
        SELECT epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality
          FROM UNNEST($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::text[])
            AS accepted (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
        "#,
        &samples.iter().map(|it| it.0).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.seq).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.from_at).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.until_at).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.observed_at).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.value).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.quantity).collect::<Vec<_>>(),
        &samples.iter().map(|it| it.3.quality.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .execute(&mut *tx)
    .await?;
    let last: BTreeMap<Uuid, Sample> = samples.iter().map(|it| (it.0, it.3)).collect();
    sqlx::query!(
        r#"
        UPDATE meter_epochs e
           SET last_seq = moved.seq
             , last_value = moved.value
             , last_observed_at = moved.observed_at
          FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS moved (id, seq, value, observed_at)
         WHERE e.id = moved.id
        "#,
        &last.keys().copied().collect::<Vec<_>>(),
        &last.values().map(|sample| sample.seq).collect::<Vec<_>>(),
        &last.values().map(|sample| sample.value).collect::<Vec<_>>(),
        &last.values().map(|sample| sample.observed_at).collect::<Vec<_>>(),
    )
    .execute(&mut *tx)
    .await?;
    let touched = samples.iter().flat_map(|(_, meter, environment, sample)| {
        hours_of(sample.from_at, sample.until_at).into_iter().map(|hour| (*environment, *meter, hour))
    });
    let touched: std::collections::BTreeSet<_> = touched.collect();
    sqlx::query!(
        r#"
        INSERT INTO usage_due (environment_id, meter, hour, due_at)
        SELECT environment_id, meter, hour, $4
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[]) AS touched (environment_id, meter, hour)
            ON CONFLICT (environment_id, meter, hour) DO NOTHING
        "#,
        &touched.iter().map(|it| it.0.uuid()).collect::<Vec<_>>(),
        &touched.iter().map(|it| it.1.as_str().to_owned()).collect::<Vec<_>>(),
        &touched.iter().map(|it| it.2).collect::<Vec<_>>(),
        now + DERIVED_AFTER,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_batch(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    batch: Batch,
    refusals: &[(&Observation, Reason)],
) -> Result<(), StoreError> {
    let id = crate::base::ids::MeterBatchId::new(now);
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO meter_batches (id, taken_at, received, accepted, duplicate, refused) VALUES ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        now,
        count(batch.received),
        count(batch.accepted),
        count(batch.duplicate),
        count(batch.refused),
    )
    .execute(&mut *tx)
    .await?;
    for (observation, reason) in refusals {
        sqlx::query!(
            r#"
            INSERT INTO meter_refusals (batch_id, environment_id, meter, source, observed_at, value, reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            "#,
            id.uuid(),
            observation.environment as EnvironmentId,
            observation.meter.as_str(),
            observation.source,
            observation.observed_at,
            observation.value,
            reason.as_str(),
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

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

/// Writes derived hours down; the same hour again replaces itself.
pub async fn put_hours(db: &mut PgConnection, hours: &[(EnvironmentId, Meter, Hour)]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
        SELECT environment_id, meter, hour, quantity, covered_seconds, quality
          FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::integer[], $6::text[])
            AS derived (environment_id, meter, hour, quantity, covered_seconds, quality)
            ON CONFLICT (environment_id, meter, hour) DO UPDATE
           SET quantity = excluded.quantity
             , covered_seconds = excluded.covered_seconds
             , quality = excluded.quality
        "#,
        &hours.iter().map(|it| it.0.uuid()).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.1.as_str().to_owned()).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.hour).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.quantity).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.covered_seconds).collect::<Vec<_>>(),
        &hours.iter().map(|it| it.2.quality.as_str().to_owned()).collect::<Vec<_>>(),
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

/// Returns one meter of an account's environment in steps: from the samples, which are newer than the hours.
///
/// A sample belongs to the step that it ends in.
pub async fn list_steps(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    step: TimeDelta,
) -> Result<Vec<Step>, StoreError> {
    Ok(sqlx::query_as!(
        Step,
        r#"
        SELECT date_bin(make_interval(secs => $6::bigint), s.observed_at, $4) AS "at!"
             , sum(s.quantity) AS "quantity!"
             , sum(extract(epoch FROM s.until_at - s.from_at)) AS "seconds!"
          FROM environments v
          JOIN meter_epochs e ON e.environment_id = v.id AND e.meter = $3 AND e.last_observed_at >= $4
          JOIN meter_samples s ON s.epoch_id = e.id AND s.until_at >= $4 AND s.observed_at >= $4 AND s.observed_at < $5
         WHERE v.id = $1
           AND v.account_id = $2
         GROUP BY 1
         ORDER BY 1
        "#,
        environment as EnvironmentId,
        account as AccountId,
        meter.as_str(),
        from,
        until,
        step.num_seconds(),
    )
    .fetch_all(db)
    .await?)
}

/// Returns what an account used, in all environments or in one, from one hour to another.
pub async fn list_totals(
    db: &mut PgConnection,
    account: AccountId,
    environment: Option<EnvironmentId>,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(Meter, Decimal)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT u.meter
             , sum(u.quantity) AS "quantity!"
          FROM environments v
          JOIN usage_hours u ON u.environment_id = v.id
         WHERE v.account_id = $1
           AND ($2::uuid IS NULL OR v.id = $2)
           AND u.hour >= $3
           AND u.hour < $4
         GROUP BY u.meter
        "#,
        account as AccountId,
        environment.map(EnvironmentId::uuid),
        from,
        until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((Meter::from_word(&row.meter)?, row.quantity))).collect())
}

/// Returns what each of some of an account's environments used, from one hour to another.
pub async fn list_totals_by_environment(
    db: &mut PgConnection,
    account: AccountId,
    environments: &[EnvironmentId],
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(EnvironmentId, Meter, Decimal)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT u.environment_id AS "environment: EnvironmentId"
             , u.meter
             , sum(u.quantity) AS "quantity!"
          FROM environments v
          JOIN usage_hours u ON u.environment_id = v.id
         WHERE v.account_id = $1
           AND v.id = ANY($2)
           AND u.hour >= $3
           AND u.hour < $4
         GROUP BY u.environment_id, u.meter
        "#,
        account as AccountId,
        &environments.iter().map(|id| id.uuid()).collect::<Vec<_>>(),
        from,
        until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.environment, Meter::from_word(&row.meter)?, row.quantity)))
        .collect())
}

/// Returns the newest number of one meter of an account's environment.
pub async fn last_value(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT e.last_value
          FROM environments v
          JOIN meter_epochs e ON e.environment_id = v.id
         WHERE v.id = $1
           AND v.account_id = $2
           AND e.meter = $3
         ORDER BY e.last_observed_at DESC
         LIMIT 1
        "#,
        environment as EnvironmentId,
        account as AccountId,
        meter.as_str(),
    )
    .fetch_optional(db)
    .await?)
}
