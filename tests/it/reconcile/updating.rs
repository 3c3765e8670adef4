//! Another image, other limits: a second service beside the first one, and the way back.

use std::time::Duration;

use sayoo::audit::Actor;
use sayoo::base::clock::Clock;
use sayoo::base::ids::{EnvironmentId, HostId, ImageId, UpdateId};
use sayoo::portal::Portal;
use sayoo::reconcile;
use sayoo::staff::images::{self, Which};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::support::World;
use crate::support::engine::{docker, pause};

/// Makes an image that is the stand-in and something more.
pub fn image_with(base: &str, lines: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let base = base.strip_prefix("sha256:").unwrap();
    std::fs::write(place.path().join("Dockerfile"), format!("FROM {base}\n{lines}\n")).unwrap();
    let id = docker(&["build", "--quiet", place.path().to_str().unwrap()]).trim().to_owned();
    assert!(id.starts_with("sha256:"), "no image was built: {id:?}");
    id
}

impl World {
    /// Makes another image the present one, as `sayoo setup` does.
    pub async fn new_image(&self, lines: &str) -> ImageId {
        let (id, digest) = (ImageId::new(self.now()), image_with(&self.engine.image, lines));
        self.run("UPDATE images SET state = 'retired' WHERE digest <> $1", |query| query.bind(digest.clone())).await;
        self.run("INSERT INTO images VALUES ($1, 'standin', $2, '19.0', 'current', now())", |query| {
            query.bind(id.uuid()).bind(digest)
        })
        .await;
        id
    }

    /// Asks for an update of one environment.
    async fn update(&self, id: EnvironmentId, image: ImageId, memory_mb: i32) -> UpdateId {
        let update = UpdateId::new(self.now());
        self.run(
            "INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
             VALUES ($1, $2, $3, 500, $4, 'Zoe', now())",
            |query| query.bind(update.uuid()).bind(id.uuid()).bind(image.uuid()).bind(memory_mb),
        )
        .await;
        update
    }

    async fn update_state(&self, id: EnvironmentId) -> String {
        let sql =
            "SELECT state FROM environment_updates WHERE environment_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
        self.text(sql, id.uuid()).await
    }

    /// Gives turns until the environment's last update is in one of these states.
    async fn until_update(&self, id: EnvironmentId, states: &[&str]) {
        for _ in 0..400 {
            reconcile::settle(&self.site).await.unwrap();
            if states.contains(&self.update_state(id).await.as_str()) {
                return;
            }
            pause().await;
        }
        panic!("never {states:?}: {} {:?}", self.update_state(id).await, self.troubles().await);
    }

    /// Makes the time pass in which requests at an old container end.
    pub async fn all_drained(&self) {
        let sql = "UPDATE environment_updates SET switched_at = switched_at - interval '5 minutes'";
        self.run(sql, |query| query).await;
        self.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
    }

    async fn promised(&self) -> String {
        let sql =
            "SELECT sum(memory_mb)::text FROM (SELECT memory_mb FROM runtimes WHERE host_id IS NOT NULL AND id <> $1
                   UNION ALL SELECT memory_mb FROM environment_updates WHERE host_id IS NOT NULL) AS all_of_them";
        self.text(sql, uuid::Uuid::nil()).await
    }

    /// Where websockets are sent; empty when they go where all requests go.
    async fn websockets(&self, id: EnvironmentId) -> String {
        self.text("SELECT array_to_string(websockets, ' ') FROM routes WHERE environment_id = $1", id.uuid()).await
    }

    async fn runs_image(&self, id: EnvironmentId) -> String {
        let sql = "SELECT image_id::text FROM runtimes WHERE environment_id = $1 AND wanted <> 'gone'";
        self.text(sql, id.uuid()).await
    }
}

/// Asks an instance for a page through a proxy, again and again, until told to stop. Returns how many were asked for and
/// which answers were wrong.
pub async fn ask(address: std::net::SocketAddr, stop: CancellationToken) -> (usize, Vec<String>) {
    let client = reqwest::Client::new();
    let (mut asked, mut wrong) = (0, Vec::new());
    while !stop.is_cancelled() {
        asked += 1;
        let request = client.get(format!("http://{address}/web/login")).header("host", "shop.localhost");
        match request.send().await {
            Ok(answer) if answer.status().as_u16() == 200 => {}
            Ok(answer) => wrong.push(answer.status().to_string()),
            Err(error) => wrong.push(format!("{error:?}")),
        }
    }
    (asked, wrong)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_update_fails_no_request_and_sets_room_aside_for_both(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let (image, alone) = (world.new_image("LABEL edition=2").await, world.promised().await);
    let proxy = world.proxy().await;
    let stop = CancellationToken::new();
    let visitors: Vec<_> = (0..4).map(|_| tokio::spawn(ask(proxy.address, stop.clone()))).collect();

    world.update(shop, image, 900).await;
    world.until_update(shop, &["switched"]).await;
    assert_eq!(world.counts().await, (2, 1, 1), "the old one serves whom it has");
    assert_eq!(world.promised().await, (alone.parse::<i64>().unwrap() + 900).to_string());
    assert_eq!(world.runs_image(shop).await, image.to_string());
    reconcile::settle(&world.site).await.unwrap();
    assert_eq!(world.counts().await.0, 2, "not yet");
    world.all_drained().await;
    world.until_update(shop, &["done"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    stop.cancel();
    let mut asked = 0;
    for visitor in visitors {
        let (count, wrong) = visitor.await.unwrap();
        asked += count;
        assert_eq!(wrong, [""; 0], "of {count}");
    }
    assert!(asked > 100, "{asked} requests only");
    proxy.finish().await.unwrap();
    assert_eq!((world.counts().await, world.promised().await), ((1, 1, 1), "900".to_owned()));
    assert_eq!(world.status(shop).await, "running");
    let events = world.events(shop).await;
    assert!(events.ends_with(&["update.started".to_owned(), "updated".to_owned()]), "{events:?}");
    // And once more, back to the first name.
    world.update(shop, image, 800).await;
    world.until_update(shop, &["switched"]).await;
    world.all_drained().await;
    world.until_update(shop, &["done"]).await;
    assert_eq!((world.counts().await, world.promised().await), ((1, 1, 1), "800".to_owned()));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_bad_image_is_taken_back_with_a_reason_while_the_old_one_serves(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let (before, alone) = (world.runs_image(shop).await, world.promised().await);
    let upstream = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;

    let crashing = world.new_image("ENV STANDIN_CRASH_MS=1 STANDIN_SICK=1").await;
    world.update(shop, crashing, 500).await;
    world.until_update(shop, &["failed"]).await;
    let reason = "SELECT reason FROM environment_updates WHERE environment_id = $1 ORDER BY created_at DESC LIMIT 1";
    assert_eq!(world.text(reason, shop.uuid()).await, "reason-update-crashing");

    let sick = world.new_image("ENV STANDIN_SICK=1").await;
    world.update(shop, sick, 500).await;
    world.until_update(shop, &["starting"]).await;
    assert_eq!(world.counts().await.0, 2);
    let long_ago =
        "UPDATE environment_updates SET began_at = began_at - interval '151 seconds' WHERE state = 'starting'";
    world.run(long_ago, |query| query).await;
    world.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
    world.until_update(shop, &["failed"]).await;
    assert_eq!(world.text(reason, shop.uuid()).await, "reason-update-unhealthy");

    assert_eq!((world.counts().await, world.promised().await), ((1, 1, 1), alone));
    assert_eq!((world.runs_image(shop).await, world.status(shop).await.as_str()), (before, "running"));
    let after = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;
    assert_eq!(after, upstream, "nobody noticed");
    let told = "SELECT detail ->> 'reason' FROM environment_events WHERE environment_id = $1 AND kind = 'update.failed' ORDER BY id DESC LIMIT 1";
    assert_eq!(world.text(told, shop.uuid()).await, "reason-update-unhealthy");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_update_whose_machine_is_lost_begins_anew_once_that_one_is_off_the_database(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let password = "SELECT encode(password_sealed, 'hex') FROM runtime_secrets JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";
    let before = world.text(password, shop.uuid()).await;
    let image = world.new_image("LABEL edition=2").await;
    let lost = HostId::new(world.now());
    world
        .run(
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, state, lost_at, created_at)
             VALUES ($1, 'lost', 'lost', '', '127.0.0.2', 8000, 8000, 'down', now(), now())",
            |query| query.bind(lost.uuid()),
        )
        .await;
    world.update(shop, image, 900).await;
    world
        .run(
            "UPDATE environment_updates SET state = 'starting', host_id = $1, generation = 7, began_at = now()",
            |query| query.bind(lost.uuid()),
        )
        .await;

    world.until_update(shop, &["switched"]).await;
    assert_ne!(world.text(password, shop.uuid()).await, before, "what goes on there has the password");
    let is_rotating = "SELECT is_rotating::text FROM runtimes WHERE environment_id = $1";
    assert_eq!(world.text(is_rotating, shop.uuid()).await, "false");
    let events = world.events(shop).await;
    let place = |kind: &str| events.iter().position(|event| event == kind);
    assert!(place("relocated").is_some() && place("relocated") < place("update.started"), "{events:?}");
    let cause = "SELECT cause FROM placements JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1 ORDER BY placements.id DESC LIMIT 1";
    assert_eq!(world.text(cause, shop.uuid()).await, "updated");

    // Now what is left of the update is on the lost machine: it is done, and the new one starts again with another password.
    let between = world.text(password, shop.uuid()).await;
    world.run("UPDATE environment_updates SET host_id = $1", |query| query.bind(lost.uuid())).await;
    world.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
    world.until_update(shop, &["done"]).await;
    world.until(shop, "running").await;
    assert_ne!(world.text(password, shop.uuid()).await, between);
    assert_eq!((world.runs_image(shop).await, world.counts().await), (image.to_string(), (1, 1, 1)));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn websockets_have_a_port_of_their_own_only_where_something_listens(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    assert_eq!(world.websockets(shop).await, "", "the port is published, but nothing listens");
    let image = world.new_image("ENV STANDIN_WEBSOCKET=1").await;
    world.update(shop, image, 500).await;
    world.until_update(shop, &["switched"]).await;
    assert!(world.websockets(shop).await.starts_with("127.0.0.1:"));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_does_not_run_gets_its_new_limits_with_the_next_start(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let image = world.new_image("LABEL edition=2").await;
    world.sleeps(shop).await;
    world.update(shop, image, 900).await;
    world.until_update(shop, &["done"]).await;
    assert_eq!(world.status(shop).await, "asleep");
    let service = world.service(shop).await;
    world.engine.until(&service, |seen| seen.iter().all(|container| !container.state.is_alive())).await;
    world.visit(shop).await;
    world.until(shop, "running").await;
    assert_eq!((world.runs_image(shop).await, world.promised().await), (image.to_string(), "900".to_owned()));

    // Stopped in the middle: put back, and done at rest.
    let other = world.new_image("ENV STANDIN_SICK=1").await;
    world.update(shop, other, 950).await;
    world.until_update(shop, &["starting"]).await;
    world.want(shop, "wanted = 'stopped'").await;
    world.until(shop, "stopped").await;
    world.until_update(shop, &["done"]).await;
    assert_eq!(world.counts().await, (0, 1, 1));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_rollout_goes_one_first_pauses_at_a_failure_and_can_be_stopped(db: PgPool) {
    let world = World::new(db).await;
    let mut shops = Vec::new();
    for number in 0..4 {
        shops.push(world.order(&format!("shop{number}")).await);
    }
    for shop in &shops {
        world.until(*shop, "running").await;
    }
    let portal =
        Portal { db: world.db.clone(), clock: Clock::System, public: std::sync::Arc::new(super::support::public()) };
    world.new_image("ENV STANDIN_CRASH_MS=1 STANDIN_SICK=1").await;
    let begun = images::begin(&portal, &Actor::system(), "Sam", &Which::All, 3).await.unwrap();
    assert_eq!((begun.len(), begun[0].1), (1, 4));
    assert_eq!(images::begin(&portal, &Actor::system(), "Sam", &Which::All, 3).await.unwrap(), [], "twice is once");
    let rollout = begun[0].0;
    let state = "SELECT state FROM rollouts WHERE id = $1";
    for _ in 0..400 {
        reconcile::settle(&world.site).await.unwrap();
        if world.text(state, rollout.uuid()).await == "paused" {
            break;
        }
        pause().await;
    }
    let count = "SELECT count(*)::text FROM environment_updates WHERE rollout_id = $1 AND state = ";
    let failed = world.text(&format!("{count}'failed'"), rollout.uuid()).await;
    let waiting = world.text(&format!("{count}'waiting'"), rollout.uuid()).await;
    assert_eq!((failed.as_str(), waiting.as_str()), ("1", "3"), "the others were spared");
    assert!(images::stop(&portal, &Actor::system(), rollout).await.unwrap());
    assert!(!images::resume(&portal, &Actor::system(), rollout).await.unwrap());
    assert_eq!(world.text(&format!("{count}'cancelled'"), rollout.uuid()).await, "3");

    let good = world.new_image("LABEL edition=3").await;
    let which = Which::Some(shops[..3].to_vec());
    let begun = images::begin(&portal, &Actor::system(), "Sam", &which, 3).await.unwrap();
    assert_eq!(begun[0].1, 3);
    for _ in 0..400 {
        reconcile::settle(&world.site).await.unwrap();
        world.all_drained().await;
        if world.text(state, begun[0].0.uuid()).await == "done" {
            break;
        }
        pause().await;
    }
    let each = "SELECT string_agg(environment_updates.state || ' ' || turns.status::text, '; ')
                  FROM environment_updates JOIN turns ON turns.subject = environment_updates.environment_id
                 WHERE rollout_id = $1";
    let each = world.text(each, begun[0].0.uuid()).await;
    assert_eq!(world.text(state, begun[0].0.uuid()).await, "done", "{each} {:?}", world.troubles().await);
    for shop in &shops[..3] {
        assert_eq!(world.runs_image(*shop).await, good.to_string());
    }
    assert_ne!(world.runs_image(shops[3]).await, good.to_string(), "it was not chosen");
    assert_eq!(world.counts().await, (4, 4, 4));
    world.end().await;
}
