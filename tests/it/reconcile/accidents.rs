//! Engines that do not answer, containers that die, things that were left behind.

use std::path::Path;
use std::time::Duration;

use sqlx::PgPool;

use sayoo::engine::{ServiceName, ServiceSpec};
use sayoo::reconcile;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::leftovers::Leftovers;

use super::support::World;
use crate::support::engine::{DOCKER, TestEngine, docker};
use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::small_disk::SmallDisk;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_engine_that_does_not_answer_changes_nothing(db: PgPool) {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let world = World::with(db, TestEngine::through(&proxy.socket(), Duration::from_secs(2))).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let routes = world.routes().await;

    for fault in [Fault::CutBefore, Fault::Answer(500, "broken"), Fault::CutAfter] {
        proxy.rule("GET", fault, 1000);
        world.run("UPDATE turns SET due_at = now()", |query| query).await;
        reconcile::settle(&world.site).await.unwrap();
        proxy.mend();
        assert_eq!(world.status(shop).await, "running");
        assert_eq!(world.routes().await, routes);
    }
    world.run("UPDATE turns SET due_at = now()", |query| query).await;
    reconcile::settle(&world.site).await.unwrap();
    assert_eq!(world.counts().await, (1, 1, 1));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_creation_whose_answers_get_lost_still_makes_one_of_each(db: PgPool) {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let world = World::with(db, TestEngine::through(&proxy.socket(), Duration::from_secs(2))).await;
    proxy.rule("/services/create", Fault::CutAfter, 2);
    proxy.rule("/secrets/create", Fault::CutAfter, 1);
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_killed_container_is_replaced_and_the_name_follows(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let before = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;
    let name = world.service(shop).await;
    for container in world.site.engine.containers(&name).await.unwrap() {
        docker(&["kill", &container.id]);
    }
    for _ in 0..200 {
        world.run("UPDATE turns SET due_at = now()", |query| query).await;
        reconcile::settle(&world.site).await.unwrap();
        let now =
            world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1 AND state = 'serving'", shop.uuid());
        let now = now.await;
        if !now.is_empty() && now != before {
            world.end().await;
            return;
        }
        crate::support::engine::pause().await;
    }
    panic!("the name never followed: {:?}", world.troubles().await);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_service_that_nobody_owns_goes_after_two_looks_and_not_after_one(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let stray: ServiceSpec = world.engine.service(&[]);
    world.site.engine.apply(&stray).await.unwrap();

    let driver = Driver::new(Leftovers::new(world.site.clone()), world.db.clone(), world.site.clock.clone());
    driver.settle().await.unwrap();
    assert_eq!(world.counts().await, (2, 1, 1));
    world.run("UPDATE turns SET due_at = now() WHERE task = 'leftovers'", |query| query).await;
    driver.settle().await.unwrap();
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.status(shop).await, "running");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_service_of_an_update_that_a_held_up_worker_makes_too_late_goes_again(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let mut late: ServiceSpec = world.engine.service(&[]);
    late.name = ServiceName::parse(&format!("{}-b", world.service(shop).await)).unwrap();
    world.site.engine.apply(&late).await.unwrap();

    let driver = Driver::new(Leftovers::new(world.site.clone()), world.db.clone(), world.site.clock.clone());
    let update =
        "INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
                  VALUES (gen_random_uuid(), $1, $2, 500, 512, 'Zoe', now())";
    world.run(update, |query| query.bind(shop.uuid()).bind(world.image.uuid())).await;
    for _ in 0..2 {
        world.run("UPDATE turns SET due_at = now() WHERE task = 'leftovers'", |query| query).await;
        driver.settle().await.unwrap();
    }
    assert_eq!(world.counts().await, (2, 1, 1), "while an update goes on there may be two");
    world.run("UPDATE environment_updates SET state = 'done', ended_at = now()", |query| query).await;
    for _ in 0..2 {
        world.run("UPDATE turns SET due_at = now() WHERE task = 'leftovers'", |query| query).await;
        driver.settle().await.unwrap();
    }
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.alive(shop).await, 1, "and it is the right one");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_template_whose_maker_died_after_closing_it_is_used(db: PgPool) {
    let world = World::new(db).await;
    for state in ["wanted", "failed"] {
        world
            .run("UPDATE templates SET state = $2 WHERE id = $1", |query| query.bind(world.template.uuid()).bind(state))
            .await;
        let shop = world.order(state).await;
        world.until(shop, "running").await;
        let kept = "SELECT state FROM templates WHERE id = $1";
        assert_eq!(world.text(kept, world.template.uuid()).await, "ready");
    }
    assert_eq!(world.counts().await, (2, 2, 2));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_full_disk_is_said_and_an_order_waits_until_there_is_room(db: PgPool) {
    let world = World::new(db).await;
    let mut disk = SmallDisk::new(&world.tenants, 24).await;
    let template = world.text("SELECT database_name FROM templates WHERE id = $1", world.template.uuid()).await;
    disk.move_database(&template).await;
    disk.fill();

    let shop = world.order("shop").await;
    let reason = "SELECT coalesce(status_reason->>'key', status_reason #>> '{}') FROM environments WHERE id = $1";
    for turn in 0.. {
        reconcile::settle(&world.site).await.unwrap();
        if world.text(reason, shop.uuid()).await == "reason-disk-full" {
            break;
        }
        assert!(turn < 120, "the full disk was never said: {:?}", world.troubles().await);
        crate::support::engine::pause().await;
    }
    assert_ne!(world.status(shop).await, "running");
    assert_eq!(world.counts().await.1, 0, "no database is left half made");

    disk.make_room();
    world.until(shop, "running").await;
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.text(reason, shop.uuid()).await, "");
    world.end().await;
    disk.end().await;
}
