//! Failures that metering must survive, as `docs/billing-cases.md` numbers them: those that no other file here tells.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sayoo::metering::store::{Batch, Holders};
use sayoo::metering::{Holder, Meter, Observation, Quality, refusals, usage};
use sqlx::PgPool;

use super::world::{Instance, World, start};

fn number(instance: &Instance, meter: Meter, source: &str, second: i64, value: i64) -> Observation {
    Observation {
        environment: instance.environment,
        meter,
        source: source.to_owned(),
        opened_at: start(),
        is_inherited: false,
        observed_at: start() + TimeDelta::seconds(second),
        value,
    }
}

fn cpu(instance: &Instance, second: i64, value: i64) -> Observation {
    number(instance, Meter::Cpu, "container:c", second, value)
}

fn holders(all: &[(&str, &str, i64)]) -> Holders {
    let holder = |(source, service, generation): &(&str, &str, i64)| {
        ((*source).to_owned(), Holder { service: (*service).to_owned(), generation: *generation })
    };
    all.iter().map(holder).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn another_number_of_the_same_instant_changes_nothing_of_the_first(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let memory = |value| number(&instance, Meter::Memory, "container:c", 60, value);
    world.ingest(&[cpu(&instance, 60, 1000), memory(500)]).await;
    let again = world.ingest(&[cpu(&instance, 60, 900), memory(700)]).await;
    assert_eq!(again, Batch { received: 2, accepted: 0, duplicate: 2, refused: 0 });
    assert_eq!(world.sampled(&instance, Meter::Cpu).await, 1000);
    let values: Vec<i64> = sqlx::query_scalar(
        "SELECT value FROM meter_samples s JOIN meter_epochs e ON e.id = s.epoch_id WHERE meter = 'memory'",
    )
    .fetch_all(&world.db)
    .await
    .unwrap();
    assert_eq!(values, [500]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn one_bad_number_among_five_hundred_is_refused_alone_and_the_rest_may_come_again(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let mut batch: Vec<Observation> = (1..=500).map(|minute| cpu(&instance, minute * 60, minute * 1000)).collect();
    batch[250].value = -1;
    assert_eq!(world.ingest(&batch).await, Batch { received: 500, accepted: 499, duplicate: 0, refused: 1 });
    assert_eq!(world.reasons().await, ["negative"]);
    let cursor: (i64, i64) =
        sqlx::query_as("SELECT last_seq, last_value FROM meter_epochs").fetch_one(&world.db).await.unwrap();
    assert_eq!(cursor, (499, 500_000));
    assert_eq!(world.ingest(&batch).await, Batch { received: 500, accepted: 0, duplicate: 499, refused: 1 });
    world.advance(500 * 60);
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 500_000);
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_a_newer_generation_took_over_from_counts_no_more_and_people_see_why(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let held = holders(&[
        ("container:old", "sayoo-a", 3),
        ("container:new", "sayoo-a", 4),
        ("container:beside", "sayoo-a-b", 2),
    ]);
    let all = |minute: i64| {
        let of = |source: &str| {
            [(Meter::Cpu, minute * 1000), (Meter::Memory, 100)]
                .map(|(meter, value)| number(&instance, meter, source, minute * 60, value))
        };
        (of("container:old"), of("container:new"), of("container:beside"))
    };
    let hand_in = async |minute: i64, numbers: &[Observation]| {
        world.ingest_at(start() + TimeDelta::minutes(minute), numbers, &held).await
    };
    assert_eq!(hand_in(1, &all(1).0).await.accepted, 2);
    // Both are seen at once: what the old one used until now is still counted.
    let (old, new, _) = all(2);
    assert_eq!(hand_in(2, &[old, new].concat()).await, Batch { received: 4, accepted: 4, duplicate: 0, refused: 0 });
    // From now on the old one is somebody whom nobody has stopped. What is of another service, as in an update, goes on.
    let (old, new, beside) = all(3);
    assert_eq!(
        hand_in(3, &[old, new, beside].concat()).await,
        Batch { received: 6, accepted: 4, duplicate: 0, refused: 2 }
    );
    assert_eq!(world.reasons().await, ["fenced", "fenced"]);
    // Numbers that had been read before and come late are no worse for it; those that say nothing new are only that.
    assert_eq!(hand_in(4, &all(1).0).await, Batch { received: 2, accepted: 0, duplicate: 2, refused: 0 });
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 2000 + 3000 + 3000);
    world.check_invariants().await;

    let mut db = world.db.acquire().await.unwrap();
    let day = (start(), start() + TimeDelta::days(1));
    let seen = refusals::latest(&mut db, day, (None, None), 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|refusal| (refusal.meter, refusal.source.as_str(), refusal.times)).collect();
    assert_eq!(seen, [(Meter::Cpu, "container:old", 1), (Meter::Memory, "container:old", 1)]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whichever_of_two_generations_comes_in_first_the_same_is_counted(db: PgPool) {
    let world = World::new(db);
    let (one, other) = (world.instance("one", 0).await, world.instance("other", 0).await);
    let held = holders(&[("container:old", "sayoo-a", 1), ("container:new", "sayoo-a", 2)]);
    let batches = |instance: &Instance| {
        let of = |source, minute: i64| vec![number(instance, Meter::Cpu, source, minute * 60, minute * 1000)];
        [of("container:old", 1), of("container:old", 2), of("container:new", 3), of("container:old", 4)]
    };
    let now = start() + TimeDelta::hours(1);
    for batch in &batches(&one) {
        world.ingest_at(now, batch, &held).await;
    }
    let [first, second, third, fourth] = batches(&other);
    for batch in [third, second, fourth, first] {
        world.ingest_at(now, &batch, &held).await;
    }
    world.advance(7200);
    world.derive().await;
    for instance in [&one, &other] {
        assert_eq!(world.used(instance, Meter::Cpu).await, 2000 + 3000);
    }
    assert_eq!(world.reasons().await, ["fenced", "fenced"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_comes_too_late_or_too_early_is_put_aside_and_a_counter_loses_nothing_by_it(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    let now = start() + TimeDelta::days(40);
    let (none, day) = (Holders::new(), 24 * 3600);
    let late = cpu(&instance, 4 * day, 1000);
    assert_eq!(
        world.ingest_at(now, &[late], &none).await,
        Batch { received: 1, accepted: 0, duplicate: 0, refused: 1 }
    );
    let week_old = cpu(&instance, 33 * day, 2000);
    assert_eq!(world.ingest_at(now, &[week_old], &none).await.accepted, 1, "late, and in time");
    // A clock that is two hours ahead, and then right again.
    let ahead = cpu(&instance, 40 * day + 7200, 3000);
    assert_eq!(
        world.ingest_at(now, &[ahead], &none).await,
        Batch { received: 1, accepted: 0, duplicate: 0, refused: 1 }
    );
    let a_little = cpu(&instance, 40 * day + 240, 3500);
    assert_eq!(world.ingest_at(now, &[a_little], &none).await.accepted, 1);
    assert_eq!(world.reasons().await, ["too_late", "too_early"]);
    assert_eq!(world.sampled(&instance, Meter::Cpu).await, 3500);
    world.advance(41 * day);
    world.derive().await;
    world.check_invariants().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_restart_within_a_gap_is_billed_as_far_as_it_is_seen_and_the_gap_is_told(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.ingest(&[cpu(&instance, 60, 1000)]).await;
    // Six hours in which nobody looks; after five of them the container began anew.
    let mut anew = number(&instance, Meter::Cpu, "container:d", 6 * 3600 + 60, 500);
    anew.opened_at = start() + TimeDelta::hours(5);
    world.ingest(&[anew]).await;
    world.advance(7 * 3600);
    world.derive().await;
    assert_eq!(world.used(&instance, Meter::Cpu).await, 1500);
    world.check_invariants().await;
    let period = (start(), start() + TimeDelta::hours(7));
    let mut db = world.db.acquire().await.unwrap();
    let told = usage::coverage(&mut db, instance.account, instance.environment, period).await.unwrap();
    let [cpu, memory, ..] = told[..] else { panic!("{told:?}") };
    let seen = 60 + 3600 + 60;
    assert_eq!((cpu.meter, cpu.covered_seconds, cpu.gap_seconds), (Meter::Cpu, seen, Some(7 * 3600 - seen)));
    assert_eq!(cpu.quality, Some(Quality::LowerBound));
    assert_eq!((memory.covered_seconds, memory.gap_seconds, memory.quality), (0, Some(0), None), "never read");
    let nobody = world.instance("bob", 0).await.account;
    assert!(usage::coverage(&mut db, nobody, instance.environment, period).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn covered_and_not_covered_seconds_are_the_life_of_an_instance(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(90).await;
    world.advance(3 * 3600);
    world.minutes(30).await;
    world.derive().await;
    let mut db = world.db.acquire().await.unwrap();
    // From long before it was there.
    let period = (start() - TimeDelta::days(1), start() + TimeDelta::hours(5));
    let told = usage::coverage(&mut db, instance.account, instance.environment, period).await.unwrap();
    assert_eq!(told.iter().map(|coverage| coverage.meter).collect::<Vec<_>>(), Meter::ALL);
    for coverage in &told[..3] {
        assert_eq!(coverage.covered_seconds + coverage.gap_seconds.unwrap(), 5 * 3600, "{coverage:?}");
    }
    assert_eq!((told[0].quality, told[1].quality), (Some(Quality::Interpolated), Some(Quality::LowerBound)));
    assert_eq!(
        (told[0].gap_seconds, told[3].gap_seconds),
        (Some(0), None),
        "a counter heals; a proxy's silence is no gap"
    );
}

/// The first instant of a month in a zone.
fn month(zone: Tz, year: i32, month: u32) -> DateTime<Utc> {
    zone.with_ymd_and_hms(year, month, 1, 0, 0, 0).unwrap().to_utc()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_constant_gigabyte_is_as_many_gigabyte_hours_as_the_month_has_hours_where_it_is_billed(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    for table in [
        "INSERT INTO usage_hours SELECT $1, 'database', hour, 3600000000000, 3600, 'measured'
           FROM generate_series('2025-12-01Z'::timestamptz, '2027-01-31Z', interval '1 hour') AS hour",
        "INSERT INTO usage_days SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
           FROM usage_hours WHERE environment_id = $1 GROUP BY 1, 2, 3",
    ] {
        sqlx::query(table).bind(instance.environment.uuid()).execute(&world.db).await.unwrap();
    }
    let mut db = world.db.acquire().await.unwrap();
    let (paris, casablanca) = (chrono_tz::Europe::Paris, chrono_tz::Africa::Casablanca);
    for (zone, number, hours) in [
        // The clocks go forward and back.
        (paris, 3, 743),
        (paris, 10, 745),
        (paris, 4, 720),
        // Ramadan begins, and ends.
        (casablanca, 2, 673),
        (casablanca, 3, 743),
        (casablanca, 4, 720),
    ] {
        let period = (month(zone, 2026, number), month(zone, 2026, number + 1));
        let totals = usage::totals(&mut db, (instance.account, instance.environment), period).await.unwrap();
        let database = totals.iter().find(|total| total.meter == Meter::Database).unwrap();
        assert_eq!(database.priced, Decimal::from(hours), "{zone} {number}");
    }
    // Twelve months are the year: nothing on a boundary is in two of them, or in none.
    for zone in [paris, casablanca] {
        let mut year = Decimal::ZERO;
        for number in 1..=12 {
            let until = if number == 12 { month(zone, 2027, 1) } else { month(zone, 2026, number + 1) };
            let period = (month(zone, 2026, number), until);
            let totals = usage::totals(&mut db, (instance.account, instance.environment), period).await.unwrap();
            year += totals[2].priced;
        }
        assert_eq!(year, Decimal::from(365 * 24), "{zone}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_last_numbers_of_a_deleted_instance_are_its_own_and_not_its_successor_s(db: PgPool) {
    let world = World::new(db);
    let gone = world.instance("shop", 0).await;
    world.ingest(&[cpu(&gone, 60, 1000)]).await;
    sqlx::query("UPDATE runtimes SET state = 'gone', wanted = 'gone', gone_at = $2 WHERE environment_id = $1")
        .bind(gone.environment.uuid())
        .bind(start() + TimeDelta::seconds(90))
        .execute(&world.db)
        .await
        .unwrap();
    sqlx::query("UPDATE environments SET wanted = 'deleted', status = 'deleted', purge_after = now() WHERE id = $1")
        .bind(gone.environment.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    let successor = world.instance("shop", 0).await;
    // It was read before its end, and comes in after it.
    world.ingest(&[cpu(&gone, 80, 1300)]).await;
    world.derive().await;
    assert_eq!(world.used(&gone, Meter::Cpu).await, 1300);
    assert_eq!(world.used(&successor, Meter::Cpu).await, 0);
    let mut db = world.db.acquire().await.unwrap();
    let hour = (start(), start() + TimeDelta::hours(1));
    let told = usage::coverage(&mut db, gone.account, gone.environment, hour).await.unwrap();
    assert_eq!((told[0].covered_seconds, told[0].gap_seconds), (80, Some(10)), "its life ended after ninety seconds");
}
