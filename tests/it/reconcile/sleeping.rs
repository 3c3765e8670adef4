//! Falling asleep, what keeps awake, and waking.

use std::time::Duration;

use chrono::TimeDelta;
use sayoo::base::ids::EnvironmentId;
use sayoo::reconcile;
use sqlx::{AssertSqlSafe, PgPool};

use super::support::World;

impl World {
    /// Makes it look as if nobody had used an environment for two hours, and has it looked at.
    pub async fn nobody_uses(&self, id: EnvironmentId) {
        for sql in [
            "UPDATE environments SET status_since = status_since - interval '2 hours' WHERE id = $1",
            "UPDATE environment_activity SET active_at = active_at - interval '2 hours' WHERE environment_id = $1",
            "UPDATE runtimes SET awake_until = awake_until - interval '2 hours' WHERE environment_id = $1",
        ] {
            self.run(sql, |query| query.bind(id.uuid())).await;
        }
        self.look_at(id).await;
    }

    /// Makes the time pass in which a request from before it fell asleep may come to light.
    pub async fn all_is_quiet(&self, id: EnvironmentId) {
        let sql = "UPDATE runtimes SET asleep_since = asleep_since - interval '1 hour' WHERE environment_id = $1";
        self.run(sql, |query| query.bind(id.uuid())).await;
        self.look_at(id).await;
    }

    /// Has an environment looked at.
    pub async fn look_at(&self, id: EnvironmentId) {
        let sql = "UPDATE turns SET due_at = now() WHERE task = 'environments' AND subject = $1";
        self.run(sql, |query| query.bind(id.uuid())).await;
        reconcile::settle(&self.site).await.unwrap();
    }

    /// Puts an environment to sleep.
    pub async fn sleeps(&self, id: EnvironmentId) {
        self.nobody_uses(id).await;
        self.all_is_quiet(id).await;
        self.until(id, "asleep").await;
        // The engine takes its time to end them. Who wakes it sooner finds the old one beside the new one for a moment.
        let service = self.service(id).await;
        self.engine.until(&service, |seen| seen.iter().all(|container| !container.state.is_alive())).await;
    }

    /// Comes as a visitor does.
    pub async fn visit(&self, id: EnvironmentId) {
        let sql = "INSERT INTO wake_requests VALUES ($1, 'request', now()) ON CONFLICT DO NOTHING";
        self.run(sql, |query| query.bind(id.uuid())).await;
    }

    /// How many containers of an environment run.
    pub async fn alive(&self, id: EnvironmentId) -> usize {
        let seen = self.site.engine.containers(&self.service(id).await).await.unwrap();
        seen.iter().filter(|container| container.state.is_alive()).count()
    }

    /// Whether an environment is to sleep.
    pub async fn is_to_sleep(&self, id: EnvironmentId) -> bool {
        let sql =
            "SELECT 'yes' FROM runtimes WHERE environment_id = $1 AND wanted <> 'gone' AND asleep_since IS NOT NULL";
        !self.text(sql, id.uuid()).await.is_empty()
    }

    /// Runs statements in an environment's database, behind its back.
    pub async fn inside(&self, id: EnvironmentId, sql: &str) {
        let code = self.text("SELECT code FROM runtimes WHERE environment_id = $1", id.uuid()).await;
        let mut inside = self.tenants.superuser(&code).await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut inside).await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_nobody_uses_sleeps_costs_nothing_and_wakes_with_a_request(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    reconcile::settle(&world.site).await.unwrap();
    assert!(!world.is_to_sleep(shop).await, "it has just begun to run");

    world.sleeps(shop).await;
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "asleep".to_owned(), 0)]);
    let service = world.site.engine.observe(&world.service(shop).await).await.unwrap().unwrap();
    assert_eq!(service.replicas, 0);
    let readings = world.site.engine.readings().await.unwrap();
    assert!(readings.iter().all(|reading| Some(reading.runtime) != service.runtime), "nothing is metered");
    let promised = "SELECT coalesce(sum(memory_mb), 0)::text FROM runtimes WHERE host_id IS NOT NULL AND id <> $1";
    assert_eq!(world.text(promised, uuid::Uuid::nil()).await, "0");

    world.visit(shop).await;
    world.until(shop, "running").await;
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "serving".to_owned(), 1)]);
    assert_eq!(world.alive(shop).await, 1);
    let events = world.events(shop).await;
    assert!(events.ends_with(&["asleep".to_owned(), "woken".to_owned()]), "{events:?}");
    assert_eq!(world.text("SELECT source FROM wake_requests WHERE environment_id = $1", shop.uuid()).await, "");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_use_a_duty_and_work_in_the_database_keep_it_awake(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;

    // What proxies append: also without a new request, when a websocket is open.
    let sample = "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors, open_websockets)
                  VALUES (gen_random_uuid(), $1, 1, now() + interval '2 hours', 0, 0, 0, 0, 1)";
    world.run(sample, |query| query.bind(shop.uuid())).await;
    world.nobody_uses(shop).await;
    assert!(!world.is_to_sleep(shop).await, "a websocket is open");
    world.run("UPDATE environment_activity SET active_at = now() - interval '2 hours'", |query| query).await;

    let code = world.text("SELECT code FROM runtimes WHERE environment_id = $1", shop.uuid()).await;
    let mut busy = world.tenants.superuser(&code).await;
    sqlx::raw_sql("BEGIN; SELECT 1").execute(&mut busy).await.unwrap();
    world.look_at(shop).await;
    assert!(!world.is_to_sleep(shop).await, "a transaction is under way");
    sqlx::raw_sql("COMMIT").execute(&mut busy).await.unwrap();
    sqlx::Connection::close(busy).await.unwrap();

    world
        .inside(
            shop,
            "CREATE TABLE ir_cron (id serial PRIMARY KEY, active bool, nextcall timestamp); GRANT SELECT ON ir_cron TO PUBLIC;
             CREATE TABLE ir_cron_trigger (cron_id int, call_at timestamp); GRANT SELECT ON ir_cron_trigger TO PUBLIC;
             INSERT INTO ir_cron (active, nextcall) VALUES (true, timezone('UTC', now()) + interval '4 minutes')",
        )
        .await;
    world.look_at(shop).await;
    assert!(!world.is_to_sleep(shop).await, "a scheduled action is due soon");
    world
        .inside(
            shop,
            "UPDATE ir_cron SET nextcall = nextcall + interval '1 day';
             INSERT INTO ir_cron_trigger VALUES (1, timezone('UTC', now()) - interval '1 minute')",
        )
        .await;
    world.look_at(shop).await;
    assert!(!world.is_to_sleep(shop).await, "an action was triggered");
    world
        .inside(
            shop,
            "UPDATE ir_cron_trigger SET call_at = call_at - interval '2 hours';
             INSERT INTO ir_cron (active, nextcall) VALUES (false, timezone('UTC', now()))",
        )
        .await;
    world.look_at(shop).await;
    assert!(world.is_to_sleep(shop).await, "what is late for hours or switched off does not count");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_due_in_odoo_wakes_it_for_a_few_minutes(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    world
        .inside(
            shop,
            "CREATE TABLE ir_cron (id serial PRIMARY KEY, active bool, nextcall timestamp); GRANT SELECT ON ir_cron TO PUBLIC;
             INSERT INTO ir_cron (active, nextcall) VALUES (true, timezone('UTC', now()) + interval '1 hour')",
        )
        .await;
    world.sleeps(shop).await;
    let near = "SELECT 'yes' FROM runtimes WHERE environment_id = $1 AND wakes_at BETWEEN now() + interval '59 minutes' AND now() + interval '60 minutes'";
    assert_eq!(world.text(near, shop.uuid()).await, "yes");
    let due = "SELECT 'yes' FROM turns WHERE subject = $1 AND due_at < now() + interval '11 minutes'";
    assert_eq!(world.text(due, shop.uuid()).await, "yes", "it is looked at before");

    let set = "UPDATE runtimes SET wakes_at = now() + interval '50 seconds' WHERE environment_id = $1";
    world.run(set, |query| query.bind(shop.uuid())).await;
    world.look_at(shop).await;
    world.until(shop, "running").await;
    let by = "SELECT detail ->> 'by' FROM environment_events WHERE environment_id = $1 AND kind = 'woken'";
    assert_eq!(world.text(by, shop.uuid()).await, "schedule");
    let stays = "SELECT 'yes' FROM runtimes WHERE environment_id = $1 AND awake_until < now() + interval '4 minutes'";
    assert_eq!(world.text(stays, shop.uuid()).await, "yes", "nobody visits it");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_that_was_under_way_keeps_its_container(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    let before = world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await;
    world.nobody_uses(shop).await;
    assert!(world.is_to_sleep(shop).await);
    assert_eq!(world.routes().await[0].1, "asleep");
    assert_eq!((world.alive(shop).await, world.status(shop).await.as_str()), (1, "running"), "not yet");

    // A proxy tells what it was in the middle of.
    let sample = "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors, open_requests)
                  VALUES (gen_random_uuid(), $1, 1, now(), 1, 0, 0, 0, 1)";
    world.run(sample, |query| query.bind(shop.uuid())).await;
    world.look_at(shop).await;
    assert!(!world.is_to_sleep(shop).await);
    assert_eq!(world.routes().await[0].1, "serving");
    assert_eq!(world.text("SELECT upstreams[1] FROM routes WHERE environment_id = $1", shop.uuid()).await, before);
    assert!(!world.events(shop).await.contains(&"asleep".to_owned()), "nobody noticed");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_sleeps_can_be_stopped_started_renamed_and_deleted(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    world.sleeps(shop).await;

    world.run("UPDATE subdomains SET name = 'store' WHERE environment_id = $1", |query| query.bind(shop.uuid())).await;
    reconcile::settle(&world.site).await.unwrap();
    assert_eq!(world.routes().await, [("store.localhost".to_owned(), "asleep".to_owned(), 0)]);

    world.want(shop, "wanted = 'stopped'").await;
    world.until(shop, "stopped").await;
    assert_eq!(world.counts().await, (0, 1, 1));
    world.want(shop, "wanted = 'running'").await;
    world.until(shop, "running").await;
    assert!(!world.is_to_sleep(shop).await, "it begins anew");

    world.sleeps(shop).await;
    world.want(shop, "wanted = 'deleted', purge_after = now() - interval '1 second'").await;
    world.until(shop, "deleted").await;
    assert_eq!(world.counts().await, (0, 0, 0));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn five_hundred_wishes_at_once_are_one_start(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    world.sleeps(shop).await;
    let sql = "INSERT INTO wake_requests VALUES ($1, 'request', now()) ON CONFLICT DO NOTHING";
    let wishes = futures_util::future::join_all((0..500).map(|_| {
        let world = &world;
        async move { world.run(sql, |query| query.bind(shop.uuid())).await }
    }));
    let (_, ()) = tokio::join!(wishes, world.until(shop, "running"));
    // Wishes that came after it was woken change nothing.
    world.until(shop, "running").await;
    let woken = world.events(shop).await.iter().filter(|event| *event == "woken").count();
    assert_eq!((woken, world.alive(shop).await), (1, 1));
    let containers = world.site.engine.containers(&world.service(shop).await).await.unwrap();
    assert_eq!(containers.iter().filter(|seen| seen.generation > 2).count(), 1, "{containers:?}");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_wish_that_nobody_heard_is_found_by_the_clock(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    world.sleeps(shop).await;
    // The worker's listener is away: the row alone must do.
    world.run("ALTER TABLE wake_requests DISABLE TRIGGER wake_requests_are_announced", |query| query).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = tokio::spawn(reconcile::run(std::sync::Arc::clone(&world.site), stop.clone()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.visit(shop).await;
    let began = world.now();
    while world.status(shop).await != "running" {
        assert!(
            world.now() - began < TimeDelta::seconds(30),
            "{}: {:?}",
            world.status(shop).await,
            world.troubles().await
        );
        crate::support::engine::pause().await;
    }
    stop.cancel();
    worker.await.unwrap();
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_restarted_stays_awake_for_whoever_asked_for_it(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.until(shop, "running").await;
    reconcile::settle(&world.site).await.unwrap();
    world.want(shop, "restarts = restarts + 1").await;
    world.nobody_uses(shop).await;
    world.until(shop, "running").await;
    world.look_at(shop).await;
    assert!(!world.is_to_sleep(shop).await, "nobody had the time to come");
    world.nobody_uses(shop).await;
    assert!(world.is_to_sleep(shop).await, "and nobody came");
    world.end().await;
}
