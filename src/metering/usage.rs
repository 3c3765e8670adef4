//! Usage for pages: lines of a graph, and totals of a period. Always of one account.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgConnection;

use super::{Meter, Quality, store, units};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// One step of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its beginning.
    pub at: DateTime<Utc>,
    /// The average during the step (thousandths of a core, bytes of memory, bytes of database), or the sum of it
    /// (bytes sent, requests). `None` when nothing is known of the step.
    pub value: Option<i64>,
}

/// What was used of one meter in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The meter.
    pub meter: Meter,
    /// In the meter's raw unit.
    pub quantity: Decimal,
    /// In the unit that prices are given in.
    pub priced: Decimal,
}

/// Returns the line of one meter of an environment from `from` to `until`, in steps of at least a minute.
///
/// Empty for an environment of another account.
pub async fn series(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    meter: Meter,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    step: TimeDelta,
) -> Result<Vec<Point>, StoreError> {
    let step = step.max(TimeDelta::minutes(1));
    // A month of minutes is much to read for a hundred points; the hours say the same, some minutes later.
    let is_hours = step.num_seconds() % 3600 == 0 && from.timestamp() % 3600 == 0;
    let whose = (account, environment);
    let buckets = if is_hours {
        store::list_steps_of_hours(db, whose, meter, (from, until), step).await?
    } else {
        store::list_steps(db, whose, meter, (from, until), step).await?
    };
    let mut points = Vec::new();
    let mut at = from;
    // No graph has more points than this.
    while at < until && points.len() < 2000 {
        let found = buckets.iter().find(|bucket| bucket.at == at);
        points.push(Point { at, value: found.and_then(|bucket| shown(meter, bucket)) });
        at += step;
    }
    Ok(points)
}

/// Returns what an environment used from `from` to `until` (whole hours), of every meter, in the order of [`Meter::ALL`].
pub async fn totals(
    db: &mut PgConnection,
    (account, environment): (AccountId, EnvironmentId),
    period: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Total>, StoreError> {
    let found = store::list_totals(db, account, &[environment], period).await?;
    let total = |meter: Meter| {
        let quantity = found.iter().filter(|(_, of, _)| *of == meter).map(|(.., quantity)| *quantity).sum();
        Total { meter, quantity, priced: units::priced(meter, quantity) }
    };
    Ok(Meter::ALL.map(total).to_vec())
}

/// How much of a period is known of one meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The meter.
    pub meter: Meter,
    /// The seconds that samples speak of, added up from whole hours.
    pub covered_seconds: i64,
    /// The other seconds of its life within the period: it was stopped, it slept, or nobody looked. Nothing is billed for them.
    ///
    /// `None` for what proxies count: they write when something happens, so silence is a zero and no gap.
    pub gap_seconds: Option<i64>,
    /// The worst quality of its hours; `None` when there are none.
    pub quality: Option<Quality>,
}

/// Returns how much is known of an account's environment from one hour to another, of every meter in the order of
/// [`Meter::ALL`]. `until` is not in the future: what has not come yet would be a gap.
///
/// Covered and gap seconds together are the life of the environment within the period. Empty for another account's.
pub async fn coverage(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    period: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Coverage>, StoreError> {
    let found = store::list_coverage(db, (account, environment), period).await?;
    let coverage = |meter: Meter| {
        let row = found.iter().find(|row| row.meter == meter)?;
        let is_seen_always = !matches!(meter, Meter::Egress | Meter::Requests);
        Some(Coverage {
            meter,
            covered_seconds: row.covered_seconds,
            gap_seconds: is_seen_always.then(|| (row.life_seconds - row.covered_seconds).max(0)),
            quality: row.quality,
        })
    };
    Ok(Meter::ALL.into_iter().filter_map(coverage).collect())
}

/// Returns how many people used each of some of an account's environments in a period: internal users with a session, each
/// once, whatever they used.
///
/// An environment of whose sessions nothing is known yet, for the period, is left out: that is not zero.
pub async fn active_users(
    db: &mut PgConnection,
    account: AccountId,
    environments: &[EnvironmentId],
    period: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(EnvironmentId, i64)>, StoreError> {
    store::count_users(db, account, environments, period).await
}

/// Returns the newest known size of the environment's database, in bytes.
pub async fn database_bytes(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> Result<Option<i64>, StoreError> {
    store::last_value(db, (account, environment), Meter::Database).await
}

fn shown(meter: Meter, bucket: &store::Step) -> Option<i64> {
    let per_second = |divisor: i64| {
        (bucket.seconds > Decimal::ZERO).then(|| bucket.quantity / bucket.seconds / Decimal::from(divisor))
    };
    let value = match meter {
        // Microseconds in a second are millionths of a core.
        Meter::Cpu => per_second(1000)?,
        Meter::Memory | Meter::Database => per_second(1)?,
        Meter::Egress | Meter::Requests => bucket.quantity,
    };
    i64::try_from(value.trunc()).ok()
}
