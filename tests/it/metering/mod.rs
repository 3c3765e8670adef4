//! Metering on a real Postgres: numbers that come twice, late, never, or from a clock that jumps.

mod cases;
mod exports;
mod invariants;
pub mod killed;
mod orders;
mod users;
pub mod world;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use sayoo::metering::store::{self, Batch};
use sayoo::metering::{Meter, Observation, usage};
use sqlx::PgPool;
use uuid::Uuid;
use world::{Instance, World, start};

/// An idle container of the simulated engine uses a hundredth of a core.
const CPU_PER_MINUTE: i64 = 600_000;
const MEMORY: i64 = 88 * 1024 * 1024;
const DATABASE: i64 = 80 * 1024 * 1024;

fn cpu(instance: &Instance, second: i64, value: i64) -> Observation {
    Observation {
        environment: instance.environment,
        meter: Meter::Cpu,
        source: "container:c".to_owned(),
        opened_at: start(),
        is_inherited: false,
        observed_at: start() + TimeDelta::seconds(second),
        value,
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn three_hours_of_an_idle_instance_are_counted_exactly(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(180).await;
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 180 * CPU_PER_MINUTE);
    assert_eq!(world.used(&instance, Meter::Memory).await, 180 * 60 * MEMORY);
    assert_eq!(world.used(&instance, Meter::Database).await, 180 * 60 * DATABASE);
    let hours = world.hours().await;
    assert_eq!(hours.len(), 9, "{hours:#?}");
    assert!(hours.iter().all(|hour| hour.ends_with(" 3600 measured")), "{hours:#?}");
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_spare_uses_nothing_of_the_customer_before_it_is_claimed(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 7200).await;
    world.sampler.tick().await;
    world.minutes(10).await;
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 10 * CPU_PER_MINUTE);
    assert_eq!(world.used(&instance, Meter::Memory).await, 10 * 60 * MEMORY);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_is_replaced_begins_anew_and_nothing_is_negative(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(30).await;
    world.engine.kill_containers(&instance.service);
    world.minutes(30).await;
    world.derive().await;
    // Killed right after a sample: nothing is lost. What lies between the last sample and the end never is billed.
    assert_eq!(world.used(&instance, Meter::Cpu).await, 60 * CPU_PER_MINUTE);
    let hours = world.hours().await;
    assert!(hours.iter().any(|hour| hour.contains(" cpu ") && hour.ends_with("lower_bound")), "{hours:#?}");
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_gap_of_six_hours_loses_nothing_of_a_counter_and_bills_no_memory(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(1).await;
    world.advance(6 * 3600);
    world.minutes(1).await;
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, (2 + 360) * CPU_PER_MINUTE);
    // One minute seen, then held for two intervals after the second sample.
    assert_eq!(world.used(&instance, Meter::Memory).await, (60 + 120) * MEMORY);
    let hours = world.hours().await;
    assert_eq!(
        hours.iter().filter(|hour| hour.contains(" cpu ") && hour.ends_with("3600 interpolated")).count(),
        6,
        "{hours:#?}"
    );
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_covered_and_what_is_not_are_the_whole_life_of_an_instance(db: PgPool) {
    let world = World::new(db);
    world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(30).await;
    world.advance(2 * 3600);
    world.minutes(30).await;
    world.derive().await;
    world.check_invariants().await;
    let covered: Vec<(String, i64)> =
        sqlx::query_as("SELECT meter, sum(covered_seconds) FROM usage_hours GROUP BY 1 ORDER BY 1")
            .fetch_all(&world.db)
            .await
            .unwrap();
    let life = 3 * 3600;
    // A minute more than the two hours passed without a look; a gauge is held for two of its intervals.
    let gap = |held: i64| 2 * 3600 + 60 - held;
    // The size of the database was looked at four minutes ago.
    let wanted = [("cpu", life), ("database", life - 240 - gap(600)), ("memory", life - gap(120))];
    assert_eq!(covered, wanted.map(|(meter, seconds)| (meter.to_owned(), seconds)));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn batches_may_come_twice_in_any_order_and_give_the_same_hours(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let batches: Vec<Vec<Observation>> = (1..200).map(|n| vec![cpu(&instance, n * 60, n * 1000)]).collect();
    for batch in &batches {
        assert_eq!(world.ingest(batch).await, Batch { received: 1, accepted: 1, duplicate: 0, refused: 0 });
    }
    world.advance(200 * 60);
    world.sampler.derive_hours().await.unwrap();
    let before = world.hours().await;
    for batch in batches.iter().rev().chain(&batches[150..]) {
        let again = world.ingest(batch).await;
        assert_eq!((again.accepted, again.received), (0, 1), "{again:?}");
    }
    store::mark_due(&mut world.db.acquire().await.unwrap(), (start(), start() + TimeDelta::days(1)), start())
        .await
        .unwrap();
    assert!(world.sampler.derive_hours().await.unwrap() > 0);
    assert_eq!(world.hours().await, before);
    assert_eq!(world.used(&instance, Meter::Cpu).await, 199_000);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_workers_at_once_count_once(db: PgPool) {
    let world = World::new(db);
    let instances = [world.instance("alice", 0).await, world.instance("bob", 0).await];
    for minute in 0..20 {
        world.advance(60);
        world.traffic(Uuid::from_u128(1), &instances[0], minute + 1, (minute + 1) * 10, (minute + 1) * 5000).await;
        let (one, other) = tokio::join!(world.sampler.take_containers(), world.sampler.take_containers());
        one.unwrap();
        other.unwrap();
        let (one, other) = tokio::join!(world.sampler.take_traffic(), world.sampler.take_traffic());
        one.unwrap();
        other.unwrap();
    }
    world.advance(3600);
    let (one, other) = tokio::join!(world.sampler.derive_hours(), world.sampler.derive_hours());
    assert!(one.unwrap() + other.unwrap() > 0);
    for instance in &instances {
        assert_eq!(world.used(instance, Meter::Cpu).await, world.sampled(instance, Meter::Cpu).await);
        assert_eq!(world.used(instance, Meter::Cpu).await, 20 * CPU_PER_MINUTE);
    }
    assert_eq!(world.used(&instances[0], Meter::Requests).await, 200);
    assert_eq!(world.used(&instances[0], Meter::Egress).await, 100_000);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_undone_before_its_commit_counts_once_when_it_is_done_again(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let epoch = Uuid::from_u128(7);
    for round in 1..=10 {
        world.advance(60);
        world.traffic(epoch, &instance, round, round * 3, round * 100).await;
        // The work is done and its transaction ends without a commit.
        let mut tx = world.db.begin().await.unwrap();
        let taken = store::take_traffic(&mut tx, 1000).await.unwrap();
        store::ingest(&mut tx, world.clock.now(), &taken).await.unwrap();
        store::ingest(&mut tx, world.clock.now(), &[cpu(&instance, round * 60, round * 1000)]).await.unwrap();
        tx.rollback().await.unwrap();
        world.sampler.take_traffic().await.unwrap();
        world.ingest(&[cpu(&instance, round * 60, round * 1000)]).await;
    }
    world.advance(3600);
    let mut tx = world.db.begin().await.unwrap();
    assert!(!store::take_due(&mut tx, world.clock.now(), 100).await.unwrap().is_empty());
    tx.rollback().await.unwrap();
    world.sampler.derive_hours().await.unwrap();
    assert_eq!(world.used(&instance, Meter::Requests).await, 30);
    assert_eq!(world.used(&instance, Meter::Egress).await, 1000);
    assert_eq!(world.used(&instance, Meter::Cpu).await, 10_000);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_clock_that_jumps_changes_no_quantity_of_a_counter(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let mut second = 600;
    for (number, jump) in [60, 60, -7200, 60, 7260, 60, -30, 60, 90, 60].into_iter().enumerate() {
        second += jump;
        let value = (i64::try_from(number).unwrap() + 1) * 500;
        world.ingest(&[cpu(&instance, second, value)]).await;
    }
    world.advance(12 * 3600);
    world.sampler.derive_hours().await.unwrap();
    assert_eq!(world.used(&instance, Meter::Cpu).await, 5000);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn looks_go_on_when_the_clock_steps_back(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.minutes(5).await;
    world.advance(-7200);
    let before = world.sampled(&instance, Meter::Cpu).await;
    world.advance(10800);
    world.sampler.tick().await;
    assert!(world.sampled(&instance, Meter::Cpu).await > before);
    world.derive().await;
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_counter_that_falls_is_kept_for_people_and_billed_to_nobody(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let batch = [cpu(&instance, 60, 1000), cpu(&instance, 120, 2000), cpu(&instance, 300, 10), cpu(&instance, 360, -5)];
    assert_eq!(world.ingest(&batch).await, Batch { received: 4, accepted: 2, duplicate: 0, refused: 2 });
    let reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM meter_refusals ORDER BY id").fetch_all(&world.db).await.unwrap();
    assert_eq!(reasons, ["went_back", "negative"]);
    assert_eq!(world.sampled(&instance, Meter::Cpu).await, 2000);
    world.derive().await;
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_that_restarts_begins_anew_and_repeats_nothing(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (epoch, seq, requests) in [(first, 1, 10), (first, 2, 25), (second, 1, 4), (second, 3, 9), (second, 2, 9)] {
        world.advance(10);
        world.traffic(epoch, &instance, seq, requests, requests * 1000).await;
    }
    world.sampler.take_traffic().await.unwrap();
    // The same row again, after it was taken: its writer did not learn that it had been stored.
    world.traffic(first, &instance, 2, 25, 25_000).await;
    world.sampler.take_traffic().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM traffic_samples").fetch_one(&world.db).await.unwrap();
    assert_eq!(left, 0);
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Requests).await, 34);
    assert_eq!(world.used(&instance, Meter::Egress).await, 34_000);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_engine_that_is_away_leaves_a_gap_and_no_zero(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(10).await;
    world.engine.set_away(true);
    world.tenants.set_away(true);
    world.traffic(Uuid::from_u128(1), &instance, 1, 7, 70).await;
    world.minutes(10).await;
    world.engine.set_away(false);
    world.tenants.set_away(false);
    world.minutes(10).await;
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 30 * CPU_PER_MINUTE);
    assert_eq!(world.used(&instance, Meter::Requests).await, 7);
    let zeros: i64 = sqlx::query_scalar("SELECT count(*) FROM meter_samples s JOIN meter_epochs e ON e.id = s.epoch_id WHERE e.meter = 'memory' AND s.value = 0").fetch_one(&world.db).await.unwrap();
    assert_eq!(zeros, 0);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn samples_are_never_changed(db: PgPool) {
    let world = World::new(db);
    world.instance("alice", 0).await;
    world.minutes(2).await;
    for statement in ["UPDATE meter_samples SET quantity = 0", "DELETE FROM meter_samples"] {
        assert!(sqlx::raw_sql(statement).execute(&world.db).await.is_err(), "{statement}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pages_show_a_line_with_its_gaps_and_a_stranger_sees_nothing(db: PgPool) {
    let world = World::new(db);
    let (alice, bob) = (world.instance("alice", 0).await, world.instance("bob", 0).await);
    world.sampler.tick().await;
    world.minutes(60).await;
    world.advance(1800);
    world.minutes(30).await;
    world.derive().await;
    let mut db = world.db.acquire().await.unwrap();
    let whole = (start(), start() + TimeDelta::hours(2));
    let line = usage::series(&mut db, (alice.account, alice.environment), Meter::Cpu, whole, TimeDelta::minutes(10))
        .await
        .unwrap();
    assert_eq!(line.len(), 12);
    assert_eq!(line[1].value, Some(10), "a hundredth of a core: {line:#?}");
    let line = usage::series(&mut db, (alice.account, alice.environment), Meter::Memory, whole, TimeDelta::minutes(10))
        .await
        .unwrap();
    assert_eq!((line[1].value, line[7].value), (Some(MEMORY), None), "{line:#?}");
    let by_hour = usage::series(&mut db, (alice.account, alice.environment), Meter::Memory, whole, TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(by_hour.iter().map(|point| point.value).collect::<Vec<_>>(), [Some(MEMORY); 2], "from the hours");
    let stranger =
        usage::series(&mut db, (bob.account, alice.environment), Meter::Cpu, whole, TimeDelta::hours(1)).await.unwrap();
    assert!(stranger.iter().all(|point| point.value.is_none()));

    let month = (start(), start() + TimeDelta::days(1));
    let totals = usage::totals(&mut db, (alice.account, alice.environment), month).await.unwrap();
    assert_eq!(totals.iter().map(|total| total.meter).collect::<Vec<_>>(), Meter::ALL);
    assert_eq!(totals[0].quantity, world.used(&alice, Meter::Cpu).await.into());
    let nothing = usage::totals(&mut db, (bob.account, alice.environment), month).await.unwrap();
    assert!(nothing.iter().all(|total| total.quantity.is_zero()));
    let both = [alice.environment, bob.environment];
    let listed = store::list_totals(&mut db, bob.account, &both, month).await.unwrap();
    assert!(!listed.is_empty() && listed.iter().all(|(whose, ..)| *whose == bob.environment), "{listed:#?}");
    assert_eq!(usage::database_bytes(&mut db, alice.account, alice.environment).await.unwrap(), Some(DATABASE));
    assert_eq!(usage::database_bytes(&mut db, bob.account, alice.environment).await.unwrap(), None);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_period_adds_up_to_its_hours_wherever_it_begins_and_ends(db: PgPool) {
    let world = World::new(db);
    let alice = world.instance("alice", 0).await;
    world.sampler.tick().await;
    // Three days: a quarter of an hour of each sixth hour.
    for _ in 0..12 {
        world.minutes(15).await;
        world.advance(5 * 3600 + 45 * 60);
    }
    world.derive().await;
    world.check_invariants().await;
    let mut db = world.db.acquire().await.unwrap();
    for from in [-30, 0, 1, 13, 24, 40] {
        for until in [2, 14, 24, 25, 47, 48, 60, 100] {
            let period = (start() + TimeDelta::hours(from), start() + TimeDelta::hours(until));
            let totals = usage::totals(&mut db, (alice.account, alice.environment), period).await.unwrap();
            let hours: Option<Decimal> = sqlx::query_scalar(
                "SELECT sum(quantity) FROM usage_hours WHERE meter = 'cpu' AND hour >= $1 AND hour < $2",
            )
            .bind(period.0)
            .bind(period.1)
            .fetch_one(&mut *db)
            .await
            .unwrap();
            assert_eq!(totals[0].quantity, hours.unwrap_or_default(), "from {from} until {until}");
        }
    }
}
