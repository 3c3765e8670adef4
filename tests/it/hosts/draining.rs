//! Hosts that are emptied: spares that make room, replicas that take turns, and who is left.

use std::sync::Arc;

use chrono::Utc;
use sayoo::audit::Actor;
use sayoo::base::clock::Clock;
use sayoo::base::ids::{HostId, ReplicaId, RuntimeId};
use sayoo::engine::Simulated;
use sayoo::hosts::placement::{Need, Siblings, Tenant};
use sayoo::hosts::steering::{self, Consent, HostError};
use sayoo::hosts::{self, ReserveError, Wanted};
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::hosts::Nodes;
use sayoo::tenant_db;
use sqlx::PgPool;

use super::placing;
use crate::support::portal::World;
use crate::support::simulated;

/// Puts a spare on a host.
async fn spare(db: &PgPool, host: HostId, memory_mb: i32) -> RuntimeId {
    let id = placing::resident(db, host, "Nobody's", memory_mb).await;
    sqlx::query("UPDATE runtimes SET environment_id = NULL, claimed_at = NULL WHERE id = $1")
        .bind(id.uuid())
        .execute(db)
        .await
        .unwrap();
    id
}

/// Puts a further container of a runtime on a host.
async fn replica(db: &PgPool, runtime: RuntimeId, host: HostId, number: i32) -> ReplicaId {
    let id = ReplicaId::new(Utc::now());
    sqlx::query(
        "INSERT INTO replicas (id, runtime_id, number, host_id, explanation, image_id, cpu_millis, memory_mb, restarts, login_generation, state, began_at)
         SELECT $1, id, $4, $3, '', image_id, cpu_millis, memory_mb, 0, 1, 'serving', now() FROM runtimes WHERE id = $2",
    )
    .bind(id.uuid())
    .bind(runtime.uuid())
    .bind(host.uuid())
    .bind(number)
    .execute(db)
    .await
    .unwrap();
    id
}

/// A worker's look at machines, on a simulated engine that has them all.
struct Watch(Arc<Site>);

impl Watch {
    fn new(db: &PgPool, names: &[&str]) -> Self {
        let clock = Clock::manual(Utc::now());
        let engine = Simulated::new(clock.clone());
        engine.set_nodes(names);
        Self(simulated::site(db, clock, &engine, &tenant_db::Simulated::default(), "draining"))
    }

    async fn turn(&self) {
        let driver = Driver::new(Nodes::new(self.0.clone()), self.0.db.clone(), self.0.clock.clone());
        driver.settle().await.unwrap();
        self.0.clock.advance(chrono::TimeDelta::seconds(2));
    }
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

const MOVES: &str = "SELECT count(*) FROM environment_updates WHERE leaves_host_id IS NOT NULL AND ended_at IS NULL";
const REPLICA_MOVES: &str = "SELECT count(*) FROM replicas WHERE moves_at IS NOT NULL";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn spares_are_room_for_a_drain_on_every_page_and_in_the_drain_itself(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 2).await;
    placing::resident(&db, ids[0], "Shop", 3000).await;
    // Of 8,192 MiB 1,024 are free.
    for _ in 0..7 {
        spare(&db, ids[1], 1024).await;
    }
    let path = format!("/staff/hosts/{}", ids[0]);
    sam.get("/staff/hosts").await.assert_says(200, "every instance on it finds room elsewhere");
    let page = sam.get(&format!("{path}/drain")).await;
    page.assert_says(200, "host-1");
    assert!(!page.words().contains("no room elsewhere"), "{}", page.words());
    sam.post(&format!("{path}/drain"), &[("reason", "a new disk")]).await.assert_redirect(&path);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_move_has_the_room_of_spares_set_aside_and_begins_once_they_have_gone(db: PgPool) {
    let ids = placing::hosts(&db, 2).await;
    placing::resident(&db, ids[0], "Shop", 3000).await;
    let mut spares = Vec::new();
    for _ in 0..7 {
        spares.push(spare(&db, ids[1], 1024).await);
    }
    let set = "UPDATE hosts SET wanted = 'empty', state = 'cordoned' WHERE id = $1";
    sqlx::query(set).bind(ids[0].uuid()).execute(&db).await.unwrap();
    hold_size(&db).await;
    Watch::new(&db, &["host-0", "host-1"]).turn().await;
    assert_eq!(count(&db, MOVES).await, 1, "accepted, so it goes on");

    let mut tx = db.acquire().await.unwrap();
    let explanation: String =
        sqlx::query_scalar("SELECT explanation FROM environment_updates").fetch_one(&mut *tx).await.unwrap();
    let aside = hosts::Placement { host: ids[1], explanation };
    let need = Need { cpu_millis: 100, memory_mb: 3000, tenant: Tenant::Production, not_on: None, image: None };
    assert_eq!(hosts::crowded(&mut tx).await.unwrap(), [ids[1]], "no customer gets one of its spares");
    let refused = hosts::keep_room(&mut tx, Some(&aside), need, &Siblings::default()).await;
    let Err(ReserveError::NoRoom(why)) = refused else { panic!("began on memory of spares: {refused:?}") };
    assert_eq!(why.spares, spares[..2], "the oldest, and as many as are needed");
    sayoo::reconcile::runtimes::store::give_up_spares(&mut tx, &why.spares).await.unwrap();
    let refused = hosts::keep_room(&mut tx, Some(&aside), need, &Siblings::default()).await;
    let Err(ReserveError::NoRoom(why)) = refused else { panic!("they have not gone: {refused:?}") };
    assert_eq!(why.spares, [], "no more of them go for this one");
    for spare in &spares[..2] {
        sayoo::reconcile::runtimes::store::set_gone(&mut tx, *spare, Utc::now()).await.unwrap();
    }
    let kept = hosts::keep_room(&mut tx, Some(&aside), need, &Siblings::default()).await.unwrap();
    assert_eq!(kept, aside, "with the reason for which it was chosen");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn three_move_at_once_replicas_among_them_and_the_next_one_when_one_has_moved(db: PgPool) {
    let ids = placing::hosts(&db, 3).await;
    for number in 0..4 {
        let shop = placing::resident(&db, ids[1], &format!("Shop {number}"), 512).await;
        replica(&db, shop, ids[0], 1).await;
    }
    placing::resident(&db, ids[0], "Alone", 512).await;
    let set = "UPDATE hosts SET wanted = 'empty', state = 'cordoned' WHERE id = $1";
    sqlx::query(set).bind(ids[0].uuid()).execute(&db).await.unwrap();
    let watch = Watch::new(&db, &["host-0", "host-1", "host-2"]);
    for _ in 0..3 {
        watch.turn().await;
        assert_eq!((count(&db, MOVES).await, count(&db, REPLICA_MOVES).await), (1, 2));
    }
    // One has moved: its old container is removed.
    sqlx::query("DELETE FROM replicas WHERE id = (SELECT id FROM replicas WHERE moves_at IS NOT NULL LIMIT 1)")
        .execute(&db)
        .await
        .unwrap();
    watch.turn().await;
    assert_eq!((count(&db, MOVES).await, count(&db, REPLICA_MOVES).await), (1, 2));
    assert_eq!(count(&db, "SELECT count(*) FROM replicas").await, 3);

    // One that finds no other place gives its turn to another one.
    let told = "INSERT INTO replica_troubles (runtime_id, wanted, reason, explanation, noted_at, retry_at)
                SELECT runtime_id, 2, 'reason-replicas-no-room', 'b is full', $1, $1 + interval '20 seconds'
                  FROM replicas WHERE moves_at IS NOT NULL ORDER BY id LIMIT 1 RETURNING runtime_id";
    let stuck: uuid::Uuid = sqlx::query_scalar(told).bind(watch.0.clock.now()).fetch_one(&db).await.unwrap();
    watch.turn().await;
    let moving: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT runtime_id FROM replicas WHERE moves_at IS NOT NULL").fetch_all(&db).await.unwrap();
    assert!(moving.len() == 2 && !moving.contains(&stuck), "{stuck} among {moving:?}");

    // Taken back: nobody leaves any more.
    let set = "UPDATE hosts SET wanted = 'closed' WHERE id = $1";
    sqlx::query(set).bind(ids[0].uuid()).execute(&db).await.unwrap();
    watch.turn().await;
    assert_eq!((count(&db, MOVES).await, count(&db, REPLICA_MOVES).await), (0, 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_would_run_in_fewer_containers_meanwhile_is_said_and_confirmed(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 2).await;
    let shop = placing::resident(&db, ids[0], "Shop", 512).await;
    replica(&db, shop, ids[1], 1).await;
    for (host, words) in [(ids[1], "Ends; the others of it serve"), (ids[0], "beside another container of it")] {
        let path = format!("/staff/hosts/{host}");
        let page = sam.get(&format!("{path}/drain")).await;
        page.assert_says(200, words);
        page.assert_says(200, "One container would end or share a machine");
        let refused = sam.post(&format!("{path}/drain"), &[("reason", "a new disk")]).await;
        refused.assert_says(422, "confirm it first");
        let agreed = [("reason", "a new disk"), ("fewer", "yes")];
        sam.post(&format!("{path}/drain"), &agreed).await.assert_redirect(&path);
        assert_eq!(count(&db, "SELECT count(*) FROM hosts WHERE may_have_fewer AND wanted = 'empty'").await, 1);
        sam.post(&format!("{path}/uncordon"), &[]).await.assert_redirect(&path);
        assert_eq!(count(&db, "SELECT count(*) FROM hosts WHERE may_have_fewer").await, 0, "said for one time");
    }
    sam.get("/staff/hosts").await.assert_says(200, "would end or share a machine");
    // Where nobody serves at all, no consent helps.
    sqlx::query("UPDATE hosts SET memory_kept_mb = memory_mb WHERE id = $1")
        .bind(ids[1].uuid())
        .execute(&db)
        .await
        .unwrap();
    let drained = steering::drain(&world.portal, &Actor::system(), ids[0], "a new disk", Consent::ToFewer).await;
    assert!(matches!(drained, Err(HostError::NoRoom(1))), "{drained:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_left_on_a_host_that_is_emptied_is_shown_with_the_reason(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 2).await;
    let big = placing::resident(&db, ids[0], "Big shop", 6000).await;
    let broken = placing::resident(&db, ids[0], "Broken shop", 512).await;
    let young = placing::resident(&db, ids[0], "Young shop", 512).await;
    let path = format!("/staff/hosts/{}", ids[0]);
    assert!(!sam.get(&path).await.words().contains("Still here"), "nothing is to go");
    let state = "UPDATE runtimes SET state = 'building' WHERE id = ANY ($1)";
    sqlx::query(state).bind(vec![broken.uuid(), young.uuid()]).execute(&db).await.unwrap();
    let failing = "UPDATE environments SET status = 'failing' WHERE name = 'Broken shop'";
    sqlx::query(failing).execute(&db).await.unwrap();
    steering::drain(&world.portal, &Actor::system(), ids[0], "a new disk", Consent::None).await.unwrap();
    // Meanwhile the other host has filled up.
    let full = placing::resident(&db, ids[1], "Full", 5000).await;
    let watch = Watch::new(&db, &["host-0", "host-1"]);
    hold_size(&db).await;
    watch.turn().await;
    let page = sam.get(&path).await;
    for words in ["Still here, and why", "No host has room for it", "host-1 has", "Fails here", "Starts here first"] {
        page.assert_says(200, words);
    }
    assert_eq!(count(&db, MOVES).await, 0);
    let environment: uuid::Uuid = sqlx::query_scalar("SELECT environment_id FROM runtimes WHERE id = $1")
        .bind(big.uuid())
        .fetch_one(&db)
        .await
        .unwrap();
    sam.get(&format!("/staff/instances/{environment}")).await.assert_says(200, "No host has room");
    sam.get("/staff/hosts").await.assert_says(200, "Waits for room");

    // What fails here may well serve there, and once there is room the rest follows.
    sqlx::query("UPDATE runtimes SET personalised_at = now() WHERE id = $1")
        .bind(broken.uuid())
        .execute(&db)
        .await
        .unwrap();
    let mut connection = db.acquire().await.unwrap();
    sayoo::reconcile::runtimes::store::set_gone(&mut connection, full, Utc::now()).await.unwrap();
    drop(connection);
    watch.turn().await;
    assert_eq!(count(&db, MOVES).await, 2);
    let page = sam.get(&path).await;
    page.assert_says(200, "Moves now");
    assert!(page.words().contains("Starts here first"), "the young one: {}", page.words());
    assert_eq!(host_wanted(&db, ids[0]).await, Wanted::Empty);
}

/// Keeps the machines as small as the test says, whatever the engine shows.
async fn hold_size(db: &PgPool) {
    for sql in [
        "CREATE FUNCTION small() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.memory_mb = 10240; NEW.cpu_millis = 8000; RETURN NEW; END $$",
        "CREATE TRIGGER small BEFORE UPDATE ON hosts FOR EACH ROW EXECUTE FUNCTION small()",
    ] {
        sqlx::query(sql).execute(db).await.unwrap();
    }
}

async fn host_wanted(db: &PgPool, id: HostId) -> Wanted {
    let mut connection = db.acquire().await.unwrap();
    hosts::overview(&mut connection).await.unwrap().find(id).unwrap().host.wanted
}
