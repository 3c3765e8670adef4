//! The readings that usage was derived from, as CSV: for whoever wants to see the numbers themselves. Any length, in constant memory.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::{Stream, stream};
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::store;
use crate::base::ids::{EnvironmentId, MeterEpochId};
use crate::db::StoreError;
use crate::exports::text::harmless;

/// Rows read at a time.
const PAGE: i64 = 2_000;

const COLUMNS: [&str; 8] = ["source", "number", "read_at", "value", "from", "until", "quantity", "quality"];

/// A reading that was taken in, and what it added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its number among those of its source, from 1.
    pub seq: i64,
    /// When it was taken.
    pub read_at: DateTime<Utc>,
    /// What was read.
    pub value: i64,
    /// The beginning of what it speaks of.
    pub from: DateTime<Utc>,
    /// The end of it.
    pub until: DateTime<Utc>,
    /// What it added, in raw units.
    pub quantity: Decimal,
    /// `measured`, `interpolated`, `lower_bound`.
    pub quality: String,
}

/// Of which meter of which environment, and when.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose; that it may be seen was found out before.
    pub environment: EnvironmentId,
    /// The meter's word.
    pub meter: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Where the file stands.
struct Progress {
    db: PgPool,
    wanted: Wanted,
    /// Sources that are still to be read; the present one is the last. `None`: they were not listed yet.
    sources: Option<Vec<(MeterEpochId, String)>>,
    after: i64,
}

/// Writes every reading that speaks of a time, source after source.
pub fn stream(db: PgPool, wanted: Wanted) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    stream::try_unfold(Progress { db, wanted, sources: None, after: 0 }, |mut progress| async move {
        let mut db = progress.db.acquire().await?;
        let Some(sources) = &mut progress.sources else {
            progress.sources = Some(store::list_sources(&mut db, &progress.wanted).await?);
            return Ok(Some((Bytes::from(csv([COLUMNS.map(str::to_owned)])), progress)));
        };
        while let Some((epoch, source)) = sources.last().cloned() {
            let readings = store::list_readings(&mut db, epoch, &progress.wanted, progress.after, PAGE).await?;
            if let Some(last) = readings.last() {
                progress.after = last.seq;
                let rows = readings.iter().map(|reading| cells(&source, reading));
                return Ok(Some((Bytes::from(csv(rows)), progress)));
            }
            sources.pop();
            progress.after = 0;
        }
        Ok(None)
    })
}

fn csv(rows: impl IntoIterator<Item = [String; 8]>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing to memory cannot fail.
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(source: &str, reading: &Reading) -> [String; 8] {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    [
        harmless(source).into_owned(),
        reading.seq.to_string(),
        instant(reading.read_at),
        reading.value.to_string(),
        instant(reading.from),
        instant(reading.until),
        reading.quantity.to_string(),
        reading.quality.clone(),
    ]
}
