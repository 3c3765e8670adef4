//! Kills a real worker before, in the middle of and after each step, and lets another one go on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sayoo::base::ids::EnvironmentId;
use sqlx::{ConnectOptions, PgPool};

use super::support::World;
use crate::support::process::Process;

/// Longer than anything here takes, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Everything that a worker does on the way to a running instance, and where it may die.
const WHILE_CREATING: [&str; 14] = [
    "begin:before",
    "begin:middle",
    "begin:after",
    "role:before",
    "role:after",
    "database:before",
    "database:after",
    "service:before",
    "service:after",
    "personalise:before",
    "personalise:after",
    "open:before",
    "open:middle",
    "open:after",
];
/// Everything that a customer reads of a creation.
const STEPS_OF_CREATION: [&str; 5] =
    ["step.queued.done", "step.database.done", "step.container.done", "step.settings.done", "step.ready.done"];
const WHILE_RENAMING: [&str; 5] = ["address:before", "address:after", "open:before", "open:middle", "open:after"];
const WHILE_STOPPING: [&str; 4] = ["close:before", "close:after", "remove:before", "remove:after"];
const WHILE_FALLING_ASLEEP: [&str; 4] = ["sleep:before", "sleep:after", "rest:before", "rest:after"];
const WHILE_WAKING: [&str; 8] = [
    "wake:before",
    "wake:middle",
    "wake:after",
    "service:before",
    "service:after",
    "open:before",
    "open:middle",
    "open:after",
];
const WHILE_UPDATING: [&str; 10] = [
    "update-begin:before",
    "update-begin:after",
    "service:before",
    "service:after",
    "update-switch:before",
    "update-switch:middle",
    "update-switch:after",
    "remove:before",
    "remove:after",
    "update-end:after",
];
const WHILE_DELETING: [&str; 8] = [
    "remove:before",
    "remove:after",
    "drop:before",
    "drop:after",
    "drop-role:before",
    "drop-role:after",
    "forget:before",
    "forget:after",
];

/// Every place where a test of this file kills a worker.
pub const PLACES: [&[&str]; 7] = [
    &WHILE_CREATING,
    &WHILE_RENAMING,
    &WHILE_STOPPING,
    &WHILE_FALLING_ASLEEP,
    &WHILE_WAKING,
    &WHILE_UPDATING,
    &WHILE_DELETING,
];

/// A worker process of its own.
pub fn worker(world: &World, crash_at: Option<&str>) -> Process {
    let environment: Vec<(&str, &str)> = crash_at.map(|place| ("SAYOO_CRASH_AT", place)).into_iter().collect();
    Process::start(&configuration(world), "worker", &environment)
}

/// Waits until a worker was killed, and lets time pass until nobody is kept from work by what it had taken: it would be ten
/// seconds in each of a hundred places.
pub async fn until_killed(world: &World, first: &mut Process, place: &str) {
    first.killed(place).await;
    world.run("UPDATE turns SET leased_until = now() WHERE lease_token IS NOT NULL", |query| query).await;
    world.run("UPDATE jobs SET leased_until = now() WHERE lease_token IS NOT NULL", |query| query).await;
}

fn configuration(world: &World) -> PathBuf {
    let folder = std::env::temp_dir().join(&world.engine.installation);
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    };
    let sealing = file("sealing.key", hex::encode(world.key));
    let (cookie, sso) = (file("cookie.key", "11".repeat(64)), file("sso.key", "22".repeat(32)));
    let public = file("sso.public", "00".repeat(32));
    let url = world.db.connect_options().to_url_lossy();
    let text = format!(
        r#"
[installation]
name = "{installation}"
data_dir = "{folder}"
[public]
portal_url = "http://localhost:8080"
instances_url = "http://{{name}}.localhost:8080"
mode = "development"
[database]
owner_url = "{url}"
web_url = "{url}"
worker_url = "{url}"
proxy_url = "{url}"
[web]
listen = "127.0.0.1:0"
sso_key_file = "{sso}"
cookie_key_file = "{cookie}"
[proxy]
listen = "127.0.0.1:0"
web_upstream = "127.0.0.1:1"
table_file = "{folder}/routes.json"
[worker]
docker = "unix:///var/run/docker.sock"
sealing_key_file = "{sealing}"
upstream_address = "127.0.0.1"
sso_public_key_file = "{public}"
[tenants]
admin_url = "{tenants}"
host_for_containers = "172.17.0.1"
port_for_containers = 5432
[odoo]
image = "standin"
[pool]
spares = {spares}
[mail]
from = "Sayoo <no-reply@localhost>"
"#,
        installation = world.engine.installation,
        spares = world.site.spares,
        folder = folder.display(),
        tenants = world.tenants.url(),
    );
    PathBuf::from(file("sayoo.toml", text))
}

/// Waits until the environment has this status, whoever works.
pub async fn until(world: &World, id: EnvironmentId, status: &str, place: &str) {
    let began = Instant::now();
    loop {
        let counts = world.counts().await;
        let (is_settled, now) = (is_settled(world, id).await, world.status(id).await);
        if now == status && is_settled {
            return;
        }
        // A killed worker's lease lasts ten seconds. Thirty is what we promise, which `bin/bench failover` measures; here the
        // machine may be busy with other tests.
        assert!(
            began.elapsed() < PATIENCE,
            "{place}: {now} instead of {status}, {counts:?}, {:?}",
            world.troubles().await
        );
        crate::support::engine::pause().await;
    }
}

async fn is_settled(world: &World, id: EnvironmentId) -> bool {
    let sql = "SELECT 'no' FROM turns WHERE task = 'environments' AND subject = $1 AND (unsettled_at IS NOT NULL OR lease_token IS NOT NULL)";
    world.text(sql, id.uuid()).await.is_empty()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_a_creation_leaves_exactly_one_of_each(db: PgPool) {
    let world = World::new(db).await;
    for (number, place) in WHILE_CREATING.iter().enumerate() {
        let mut first = worker(&world, Some(place));
        let shop = world.order(&format!("shop{number}")).await;
        until_killed(&world, &mut first, place).await;
        let _second = worker(&world, None);
        until(&world, shop, "running", place).await;
        let all = number + 1;
        assert_eq!(world.counts().await, (all, all, all), "{place}");
        assert_eq!(world.routes().await.len(), all, "{place}");
        assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string(), "{place}");
        let events = world.events(shop).await;
        for step in STEPS_OF_CREATION {
            assert_eq!(events.iter().filter(|event| *event == step).count(), 1, "{place}: {step} of {events:?}");
        }
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_renaming_that_is_taken_back_half_way_leaves_odoo_with_its_old_address(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    for place in WHILE_RENAMING {
        let mut first = worker(&world, Some(place));
        world.call_it(shop, "store").await;
        until_killed(&world, &mut first, place).await;
        world.call_it(shop, "shop").await;
        let _second = worker(&world, None);
        until(&world, shop, "running", place).await;
        assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "serving".to_owned(), 1)], "{place}");
        assert_eq!(world.parameter(shop, "web.base.url").await, "http://shop.localhost:8080", "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_renamed_before_anybody_could_say_that_it_was_personalised_knows_its_new_address(db: PgPool) {
    let (world, place) = (World::new(db).await, "personalise:after");
    let mut first = worker(&world, Some(place));
    let shop = world.order("shop").await;
    // Here the lease itself is waited for.
    first.killed(place).await;
    world.call_it(shop, "store").await;
    let _second = worker(&world, None);
    until(&world, shop, "running", place).await;
    assert_eq!(world.routes().await, [("store.localhost".to_owned(), "serving".to_owned(), 1)]);
    assert_eq!(world.parameter(shop, "web.base.url").await, "http://store.localhost:8080");
    assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string());
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_stopping_and_deleting_leaves_nothing_behind(db: PgPool) {
    let world = World::new(db).await;
    for (number, place) in WHILE_STOPPING.iter().enumerate() {
        let shop = world.order(&format!("stop{number}")).await;
        world.until(shop, "running").await;
        world.want(shop, "wanted = 'stopped'").await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let _second = worker(&world, None);
        until(&world, shop, "stopped", place).await;
        let all = number + 1;
        assert_eq!(world.counts().await, (0, all, all), "{place}");
    }
    let kept = WHILE_STOPPING.len();
    for (number, place) in WHILE_DELETING.iter().enumerate() {
        let shop = world.order(&format!("gone{number}")).await;
        world.until(shop, "running").await;
        world.want(shop, "wanted = 'deleted', purge_after = now() - interval '1 second'").await;
        until_killed(&world, &mut worker(&world, Some(place)), place).await;
        let _second = worker(&world, None);
        until(&world, shop, "deleted", place).await;
        assert_eq!(world.counts().await, (0, kept, kept), "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_falling_asleep_and_waking_loses_no_wish(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    for place in WHILE_FALLING_ASLEEP {
        let mut first = worker(&world, Some(place));
        let began = Instant::now();
        while !first.is_over() {
            assert!(began.elapsed() < PATIENCE, "the worker never came to {place}");
            for sql in [
                "UPDATE environments SET status_since = now() - interval '2 hours' WHERE id = $1",
                "UPDATE runtimes SET awake_until = NULL, asleep_since = asleep_since - interval '1 hour' WHERE environment_id = $1",
                // A wish for what is awake counts as use.
                "DELETE FROM wake_requests WHERE environment_id = $1",
                "UPDATE turns SET due_at = now() WHERE task = 'environments' AND subject = $1",
            ] {
                world.run(sql, |query| query.bind(shop.uuid())).await;
            }
            crate::support::engine::pause().await;
        }
        until_killed(&world, &mut first, place).await;
        // Whatever the first one left, somebody wants it now.
        world.visit(shop).await;
        let _second = worker(&world, None);
        until(&world, shop, "running", place).await;
        assert_eq!(world.counts().await, (1, 1, 1), "{place}");
    }
    for place in WHILE_WAKING {
        world.sleeps(shop).await;
        let mut first = worker(&world, Some(place));
        world.visit(shop).await;
        until_killed(&world, &mut first, place).await;
        let _second = worker(&world, None);
        until(&world, shop, "running", place).await;
        assert_eq!(world.text("SELECT source FROM wake_requests WHERE environment_id = $1", shop.uuid()).await, "");
        assert_eq!(world.alive(shop).await, 1, "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_an_update_leaves_one_service_that_serves(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let drained = "UPDATE environment_updates SET switched_at = switched_at - interval '5 minutes'";
    let due = "UPDATE turns SET due_at = now() WHERE task = 'environments'";
    for (number, place) in WHILE_UPDATING.iter().enumerate() {
        let memory = 800 + i32::try_from(number).unwrap();
        let update = "INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
                      VALUES (gen_random_uuid(), $1, $2, 500, $3, 'Zoe', now())";
        world.run(update, |query| query.bind(shop.uuid()).bind(world.image.uuid()).bind(memory)).await;
        let mut first = worker(&world, Some(place));
        let began = Instant::now();
        while !first.is_over() {
            assert!(began.elapsed() < PATIENCE, "the worker never came to {place}");
            world.run(drained, |query| query).await;
            world.run(due, |query| query).await;
            assert_eq!(world.routes().await[0].1, "serving", "{place}");
            crate::support::engine::pause().await;
        }
        until_killed(&world, &mut first, place).await;
        let _second = worker(&world, None);
        let began = Instant::now();
        let state = "SELECT state FROM environment_updates WHERE environment_id = $1 ORDER BY created_at DESC LIMIT 1";
        while world.text(state, shop.uuid()).await != "done" {
            assert!(began.elapsed() < PATIENCE, "{place}: {:?}", world.troubles().await);
            world.run(drained, |query| query).await;
            world.run(due, |query| query).await;
            crate::support::engine::pause().await;
        }
        assert_eq!(world.counts().await, (1, 1, 1), "{place}");
        let size = "SELECT memory_mb::text FROM runtimes WHERE environment_id = $1";
        assert_eq!(world.text(size, shop.uuid()).await, memory.to_string(), "{place}");
    }
    world.end().await;
}
