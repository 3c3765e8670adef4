//! Several containers of one environment on several hosts, with an outside world that is simulated.

use chrono::TimeDelta;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;

use super::world::{Shop, World};
use super::{Operation, begin};

/// Four more hosts, in two zones, and a plan that allows three containers. All are in use again.
pub const SEVERAL_HOSTS: &str = "
    INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, zone, cpu_millis, memory_mb, state, created_at)
    SELECT gen_random_uuid(), 'host-' || number, 'host-' || number, '', '127.0.0.' || number, 'rack-' || number / 2
         , 8000, 16384, 'active', $now
      FROM generate_series(2, 5) AS number
        ON CONFLICT DO NOTHING;
    UPDATE hosts SET state = 'active', wanted = 'open';
    ALTER TABLE plan_versions DISABLE TRIGGER plan_versions_are_immutable;
    UPDATE plan_versions SET max_replicas = 3;
    ALTER TABLE plan_versions ENABLE TRIGGER plan_versions_are_immutable;";

/// Loses the host of a container of an environment; the worker's other task hastens what is on it.
pub fn lose(which: &str, id: EnvironmentId) -> String {
    format!(
        "UPDATE hosts SET state = 'active';
         UPDATE hosts SET state = 'down'
          WHERE id = (SELECT {which} FROM runtimes JOIN replicas ON replicas.runtime_id = runtimes.id
                       WHERE environment_id = '{id}' ORDER BY number LIMIT 1);
         UPDATE turns SET due_at = $now WHERE task = 'environments';"
    )
}

/// Writes down every route that there ever is, from now on.
const WATCHED: &str = "
    CREATE TABLE IF NOT EXISTS watched (id bigint GENERATED ALWAYS AS IDENTITY, state text, count integer);
    TRUNCATE watched;
    CREATE OR REPLACE FUNCTION watch_routes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO watched (state, count) VALUES (NEW.state, cardinality(NEW.upstreams));
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER watched AFTER INSERT OR UPDATE ON routes FOR EACH ROW EXECUTE FUNCTION watch_routes();";

impl World {
    async fn several(&self) -> Shop {
        let shop = begin(self, Operation::ScaleDown).await;
        self.run(WATCHED).await;
        shop
    }

    async fn want(&self, shop: &Shop, set: &str) {
        let sql = format!(
            "UPDATE environments SET {set}, wanted_generation = wanted_generation + 1 WHERE id = '{}'",
            shop.id
        );
        self.run(&sql).await;
    }

    /// Where the name led since it is watched: every state, and the fewest containers.
    async fn watched(&self) -> (Vec<String>, Vec<String>) {
        let states = self.texts("SELECT DISTINCT state FROM watched ORDER BY state").await;
        (states, self.texts("SELECT min(count)::text FROM watched WHERE count > 0").await)
    }

    async fn numbers(&self) -> Vec<String> {
        self.texts("SELECT number::text FROM replicas ORDER BY number").await
    }

    /// Kinds of events since the first of its kind that is given.
    async fn events(&self, kind: &str) -> usize {
        self.texts(&format!("SELECT kind FROM environment_events WHERE kind = '{kind}'")).await.len()
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn three_containers_are_on_three_hosts_in_as_many_zones_as_there_are(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.several().await;
    world.converge(&shop, "running").await.unwrap();
    let zones = world
        .texts("SELECT DISTINCT zone FROM hosts WHERE id IN (SELECT host_id FROM replicas UNION SELECT host_id FROM runtimes)")
        .await;
    assert_eq!(zones.len(), 3, "{zones:?}");
    let sums = "SELECT sum(memory_promised)::text FROM (SELECT memory_mb AS memory_promised FROM replicas UNION ALL SELECT memory_mb FROM runtimes WHERE host_id IS NOT NULL) AS it";
    let kept = world.texts(sums).await;
    assert_ne!(kept, ["0"]);
    assert_eq!(world.events("replicas.reached").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_one_container_serves_the_public_never_reads_that_it_starts(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.several().await;
    for which in ["runtimes.host_id", "replicas.host_id", "runtimes.host_id"] {
        world.run(&lose(which, shop.id)).await;
        world.converge(&shop, "running").await.unwrap();
    }
    let (states, fewest) = world.watched().await;
    assert_eq!((states.as_slice(), fewest.as_slice()), (&["serving".to_owned()][..], &["2".to_owned()][..]));
    assert_eq!((world.events("relocated").await, world.events("replica.lost").await), (2, 1));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_hosts_that_are_lost_at_once_leave_the_third_container_serving(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.several().await;
    world.run(&lose("runtimes.host_id", shop.id)).await;
    world
        .run("UPDATE hosts SET state = 'down' WHERE id = (SELECT host_id FROM replicas ORDER BY number LIMIT 1)")
        .await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.watched().await.0, ["serving"]);
    assert_eq!(world.numbers().await, ["2", "3"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_update_a_restart_and_an_emptied_host_exchange_one_after_the_other(db: PgPool) {
    let world = World::new(db).await;
    let mut shop = world.several().await;
    Operation::Update.ask(&world, &mut shop).await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.numbers().await, ["3", "4"]);
    let sizes = world.texts("SELECT DISTINCT memory_mb::text FROM replicas").await;
    assert_eq!(sizes, ["700"], "like the first container");

    world.want(&shop, "restarts = restarts + 1").await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.numbers().await, ["5", "6"]);

    world.run("UPDATE hosts SET state = 'cordoned', wanted = 'empty' WHERE id = (SELECT host_id FROM replicas WHERE number = 5)").await;
    // Its turn to move, which the worker's other task gives.
    world.run("UPDATE replicas SET moves_at = $now WHERE number = 5").await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.numbers().await, ["6", "7"]);
    let (states, fewest) = world.watched().await;
    assert_eq!((states.as_slice(), fewest.as_slice()), (&["serving".to_owned()][..], &["3".to_owned()][..]));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_stopped_has_no_replicas_and_gets_as_many_as_before_when_it_starts(db: PgPool) {
    let world = World::new(db).await;
    let mut shop = world.several().await;
    for (operation, status) in
        [(Operation::Stop, "stopped"), (Operation::Start, "running"), (Operation::Suspend, "suspended")]
    {
        operation.ask(&world, &mut shop).await;
        world.converge(&shop, status).await.unwrap();
        assert_eq!(world.numbers().await.len(), if status == "running" { 2 } else { 0 }, "{status}");
    }
    world.remove(&shop).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn without_room_it_is_tried_again_now_and_then_and_found_soon_once_there_is_some(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.several().await;
    // All hosts but the two that have a container are closed.
    world.want(&shop, "replicas = 2").await;
    world.converge(&shop, "running").await.unwrap();
    let taken = "SELECT host_id FROM replicas UNION SELECT host_id FROM runtimes WHERE host_id IS NOT NULL";
    world.run(&format!("UPDATE hosts SET state = 'cordoned', wanted = 'closed' WHERE id NOT IN ({taken})")).await;
    world.want(&shop, "replicas = 3").await;
    for _ in 0..60 {
        world.work().await;
        world.pass(TimeDelta::seconds(10));
    }
    let tries: u32 = world.texts("SELECT tries::text FROM replica_troubles").await[0].parse().unwrap();
    assert!((20..=40).contains(&tries), "{tries} tries within ten minutes");
    assert_eq!(world.events("replicas.short").await, 1);
    let said = world.texts("SELECT status || ' ' || (status_reason ->> 'key') FROM environments").await;
    assert_eq!(said, ["running reason-replicas-no-room"]);

    world.run("UPDATE hosts SET state = 'active', wanted = 'open'").await;
    world.pass(TimeDelta::seconds(21));
    world.converge(&shop, "running").await.unwrap();
    let said = world.texts("SELECT status FROM environments WHERE status_reason IS NULL").await;
    assert_eq!(
        (said, world.texts("SELECT tries::text FROM replica_troubles").await),
        (vec!["running".to_owned()], vec![])
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_a_lost_first_container_finds_no_place_the_name_leads_to_the_others_alone(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.several().await;
    let first = "(SELECT host_id FROM runtimes WHERE host_id IS NOT NULL)";
    world.run("UPDATE hosts SET state = 'cordoned', wanted = 'closed'").await;
    world.run(&format!("UPDATE hosts SET state = 'down' WHERE id = {first}")).await;
    let led =
        "SELECT state || ' ' || (SELECT string_agg(it, ' ' ORDER BY it) FROM unnest(upstreams) AS it) FROM routes";
    let others = "SELECT 'serving ' || string_agg(address, ' ' ORDER BY address) FROM replicas WHERE state = 'serving'";
    for _ in 0..5 {
        world.run("UPDATE turns SET due_at = $now WHERE task = 'environments'").await;
        world.work().await;
        world.pass(TimeDelta::seconds(5));
        assert_eq!(world.texts(led).await, world.texts(others).await);
    }
    assert_eq!(world.texts("SELECT count(*)::text FROM watched").await, ["1"], "proxies are told once");

    world.run("UPDATE hosts SET state = 'active', wanted = 'open' WHERE state = 'cordoned'").await;
    world.converge(&shop, "running").await.unwrap();
    let (states, fewest) = world.watched().await;
    assert_eq!((states.as_slice(), fewest.as_slice()), (&["serving".to_owned()][..], &["2".to_owned()][..]));
}
