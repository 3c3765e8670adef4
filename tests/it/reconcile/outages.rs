//! Database servers that are away, slow, or break off in the middle of something.

use std::time::Duration;

use sayoo::base::secret::Secret;
use sayoo::reconcile;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool};

use super::support::World;
use crate::support::engine::pause;
use crate::support::gate::Gate;

async fn gates(db: &PgPool) -> (Gate, Gate) {
    let tenants = std::env::var("TEST_TENANTS_URL").or_else(|_| std::env::var("DATABASE_URL")).unwrap();
    let tenants: PgConnectOptions = tenants.parse().unwrap();
    (Gate::before(&db.connect_options()).await, Gate::before(&tenants).await)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_tenants_server_that_is_away_is_said_and_an_order_waits_for_it(db: PgPool) {
    let (control, tenants) = gates(&db).await;
    let world = World::behind(db, &control, &tenants).await;
    tenants.close();
    let shop = world.order("shop").await;
    world.until_told(shop, "reason-database-away").await;
    assert_eq!(world.status(shop).await, "preparing");
    tenants.open();
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.reason(shop).await, "", "nothing is left to be said");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_tenants_server_that_breaks_off_anywhere_in_a_creation_leaves_one_of_each(db: PgPool) {
    let (control, tenants) = gates(&db).await;
    let world = World::behind(db, &control, &tenants).await;
    for (number, nth) in [1, 2, 4, 7, 11, 16].into_iter().enumerate() {
        tenants.break_off_after(nth);
        let shop = world.order(&format!("shop-{nth}")).await;
        world.until(shop, "running").await;
        assert!(tenants.has_broken_off(), "a creation has fewer than {nth} messages");
        assert_eq!(world.counts().await, (number + 1, number + 1, number + 1), "broken off after {nth}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_the_control_database_is_away_what_runs_runs_and_afterwards_orders_go_on(db: PgPool) {
    let (control, tenants) = gates(&db).await;
    let world = World::behind(db, &control, &tenants).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let bakery = world.order("bakery").await;
    control.close();
    reconcile::settle(&world.site).await.unwrap_err();
    assert_eq!(world.counts().await, (1, 1, 1), "nothing was made or removed");
    assert_eq!(world.status(shop).await, "running");
    control.open();
    world.until(bakery, "running").await;

    // In the middle of a turn: its lease ends, and another turn goes on.
    for (number, nth) in [9, 30].into_iter().enumerate() {
        control.break_off_after(nth);
        let next = world.order(&format!("next-{nth}")).await;
        for turn in 0.. {
            drop(reconcile::settle(&world.site).await);
            if world.status(next).await == "running" {
                break;
            }
            assert!(turn < 240, "{:?}", world.troubles().await);
            pause().await;
        }
        assert!(control.has_broken_off());
        assert_eq!(world.counts().await, (number + 3, number + 3, number + 3), "broken off after {nth}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_server_that_breaks_off_once_while_a_template_is_made_is_no_news(db: PgPool) {
    let (control, tenants) = gates(&db).await;
    let world = World::behind(db, &control, &tenants).await;
    world.run("UPDATE templates SET state = 'wanted' WHERE id = $1", |query| query.bind(world.template.uuid())).await;
    tenants.break_off_after(1);
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    assert!(tenants.has_broken_off(), "it was to meet an error");
    let events = world.events(shop).await;
    assert!(!events.iter().any(|event| event == "failing" || event == "recovered"), "{events:?}");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_process_that_is_held_up_in_a_transaction_lets_its_rows_go(db: PgPool) {
    let url = Secret::new(db.connect_options().to_url_lossy().to_string());
    let pool = sayoo::db::pool(&url, 1).unwrap();
    let limit: String = sqlx::query_scalar("SHOW idle_in_transaction_session_timeout").fetch_one(&pool).await.unwrap();
    assert_eq!(limit, "30s");
    // Long before the half minute is over, by the same rule.
    let mut held_up = pool.begin().await.unwrap();
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = '100ms'").execute(&mut *held_up).await.unwrap();
    sqlx::query("LOCK TABLE turns").execute(&mut *held_up).await.unwrap();
    sqlx::query("SELECT FROM turns").execute(&db).await.unwrap();
    assert!(held_up.commit().await.is_err(), "what was held up is not kept");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn through_a_slow_control_database_two_workers_make_one_of_each(db: PgPool) {
    /// So that a test that never ends has failed.
    const LIMIT: Duration = Duration::from_mins(5);
    let (control, tenants) = gates(&db).await;
    let world = World::behind(db, &control, &tenants).await;
    control.slow(Duration::from_millis(300));
    let shop = world.order("shop").await;
    let made = async {
        while world.status(shop).await != "running" {
            let (one, other) = tokio::join!(reconcile::settle(&world.site), reconcile::settle(&world.site));
            one.and(other).unwrap();
            pause().await;
        }
    };
    let is_made = tokio::time::timeout(LIMIT, made).await.is_ok();
    assert!(is_made, "{} {:?}", world.status(shop).await, world.troubles().await);
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.routes().await.len(), 1);
    let mut events = world.events(shop).await;
    let count = events.len();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), count, "everything happened once: {events:?}");
    assert_eq!(world.troubles().await, Vec::<String>::new());
    control.slow(Duration::ZERO);
    world.end().await;
}
