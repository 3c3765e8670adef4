//! Kills a real worker before, in the middle of and after each step, and lets another one go on.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sayoo::base::ids::EnvironmentId;
use sqlx::{ConnectOptions, PgPool};

use super::support::World;

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
const WHILE_STOPPING: [&str; 4] = ["close:before", "close:after", "remove:before", "remove:after"];
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

/// A worker process of its own.
struct Worker(Child);

impl Worker {
    fn start(world: &World, crash_at: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayoo"));
        command.arg("--config").arg(configuration(world)).arg("worker").stdin(Stdio::null());
        command.env("RUST_LOG", "warn");
        if let Some(place) = crash_at {
            command.env("SAYOO_CRASH_AT", place);
        }
        Self(command.spawn().unwrap())
    }

    async fn until_dead(&mut self, place: &str) {
        let began = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "the worker never came to {place}");
            crate::support::engine::pause().await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
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
spares = 0
[mail]
from = "Sayoo <no-reply@localhost>"
"#,
        installation = world.engine.installation,
        folder = folder.display(),
        tenants = world.tenants.url(),
    );
    PathBuf::from(file("sayoo.toml", text))
}

/// Waits until the environment has this status, whoever works.
async fn until(world: &World, id: EnvironmentId, status: &str, place: &str) {
    let began = Instant::now();
    loop {
        let counts = world.counts().await;
        let (is_settled, now) = (is_settled(world, id).await, world.status(id).await);
        if now == status && is_settled {
            return;
        }
        // A killed worker's lease lasts ten seconds; thirty is what we promise.
        assert!(
            began.elapsed() < Duration::from_secs(30),
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
        let mut first = Worker::start(&world, Some(place));
        let shop = world.order(&format!("shop{number}")).await;
        first.until_dead(place).await;
        let _second = Worker::start(&world, None);
        until(&world, shop, "running", place).await;
        let all = number + 1;
        assert_eq!(world.counts().await, (all, all, all), "{place}");
        assert_eq!(world.routes().await.len(), all, "{place}");
        assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string(), "{place}");
    }
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_killed_anywhere_in_stopping_and_deleting_leaves_nothing_behind(db: PgPool) {
    let world = World::new(db).await;
    for (number, place) in WHILE_STOPPING.iter().enumerate() {
        let shop = world.order(&format!("stop{number}")).await;
        world.until(shop, "running").await;
        world.want(shop, "wanted = 'stopped'").await;
        Worker::start(&world, Some(place)).until_dead(place).await;
        let _second = Worker::start(&world, None);
        until(&world, shop, "stopped", place).await;
        let all = number + 1;
        assert_eq!(world.counts().await, (0, all, all), "{place}");
    }
    let kept = WHILE_STOPPING.len();
    for (number, place) in WHILE_DELETING.iter().enumerate() {
        let shop = world.order(&format!("gone{number}")).await;
        world.until(shop, "running").await;
        world.want(shop, "wanted = 'deleted', purge_after = now() - interval '1 second'").await;
        Worker::start(&world, Some(place)).until_dead(place).await;
        let _second = Worker::start(&world, None);
        until(&world, shop, "deleted", place).await;
        assert_eq!(world.counts().await, (0, kept, kept), "{place}");
    }
    world.end().await;
}
