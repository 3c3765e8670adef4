//! Takes numbers at the usual times and keeps what they add. Several workers may do this; one does it each time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::store::{self, Batch, Claimed, Holders};
use super::{Holder, Meter, Observation, rollup};
use crate::base::chain;
use crate::base::clock::Clock;
use crate::base::crash;
use crate::base::ids::RuntimeId;
use crate::engine::{Engine, Reading};
use crate::tenant_db::TenantDb;

/// Time between two looks at containers and proxies.
pub const SAMPLE_EVERY: TimeDelta = TimeDelta::seconds(60);
/// Time between two looks at the sizes of databases, each of which reads a folder of some thousand files.
pub const DATABASES_EVERY: TimeDelta = TimeDelta::seconds(300);
/// Time between two derivations of hours.
const DERIVE_EVERY: TimeDelta = TimeDelta::seconds(20);
/// How often it is asked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A look may begin this much early, so that the time between two never grows beyond the limit.
const EARLY: TimeDelta = TimeDelta::seconds(5);
/// Rows of the proxies taken in one transaction.
const TRAFFIC_AT_ONCE: i64 = 20_000;
/// Hours derived in one transaction.
const HOURS_AT_ONCE: i64 = 5_000;

/// What sampling reaches. Cheap to copy.
#[derive(Clone)]
pub struct Sampler {
    /// The control database, with the worker's role.
    pub db: PgPool,
    /// The time.
    pub clock: Clock,
    /// The engine, which counts CPU and memory.
    pub engine: Engine,
    /// The tenants' database server, which knows sizes.
    pub tenants: TenantDb,
}

/// Samples until told to stop.
pub async fn run(sampler: Sampler, stop: CancellationToken) {
    loop {
        sampler.tick().await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Sampler {
    /// Does whatever is due. A part that fails is logged and tried again when it is due the next time: counters lose
    /// nothing by it.
    pub async fn tick(&self) {
        let parts = [
            ("containers", self.containers_if_due().await),
            ("databases", self.databases_if_due().await),
            ("hours", self.hours_if_due().await),
        ];
        for (part, done) in parts {
            if let Err(error) = done {
                tracing::warn!(part, error = chain::of_any(&error), "metering failed and will be tried again");
            }
        }
    }

    async fn is_due(&self, kind: &str, every: TimeDelta) -> anyhow::Result<bool> {
        let mut db = self.db.acquire().await?;
        Ok(store::begin_look(&mut db, kind, self.clock.now(), every - EARLY).await?)
    }

    async fn containers_if_due(&self) -> anyhow::Result<()> {
        if self.is_due("engine", SAMPLE_EVERY).await? {
            // What the proxies wrote must not wait for an engine that is away.
            let traffic = self.take_traffic().await;
            self.take_containers().await?;
            traffic?;
        }
        Ok(())
    }

    async fn databases_if_due(&self) -> anyhow::Result<()> {
        if self.is_due("databases", DATABASES_EVERY).await? {
            self.take_databases().await?;
        }
        Ok(())
    }

    async fn hours_if_due(&self) -> anyhow::Result<()> {
        if self.is_due("usage", DERIVE_EVERY).await? {
            self.derive_hours().await?;
        }
        Ok(())
    }

    /// Reads every container's counters.
    pub async fn take_containers(&self) -> anyhow::Result<Batch> {
        let readings = self.engine.readings().await.context("read the counters of containers")?;
        let mut tx = self.db.begin().await?;
        let claimed = store::list_claimed(&mut tx).await?;
        let now = self.clock.now();
        let numbers = of_containers(&readings, &claimed, now);
        let batch = store::ingest_held(&mut tx, now, &numbers, &holders(&readings)).await?;
        crash::point("containers:middle");
        tx.commit().await?;
        crash::point("containers:after");
        Ok(batch)
    }

    /// Takes what the proxies counted.
    pub async fn take_traffic(&self) -> anyhow::Result<Batch> {
        let mut sum = Batch::default();
        loop {
            let mut tx = self.db.begin().await?;
            let observations = store::take_traffic(&mut tx, TRAFFIC_AT_ONCE).await?;
            let batch = store::ingest(&mut tx, self.clock.now(), &observations).await?;
            crash::point("traffic:middle");
            tx.commit().await?;
            crash::point("traffic:after");
            sum.received += batch.received;
            sum.accepted += batch.accepted;
            sum.duplicate += batch.duplicate;
            sum.refused += batch.refused;
            // Each row becomes two numbers.
            if i64::try_from(observations.len()).unwrap_or(0) < TRAFFIC_AT_ONCE {
                return Ok(sum);
            }
        }
    }

    /// Reads the size of every database.
    pub async fn take_databases(&self) -> anyhow::Result<Batch> {
        let sizes = self.tenants.sizes().await.context("read the sizes of databases")?;
        let mut tx = self.db.begin().await?;
        let claimed = store::list_claimed(&mut tx).await?;
        let now = self.clock.now();
        let by_code: BTreeMap<&str, &Claimed> =
            claimed.iter().map(|claimed| (claimed.code.as_str(), claimed)).collect();
        let observations: Vec<Observation> = sizes
            .iter()
            .filter_map(|(database, size)| {
                let claimed = by_code.get(database.as_str())?;
                Some(Observation {
                    environment: claimed.environment,
                    meter: Meter::Database,
                    source: format!("database:{database}"),
                    opened_at: claimed.claimed_at,
                    is_inherited: false,
                    observed_at: now,
                    value: size.bytes,
                })
            })
            .collect();
        let batch = store::ingest(&mut tx, now, &observations).await?;
        crash::point("databases:middle");
        tx.commit().await?;
        crash::point("databases:after");
        Ok(batch)
    }

    /// Derives every hour that is due, and returns how many.
    pub async fn derive_hours(&self) -> anyhow::Result<usize> {
        let mut derived = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let now = self.clock.now();
            let keys = store::take_due(&mut tx, now, HOURS_AT_ONCE).await?;
            if keys.is_empty() {
                return Ok(derived);
            }
            let slices = store::list_slices(&mut tx, &keys).await?;
            let hours: Vec<_> = slices
                .iter()
                .filter_map(|((environment, meter, hour), slices)| {
                    Some((*environment, *meter, rollup::derive(*hour, slices)?))
                })
                .collect();
            store::put_hours(&mut tx, &hours, now).await?;
            crash::point("hours:middle");
            store::add_up_days(&mut tx, &hours).await?;
            tx.commit().await?;
            crash::point("hours:after");
            derived += keys.len();
        }
    }
}

/// Says what readings of containers mean for environments. A spare's are nobody's.
fn of_containers(readings: &[Reading], claimed: &[Claimed], now: DateTime<Utc>) -> Vec<Observation> {
    let by_runtime: BTreeMap<RuntimeId, &Claimed> = claimed.iter().map(|claimed| (claimed.runtime, claimed)).collect();
    let of = |reading: &Reading| -> Option<[Observation; 2]> {
        // What goes on where the runtime was, after that machine was lost, is not its customer's to pay.
        let claimed = by_runtime
            .get(&reading.runtime)
            .filter(|claimed| claimed.nodes.is_empty() || claimed.nodes.contains(&reading.node))?;
        let cpu_micros = i64::try_from(reading.cpu_nanos / 1000).ok()?;
        let memory_bytes = i64::try_from(reading.memory_bytes).ok()?;
        Some([(Meter::Cpu, cpu_micros), (Meter::Memory, memory_bytes)].map(|(meter, value)| Observation {
            environment: claimed.environment,
            meter,
            source: source_of(reading),
            opened_at: reading.started_at.max(claimed.claimed_at).min(now),
            is_inherited: reading.started_at < claimed.claimed_at,
            observed_at: now,
            value,
        }))
    };
    readings.iter().filter_map(of).flatten().collect()
}

fn source_of(reading: &Reading) -> String {
    format!("container:{}", reading.container)
}

/// Says which service each container is of. One of which the engine says nothing is fenced by nobody.
fn holders(readings: &[Reading]) -> Holders {
    let held = readings.iter().filter(|reading| !reading.service.is_empty()).filter_map(|reading| {
        let generation = i64::try_from(reading.generation).ok()?;
        Some((source_of(reading), Holder { service: reading.service.clone(), generation }))
    });
    held.collect()
}
