//! A first order that cannot be made yet: its image never answers or ends at once, the engine is away or slow. What its
//! customer reads, what is left over, and how it goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::Utc;
use sayoo::audit::Actor;
use sayoo::base::ids::EnvironmentId;
use sayoo::environments::orders::{self, Order};
use sayoo::staff::images::{self, Which};
use sqlx::PgPool;

use super::crashes::worker;
use super::support::World;
use super::updating::image_with;
use crate::support::engine::{DOCKER, TestEngine, docker, pause};
use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::portal::{self, Page, Person};

/// Long enough for a container that ends three times.
const PATIENCE: Duration = Duration::from_secs(90);

/// The pages of an installation, and a customer at them.
struct Pages {
    portal: portal::World,
    alice: Person,
}

impl Pages {
    async fn of(world: &World) -> Self {
        let portal = portal::World::new(world.db.clone()).await;
        portal.wait(Utc::now() - portal.portal.clock.now());
        let alice = portal.customer("alice").await;
        Self { portal, alice }
    }

    /// Orders an instance of what the stand-in's template has.
    async fn order(&self, address: &str) -> EnvironmentId {
        self.order_of("production", address).await
    }

    /// The same on another plan.
    async fn order_of(&self, plan: &str, address: &str) -> EnvironmentId {
        let order = Order {
            plan_version: self.portal.plan(plan).await,
            country: "FR".to_owned(),
            currency: "EUR".to_owned(),
            timezone: "Europe/Paris".to_owned(),
            apps: Vec::new(),
            ..self.alice.order(&self.portal, address).await
        };
        orders::place(&self.portal.portal, &self.alice.by(), order).await.unwrap()
    }

    /// The page of an instance, as it is now.
    async fn show(&self, id: EnvironmentId) -> Page {
        self.portal.wait(Utc::now() - self.portal.portal.clock.now());
        self.alice.get(&format!("/instances/{id}")).await
    }
}

impl World {
    /// Makes the image of new instances another one.
    async fn runs_on(&self, digest: &str) {
        self.run("UPDATE images SET digest = $1 WHERE id = $2", |query| {
            query.bind(digest.to_owned()).bind(self.image.uuid())
        })
        .await;
    }

    /// Waits for a status while a worker process works.
    async fn becomes(&self, id: EnvironmentId, status: &str) {
        let began = Instant::now();
        while self.status(id).await != status {
            let troubles = self.troubles().await;
            let turn =
                self.text("SELECT t::text FROM turns t WHERE task = 'environments' AND subject = $1", id.uuid()).await;
            assert!(began.elapsed() < PATIENCE, "never {status}: {} {troubles:?} {turn}", self.status(id).await);
            pause().await;
        }
    }

    /// Waits until people are told this reason, while a worker process works.
    async fn until_reason(&self, id: EnvironmentId, reason: &str) {
        let began = Instant::now();
        while self.reason(id).await != reason {
            assert!(began.elapsed() < PATIENCE, "{} instead of {reason}", self.reason(id).await);
            pause().await;
        }
    }

    /// Waits until the machine is known to have the images, or to lack them, while a worker process works.
    async fn image_is(&self, state: &str) {
        let began = Instant::now();
        let sql = "SELECT coalesce(min(state), '') FROM host_images WHERE image_id = $1";
        while self.text(sql, self.image.uuid()).await != state {
            assert!(began.elapsed() < PATIENCE, "the image is never {state}: {:?}", self.troubles().await);
            pause().await;
        }
    }

    /// Waits until nothing is kept for staff of this kind, while a worker process works.
    async fn until_forgotten(&self, id: EnvironmentId, kind: &str) {
        let began = Instant::now();
        while !self.text(&format!("{TROUBLE}'{kind}'"), id.uuid()).await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "it is still said: {:?}", self.troubles().await);
            self.all_drained().await;
            pause().await;
        }
    }

    /// Makes five minutes pass in the life of an environment.
    async fn is_late(&self, id: EnvironmentId) {
        for sql in [
            "UPDATE runtimes SET created_at = created_at - interval '5 minutes', personalised_at = personalised_at - interval '5 minutes'
              WHERE environment_id = $1",
            "UPDATE turns SET unsettled_at = now() - interval '5 minutes' WHERE task = 'environments' AND subject = $1",
        ] {
            self.run(sql, |query| query.bind(id.uuid())).await;
        }
        // Its machine has had the image for as long.
        self.run("UPDATE host_images SET since = since - interval '5 minutes'", |query| query).await;
    }
}

/// What a visitor of an address is told: the status and the page.
async fn visited(proxy: std::net::SocketAddr, host: &str) -> (u16, String) {
    let answer =
        reqwest::Client::new().get(format!("http://{proxy}/web/login")).header("host", host).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_first_order_whose_image_never_answers_says_so_keeps_what_is_made_and_runs_with_a_better_image(db: PgPool) {
    let world = World::new(db).await;
    world.runs_on(&image_with(&world.engine.image, "ENV STANDIN_SICK=1")).await;
    let pages = Pages::of(&world).await;
    let shop = pages.order("shop").await;
    let first = worker(&world, None);
    world.becomes(shop, "starting").await;
    assert_eq!(pages.show(shop).await.text("[role=alert]"), "", "that is no failure yet");
    // A worker remembers for a turn how long it has been waiting; the next one finds that five minutes have passed.
    drop(first);
    world.is_late(shop).await;
    let working = worker(&world, None);
    world.becomes(shop, "failing").await;

    assert_eq!(world.reason(shop).await, "reason-image-unhealthy");
    let page = pages.show(shop).await;
    let said = page.text("[role=alert]");
    for words in ["Odoo started but did not answer in time.", "keep trying by ourselves", &shop.to_string()] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(page.text("form[action$='/open']").is_empty(), "nothing can be opened: {}", page.words());
    pages.alice.get("/instances").await.assert_says(200, "Odoo started but did not answer in time.");
    assert_eq!(world.events(shop).await.iter().filter(|kind| *kind == "failing").count(), 1, "people are told once");
    // What was made is kept for the next try, and the public reads that it starts.
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "starting".to_owned(), 0)]);
    let proxy = world.proxy().await;
    let (status, text) = visited(proxy.address, "shop.localhost").await;
    assert!(status == 503 && !text.contains("oe_login_form"), "{status} {text}");

    world.new_image("LABEL better=yes").await;
    let begun = images::begin(&pages.portal.portal, &Actor::system(), "Sam", &Which::All, 1).await.unwrap();
    assert_eq!(begun[0].1, 1, "what fails is brought to a better image too");
    world.becomes(shop, "running").await;
    let began = Instant::now();
    while world.counts().await != (1, 1, 1) || world.routes().await[0].1 != "serving" {
        assert!(began.elapsed() < PATIENCE, "{:?} {:?}", world.counts().await, world.troubles().await);
        world.all_drained().await;
        pause().await;
    }
    drop(working);
    let page = pages.show(shop).await;
    assert_eq!(page.text("[role=alert]"), "");
    assert!(page.body.contains(&format!("/instances/{shop}/open")), "{}", page.words());
    let (status, text) = visited(proxy.address, "shop.localhost").await;
    assert!(status == 200 && text.contains("oe_login_form"), "{status} {text}");
    assert_eq!(world.parameter(shop, "sayoo.owner").await, shop.to_string());
    proxy.finish().await.unwrap();
    world.end().await;
}

/// What is kept for staff of one kind.
const TROUBLE: &str = "SELECT explanation FROM environment_troubles WHERE environment_id = $1 AND kind = ";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_image_that_is_nowhere_is_no_want_of_room_and_the_order_runs_once_there_is_one(db: PgPool) {
    let world = World::new(db).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    world.runs_on(&digest).await;
    let pages = Pages::of(&world).await;
    let sam = pages.portal.staff().await;
    let working = worker(&world, None);
    world.image_is("lacking").await;
    let shop = pages.order("shop").await;
    world.until_reason(shop, "reason-image-lacking").await;
    assert_eq!(world.counts().await.0, 0, "nothing is begun where it cannot run");
    let room = format!("{TROUBLE}'room'");
    let why = world.text(&room, shop.uuid()).await;
    assert!(why.contains("has not the image and could not get it"), "{why}");
    sam.get(&format!("/staff/instances/{shop}")).await.assert_says(200, &why);
    sam.get("/staff/hosts").await.assert_says(200, &why);

    world.runs_on(&world.engine.image).await;
    world.becomes(shop, "running").await;
    world.until_forgotten(shop, "room").await;
    drop(working);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_the_engine_refuses_is_not_said_to_have_started_and_staff_read_the_engines_words(db: PgPool) {
    let world = World::new(db).await;
    let image = image_with(&world.engine.image, "LABEL taken=away");
    world.runs_on(&image).await;
    let pages = Pages::of(&world).await;
    let sam = pages.portal.staff().await;
    let first = worker(&world, None);
    world.image_is("here").await;
    drop(first);
    // Somebody takes it away between two looks at what the machine has.
    world.run("UPDATE turns SET due_at = now() + interval '1 hour' WHERE task = 'supplies'", |query| query).await;
    docker(&["image", "rm", "--force", &image]);
    let shop = pages.order("shop").await;
    let second = worker(&world, None);
    world.becomes(shop, "starting").await;
    drop(second);
    world.is_late(shop).await;
    let working = worker(&world, None);
    world.becomes(shop, "failing").await;
    assert_eq!(world.reason(shop).await, "reason-not-started");
    let said = pages.show(shop).await.text("[role=alert]");
    assert!(said.contains("The machine has not started Odoo."), "{said}");
    let began = Instant::now();
    let engine = format!("{TROUBLE}'engine'");
    while world.text(&engine, shop.uuid()).await.is_empty() {
        assert!(began.elapsed() < PATIENCE, "the engine was never asked: {:?}", world.troubles().await);
        pause().await;
    }
    let text = world.text(&engine, shop.uuid()).await;
    assert!(text.to_lowercase().contains("image"), "{text}");
    let page = sam.get(&format!("/staff/instances/{shop}")).await;
    page.assert_says(200, "Docker cannot start it");
    page.assert_says(200, &text);
    let host = world.text("SELECT host_id::text FROM runtimes WHERE environment_id = $1", shop.uuid()).await;
    sam.get(&format!("/staff/hosts/{host}")).await.assert_says(200, &text);

    world.new_image("LABEL better=yes").await;
    images::begin(&pages.portal.portal, &Actor::system(), "Sam", &Which::All, 1).await.unwrap();
    world.becomes(shop, "running").await;
    world.until_forgotten(shop, "engine").await;
    drop(working);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn odoo_that_needs_more_memory_than_it_may_use_is_said_to_staff_and_in_plain_words_to_its_customer(db: PgPool) {
    let world = World::new(db).await;
    world.runs_on(&image_with(&world.engine.image, "ENV STANDIN_EAT_MB=1200")).await;
    let pages = Pages::of(&world).await;
    let sam = pages.portal.staff().await;
    let shop = pages.order_of("development", "shop").await;
    let working = worker(&world, None);
    world.becomes(shop, "failing").await;
    world.until_reason(shop, "reason-memory-full").await;
    let page = pages.show(shop).await;
    let said = page.text("[role=alert]");
    assert!(said.contains("Odoo needs more memory than its plan has. A larger plan helps."), "{said}");
    assert!(page.text(".events").contains("Used more memory than its plan has"), "{}", page.text(".events"));
    let full = world.events(shop).await.iter().filter(|kind| *kind == "memory.full").count();
    assert_eq!(full, 1, "told once in an hour, however often it ends");
    let page = sam.get(&format!("/staff/instances/{shop}")).await;
    page.assert_says(200, "Used more memory than it may");
    page.assert_says(200, "the kernel ended container");
    drop(working);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn why_there_is_no_room_is_kept_for_staff_until_there_is(db: PgPool) {
    let world = World::new(db).await;
    let pages = Pages::of(&world).await;
    let sam = pages.portal.staff().await;
    world.run("UPDATE hosts SET memory_kept_mb = memory_mb", |query| query).await;
    let shop = pages.order("shop").await;
    world.until_told(shop, "reason-no-room").await;
    let room = format!("{TROUBLE}'room'");
    let why = world.text(&room, shop.uuid()).await;
    assert!(why.starts_with("no host has room: ") && why.contains(" has 0 MiB of memory free of "), "{why}");
    sam.get(&format!("/staff/instances/{shop}")).await.assert_says(200, &why);
    let page = sam.get("/staff/hosts").await;
    page.assert_says(200, "Waits for room");
    page.assert_says(200, &why);
    world.run("UPDATE hosts SET memory_kept_mb = 0", |query| query).await;
    world.until(shop, "running").await;
    assert_eq!(world.text(&room, shop.uuid()).await, "");
    assert!(!sam.get("/staff/hosts").await.words().contains("Waits for room"));
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_first_order_whose_image_ends_at_once_is_deleted_with_all_of_it_and_the_next_one_runs(db: PgPool) {
    let world = World::new(db).await;
    world.runs_on(&image_with(&world.engine.image, "ENV STANDIN_CRASH_MS=50 STANDIN_SICK=1")).await;
    let pages = Pages::of(&world).await;
    let shop = pages.order("shop").await;
    let working = worker(&world, None);
    world.becomes(shop, "failing").await;
    assert_eq!(world.reason(shop).await, "reason-crashing");
    let said = pages.show(shop).await.text("[role=alert]");
    assert!(said.contains("Odoo stops again shortly after each start.") && said.contains("keep trying"), "{said}");

    pages
        .alice
        .post(&format!("/instances/{shop}/delete"), &[("typed", "shop")])
        .await
        .assert_redirect(&format!("/instances/{shop}"));
    world.want(shop, "purge_after = now() - interval '1 second'").await;
    world.becomes(shop, "deleted").await;
    assert_eq!((world.counts().await, world.routes().await), ((0, 0, 0), vec![]), "nothing is left over");

    world.runs_on(&world.engine.image).await;
    let next = pages.order("shop-2").await;
    world.becomes(next, "running").await;
    drop(working);
    assert_eq!(world.counts().await, (1, 1, 1));
    assert_eq!(pages.show(next).await.text("[role=alert]"), "");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_order_while_the_engine_is_away_says_so_and_is_made_once_it_is_back(db: PgPool) {
    let engine = FaultProxy::before(Path::new(DOCKER));
    let world = World::with(db, TestEngine::through(&engine.socket(), Duration::from_secs(2))).await;
    let pages = Pages::of(&world).await;
    engine.rule("HTTP", Fault::CutBefore, usize::MAX);
    let shop = pages.order("shop").await;
    world.until_told(shop, "reason-engine-away").await;
    assert_eq!(world.status(shop).await, "preparing");
    let page = pages.show(shop).await;
    let said = page.text(".notice.warning");
    assert!(said.contains("Our machines do not answer at this moment.") && said.contains("keep trying"), "{said}");

    engine.mend();
    world.until(shop, "running").await;
    assert_eq!((world.counts().await, world.reason(shop).await), ((1, 1, 1), String::new()));
    assert_eq!(pages.show(shop).await.text(".notice"), "");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_engine_that_is_slow_or_silent_at_any_step_of_a_creation_makes_one_of_each(db: PgPool) {
    let engine = FaultProxy::before(Path::new(DOCKER));
    let world = World::with(db, TestEngine::through(&engine.socket(), Duration::from_secs(2))).await;
    let first = world.order("first").await;
    world.until(first, "running").await;
    let calls = engine.calls();
    let mut made = 1;
    for part in ["/secrets/create", "/services/create", "/update?", "GET /v", "/containers/json"] {
        assert!(calls.iter().any(|call| call.contains(part)), "a creation asks for no {part}: {calls:#?}");
        for (fault, times) in [(Fault::Delay(Duration::from_millis(1500)), 3), (Fault::Hang, 1)] {
            engine.rule(part, fault, times);
            let shop = world.order(&format!("shop-{made}")).await;
            world.until(shop, "running").await;
            made += 1;
            assert_eq!(world.counts().await, (made, made, made), "{part} {fault:?}");
            engine.mend();
        }
    }
    assert_eq!(world.routes().await.len(), made);
    world.end().await;
}
