//! The warm pool.

use std::sync::Arc;

use sqlx::PgPool;

use sayoo::reconcile::{self, Site};

use super::support::World;

/// An installation with one spare of each kind.
pub async fn with_spares(db: PgPool) -> World {
    let mut world = World::new(db).await;
    let site = Site { spares: 1, ..Site::clone(&world.site) };
    world.site = Arc::new(site);
    world
}

/// Gives turns until so many spares are ready.
pub async fn until_ready(world: &World, count: &str) {
    for _ in 0..300 {
        reconcile::settle(&world.site).await.unwrap();
        let sql = "SELECT count(*)::text FROM runtimes WHERE environment_id IS NULL AND state = 'ready' AND wanted = 'running' AND id <> $1";
        if world.text(sql, uuid::Uuid::nil()).await == count {
            return;
        }
        world.run("UPDATE turns SET due_at = now() WHERE task = 'pool'", |query| query).await;
        crate::support::engine::pause().await;
    }
    panic!("the pool is never full: {:?}", world.troubles().await);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_order_takes_a_ready_spare_and_the_pool_fills_up_again(db: PgPool) {
    let world = with_spares(db).await;
    until_ready(&world, "3").await;
    let spares = world.counts().await.0;

    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let claimed = "SELECT CASE WHEN created_at < claimed_at THEN 'claimed' END FROM runtimes WHERE environment_id = $1";
    assert_eq!(world.text(claimed, shop.uuid()).await, "claimed");
    assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string());

    until_ready(&world, "3").await;
    assert_eq!(world.counts().await.0, spares + 1);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_spare_of_an_old_image_is_never_handed_out_and_goes(db: PgPool) {
    let world = with_spares(db).await;
    until_ready(&world, "3").await;
    world.run("UPDATE images SET state = 'retired' WHERE id = $1", |query| query.bind(world.image.uuid())).await;
    world
        .run(
            "INSERT INTO images VALUES (gen_random_uuid(), 'newer', 'sha256:newer', '19.0', 'current', now())",
            |query| query,
        )
        .await;
    let shop = world.order("shop").await;
    until_ready(&world, "0").await;

    assert_eq!(world.counts().await, (0, 0, 0));
    assert_eq!(world.text("SELECT code FROM runtimes WHERE environment_id = $1", shop.uuid()).await, "");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_orders_never_get_the_same_spare(db: PgPool) {
    let world = with_spares(db).await;
    until_ready(&world, "3").await;
    let (one, other) = (world.order("one").await, world.order("other").await);
    world.until(one, "running").await;
    world.until(other, "running").await;
    assert_ne!(world.service(one).await, world.service(other).await);
    assert_eq!(world.parameter(one, "sayoo.owner").await, one.to_string());
    assert_eq!(world.parameter(other, "sayoo.owner").await, other.to_string());
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn no_spare_is_made_while_a_machine_is_emptied_or_a_spare_makes_room_for_somebody(db: PgPool) {
    let world = with_spares(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    until_ready(&world, "3").await;
    world.run("UPDATE hosts SET wanted = 'empty'", |query| query).await;
    world.run("UPDATE runtimes SET wanted = 'gone' WHERE environment_id IS NULL", |query| query).await;
    let count = "SELECT count(*)::text FROM runtimes WHERE environment_id IS NULL AND state <> 'gone' AND id <> $1";
    for _ in 0..120 {
        world.run("UPDATE turns SET due_at = now() WHERE task = 'pool'", |query| query).await;
        reconcile::settle(&world.site).await.unwrap();
        if world.text(count, uuid::Uuid::nil()).await == "0" {
            break;
        }
        crate::support::engine::pause().await;
    }
    for _ in 0..3 {
        world.run("UPDATE turns SET due_at = now() WHERE task = 'pool'", |query| query).await;
        reconcile::settle(&world.site).await.unwrap();
        assert_eq!(world.text(count, uuid::Uuid::nil()).await, "0", "the room is for those who move");
    }
    world.run("UPDATE hosts SET wanted = 'open'", |query| query).await;
    until_ready(&world, "3").await;
    world.end().await;
}
