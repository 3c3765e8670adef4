//! Images on several machines and in a registry: nothing goes where its image is not and cannot be got.

use std::sync::Arc;

use chrono::TimeDelta;
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::images::{Images, Supplies};
use sqlx::PgPool;

use crate::matrix::world::{Shop, World};

const REGISTRY: &str = "10.0.0.1:5000";
/// The image that everything runs at first, and the one that comes after it, each with the name by which machines get it.
const OLD: (&str, &str) = ("sha256:00", "10.0.0.1:5000/odoo@sha256:00");
const NEW: (&str, &str) = ("sha256:01", "10.0.0.1:5000/odoo@sha256:01");

/// This machine, alpha, has every image; beta has none, and is reached over the network.
async fn world(db: PgPool) -> World {
    let mut world = World::with(db, &["alpha", "beta"], 0).await;
    world.site = Arc::new(Site { registry: Some(REGISTRY.to_owned()), ..Site::clone(&world.site) });
    // The emptier one is this machine, for now.
    world
        .run("UPDATE hosts SET docker_endpoint = 'tcp://10.0.0.2:2376', memory_kept_mb = 10000 WHERE node = 'beta'")
        .await;
    for (digest, pinned) in [OLD, NEW] {
        world.engine.set_absent("beta", digest, true);
        world.engine.set_absent("beta", pinned, true);
    }
    world
}

impl World {
    /// Looks after images, as the worker does, and then after everything else.
    async fn supply(&self) {
        let (db, clock) = (&self.db, &self.site.clock);
        Driver::new(Images::new(self.site.clone()), db.clone(), clock.clone()).settle().await.unwrap();
        Driver::new(Supplies::new(self.site.clone()), db.clone(), clock.clone()).settle().await.unwrap();
        self.work().await;
    }

    /// Writes down another image, which is in the registry already; the one of before is the present one no more.
    async fn new_image(&self) {
        let (digest, pinned) = NEW;
        self.run(&format!(
            "UPDATE images SET state = 'retired';
             INSERT INTO images (id, reference, digest, odoo_version, state, created_at, pinned)
             VALUES (gen_random_uuid(), 'odoo', '{digest}', '19.0', 'retired', $now, '{pinned}')"
        ))
        .await;
    }

    /// Says how beta has the new image.
    async fn new_image_is(&self, state: &str, failure: Option<&str>) {
        let (digest, failure) = (NEW.0, failure.map_or("NULL".to_owned(), |text| format!("'{text}'")));
        self.run(&format!(
            "INSERT INTO host_images
             SELECT hosts.id, images.id, '{state}', $now, {failure} FROM hosts, images
              WHERE node = 'beta' AND digest = '{digest}'
                 ON CONFLICT (host_id, image_id)
                 DO UPDATE SET state = excluded.state, since = excluded.since, failure = excluded.failure"
        ))
        .await;
    }

    /// Stops an environment and starts it again where there is most room, which is beta.
    async fn start_elsewhere(&self, shop: &Shop) {
        self.asks_for(shop, "stopped").await;
        self.run("UPDATE hosts SET memory_kept_mb = memory_kept_mb + 100000 WHERE node = 'alpha'").await;
        self.asks_for(shop, "running").await;
    }

    async fn asks_for(&self, shop: &Shop, wanted: &str) {
        let id = shop.id;
        self.run(&format!(
            "UPDATE environments SET wanted = '{wanted}', wanted_generation = wanted_generation + 1 WHERE id = '{id}'"
        ))
        .await;
        self.until(shop, wanted).await;
    }

    async fn until(&self, shop: &Shop, status: &str) {
        for _ in 0..12 {
            self.work().await;
            if self.status(shop).await == status {
                return;
            }
            self.pass(TimeDelta::seconds(31));
        }
        panic!("never {status}: {} {:?}", self.status(shop).await, self.texts("SELECT last_error FROM turns").await);
    }

    async fn status(&self, shop: &Shop) -> String {
        self.text(&format!("SELECT status FROM environments WHERE id = '{}'", shop.id)).await
    }

    async fn text(&self, sql: &str) -> String {
        self.texts(sql).await.into_iter().next().unwrap_or_default()
    }

    /// Where it is, and why there.
    async fn placed(&self) -> (String, String) {
        let sql = "SELECT {} FROM placements JOIN hosts ON hosts.id = host_id ORDER BY placements.id DESC LIMIT 1";
        (self.text(&sql.replace("{}", "node")).await, self.text(&sql.replace("{}", "explanation")).await)
    }

    /// How beta has an image.
    async fn at_beta(&self, digest: &str) -> String {
        self.text(&format!(
            "SELECT concat_ws(': ', host_images.state, failure)
               FROM host_images JOIN images ON images.id = image_id JOIN hosts ON hosts.id = host_id
              WHERE node = 'beta' AND digest = '{digest}'"
        ))
        .await
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_runs_an_image_of_before_the_registry_goes_only_where_that_is(db: PgPool) {
    let mut world = world(db).await;
    let registry = std::mem::take(&mut Arc::make_mut(&mut world.site).registry);
    let shop = world.order().await;
    world.until(&shop, "running").await;
    world.run("UPDATE images SET state = 'retired'").await;
    world.supply().await;
    assert_eq!(world.at_beta(OLD.0).await, "lacking: it is in no registry: set [odoo] registry");
    world.start_elsewhere(&shop).await;
    let (place, why) = world.placed().await;
    assert_eq!(place, "alpha");
    assert!(why.ends_with("; beta has not the image and could not get it"), "{why}");

    // With a registry it is published although it is not the present one, fetched, and not waited for.
    Arc::make_mut(&mut world.site).registry = registry;
    world.pass(TimeDelta::minutes(5));
    world.supply().await;
    assert_eq!(
        (world.engine.published(), world.text("SELECT pinned FROM images").await),
        (vec![OLD.1.to_owned()], OLD.1.to_owned())
    );
    assert_eq!((world.at_beta(OLD.0).await.as_str(), world.engine.has_image("beta", OLD.1)), ("here", true));
    world.start_elsewhere(&shop).await;
    assert_eq!(world.placed().await.0, "beta");
    assert_eq!(world.text("SELECT image_reference FROM runtimes").await, OLD.1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_registry_that_is_away_or_lost_everything_keeps_nothing_from_running_and_is_filled_again(db: PgPool) {
    let world = world(db).await;
    world.engine.set_registry_away(true);
    let shop = world.order().await;
    world.until(&shop, "running").await;
    world.supply().await;
    assert_eq!(world.text("SELECT coalesce(pinned, '') FROM images").await, "");
    world.engine.set_registry_away(false);
    world.pass(TimeDelta::seconds(31));
    world.supply().await;
    assert_eq!((world.at_beta(OLD.0).await.as_str(), world.engine.published()), ("here", vec![OLD.1.to_owned()]));

    // What is pinned and no longer there is sent again.
    world.engine.empty_registry();
    world.engine.set_absent("beta", OLD.1, true);
    world.run("UPDATE turns SET due_at = $now WHERE task = 'supplies'").await;
    Driver::new(Supplies::new(world.site.clone()), world.db.clone(), world.site.clock.clone()).settle().await.unwrap();
    assert!(world.at_beta(OLD.0).await.starts_with("lacking: "), "{}", world.at_beta(OLD.0).await);
    assert!(world.at_beta(OLD.0).await.contains("manifest unknown"));
    world.start_elsewhere(&shop).await;
    assert_eq!(world.placed().await.0, "alpha");
    world.pass(TimeDelta::minutes(5));
    world.supply().await;
    assert_eq!((world.at_beta(OLD.0).await.as_str(), world.engine.published()), ("here", vec![OLD.1.to_owned()]));
    assert_eq!(world.status(&shop).await, "running");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_update_whose_image_takes_long_to_come_is_no_bad_image(db: PgPool) {
    let world = world(db).await;
    let shop = world.order().await;
    world.until(&shop, "running").await;
    world.new_image().await;
    // Only beta takes anything, and its line is slow.
    world.run("UPDATE hosts SET state = 'cordoned', wanted = 'closed' WHERE node = 'alpha'").await;
    world.new_image_is("coming", None).await;
    world
        .run(&format!(
            "INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
             SELECT gen_random_uuid(), '{}', images.id, 500, 512, 'Sam', $now FROM images WHERE digest = '{}'",
            shop.id, NEW.0
        ))
        .await;
    let rounds = |count: usize| {
        let world = &world;
        async move {
            for _ in 0..count {
                world.work().await;
                world.pass(TimeDelta::seconds(31));
            }
        }
    };
    let state = || async { world.text("SELECT state FROM environment_updates").await };
    rounds(20).await;
    assert_eq!((state().await.as_str(), world.status(&shop).await.as_str()), ("starting", "running"));

    // A machine that cannot get it at all is left for another one, and nobody is told of a bad image.
    world.new_image_is("lacking", Some("manifest unknown")).await;
    rounds(2).await;
    assert_eq!(state().await, "waiting");
    world.new_image_is("coming", None).await;
    rounds(2).await;
    assert_eq!(state().await, "starting");

    world.engine.set_absent("beta", NEW.1, false);
    world.new_image_is("here", None).await;
    rounds(8).await;
    assert_eq!(state().await, "done");
    let failed = "SELECT kind FROM environment_events WHERE kind = 'update.failed'";
    assert_eq!(world.texts(failed).await, [""; 0]);
    assert_eq!(world.placed().await.0, "beta");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_start_that_waits_for_its_image_says_so_and_is_not_called_failing(db: PgPool) {
    let world = world(db).await;
    world.supply().await;
    world.engine.set_absent("beta", OLD.1, true);
    world.run("UPDATE hosts SET state = 'cordoned', wanted = 'closed' WHERE node = 'alpha'").await;
    world
        .run("UPDATE host_images SET state = 'coming' WHERE host_id = (SELECT id FROM hosts WHERE node = 'beta')")
        .await;
    let shop = world.order().await;
    for _ in 0..12 {
        world.work().await;
        world.pass(TimeDelta::seconds(31));
    }
    let told = "SELECT status || ' ' || (status_reason ->> 'key') FROM environments";
    let said = world.text(told).await;
    assert!(["starting reason-image-coming", "preparing reason-image-coming"].contains(&said.as_str()), "{said}");
    world.engine.set_absent("beta", OLD.1, false);
    world.run("UPDATE host_images SET state = 'here', since = $now WHERE state = 'coming'").await;
    world.until(&shop, "running").await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_image_that_nobody_has_needed_for_a_week_goes_from_the_machines_and_one_of_a_sleeper_stays(db: PgPool) {
    let world = world(db).await;
    let shop = world.order().await;
    world.until(&shop, "running").await;
    world.new_image().await;
    world.supply().await;
    world.asks_for(&shop, "stopped").await;
    world.pass(TimeDelta::days(30));
    world.supply().await;
    assert!(world.engine.has_image("beta", OLD.1), "what is stopped starts again one day");

    world.run("UPDATE runtimes SET image_id = (SELECT id FROM images WHERE digest = 'sha256:01')").await;
    world.supply().await;
    world.pass(TimeDelta::days(6));
    world.supply().await;
    assert!(world.engine.has_image("beta", OLD.1), "a rollout may be taken back");
    world.pass(TimeDelta::days(2));
    world.supply().await;
    assert_eq!((world.engine.has_image("beta", OLD.1), world.at_beta(OLD.0).await), (false, String::new()));
    assert!(world.engine.has_image("alpha", NEW.1));
}
