//! Batches of several counters and gauges that come again, in any order, or late (I4).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sayoo::metering::{Meter, Observation, store};
use sqlx::PgPool;

use super::world::{Instance, World, start};

/// How many minutes there are batches of.
const MINUTES: i64 = 240;
/// How many orders are tried.
const ORDERS: u64 = 8;

/// Numbers that look random and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 16).unwrap() % limit
    }

    fn number(&mut self, limit: usize) -> i64 {
        i64::try_from(self.below(limit)).unwrap()
    }

    fn shuffled<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        let mut all = all.to_vec();
        for place in (1..all.len()).rev() {
            all.swap(place, self.below(place + 1));
        }
        all
    }
}

/// What collectors say in four hours of two instances: five meters, a container that is replaced, a proxy that begins anew,
/// and an hour in which nobody looked.
fn batches(instances: &[&Instance]) -> Vec<Vec<Observation>> {
    let mut dice = Dice(7);
    let mut counters: BTreeMap<(usize, &str, String), i64> = BTreeMap::new();
    let mut all = Vec::new();
    for minute in (1..=MINUTES).filter(|minute| !(60..120).contains(minute)) {
        let observed_at = start() + TimeDelta::minutes(minute);
        let mut batch = Vec::new();
        for (number, instance) in instances.iter().enumerate() {
            let container = format!("container:{}", minute / 150);
            let (proxy, database) = (format!("proxy:{}", minute / 100), "database:d".to_owned());
            let opened_at = start() + TimeDelta::minutes(if minute < 150 { 0 } else { 150 });
            for (meter, source) in [
                (Meter::Cpu, &container),
                (Meter::Memory, &container),
                (Meter::Requests, &proxy),
                (Meter::Egress, &proxy),
                (Meter::Database, &database),
            ] {
                if meter == Meter::Database && minute % 5 != 0 {
                    continue;
                }
                let value = counters.entry((number, meter.as_str(), source.clone())).or_default();
                *value = match meter {
                    Meter::Memory | Meter::Database => 1_000_000 + dice.number(5_000_000),
                    _ => *value + dice.number(10_000),
                };
                batch.push(Observation {
                    environment: instance.environment,
                    meter,
                    source: source.clone(),
                    opened_at: if meter == Meter::Database { start() } else { opened_at },
                    is_inherited: false,
                    observed_at,
                    value: *value,
                });
            }
        }
        all.push(batch);
    }
    all
}

impl World {
    /// Derives everything again, whatever is due.
    async fn derive_all_again(&self) {
        let day = (start() - TimeDelta::days(1), start() + TimeDelta::days(1));
        store::mark_due(&mut self.db.acquire().await.unwrap(), day, start()).await.unwrap();
        self.sampler.derive_hours().await.unwrap();
    }

    /// All that was kept of what came: samples, hours and days, as text.
    async fn kept(&self) -> Vec<String> {
        let mut all = self.hours().await;
        for sql in [
            "SELECT format('%s %s', e.source, s) FROM meter_samples s JOIN meter_epochs e ON e.id = s.epoch_id ORDER BY 1",
            "SELECT d::text FROM usage_days d ORDER BY 1",
        ] {
            all.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&self.db).await.unwrap());
        }
        all
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_has_come_may_come_again_in_any_order_and_any_part_and_changes_nothing(db: PgPool) {
    let world = World::new(db);
    let (alice, bob) = (world.instance("alice", 0).await, world.instance("bob", 0).await);
    let batches = batches(&[&alice, &bob]);
    for batch in &batches {
        let came = world.ingest(batch).await;
        assert_eq!((came.accepted, came.received), (batch.len(), batch.len()), "{came:?}");
    }
    world.advance((MINUTES + 60) * 60);
    world.sampler.derive_hours().await.unwrap();
    world.check_invariants().await;
    let kept = world.kept().await;
    for seed in 0..ORDERS {
        let mut dice = Dice(seed);
        let again = dice.shuffled(&batches);
        // Any part of them, some of them twice, with hours derived in between.
        let part = 1 + dice.below(again.len());
        for (number, batch) in again.iter().take(part).chain(&again[..part / 3]).enumerate() {
            let came = world.ingest(batch).await;
            assert_eq!((came.accepted, came.refused), (0, 0), "seed {seed}: {came:?}");
            if number % 50 == 0 {
                world.derive_all_again().await;
            }
        }
        world.derive_all_again().await;
        assert_eq!(world.kept().await, kept, "seed {seed}");
        world.check_invariants().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_comes_late_a_counter_loses_nothing_and_nothing_is_counted_twice(db: PgPool) {
    let world = World::new(db);
    let names = ["in-order", "with-it"];
    let in_order = [world.instance(names[0], 0).await, world.instance(names[1], 0).await];
    for batch in batches(&[&in_order[0], &in_order[1]]) {
        world.ingest(&batch).await;
    }
    let mut late = Vec::new();
    for seed in 0..ORDERS {
        let pair = [world.instance(&format!("late{seed}"), 0).await, world.instance(&format!("later{seed}"), 0).await];
        let mut dice = Dice(seed);
        for batch in dice.shuffled(&batches(&[&pair[0], &pair[1]])) {
            let came = world.ingest(&batch).await;
            assert_eq!((came.refused, came.received), (0, batch.len()), "seed {seed}: {came:?}");
        }
        late.push(pair);
    }
    world.advance((MINUTES + 600) * 60);
    world.sampler.derive_hours().await.unwrap();
    world.check_invariants().await;
    for (seed, pair) in late.iter().enumerate() {
        for (other, known) in pair.iter().zip(&in_order) {
            for meter in [Meter::Cpu, Meter::Requests, Meter::Egress] {
                let (used, right) = (world.used(other, meter).await, world.used(known, meter).await);
                assert!(used == right && right > 0, "seed {seed}, {}: {used} of {right}", meter.as_str());
            }
            for meter in [Meter::Memory, Meter::Database] {
                // At most what the largest number would be, held all the time.
                let most = 6_000_000 * MINUTES * 60;
                let used = world.used(other, meter).await;
                assert!(used <= most, "seed {seed}, {}: {used}", meter.as_str());
            }
        }
    }
}
