//! The rule that adds and takes away containers, on samples as the metering writes them, by a clock that tests move.

use std::sync::Arc;

use chrono::TimeDelta;
use sayoo::base::ids::{EnvironmentId, MeterEpochId};
use sayoo::plans::{self, catalogue};
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::scaling::Scaling;
use sqlx::PgPool;

use crate::instances::scaling::events;
use crate::support::portal::{Person, World};

/// A worker's driver of the task.
fn worker(world: &World) -> Arc<Driver<Scaling>> {
    let clock = world.portal.clock.clone();
    Driver::new(Scaling::new(world.db.clone(), clock.clone()), world.db.clone(), clock)
}

async fn run(world: &World, sql: &'static str, id: EnvironmentId) {
    sqlx::query(sql).bind(id.uuid()).execute(&world.db).await.unwrap();
}

/// An instance that runs on a plan with so many containers at most, with this rule on.
async fn instance(world: &World, person: &Person, most: i32, rule: &[(&str, &str)]) -> EnvironmentId {
    let mut db = world.db.acquire().await.unwrap();
    let now = world.portal.clock.now();
    let offers = plans::offered(&mut db, sayoo::base::money::Currency::Eur, now).await.unwrap();
    let offer = offers.into_iter().find(|offer| offer.plan.code == "production").unwrap();
    let resources = plans::Resources { max_replicas: most, ..offer.version.resources };
    let draft = catalogue::Draft { resources, prices: offer.version.prices, allowances: offer.version.allowances };
    let version = catalogue::draft(&mut db, offer.plan.id, &draft, now).await.unwrap();
    catalogue::publish(&mut db, version, now, now).await.unwrap();
    drop(db);
    let id = person.has_running(world, "shop").await;
    let saved = person.post(&format!("/instances/{id}/scaling"), rule).await;
    assert_eq!(saved.status, 303, "{}", saved.words());
    id
}

const RULE: [(&str, &str); 4] = [("is_on", "yes"), ("minimum", "1"), ("maximum", "4"), ("target_percent", "70")];

async fn replicas(world: &World, id: EnvironmentId) -> i32 {
    sqlx::query_scalar("SELECT replicas FROM environments WHERE id = $1")
        .bind(id.uuid())
        .fetch_one(&world.db)
        .await
        .unwrap()
}

/// Lets a minute pass in which every container that is wanted serves and uses this percentage of its two cores.
async fn minute(world: &World, id: EnvironmentId, percent: i64) {
    world.wait(TimeDelta::minutes(1));
    let wanted = replicas(world, id).await;
    sqlx::query("DELETE FROM routes WHERE environment_id = $1").bind(id.uuid()).execute(&world.db).await.unwrap();
    let upstreams: Vec<String> = (0..wanted).map(|number| format!("127.0.0.1:{}", 8000 + number)).collect();
    sqlx::query("INSERT INTO routes (hostname, environment_id, state, upstreams, updated_at) VALUES ($1::text, $1, 'serving', $2, now())")
        .bind(id.uuid())
        .bind(upstreams)
        .execute(&world.db)
        .await
        .unwrap();
    for number in 0..wanted {
        sample(world, id, "cpu", &format!("container:{number}"), percent * 60 * 20_000).await;
    }
}

/// One more sample of a source that counted so much within the last minute.
async fn sample(world: &World, id: EnvironmentId, meter: &str, source: &str, quantity: i64) {
    let now = world.portal.clock.now();
    sqlx::query(
        "WITH epoch AS (
             INSERT INTO meter_epochs (id, environment_id, meter, source, opened_at, base_value, last_seq, last_value, last_observed_at)
             VALUES ($1, $2, $3, $4, $6, 0, 1, $5, $6)
                 ON CONFLICT (environment_id, meter, source)
                 DO UPDATE SET last_seq = meter_epochs.last_seq + 1, last_value = meter_epochs.last_value + $5, last_observed_at = $6
             RETURNING id, last_seq, last_value)
         INSERT INTO meter_samples (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
         SELECT id, last_seq, $6 - interval '1 minute', $6, $6, last_value, $5, 'measured' FROM epoch",
    )
    .bind(MeterEpochId::new(now).uuid())
    .bind(id.uuid())
    .bind(meter)
    .bind(source)
    .bind(quantity)
    .bind(now)
    .execute(&world.db)
    .await
    .unwrap();
}

/// Minutes of this load, with a look after each.
async fn minutes(world: &World, id: EnvironmentId, count: i64, percent: i64) {
    for _ in 0..count {
        minute(world, id, percent).await;
        worker(world).settle().await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_busy_instance_gets_containers_one_by_one_says_why_and_gives_them_back(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = instance(&world, &alice, 4, &RULE).await;
    minutes(&world, id, 2, 91).await;
    assert_eq!(replicas(&world, id).await, 1, "two minutes are no average of five");
    minutes(&world, id, 1, 91).await;
    assert_eq!(replicas(&world, id).await, 2);
    minutes(&world, id, 4, 91).await;
    assert_eq!(replicas(&world, id).await, 2, "what the second one brings is seen first");
    minutes(&world, id, 1, 91).await;
    assert_eq!(replicas(&world, id).await, 3);
    let expected = serde_json::json!({ "from": 1, "to": 2, "why": "cpu", "percent": 91, "minutes": 5 });
    assert_eq!(events(&world.db, id, "scaled").await[0], expected);
    let by: Vec<String> = sqlx::query_scalar("SELECT actor_kind FROM audit_log WHERE action = 'environment.scaled'")
        .fetch_all(&world.db)
        .await
        .unwrap();
    assert_eq!(by, ["system", "system"]);
    let page = alice.get(&format!("/instances/{id}/scaling")).await;
    assert!(page.text(".events").contains("the processor was at 91 % over 5 minutes"), "{}", page.text(".events"));

    minutes(&world, id, 29, 10).await;
    assert_eq!(replicas(&world, id).await, 3, "a calm half hour is waited for");
    minutes(&world, id, 1, 10).await;
    assert_eq!(replicas(&world, id).await, 2);
    minutes(&world, id, 60, 10).await;
    assert_eq!(replicas(&world, id).await, 1, "and never fewer");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn load_that_comes_and_goes_changes_the_number_a_bounded_number_of_times(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = instance(&world, &alice, 4, &RULE).await;
    for round in 0..15 {
        minutes(&world, id, 8, if round % 2 == 0 { 100 } else { 0 }).await;
        assert!((1..=4).contains(&replicas(&world, id).await));
    }
    let scaled = events(&world.db, id, "scaled").await;
    let ups = scaled.iter().filter(|event| event["to"].as_i64() > event["from"].as_i64()).count();
    let downs = scaled.len() - ups;
    assert!(ups > 0 && ups <= 1 + 120 / 5, "{ups} up in two hours");
    assert!(downs <= 1 + 120 / 30, "{downs} down in two hours");
    assert_eq!(world.audit().await.iter().filter(|action| *action == "environment.scaled").count(), scaled.len());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_workers_that_look_at_once_act_once(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = instance(&world, &alice, 4, &RULE).await;
    for _ in 0..5 {
        minute(&world, id, 95).await;
    }
    let workers: Vec<_> = (0..4).map(|_| worker(&world)).collect();
    let done = futures_util::future::join_all(workers.iter().map(Driver::settle)).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(replicas(&world, id).await, 2);
    assert_eq!(events(&world.db, id, "scaled").await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_is_decided_by_old_numbers_without_a_rule_or_while_it_does_not_run(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = instance(&world, &alice, 4, &RULE).await;
    for _ in 0..5 {
        minute(&world, id, 99).await;
    }
    run(&world, "UPDATE environments SET status = 'asleep' WHERE id = $1", id).await;
    worker(&world).settle().await.unwrap();
    run(&world, "UPDATE environments SET status = 'running' WHERE id = $1", id).await;
    world.wait(TimeDelta::minutes(3));
    worker(&world).settle().await.unwrap();
    assert_eq!(replicas(&world, id).await, 1, "three minutes of silence are no calm and no crowd");

    alice.post(&format!("/instances/{id}/scaling"), &RULE[1..]).await;
    minutes(&world, id, 10, 99).await;
    assert_eq!(replicas(&world, id).await, 1, "it is off");
    let turns: i64 =
        sqlx::query_scalar("SELECT count(*) FROM turns WHERE task = 'scaling'").fetch_one(&world.db).await.unwrap();
    assert_eq!(turns, 0, "and nobody looks");
    alice.post(&format!("/instances/{id}/scaling"), &RULE).await;
    minutes(&world, id, 1, 99).await;
    assert_eq!(replicas(&world, id).await, 2, "it is on again");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_crowd_that_waits_adds_one_although_the_processor_is_calm(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = instance(&world, &alice, 4, &RULE).await;
    let proxy = uuid::Uuid::new_v4();
    // What waited yesterday is no crowd of today.
    for number in 0..6_i64 {
        let refused =
            "INSERT INTO traffic_refusals (environment_id, proxy_epoch, observed_at, limited, busy, queued, queued_ms)
                       VALUES ($1, $2, $3, 0, 0, $4, 0)";
        let observed_at = world.portal.clock.now() - if number == 0 { TimeDelta::days(1) } else { TimeDelta::zero() };
        sqlx::query(refused)
            .bind(id.uuid())
            .bind(proxy)
            .bind(observed_at)
            .bind(5_000 + number * 15)
            .execute(&world.db)
            .await
            .unwrap();
        sample(&world, id, "requests", "proxy:x", 100).await;
        minutes(&world, id, 1, 5).await;
        assert_eq!(replicas(&world, id).await, if number < 2 { 1 } else { 2 }, "{number}");
    }
    let scaled = events(&world.db, id, "scaled").await;
    assert_eq!((scaled.len(), scaled[0]["why"].as_str()), (1, Some("queue")), "{scaled:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_budget_stops_it_tells_whoever_pays_once_and_takes_nothing_away(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let bill = world.person("bill", "billing").await;
    run_in_account(&world, &alice, &bill).await;
    // A container costs 0.76 an hour at most, so 0.38 until it may be taken away again.
    let id = instance(&world, &alice, 4, &[RULE.as_slice(), &[("budget", "0.30")]].concat()).await;
    minutes(&world, id, 20, 99).await;
    assert_eq!(replicas(&world, id).await, 1);
    assert_eq!(events(&world.db, id, "scaling.budget").await.len(), 1, "said once");
    for (person, name) in [(&alice, "alice"), (&bill, "bill")] {
        let mails = world.mails_to(&person.email).await;
        let told: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("used up its budget")).collect();
        assert_eq!(told.len(), 1, "{name}");
        assert!(told[0].text_body.contains("0.30") && told[0].text_body.contains(&format!("/instances/{id}/scaling")));
    }

    // A greater one pays for one container, and what it used is counted.
    let greater = [RULE.as_slice(), &[("budget", "0.80")]].concat();
    alice.post(&format!("/instances/{id}/scaling"), &greater).await;
    minutes(&world, id, 1, 99).await;
    assert_eq!(replicas(&world, id).await, 2);
    minutes(&world, id, 30, 99).await;
    assert_eq!(replicas(&world, id).await, 2, "what serves goes on, and another one is not paid for");
    assert_eq!(events(&world.db, id, "scaling.budget").await.len(), 2);
    let seconds: i64 =
        sqlx::query_scalar("SELECT container_seconds FROM scaling_months").fetch_one(&world.db).await.unwrap();
    assert_eq!(seconds, 30 * 60);
    let page = alice.get(&format!("/instances/{id}/scaling")).await;
    assert!(page.text("main").contains("0.38") && page.text("main").contains("0.80"), "{}", page.text("main"));

    // Another month begins with nothing.
    world.wait(TimeDelta::days(10));
    minutes(&world, id, 6, 99).await;
    let seconds: i64 =
        sqlx::query_scalar("SELECT container_seconds FROM scaling_months").fetch_one(&world.db).await.unwrap();
    assert!(seconds > 6 * 60, "the month before was not carried over, its first days were: {seconds}");
}

/// Makes somebody a member of another person's account.
async fn run_in_account(world: &World, owner: &Person, member: &Person) {
    sqlx::query("UPDATE members SET account_id = $1 WHERE user_id = $2")
        .bind(owner.account.uuid())
        .bind(member.user.uuid())
        .execute(&world.db)
        .await
        .unwrap();
}
