//! What a proxy does with requests for an instance that sleeps, and what it tells of those that do not.

use std::time::Duration;

use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::support::{Act, Upstream, World, header, ok, read_all, read_until};

/// How many wishes were ever told, and how many there are.
async fn wishes(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM wake_requests").fetch_one(&world.db).await.unwrap()
}

async fn sleeping(world: &World, host: &str) -> EnvironmentId {
    let environment = world.route(host, "asleep", &[]).await;
    world.knows(host).await;
    environment
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn five_hundred_first_requests_are_one_wish_and_all_are_answered(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(Duration::from_millis(20), ok("awake"))).await;
    let environment = sleeping(&world, "a.test").await;
    sqlx::raw_sql(
        "CREATE TABLE told (id uuid); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO told VALUES (NEW.environment_id); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT ON wake_requests FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .execute(&world.db)
    .await
    .unwrap();
    let body = "x".repeat(10_000);
    let post =
        format!("POST /order HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000\r\nConnection: close\r\n\r\n{body}");
    let requests = futures_util::future::join_all((0..500).map(|number| {
        let (world, post) = (&world, &post);
        async move { if number % 10 == 0 { world.send(post).await } else { world.get("a.test", "/").await } }
    }));
    let wake = async {
        world.until(|| async { wishes(&world).await == 1 }).await;
        world.route_of(environment, "a.test", "starting", &[]).await;
        world.route_of(environment, "a.test", "serving", &[upstream.address]).await;
    };
    let (answers, ()) = tokio::join!(requests, wake);
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("awake")));
    let posts =
        upstream.seen().iter().filter(|request| request.starts_with("POST") && request.ends_with(&body)).count();
    assert_eq!(posts, 50, "every body arrived, once");
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM told").fetch_one(&world.db).await.unwrap();
    assert_eq!(told, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_browser_sees_a_page_that_reloads_and_a_program_is_told_when_to_come_back(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.hold_other = Duration::from_millis(600)).await;
    sleeping(&world, "a.test").await;
    let browser = "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    let page = world.send(browser).await;
    assert!(page.starts_with("HTTP/1.1 503") && page.contains("Odoo se réveille"), "{page}");
    assert!(page.contains(r#"<meta http-equiv="refresh" content="2">"#), "{page}");
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
    let plain = world.get("a.test", "/").await;
    assert!(plain.starts_with("HTTP/1.1 503") && !plain.contains("<html"), "{plain}");
    assert_eq!(header(&plain, "retry-after"), Some("2"));
    assert_eq!(wishes(&world).await, 1);

    // Looking for a database manager wakes nobody.
    let other = sleeping(&world, "b.test").await;
    assert!(world.get("b.test", "/web/database/manager").await.starts_with("HTTP/1.1 403"));
    let of_other: i64 = sqlx::query_scalar("SELECT count(*) FROM wake_requests WHERE environment_id = $1")
        .bind(other.uuid())
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert_eq!(of_other, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_wish_that_could_not_be_told_is_told_later_and_outlives_the_proxy(db: PgPool) {
    let mut world = World::new(db).await;
    let environment = sleeping(&world, "a.test").await;
    sqlx::raw_sql("ALTER TABLE wake_requests RENAME TO away").execute(&world.db).await.unwrap();
    let mut waiting = world.connect().await;
    waiting.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    sqlx::raw_sql("ALTER TABLE away RENAME TO wake_requests").execute(&world.db).await.unwrap();
    world.until(|| async { wishes(&world).await == 1 }).await;
    drop(waiting);
    world.finish().await;
    assert_eq!(wishes(&world).await, 1, "the worker finds it, whoever asked");

    // Another proxy begins while it is being woken.
    let upstream = Upstream::answering(ok("awake")).await;
    let again = world.again(world.db.clone()).await;
    let wake = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.route_of(environment, "a.test", "serving", &[upstream.address]).await;
    };
    let (answer, ()) = tokio::join!(again.get("a.test", "/"), wake);
    assert!(answer.ends_with("awake"), "{answer}");
}

/// The open requests, open websockets and leaving requests that were last told, and how often something was told.
async fn told(world: &World, environment: EnvironmentId) -> (i32, i32, i32, i64) {
    sqlx::query_as::<_, (i32, i32, i32, i64)>(
        "SELECT open_requests, open_websockets, leaving_requests, seq FROM traffic_samples WHERE environment_id = $1 ORDER BY seq DESC LIMIT 1",
    )
    .bind(environment.uuid())
    .fetch_optional(&world.db)
    .await
    .unwrap()
    .unwrap_or_default()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_open_is_told_again_and_again_and_what_is_left_until_it_ends(db: PgPool) {
    let world = World::new(db).await;
    let slow = Upstream::new(|_, _| Act::Slowly(Duration::from_secs(2), ok("done"))).await;
    let quick = Upstream::answering(ok("quick")).await;
    let echo = Upstream::new(|_, _| {
        Act::Echo("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned())
    })
    .await;
    let a = world.serves("a.test", &slow).await;
    let b = world.serves("b.test", &echo).await;

    let mut socket = world.connect().await;
    let ask = "GET /websocket HTTP/1.1\r\nHost: b.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n";
    socket.write_all(ask.as_bytes()).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    world.until(|| async { told(&world, b).await.1 == 1 }).await;
    let before = told(&world, b).await.3;
    world.until(|| async { told(&world, b).await.3 > before + 1 }).await;

    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await.unwrap();
    world.until(|| async { told(&world, a).await.0 == 1 }).await;
    world.route_of(a, "a.test", "serving", &[quick.address]).await;
    world.until(|| async { told(&world, a).await.2 == 1 }).await;
    assert!(read_all(&mut stream).await.ends_with("done"), "it ends where it began");
    let ended = told(&world, a).await.3;
    assert!(world.get("a.test", "/").await.ends_with("quick"));
    world.until(|| async { told(&world, a).await.3 > ended && told(&world, a).await.2 == 0 }).await;
}
