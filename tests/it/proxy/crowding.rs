//! More requests at once than a container works on.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::support::{Act, Upstream, World, header, ok, read_all, read_until};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
}

fn websocket(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"
    )
}

/// The paths that an upstream was asked for, in order.
fn paths(upstream: &Upstream) -> Vec<String> {
    upstream.seen().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
}

/// An upstream that answers when the test lets it, but websockets and the path `/quick` at once.
async fn held() -> (Arc<Semaphore>, Upstream) {
    let permits = Arc::new(Semaphore::new(0));
    let upstream = Upstream::new({
        let permits = Arc::clone(&permits);
        move |_, request| {
            if request.to_lowercase().contains("upgrade: websocket") {
                Act::Echo(SWITCH.to_owned())
            } else if request.starts_with("GET /quick") {
                Act::Answer(ok("quick"))
            } else {
                Act::When(Arc::clone(&permits), ok("done"))
            }
        }
    })
    .await;
    (permits, upstream)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_gets_only_so_many_requests_at_once_and_every_one_is_answered(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(Duration::from_millis(10), ok("done"))).await;
    world.serves_at_once("a.test", &upstream, 3).await;
    let body = "x".repeat(90_000);
    let post =
        format!("POST /order HTTP/1.1\r\nHost: a.test\r\nContent-Length: 90000\r\nConnection: close\r\n\r\n{body}");
    let answers = futures_util::future::join_all((0..100).map(|number| {
        let (world, post) = (&world, &post);
        async move { if number % 5 == 0 { world.send(post).await } else { world.get("a.test", "/").await } }
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("done")));
    assert_eq!(upstream.most_at_once(), 3);
    let posts = upstream.seen().iter().filter(|request| request.ends_with(&body)).count();
    assert_eq!((posts, upstream.seen().len()), (20, 100), "each came once, with all its body");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_came_first_is_served_first_and_who_went_away_is_not_served(db: PgPool) {
    let world = World::new(db).await;
    let (permits, upstream) = held().await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut waiting = Vec::new();
    for number in 0..6_i32 {
        let mut stream = world.connect().await;
        let request = match number {
            3 => "POST /3 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody".to_owned(),
            _ => get(&format!("/{number}")),
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        world.until(|| async { world.open(environment).await.0 == number + 1 }).await;
        waiting.push(stream);
    }
    drop(waiting.remove(3));
    drop(waiting.remove(1));
    world.until(|| async { world.open(environment).await.0 == 4 }).await;
    assert_eq!(paths(&upstream), ["/0"], "one is worked on, the others wait");
    permits.add_permits(4);
    for mut stream in waiting {
        assert!(read_all(&mut stream).await.ends_with("done"));
    }
    assert_eq!(paths(&upstream), ["/0", "/2", "/4", "/5"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_finds_no_place_in_time_or_none_in_the_queue_is_told_when_to_come_back(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.limits.queue = Duration::from_millis(400);
        settings.limits.most_waiting = 1;
    })
    .await;
    let (permits, upstream) = held().await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut first = world.connect().await;
    first.write_all(get("/first").as_bytes()).await.unwrap();
    world.until(|| async { world.open(environment).await.0 == 1 }).await;

    let browser = |language: &str| {
        format!(
            "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\nAccept-Language: {language}\r\nConnection: close\r\n\r\n"
        )
    };
    let page = world.send(browser("fr")).await;
    assert!(page.starts_with("HTTP/1.1 503") && page.contains("<html lang=\"fr\""), "{page}");
    assert!(page.contains(r#"<meta http-equiv="refresh" content="5">"#), "{page}");
    assert_eq!((header(&page, "retry-after"), header(&page, "cache-control")), (Some("5"), Some("no-store")));

    // Two at once: one waits in the queue, the other finds it full. Neither reaches the container.
    let post = "POST /order HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    let (one, other) = tokio::join!(world.send(post), world.send(post));
    for answer in [one, other] {
        assert!(answer.starts_with("HTTP/1.1 503") && !answer.contains("<html"), "{answer}");
        assert_eq!(header(&answer, "retry-after"), Some("5"));
    }
    permits.add_permits(1);
    assert!(read_all(&mut first).await.ends_with("done"));
    assert!(world.get("a.test", "/quick").await.ends_with("quick"), "the place is free again");
    assert_eq!(paths(&upstream), ["/first", "/quick"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn websockets_long_polls_and_slow_readers_keep_nobody_from_coming_in(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.most_lasting = 3).await;
    let (permits, upstream) = held().await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut socket = world.connect().await;
    socket.write_all(websocket("/websocket").as_bytes()).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    let mut poll = world.connect().await;
    poll.write_all(get("/longpolling/poll").as_bytes()).await.unwrap();
    world.until(|| async { world.open(environment).await == (1, 1) }).await;
    assert!(world.get("a.test", "/quick").await.ends_with("quick"));

    // An answer that goes on: its visitor has the head and a part of the body.
    let report = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await;
    world.serves_at_once("b.test", &report, 1).await;
    let mut reading = Vec::new();
    for _ in 0..2 {
        let mut stream = world.connect().await;
        stream.write_all(b"GET /report HTTP/1.1\r\nHost: b.test\r\n\r\n").await.unwrap();
        read_until(&mut stream, "part").await;
        reading.push(stream);
    }

    // They have a limit of their own.
    let mut third = world.connect().await;
    third.write_all(websocket("/websocket").as_bytes()).await.unwrap();
    assert!(read_until(&mut third, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    world.until(|| async { world.open(environment).await == (1, 2) }).await;
    for request in [websocket("/websocket"), get("/longpolling/poll")] {
        let mut stream = world.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 503"));
    }
    permits.add_permits(1);
    assert!(read_all(&mut poll).await.ends_with("done"));
    third.write_all(b"still here").await.unwrap();
    read_until(&mut third, "still here").await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_limit_that_changes_holds_for_those_who_wait(db: PgPool) {
    let world = World::new(db).await;
    let (permits, upstream) = held().await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut waiting = Vec::new();
    for number in 0..4_i32 {
        let mut stream = world.connect().await;
        stream.write_all(get(&format!("/{number}")).as_bytes()).await.unwrap();
        world.until(|| async { world.open(environment).await.0 == number + 1 }).await;
        waiting.push(stream);
    }
    assert_eq!(upstream.seen().len(), 1);
    sqlx::query("UPDATE routes SET requests_at_once = 3").execute(&world.db).await.unwrap();
    world.until(|| async { upstream.seen().len() == 3 }).await;
    permits.add_permits(4);
    for mut stream in waiting {
        assert!(read_all(&mut stream).await.ends_with("done"));
    }
    assert_eq!(upstream.most_at_once(), 3);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_waits_is_counted_with_the_time_also_when_the_visitor_goes_away(db: PgPool) {
    let world = World::new(db).await;
    let (permits, upstream) = held().await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut waiting = Vec::new();
    for number in 0..4_i32 {
        let mut stream = world.connect().await;
        stream.write_all(get("/").as_bytes()).await.unwrap();
        world.until(|| async { world.open(environment).await.0 == number + 1 }).await;
        waiting.push(stream);
    }
    // The first one has the place, the last one goes away.
    drop(waiting.pop());
    permits.add_permits(3);
    for stream in &mut waiting {
        assert!(read_all(stream).await.ends_with("done"));
    }
    let counted = || async {
        sqlx::query_as::<_, (i64, i64)>(
            "SELECT queued, queued_ms FROM traffic_refusals WHERE environment_id = $1 ORDER BY observed_at DESC LIMIT 1",
        )
        .bind(environment.uuid())
        .fetch_optional(&world.db)
        .await
        .unwrap()
        .unwrap_or_default()
    };
    world.until(|| async { counted().await.0 == 3 }).await;
    assert!(counted().await.1 > 0, "they waited until the test saw them wait");
}
