//! Staff close an instance to the public with a button: at once, also while no worker runs. None runs here.

use std::time::{Duration, Instant};

use sayoo::cli::maintenance::{self, Maintenance, Switch};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Act, Upstream, World, header, ok, read_all, read_until};
use crate::support::portal;

/// What the switch may take; the bar is a minute.
const AT_ONCE: Duration = Duration::from_secs(1);

const WEBSOCKET: &str = "GET /websocket HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n";

async fn until_answered(world: &World, host: &str, status: &str) {
    world.until(|| async { world.get(host, "/").await.starts_with(&format!("HTTP/1.1 {status}")) }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_button_closes_an_instance_within_a_second_and_another_opens_it_again(db: PgPool) {
    let people = portal::World::new(db.clone()).await;
    let (alice, staff) = (people.customer("alice").await, people.staff().await);
    let (shop, other) = (alice.has_running(&people, "shop").await, alice.has_running(&people, "other").await);
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("open")).await;
    world.route_of(shop, "shop.test", "serving", &[upstream.address]).await;
    world.route_of(other, "other.test", "serving", &[upstream.address]).await;
    until_answered(&world, "other.test", "200").await;

    let page = format!("/staff/instances/{shop}");
    assert!(staff.post(&format!("{page}/suspend"), &[("reason", "no")]).await.body.contains("3 to 1,000"));
    assert!(world.get("shop.test", "/").await.ends_with("open"), "without a reason nothing happens");
    staff.post(&format!("{page}/suspend"), &[("reason", "sends spam")]).await;
    let pressed = Instant::now();
    until_answered(&world, "shop.test", "403").await;
    assert!(pressed.elapsed() < AT_ONCE, "{:?}", pressed.elapsed());
    let browser = "GET / HTTP/1.1\r\nHost: shop.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    assert!(world.send(browser).await.contains("Cet Odoo est suspendu"));
    let before = upstream.seen().len();
    for path in ["/", "/web/login", "/websocket", "/longpolling/poll", "/x?y"] {
        assert!(world.get("shop.test", path).await.starts_with("HTTP/1.1 403"), "{path}");
    }
    assert_eq!(upstream.seen().len(), before, "nothing reaches it");
    assert!(world.get("other.test", "/").await.ends_with("open"), "its neighbour goes on");

    staff.post(&format!("{page}/resume"), &[("reason", "spam has ended")]).await;
    let pressed = Instant::now();
    until_answered(&world, "shop.test", "200").await;
    assert!(pressed.elapsed() < AT_ONCE, "{:?}", pressed.elapsed());
    assert_eq!(people.audit().await[2..], ["suspended", "resumed"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_closed_account_loses_all_its_instances_and_one_that_is_closed_too_stays_so(db: PgPool) {
    let people = portal::World::new(db.clone()).await;
    let (alice, bob, staff) = (people.customer("alice").await, people.customer("bob").await, people.staff().await);
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("open")).await;
    let mut shops = Vec::new();
    for (person, name) in [(&alice, "one"), (&alice, "two"), (&bob, "three")] {
        let id = person.has_running(&people, name).await;
        world.route_of(id, &format!("{name}.test"), "serving", &[upstream.address]).await;
        shops.push(id);
    }
    until_answered(&world, "three.test", "200").await;

    let account = format!("/staff/accounts/{}", alice.account);
    staff.post(&format!("/staff/instances/{}/suspend", shops[0]), &[("reason", "sends spam")]).await;
    staff.post(&format!("{account}/suspend"), &[("reason", "does not pay")]).await;
    until_answered(&world, "two.test", "403").await;
    until_answered(&world, "one.test", "403").await;
    assert!(world.get("three.test", "/").await.ends_with("open"));
    staff.post(&format!("{account}/resume"), &[("reason", "has paid")]).await;
    until_answered(&world, "two.test", "200").await;
    assert!(world.get("one.test", "/").await.starts_with("HTTP/1.1 403"), "it is closed for itself");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_open_when_the_button_is_pressed_ends_too(db: PgPool) {
    let people = portal::World::new(db.clone()).await;
    let (alice, staff) = (people.customer("alice").await, people.staff().await);
    let (shop, other) = (alice.has_running(&people, "shop").await, alice.has_running(&people, "other").await);
    let world = World::new(db).await;
    let upstream = Upstream::new(|_, request| {
        if request.starts_with("GET /websocket") {
            Act::Echo(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(),
            )
        } else {
            Act::Answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart".to_owned())
        }
    })
    .await;
    world.route_of(shop, "shop.test", "serving", &[upstream.address]).await;
    world.route_of(other, "other.test", "serving", &[upstream.address]).await;
    world.knows("other.test").await;
    let mut open = Vec::new();
    for (request, end) in [
        (WEBSOCKET.to_owned(), "\r\n\r\n"),
        (WEBSOCKET.replace("shop", "other"), "\r\n\r\n"),
        ("GET /report HTTP/1.1\r\nHost: shop.test\r\n\r\n".to_owned(), "part"),
    ] {
        let mut stream = world.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, end).await;
        open.push(stream);
    }
    let [socket, neighbour, report] = &mut open[..] else { unreachable!() };
    staff.post(&format!("/staff/instances/{shop}/suspend"), &[("reason", "sends spam")]).await;
    let pressed = Instant::now();
    let mut goodbye = Vec::new();
    socket.read_to_end(&mut goodbye).await.unwrap();
    assert_eq!(goodbye, [0x88, 2, 0x03, 0xE9], "it is not served any more");
    read_all(report).await;
    assert!(pressed.elapsed() < AT_ONCE, "{:?}", pressed.elapsed());
    neighbour.write_all(b"still here").await.unwrap();
    read_until(neighbour, "still here").await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_that_starts_without_the_database_keeps_closed_what_was_closed(db: PgPool) {
    let people = portal::World::new(db.clone()).await;
    let (alice, staff) = (people.customer("alice").await, people.staff().await);
    let shop = alice.has_running(&people, "shop").await;
    let mut world = World::new(db).await;
    let upstream = Upstream::answering(ok("open")).await;
    world.route_of(shop, "shop.test", "serving", &[upstream.address]).await;
    until_answered(&world, "shop.test", "200").await;
    staff.post(&format!("/staff/instances/{shop}/suspend"), &[("reason", "sends spam")]).await;
    until_answered(&world, "shop.test", "403").await;
    world.finish().await;
    let away = sqlx::postgres::PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://127.0.0.1:1/none")
        .unwrap();
    let again = world.again(away).await;
    assert!(again.get("shop.test", "/").await.starts_with("HTTP/1.1 403"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_instance_that_is_worked_on_says_so_in_three_languages_and_is_reached_again_after_that(db: PgPool) {
    let people = portal::World::new(db.clone()).await;
    let alice = people.customer("alice").await;
    let (shop, other) = (alice.has_running(&people, "shop").await, alice.has_running(&people, "other").await);
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("open")).await;
    for (environment, host) in [(shop, "shop.test"), (other, "other.test")] {
        world.route_of(environment, host, "serving", &[upstream.address]).await;
        until_answered(&world, host, "200").await;
    }
    let staff = people.staff().await;
    let switch = async |name: &str, switch| {
        let wish = Maintenance { name: name.to_owned(), switch };
        maintenance::answer(&people.portal, &wish).await
    };
    assert!(switch("nobody", Switch::On).await.is_err());
    assert!(switch("shop", Switch::On).await.unwrap().contains("worked on"));
    assert!(switch("shop", Switch::On).await.unwrap().contains("already"));
    until_answered(&world, "shop.test", "503").await;
    let page = format!("/staff/instances/{shop}");
    assert!(staff.get(&page).await.text("main").contains("Closed for maintenance since"));
    let own = format!("/instances/{shop}");
    assert!(alice.get(&own).await.text("main").contains("Closed for maintenance since"));
    for (language, words) in [("en", "being worked on"), ("fr", "en maintenance"), ("ar", "قيد الصيانة")] {
        sqlx::query("UPDATE routes SET language = $1").bind(language).execute(&world.db).await.unwrap();
        let browser = "GET / HTTP/1.1\r\nHost: shop.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
        world.until(|| async { world.send(browser).await.contains(words) }).await;
        let page = world.send(browser).await;
        assert_eq!((header(&page, "retry-after"), header(&page, "cache-control")), (Some("30"), Some("no-store")));
        assert!(page.contains(&format!("<html lang=\"{language}\"")), "{page}");
        let id = header(&page, "x-request-id").unwrap();
        assert!(page.split_once("\r\n\r\n").unwrap().1.contains(id), "{page}");
    }
    assert!(world.get("other.test", "/").await.ends_with("open"), "its neighbour goes on");
    // What its owner stopped is stopped.
    world.route_of(shop, "shop.test", "stopped", &[]).await;
    world.until(|| async { world.get("shop.test", "/").await.contains("متوقف") }).await;
    world.route_of(shop, "shop.test", "serving", &[upstream.address]).await;

    assert!(switch("shop", Switch::Off).await.unwrap().contains("again"));
    assert!(switch("shop", Switch::Off).await.unwrap().contains("was not"));
    until_answered(&world, "shop.test", "200").await;
    assert!(!staff.get(&page).await.text("main").contains("Closed for maintenance"));
    let told = alice.get(&own).await.text("main");
    assert!(told.contains("Maintenance ended") && !told.contains("Closed for maintenance since"), "{told}");
    let audit: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_log WHERE environment_id = $1 ORDER BY seq DESC LIMIT 2")
            .bind(shop.uuid())
            .fetch_all(&world.db)
            .await
            .unwrap();
    assert_eq!(audit, ["environment.maintenance-ended", "environment.maintenance-begun"]);
}
