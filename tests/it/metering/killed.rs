//! Kills a real worker while it counts: in the middle of what it writes down, and right after.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use uuid::Uuid;

use super::invariants;
use crate::reconcile::crashes::{until_killed, worker};
use crate::reconcile::support::World;
use crate::support::engine::pause;

/// Every place where a worker that counts may die.
pub const PLACES: [&str; 8] = [
    "containers:middle",
    "containers:after",
    "traffic:middle",
    "traffic:after",
    "databases:middle",
    "databases:after",
    "hours:middle",
    "hours:after",
];

/// What a proxy adds between two rounds.
const REQUESTS: i64 = 3;
const EGRESS: i64 = 100;

/// Everything is to be looked at and derived now: nobody waits for minutes to pass.
async fn hasten(world: &World, kinds: &str) {
    world.run("DELETE FROM meter_looks WHERE kind LIKE $1", |query| query.bind(kinds.to_owned())).await;
    world.run("UPDATE usage_due SET due_at = now()", |query| query).await;
}

async fn sum(db: &PgPool, meter: &str) -> i64 {
    let sql = "SELECT coalesce(sum(quantity), 0)::bigint FROM usage_hours WHERE meter = $1";
    sqlx::query_scalar(sql).bind(meter.to_owned()).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_process_that_is_killed_anywhere_in_its_counting_counts_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let proxy = Uuid::from_u128(7);
    for (round, place) in (1..).zip(PLACES) {
        world
            .run(
                "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors)
                 VALUES ($1, $2, $3, now(), $4, $5, 0, 0)",
                |query| query.bind(proxy).bind(shop.uuid()).bind(round).bind(round * REQUESTS).bind(round * EGRESS),
            )
            .await;
        let mut first = worker(&world, Some(place));
        let began = Instant::now();
        while !first.is_over() {
            assert!(began.elapsed() < Duration::from_secs(60), "the worker never came to {place}");
            hasten(&world, "%").await;
            pause().await;
        }
        until_killed(&world, &mut first, place).await;

        let second = worker(&world, None);
        let left = "SELECT ((SELECT count(*) FROM traffic_samples) + (SELECT count(*) FROM usage_due))::text WHERE $1 IS NOT NULL";
        let began = Instant::now();
        loop {
            let is_taken =
                world.text("SELECT 'no' FROM traffic_samples WHERE environment_id = $1 LIMIT 1", shop.uuid());
            let is_taken = is_taken.await.is_empty();
            if is_taken && world.text(left, shop.uuid()).await == "0" {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{place}: it is never counted");
            hasten(&world, if is_taken { "usage" } else { "%" }).await;
            pause().await;
        }
        drop(second);
        invariants::check(&db).await;
        assert_eq!(
            (sum(&db, "requests").await, sum(&db, "egress").await),
            (round * REQUESTS, round * EGRESS),
            "{place}"
        );
    }
    // What the engine and the tenants' server say was counted too, in each round.
    for meter in ["cpu", "memory", "database"] {
        let sql = "SELECT count(*) FROM meter_samples s JOIN meter_epochs e ON e.id = s.epoch_id WHERE e.meter = $1";
        let samples: i64 = sqlx::query_scalar(sql).bind(meter).fetch_one(&db).await.unwrap();
        assert!(samples > 1, "{samples} samples of {meter}");
    }
    let whose: Vec<Uuid> =
        sqlx::query_scalar("SELECT DISTINCT environment_id FROM usage_hours").fetch_all(&db).await.unwrap();
    assert_eq!(whose, [shop.uuid()]);
    world.end().await;
}
