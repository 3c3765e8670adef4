//! A real worker process that is stopped in the middle of a step, for longer than its lease lasts, and then goes on: what
//! another one has done meanwhile stays as it is.

use rustix::process::Signal;
use sqlx::PgPool;

use super::crashes::{PATIENCE, until, worker};
use super::support::World;

/// What runs of everything, by the engine's ids.
async fn containers(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for seen in world.site.engine.list().await.unwrap() {
        let of = world.site.engine.containers(&seen.name).await.unwrap();
        all.extend(of.into_iter().filter(|container| container.state.is_alive()).map(|container| container.id));
    }
    all.sort();
    all
}

/// Waits until so many run: what is replaced takes a moment to end.
async fn until_there_are(world: &World, count: usize, place: &str) -> Vec<String> {
    let began = std::time::Instant::now();
    loop {
        let all = containers(world).await;
        if all.len() == count {
            return all;
        }
        assert!(began.elapsed() < PATIENCE, "{place}: {} containers instead of {count}", all.len());
        crate::support::engine::pause().await;
    }
}

/// Somebody wants something, a worker is stopped at a place on the way there; somebody wants something else, and another
/// worker makes it so. Then the first one goes on, and shows by a second order that it does.
async fn held_up_at(db: PgPool, place: &str, wants: [&str; 2], ends: (&str, usize)) {
    let world = World::new(db).await;
    let is_new = wants[0].is_empty();
    let mut shop = None;
    if !is_new {
        let id = world.order("shop").await;
        world.until(id, "running").await;
        shop = Some(id);
    }
    let first = worker(&world, Some(&format!("stop@{place}")));
    let shop = match shop {
        Some(shop) => {
            world.want(shop, wants[0]).await;
            shop
        }
        None => world.order("shop").await,
    };
    first.stopped().await;
    if !wants[1].is_empty() {
        world.want(shop, wants[1]).await;
    }
    let second = worker(&world, None);
    until(&world, shop, ends.0, place).await;
    drop(second);
    let (services, databases, roles) = world.counts().await;
    assert_eq!(services, ends.1, "{place}: before");
    let before = until_there_are(&world, services, place).await;

    first.send(Signal::CONT);
    let other = world.order("other").await;
    until(&world, other, "running", place).await;

    let after = until_there_are(&world, services + 1, place).await;
    assert!(before.iter().all(|id| after.contains(id)), "{place}: what served serves no more");
    assert_eq!(world.status(shop).await, ends.0, "{place}");
    // An empty service that it may have made goes with the next look. A database that was never anybody's may stay.
    let began = std::time::Instant::now();
    loop {
        let now = world.counts().await;
        let is_new_database_fine = ends.0 == "stopped" && now.1 == databases + 2;
        if (now.0, now.2) == (services + 1, roles + 1) && (now.1 == databases + 1 || is_new_database_fine) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{place}: {now:?} after {:?}", (services, databases, roles));
        world.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
        crate::support::engine::pause().await;
    }
    drop(first);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_stopped_before_it_removes_a_service_does_not_remove_it_from_who_started_again(db: PgPool) {
    let wants = ["wanted = 'stopped'", "wanted = 'running'"];
    held_up_at(db, "remove:before", wants, ("running", 1)).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_stopped_before_it_makes_a_service_does_not_start_what_was_stopped(db: PgPool) {
    held_up_at(db, "service:before", ["", "wanted = 'stopped'"], ("stopped", 0)).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_stopped_before_it_drops_a_database_drops_nothing_later(db: PgPool) {
    let wants = ["wanted = 'deleted', purge_after = now() - interval '1 second'", ""];
    held_up_at(db, "drop:before", wants, ("deleted", 0)).await;
}
