//! Kills a real worker while it bills: before what it rated is kept, and before what it made final is.

use std::time::{Duration, Instant};

use chrono::Utc;
use sayoo::base::ids::AccountId;
use sqlx::PgPool;

use super::world::{audit, introduce_in, number, sell_in};
use crate::reconcile::crashes::{until_killed, worker};
use crate::reconcile::support::World;
use crate::support::engine::pause;

/// Every place where a worker that bills may die.
pub const PLACES: [&str; 2] = ["billing:rated", "billing:finalised"];

/// Waits until a number of the database is so.
async fn until(db: &PgPool, sql: &str, wanted: i64) {
    let began = Instant::now();
    while number(db, sql).await != wanted {
        assert!(began.elapsed() < Duration::from_secs(90), "{sql}: {} instead of {wanted}", number(db, sql).await);
        pause().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_process_that_is_killed_while_it_bills_bills_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let now = Utc::now();
    sell_in(&db, true, now).await;
    let account: AccountId =
        sqlx::query_scalar("SELECT account_id FROM environments LIMIT 1").fetch_one(&db).await.unwrap();
    introduce_in(&db, account, "MA", now).await;
    // It is there since two months and a day: two whole months, or one and parts of two, are over.
    world
        .run(
            "UPDATE environment_segments SET from_at = date_trunc('month', now()) - interval '2 months' + interval '1 day' WHERE environment_id = $1",
            |query| query.bind(shop.uuid()),
        )
        .await;
    for place in PLACES {
        let mut first = worker(&world, Some(place));
        let began = Instant::now();
        while !first.is_over() {
            assert!(began.elapsed() < Duration::from_secs(60), "the worker never came to {place}");
            pause().await;
        }
        until_killed(&world, &mut first, place).await;
        assert_eq!(number(&db, "SELECT count(*) FROM documents WHERE state = 'final'").await, 0, "{place}");
        audit(&db).await;
    }
    let second = worker(&world, None);
    // As many as there are months that are over, two at least.
    let all = "SELECT count(*) >= 2 AND NOT EXISTS (SELECT FROM billing_periods WHERE state = 'open' AND until_at < now() - interval '4 hours')
                 FROM documents WHERE state = 'final'";
    until(&db, &format!("SELECT ({all})::int::bigint"), 1).await;
    until(&db, "SELECT (SELECT 3 * count(*) FROM documents) - count(*) FROM document_files", 0).await;
    drop(second);
    audit(&db).await;
    world.end().await;
}
