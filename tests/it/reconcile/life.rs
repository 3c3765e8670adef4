//! From the order to the last trace.

use sqlx::PgPool;

use sayoo::reconcile;

use super::support::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_order_becomes_an_instance_that_is_personalised_and_routed(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "serving".to_owned(), 1)]);
    assert_eq!(world.parameter(shop, "web.base.url").await, "http://shop.localhost:8080");
    assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string());
    let events = world.events(shop).await;
    for step in ["queued", "database", "container", "settings", "address", "ready"] {
        let done = format!("step.{step}.done");
        assert_eq!(events.iter().filter(|event| **event == done).count(), 1, "{step} in {events:?}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_stopped_instance_keeps_its_data_and_starts_again(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    world.want(shop, "wanted = 'stopped'").await;
    world.until(shop, "stopped").await;
    assert_eq!(world.counts().await, (0, 1, 1));
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "stopped".to_owned(), 0)]);

    world.want(shop, "wanted = 'running'").await;
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));
    let events = world.events(shop).await;
    assert!(events.ends_with(&["stopped".to_owned(), "started".to_owned()]), "{events:?}");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_restart_ends_with_another_container_and_never_without_a_route(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let before = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;

    world.want(shop, "restarts = restarts + 1").await;
    for _ in 0..100 {
        reconcile::settle(&world.site).await.unwrap();
        assert_eq!(world.routes().await[0].1, "serving");
        let now = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;
        if now != before {
            world.end().await;
            return;
        }
        crate::support::engine::pause().await;
    }
    panic!("still the same container: {:?}", world.troubles().await);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_renamed_instance_is_reached_by_its_new_name_only_and_knows_it(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    world.call_it(shop, "store").await;
    reconcile::settle(&world.site).await.unwrap();

    assert_eq!(world.routes().await, [("store.localhost".to_owned(), "serving".to_owned(), 1)]);
    assert_eq!(world.parameter(shop, "web.base.url").await, "http://store.localhost:8080");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_suspended_instance_stops_answering_keeps_its_data_and_comes_back(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    let suspension = world.suspend(shop).await;
    world.until(shop, "suspended").await;
    assert_eq!(world.counts().await, (0, 1, 1));
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "suspended".to_owned(), 0)]);

    world
        .run("UPDATE suspensions SET lifted_at = now(), lifted_by = suspended_by WHERE id = $1", |query| {
            query.bind(suspension.uuid())
        })
        .await;
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_deleted_instance_is_closed_at_once_and_can_be_had_back_until_the_purge(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    world.want(shop, "wanted = 'deleted', purge_after = now() + interval '7 days'").await;
    world.until(shop, "deleting").await;
    reconcile::settle(&world.site).await.unwrap();
    assert_eq!(world.routes().await, []);
    assert_eq!(world.counts().await.0, 0);
    assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string(), "the data is kept");

    world.want(shop, "wanted = 'running', purge_after = NULL").await;
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));

    world.want(shop, "wanted = 'deleted', purge_after = now() - interval '1 second'").await;
    world.until(shop, "deleted").await;
    assert_eq!(world.counts().await, (0, 0, 0));
    let freed = "SELECT CASE WHEN freed_at IS NOT NULL THEN 'freed' END FROM subdomains WHERE account_id = $1";
    assert_eq!(world.text(freed, world.account.uuid()).await, "freed");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn twenty_orders_at_once_all_succeed_and_promise_no_memory_twice(db: PgPool) {
    let world = World::new(db).await;
    let mut orders = Vec::new();
    for number in 0..20 {
        orders.push(world.order(&format!("shop{number}")).await);
    }
    for order in orders {
        world.until(order, "running").await;
    }
    assert_eq!(world.counts().await, (20, 20, 20));
    let over = "SELECT name FROM hosts WHERE memory_mb - memory_kept_mb < (SELECT sum(memory_mb) FROM runtimes WHERE host_id = hosts.id) AND id <> $1";
    assert_eq!(world.text(over, uuid::Uuid::nil()).await, "");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_starts_right_after_its_stop_is_not_led_to_the_container_that_ends(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let before = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;

    world.want(shop, "wanted = 'stopped'").await;
    world.until(shop, "stopped").await;
    world.want(shop, "wanted = 'running'").await;
    world.until(shop, "running").await;
    let after = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;
    let generation = world.site.engine.containers(&world.service(shop).await).await.unwrap();
    let serving = generation.iter().find(|seen| seen.address.is_some_and(|address| address.to_string() == after));
    // The stop and the start each made it newer.
    assert!(serving.is_some_and(|seen| seen.generation > 1), "{before} then {after}: {generation:?}");
    world.end().await;
}
