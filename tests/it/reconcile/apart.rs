//! Kills a real worker in what it does less often: building a template, making spares and handing them out, fleeing from a
//! lost machine, adding and removing replicas. Every place that has a name in the program is tried in some file.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use sayoo::base::ids::{DatabaseServerId, EnvironmentId, HostId, ImageId, RuntimeId, TemplateId};
use sayoo::base::secret::{Secret, new_code};
use sayoo::reconcile;
use sayoo::reconcile::runtimes::{self, provide};
use sayoo::tenant_db::{DatabaseName, DatabaseState, RoleName};
use sqlx::{Connection, PgPool};
use uuid::Uuid;

use super::crashes::{self, PATIENCE, until, until_killed, worker};
use super::spares::{until_ready, with_spares};
use super::support::World;
use crate::billing;
use crate::metering::killed;
use crate::sandboxes;
use crate::support::engine::{docker, pause};
use crate::support::process::Process;

const WHILE_BUILDING_A_TEMPLATE: [&str; 3] = ["template:before", "template:middle", "template:after"];
const WHILE_CLAIMING_A_SPARE: [&str; 3] = ["begin:before", "begin:middle", "begin:after"];
const WHILE_MAKING_SPARES: [&str; 6] =
    ["role:before", "role:after", "database:before", "database:after", "service:before", "service:after"];
const WHILE_FLEEING: [&str; 4] = ["flee:before", "flee:after", "rotate:before", "rotate:after"];
const WHILE_ADDING_A_REPLICA: [&str; 8] = [
    "replica-add:before",
    "replica-add:after",
    "replica-role:before",
    "replica-role:after",
    "service:before",
    "service:after",
    "replica-admit:before",
    "replica-admit:after",
];
const WHILE_A_REPLICA_MOVES: [&str; 2] = ["replica-lead:before", "replica-lead:after"];
const WHILE_REMOVING_A_REPLICA: [&str; 7] = [
    "replica-leave:before",
    "replica-leave:after",
    "replica-drop:before",
    "replica-drop:after",
    "remove:before",
    "remove:after",
    "replica-remove:after",
];

/// Every place in a file's text where a worker may be killed.
fn places_in(path: &Path, places: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            places_in(&entry.unwrap().path(), places);
        }
    } else if path.extension().is_some_and(|kind| kind == "rs") {
        let text = std::fs::read_to_string(path).unwrap();
        places.extend(text.split("crash::point(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
}

#[test]
fn every_place_where_a_worker_may_die_is_tried() {
    let mut named = BTreeSet::new();
    places_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut named);
    let here: [&[&str]; 7] = [
        &WHILE_BUILDING_A_TEMPLATE,
        &WHILE_CLAIMING_A_SPARE,
        &WHILE_MAKING_SPARES,
        &WHILE_FLEEING,
        &WHILE_ADDING_A_REPLICA,
        &WHILE_A_REPLICA_MOVES,
        &WHILE_REMOVING_A_REPLICA,
    ];
    let tried = here
        .into_iter()
        .chain(crashes::PLACES)
        .chain([&killed::PLACES[..], &billing::killed::PLACES[..], &sandboxes::killed::PLACES[..]])
        .flatten()
        .chain(&billing::killed::PLACES_OF_CREDIT);
    let tried: BTreeSet<String> = tried.map(|place| (*place).to_owned()).collect();
    assert_eq!(named, tried);
}

/// Waits until a question to the control database is answered so, whoever works.
async fn until_said(world: &World, sql: &str, id: Uuid, answer: &str, place: &str) {
    let began = Instant::now();
    loop {
        let now = world.text(sql, id).await;
        if now == answer {
            return;
        }
        let troubles = world.troubles().await;
        assert!(began.elapsed() < PATIENCE, "{place}: {now:?} instead of {answer:?}, {troubles:?}");
        pause().await;
    }
}

/// Waits until there is so much of everything.
async fn until_counted(world: &World, counts: (usize, usize, usize), place: &str) {
    let began = Instant::now();
    loop {
        let now = world.counts().await;
        if now == counts {
            return;
        }
        let troubles = world.troubles().await;
        assert!(began.elapsed() < PATIENCE, "{place}: {now:?} instead of {counts:?}, {troubles:?}");
        pause().await;
    }
}

impl World {
    /// Wants a template of an image.
    async fn wants_template(&self, image: ImageId, module: &str) -> (TemplateId, DatabaseName) {
        let (id, name) = (TemplateId::new(self.now()), DatabaseName::parse(&new_code(20)).unwrap());
        let server = self.text("SELECT id::text FROM database_servers WHERE id <> $1", Uuid::nil()).await;
        let server: DatabaseServerId = server.parse().unwrap();
        self.run(
            "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
             VALUES ($1, $2, $3, 'fr_FR', ARRAY[$4], $5, 'wanted', now(), now())",
            |query| {
                let query = query.bind(id.uuid()).bind(server.uuid()).bind(image.uuid());
                query.bind(module.to_owned()).bind(name.to_string())
            },
        )
        .await;
        (id, name)
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_building_a_template_leaves_one_that_is_closed(db: PgPool) {
    let world = World::new(db).await;
    // Whatever it is asked to fill, it says that it has.
    let image = world.new_image(r#"ENTRYPOINT ["/standin", "exit", "0"]"#).await;
    for (number, place) in WHILE_BUILDING_A_TEMPLATE.iter().enumerate() {
        let (template, name) = world.wants_template(image, &format!("module{number}")).await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let state = "SELECT state FROM templates WHERE id = $1";
        assert_eq!(world.text(state, template.uuid()).await, "wanted", "{place}");
        let second = worker(&world, None);
        until_said(&world, state, template.uuid(), "ready", place).await;
        drop(second);
        assert_eq!(world.tenants.server.look(&name).await.unwrap(), DatabaseState::Ready, "{place}");
        let inventory = world.tenants.server.list().await.unwrap();
        assert!(inventory.databases.contains(&name), "{place}");
        let builder = RoleName::builder(&name);
        let may_enter = world.tenants.connect(name.as_str(), &builder, &Secret::new("x".to_owned())).await.is_ok();
        assert!(!may_enter, "{place}: whoever filled it may still change it");
        let task = format!("name=template-{name}");
        assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &task]).trim(), "", "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_while_it_claims_a_spare_gives_it_to_one_customer(db: PgPool) {
    let world = with_spares(db).await;
    let ready = "SELECT string_agg(id::text, ' ') FROM runtimes
                  WHERE environment_id IS NULL AND state = 'ready' AND wanted = 'running' AND id <> $1";
    for (number, place) in WHILE_CLAIMING_A_SPARE.iter().enumerate() {
        until_ready(&world, "3").await;
        let spares = world.text(ready, Uuid::nil()).await;
        let mut first = worker(&world, Some(place));
        let shop = world.order(&format!("shop{number}")).await;
        until_killed(&world, &mut first, place).await;
        let second = worker(&world, None);
        until(&world, shop, "running", place).await;
        drop(second);
        let runtimes = "SELECT string_agg(id::text, ' ') FROM runtimes WHERE environment_id = $1";
        let runtime = world.text(runtimes, shop.uuid()).await;
        assert!(spares.split(' ').any(|spare| spare == runtime), "{place}: {runtime} is none of {spares}");
        assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string(), "{place}");
        assert_eq!(world.routes().await.len(), number + 1, "{place}");
    }
    until_ready(&world, "3").await;
    let all = 3 + WHILE_CLAIMING_A_SPARE.len();
    until_counted(&world, (all, all, all), "at last").await;
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_making_spares_leaves_one_of_each(db: PgPool) {
    let world = with_spares(db).await;
    let count = "SELECT count(*)::text FROM runtimes
                  WHERE environment_id IS NULL AND state = 'ready' AND wanted = 'running' AND id <> $1";
    for place in WHILE_MAKING_SPARES {
        // What the last place left goes, and as many are made.
        world.run("UPDATE runtimes SET wanted = 'gone' WHERE wanted = 'running'", |query| query).await;
        world.run("UPDATE turns SET due_at = now()", |query| query).await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let second = worker(&world, None);
        until_said(&world, count, Uuid::nil(), "3", place).await;
        until_counted(&world, (3, 3, 3), place).await;
        drop(second);
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_while_it_flees_from_a_lost_machine_leaves_one_container_and_shuts_the_old_one_out(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let lost = HostId::new(world.now());
    world
        .run(
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, zone, cpu_millis, memory_mb, state, created_at)
             VALUES ($1, 'lost', 'lost', 'unix:///nowhere/docker.sock', '127.0.0.9', 'rack-9', 8000, 16384, 'down', now())",
            |query| query.bind(lost.uuid()),
        )
        .await;
    let id: RuntimeId =
        world.text("SELECT id::text FROM runtimes WHERE environment_id = $1", shop.uuid()).await.parse().unwrap();
    for place in WHILE_FLEEING {
        let runtime = runtimes::store::find(&mut world.db.acquire().await.unwrap(), id).await.unwrap().unwrap();
        let (database, role) = (runtime.database().unwrap(), runtime.role().unwrap());
        let old = provide::password(&world.site, id).await.unwrap();
        let mut session = world.tenants.connect(database.as_str(), &role, &old).await.unwrap();
        let began = "SELECT count(*)::text FROM environment_events WHERE environment_id = $1 AND kind = 'relocated'";
        let times: usize = world.text(began, shop.uuid()).await.parse().unwrap();

        world
            .run("UPDATE runtimes SET host_id = $2 WHERE id = $1", |query| query.bind(id.uuid()).bind(lost.uuid()))
            .await;
        world.run("UPDATE turns SET due_at = now()", |query| query).await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let second = worker(&world, None);
        until(&world, shop, "running", place).await;
        drop(second);
        assert!(session.ping().await.is_err(), "{place}: the old container's session goes on");
        let fresh = provide::password(&world.site, id).await.unwrap();
        assert_ne!(fresh.expose(), old.expose(), "{place}");
        let home = "SELECT hosts.state || ' ' || is_rotating FROM runtimes JOIN hosts ON hosts.id = host_id WHERE runtimes.id = $1";
        assert_eq!(world.text(home, id.uuid()).await, "active false", "{place}");
        assert_eq!(world.counts().await, (1, 1, 1), "{place}");
        assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "serving".to_owned(), 1)], "{place}");
        assert_eq!(world.text(began, shop.uuid()).await, (times + 1).to_string(), "{place}: people are told once");
    }
    world.end().await;
}

impl World {
    /// Makes this machine count as two, so that an environment may have two containers.
    pub async fn with_second_machine(&self) {
        for sql in [
            "ALTER TABLE hosts DROP CONSTRAINT hosts_node_key",
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, zone, cpu_millis, memory_mb, state, probes, created_at)
             SELECT gen_random_uuid(), 'second', node, docker_endpoint, upstream_address, 'rack-2', cpu_millis, memory_mb, 'active', probes, now()
               FROM hosts",
        ] {
            self.run(sql, |query| query).await;
        }
    }

    /// A running environment on a plan that allows several containers.
    pub async fn shop_of_several(&self) -> EnvironmentId {
        self.with_second_machine().await;
        let shop = self.order("shop").await;
        self.want(shop, "plan_version_id = (SELECT id FROM plan_versions WHERE max_replicas > 1 LIMIT 1)").await;
        self.until(shop, "running").await;
        shop
    }

    /// Makes the time pass in which requests at a replica end that is led to no more.
    pub async fn quiet(&self) {
        self.run("UPDATE replicas SET left_at = left_at - interval '5 minutes'", |query| query).await;
        self.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
    }

    /// Waits until so many containers serve, whoever works; with `works` this process does.
    pub async fn until_in(&self, id: EnvironmentId, containers: usize, works: bool, place: &str) {
        let sql = "SELECT (SELECT count(*) FROM replicas) || ' ' || (SELECT count(*) FROM replicas WHERE state = 'serving')
                       || ' ' || (SELECT cardinality(upstreams) FROM routes WHERE environment_id = $1)
                       || ' ' || (SELECT count(*) FROM turns WHERE task = 'environments' AND subject = $1 AND (unsettled_at IS NOT NULL OR lease_token IS NOT NULL))";
        let wanted = format!("{} {} {containers} 0", containers - 1, containers - 1);
        let began = Instant::now();
        loop {
            if works {
                reconcile::settle(&self.site).await.unwrap();
            }
            let now = self.text(sql, id.uuid()).await;
            if now == wanted && self.counts().await == (containers, 1, containers) {
                return;
            }
            if began.elapsed() > PATIENCE {
                let filter = format!("label=sayoo.installation={}", self.engine.installation);
                let there = docker(&["ps", "--all", "--filter", &filter]);
                let replicas =
                    self.text("SELECT string_agg(r::text, ' ') FROM replicas r WHERE $1 IS NOT NULL", id.uuid());
                let (replicas, troubles) = (replicas.await, self.troubles().await);
                panic!("{place}: {now:?} instead of {wanted:?}: {replicas} {troubles:?}\n{there}");
            }
            if containers == 1 {
                self.quiet().await;
            }
            pause().await;
        }
    }

    /// Where everything that runs is reached.
    async fn addresses(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for seen in self.site.engine.list().await.unwrap() {
            for container in self.site.engine.containers(&seen.name).await.unwrap() {
                all.extend(container.address.filter(|_| container.state.is_alive()).map(|it| it.to_string()));
            }
        }
        all
    }
}

/// Waits until a worker was killed while requests at replicas end quickly.
async fn killed_in_quiet(world: &World, first: &mut Process, place: &str) {
    let began = Instant::now();
    while !first.is_over() {
        assert!(began.elapsed() < PATIENCE, "the worker never came to {place}");
        world.quiet().await;
        pause().await;
    }
    until_killed(world, first, place).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_adding_a_replica_leaves_one(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    for place in WHILE_ADDING_A_REPLICA {
        world.want(shop, "replicas = 2").await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let second = worker(&world, None);
        world.until_in(shop, 2, false, place).await;
        drop(second);
        world.want(shop, "replicas = 1").await;
        world.until_in(shop, 1, true, place).await;
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_removing_a_replica_leaves_none(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    for place in WHILE_REMOVING_A_REPLICA {
        world.want(shop, "replicas = 2").await;
        world.until_in(shop, 2, true, place).await;
        world.want(shop, "replicas = 1").await;
        killed_in_quiet(&world, &mut worker(&world, Some(place)), place).await;
        let second = worker(&world, None);
        world.until_in(shop, 1, false, place).await;
        drop(second);
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_while_the_name_follows_a_replica_leads_it_to_all_that_serve(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    world.want(shop, "replicas = 2").await;
    world.until_in(shop, 2, true, "before").await;
    for place in WHILE_A_REPLICA_MOVES {
        let filter = format!("label=sayoo.installation={}", world.engine.installation);
        let names = docker(&["ps", "--filter", &filter, "--format", "{{.ID}} {{.Names}}"]);
        // A runtime's code may begin with the letter, too: after a replica's is its number, and then the Swarm's.
        let is_replica = |line: &&str| {
            let number = line.split('.').next().and_then(|service| service.rsplit_once("-r"));
            number.is_some_and(|(_, number)| number.len() < 4 && number.parse::<u32>().is_ok())
        };
        let replica = names.lines().find(is_replica).expect("a replica's container");
        docker(&["kill", replica.split(' ').next().unwrap()]);
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let second = worker(&world, None);
        world.until_in(shop, 2, false, place).await;
        drop(second);
        let led =
            world.text("SELECT array_to_string(upstreams, ' ') FROM routes WHERE environment_id = $1", shop.uuid());
        let led: BTreeSet<String> = led.await.split(' ').map(str::to_owned).collect();
        assert_eq!(led, world.addresses().await, "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_replica_without_another_machine_ends_where_staff_agreed_and_comes_back_with_the_machine(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    world.want(shop, "replicas = 2").await;
    world.until_in(shop, 2, true, "before").await;
    // Where it is, why there, and that it answered there, is kept as of every container.
    let placed = "SELECT CASE WHEN served_at IS NOT NULL THEN placements.explanation END FROM placements
                    JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1 AND cause = 'replicated'";
    let why = world.text(placed, shop.uuid()).await;
    assert!(why.contains("in another zone than its other containers"), "{why}");

    let home = "SELECT host_id::text FROM replicas WHERE id <> $1";
    let emptied: HostId = world.text(home, Uuid::nil()).await.parse().unwrap();
    let set = "UPDATE hosts SET wanted = 'empty', state = 'cordoned' WHERE id = $1";
    world.run(set, |query| query.bind(emptied.uuid())).await;
    let turn = "SELECT min(moves_at)::text FROM replicas WHERE id <> $1";
    let working = worker(&world, None);
    let stuck =
        "SELECT count(*)::text FROM replica_troubles WHERE reason = 'reason-replicas-no-room' AND runtime_id <> $1";
    until_said(&world, stuck, Uuid::nil(), "1", "it finds no room").await;
    until_said(&world, turn, Uuid::nil(), "", "others have their turn").await;
    assert_eq!(world.routes().await[0].2, 2, "without consent both go on serving");

    world.run("UPDATE hosts SET may_have_fewer = true WHERE id = $1", |query| query.bind(emptied.uuid())).await;
    let count = "SELECT count(*)::text FROM replicas WHERE id <> $1";
    let began = Instant::now();
    while world.text(count, Uuid::nil()).await != "0" {
        assert!(began.elapsed() < PATIENCE, "it never ended: {:?}", world.troubles().await);
        world.run("UPDATE replica_troubles SET retry_at = retry_at - interval '8 seconds'", |query| query).await;
        world.quiet().await;
        pause().await;
    }
    assert_eq!((world.routes().await[0].2, world.status(shop).await.as_str()), (1, "running"));
    until_counted(&world, (1, 1, 1), "one container").await;
    let short = world.events(shop).await.iter().filter(|kind| *kind == "replicas.short").count();
    assert_eq!(short, 1, "its people are told");

    let set = "UPDATE hosts SET wanted = 'open', state = 'active', may_have_fewer = false WHERE id = $1";
    world.run(set, |query| query.bind(emptied.uuid())).await;
    world.until_in(shop, 2, false, "the machine is back").await;
    drop(working);
    world.end().await;
}
