//! What comes in: samples, the cursors that they move, refusals, and the hours that become due.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::generations::{self, Generations};
use crate::base::ids::{EnvironmentId, MeterBatchId, MeterEpochId};
use crate::db::StoreError;
use crate::metering::counting::{self, Cursor, Reason, Sample, Verdict};
use crate::metering::rollup::hours_of;
use crate::metering::{Holder, Meter, Observation};

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

/// Which service the container of each source is of; sources that are no containers have none.
pub type Holders = BTreeMap<String, Holder>;

/// Judges numbers of sources that are no containers; see [`ingest_held`].
pub async fn ingest(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    observations: &[Observation],
) -> Result<Batch, StoreError> {
    ingest_held(tx, now, observations, &Holders::new()).await
}

/// Judges numbers and keeps what they add: samples, cursors, refusals, and which hours are to be derived again.
///
/// One transaction: all of it is done, or none. Sources are locked in one order, so that two workers never wait for
/// each other.
pub async fn ingest_held(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    observations: &[Observation],
    holders: &Holders,
) -> Result<Batch, StoreError> {
    if observations.is_empty() {
        return Ok(Batch::default());
    }
    let mut refusals: Vec<(&Observation, Reason)> = Vec::new();
    let mut in_time = Vec::new();
    for observation in observations {
        match counting::out_of_time(observation.observed_at, now) {
            Some(reason) => refusals.push((observation, reason)),
            None => in_time.push(observation),
        }
    }
    let mut batch = Batch { received: observations.len(), refused: refusals.len(), ..Batch::default() };
    let mut sources = Sources::new();
    for observation in &in_time {
        let key = (observation.environment, observation.meter.as_str(), observation.source.as_str());
        sources.entry(key).or_default().push(observation);
    }
    open_epochs(tx, now, &sources).await?;
    let cursors = lock_cursors(tx, &sources).await?;
    let generations = generations::note(tx, &in_time, holders).await?;
    let mut samples: Vec<(Uuid, Meter, EnvironmentId, Sample)> = Vec::new();
    for (key, mut observations) in sources {
        let Some((epoch, mut cursor)) = cursors.get(&(key.0, key.1.to_owned(), key.2.to_owned())).copied() else {
            continue;
        };
        observations.sort_by_key(|observation| (observation.observed_at, observation.value));
        for observation in observations {
            match counting::judge(&cursor, observation) {
                Verdict::Accepted(_) if is_fenced(observation, holders, &generations) => {
                    batch.refused += 1;
                    refusals.push((observation, Reason::Fenced));
                }
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

fn is_fenced(observation: &Observation, holders: &Holders, generations: &Generations) -> bool {
    let Some(holder) = holders.get(&observation.source) else { return false };
    let seen = generations.get(&(observation.environment, holder.service.clone()));
    seen.is_some_and(|seen| counting::is_fenced(holder.generation, observation.observed_at, seen))
}

type Sources<'a> = BTreeMap<(EnvironmentId, &'a str, &'a str), Vec<&'a Observation>>;

async fn open_epochs(tx: &mut PgConnection, now: DateTime<Utc>, sources: &Sources<'_>) -> Result<(), StoreError> {
    let firsts: Vec<(&Observation, Cursor)> = sources
        .values()
        .filter_map(|observations| observations.iter().min_by_key(|observation| observation.observed_at))
        .map(|first| (*first, counting::opened(first)))
        .collect();
    let ids: Vec<Uuid> = firsts.iter().map(|_| MeterEpochId::new(now).uuid()).collect();
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
    let touched: BTreeSet<_> = touched.collect();
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
    let id = MeterBatchId::new(now);
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
