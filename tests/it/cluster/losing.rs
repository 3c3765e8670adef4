//! Hosts that are lost, and hosts that only seem to be.

use std::time::{Duration, Instant};

use sayoo::audit::Actor;
use sayoo::base::ids::RuntimeId;
use sayoo::hosts::{HostState, steering};
use sayoo::reconcile::runtimes::{self, provide};
use sqlx::{Connection, PgPool};

use super::world::{Cluster, address, machine};
use crate::support::engine::pause;

/// What a customer whose host is lost waits, at most: a quarter of a minute until the Swarm is sure, and a start.
const BACK_WITHIN: Duration = Duration::from_secs(35);

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_instance_of_a_lost_host_is_placed_anew_and_the_old_one_is_off_the_database(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (second, by) = (cluster.added(2).await, Actor::system());
    let first = cluster.first().await;
    steering::cordon(&cluster.portal, &by, first, "for the test").await.unwrap();
    let shop = cluster.world.order("shop").await;
    let before = cluster.until_serving(shop, |upstream| upstream.starts_with(&address(2))).await;
    steering::uncordon(&cluster.portal, &by, first).await.unwrap();

    // What the container on the second host has: a session, and the password.
    let id: RuntimeId = cluster
        .world
        .text("SELECT id::text FROM runtimes WHERE environment_id = $1", shop.uuid())
        .await
        .parse()
        .unwrap();
    let runtime = runtimes::store::find(&mut cluster.world.db.acquire().await.unwrap(), id).await.unwrap().unwrap();
    let (database, role) = (runtime.database().unwrap(), runtime.role().unwrap());
    let password = provide::password(&cluster.world.site, id).await.unwrap();
    let mut session = cluster.world.tenants.connect(database.as_str(), &role, &password).await.unwrap();
    session.ping().await.unwrap();

    machine(&["cut", "2"]);
    let began = Instant::now();
    let after = cluster.until_serving(shop, |upstream| upstream != before).await;
    let took = began.elapsed();
    assert!(after.starts_with(&address(1)) && took < BACK_WITHIN, "{after} after {took:?}");
    assert!(session.ping().await.is_err(), "the old container's session goes on");
    // The server of the tests may let anybody in; a real one asks for the password, which is another one.
    let fresh = provide::password(&cluster.world.site, id).await.unwrap();
    assert_ne!(fresh.expose(), password.expose());
    assert!(cluster.world.tenants.connect(database.as_str(), &role, &fresh).await.is_ok());
    let host = cluster.until_host(second, "down", |host| host.state == HostState::Down).await;
    assert!(host.lost_at.is_some());
    assert!(cluster.world.events(shop).await.contains(&"relocated".to_owned()));

    // It comes back: its old container ends by itself, and it is used again.
    machine(&["mend", "2"]);
    let healed = Instant::now();
    cluster.until_host(second, "in use again", |host| host.state == HostState::Active).await;
    let name = cluster.world.service(shop).await;
    loop {
        let containers = cluster.world.site.engine.containers(&name).await.unwrap_or_default();
        let old = containers.iter().filter(|seen| seen.state.is_alive() && seen.node == host.node).count();
        if !containers.is_empty() && old == 0 {
            break;
        }
        assert!(healed.elapsed() < Duration::from_secs(60), "the old container goes on: {containers:#?}");
        pause().await;
    }
    assert_eq!(cluster.upstream(shop).await, after);
    cluster.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_short_cut_and_a_daemon_that_pauses_move_nobody(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (second, by) = (cluster.added(2).await, Actor::system());
    steering::cordon(&cluster.portal, &by, cluster.first().await, "for the test").await.unwrap();
    let shop = cluster.world.order("shop").await;
    let before = cluster.until_serving(shop, |upstream| upstream.starts_with(&address(2))).await;
    for (fault, end) in [("cut", "mend"), ("freeze", "thaw")] {
        machine(&[fault, "2"]);
        // Shorter than the Swarm takes to be sure.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            assert_eq!(cluster.upstream(shop).await, before, "the name was taken away");
            pause().await;
        }
        machine(&[end, "2"]);
        cluster.until_host(second, "in use", |host| host.state == HostState::Active).await;
        assert_eq!(cluster.until_serving(shop, |_| true).await, before);
    }
    assert!(!cluster.world.events(shop).await.contains(&"relocated".to_owned()));
    cluster.end().await;
}
