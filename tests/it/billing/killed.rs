//! Kills a real worker while it bills: before what it rated is kept, and before what it made final is.

use std::time::{Duration, Instant};

use chrono::Utc;
use sayoo::base::ids::AccountId;
use sayoo::billing::lots::grants::GiveCredit;
use sqlx::PgPool;

use super::world::{audit, introduce_in, number, sell_in};
use crate::reconcile::crashes::{until_killed, worker};
use crate::reconcile::support::World;
use crate::support::engine::pause;

/// Every place where a worker that bills may die.
pub const PLACES: [&str; 2] = ["billing:rated", "billing:finalised"];

/// Every place where one may die that books credit.
pub const PLACES_OF_CREDIT: [&str; 2] = ["credit:given", "credit:ended"];

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

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_process_that_is_killed_while_it_books_credit_books_it_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell_in(&db, true, Utc::now()).await;
    for sql in [
        "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
         VALUES (gen_random_uuid(), 'sam@example.com', 'sam@example.com', 'Sam', '', 'en', '', now())",
        // It ends while the worker is at it, or was.
        "INSERT INTO credit_grants (id, account_id, amount_minor, currency, reason, expires_at, state, asked_by, created_at)
         SELECT gen_random_uuid(), accounts.id, 5000, accounts.currency, 'an outage', now() + interval '2 minutes', 'wanted', staff.id, now()
           FROM accounts, staff
          LIMIT 1",
    ] {
        world.run(sql, |query| query).await;
    }
    let grant = sqlx::query_scalar("SELECT id FROM credit_grants").fetch_one(&db).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    sayoo::queue::enqueue(&mut tx, &GiveCredit { grant }, Utc::now()).await.unwrap();
    tx.commit().await.unwrap();
    let given = "SELECT count(*) FROM credit_lots WHERE source = 'grant' AND remaining_minor = 5000";
    let ended = "SELECT count(*) FROM credit_expiries";
    for (place, done) in PLACES_OF_CREDIT.into_iter().zip([given, ended]) {
        let mut first = worker(&world, Some(place));
        let began = Instant::now();
        while !first.is_over() {
            assert!(began.elapsed() < Duration::from_secs(240), "the worker never came to {place}");
            pause().await;
        }
        first.killed(place).await;
        assert_eq!(number(&db, done).await, 0, "{place}");
        audit(&db).await;
        // Whoever was killed holds its job for a while.
        world.run("UPDATE jobs SET leased_until = now() WHERE leased_until IS NOT NULL", |query| query).await;
        let second = worker(&world, None);
        until(&db, done, 1).await;
        drop(second);
        audit(&db).await;
    }
    assert_eq!(number(&db, "SELECT count(*) FROM payments").await, 1);
    assert_eq!(number(&db, "SELECT count(*) FROM credit_lots WHERE remaining_minor = 0").await, 1);
    world.end().await;
}
