//! Several containers of one environment.

use std::net::SocketAddr;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::support::{Act, Upstream, World, ok, read_all};

const POST: &str = "POST /order HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";

/// An address at which nobody listens, and which nobody else takes.
async fn nobody() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn requests_are_divided_and_a_busy_container_gets_fewer(db: PgPool) {
    let world = World::new(db).await;
    let permits = Arc::new(Semaphore::new(0));
    let slow = Upstream::new({
        let permits = Arc::clone(&permits);
        move |_, request| {
            if request.starts_with("GET /report") {
                Act::When(Arc::clone(&permits), ok("slow"))
            } else {
                Act::Answer(ok("slow"))
            }
        }
    })
    .await;
    let other = Upstream::answering(ok("other")).await;
    let environment = world.serves_from("a.test", &[slow.address, other.address]).await;
    for _ in 0..40 {
        assert!(world.get("a.test", "/").await.starts_with("HTTP/1.1 200"));
    }
    assert!(slow.seen().len() >= 10 && other.seen().len() >= 10, "{} and {}", slow.seen().len(), other.seen().len());

    // A long report keeps one of them busy: whoever comes meanwhile goes to the other.
    let mut waiting = Vec::new();
    while !slow.seen().iter().any(|request| request.starts_with("GET /report")) {
        let count = slow.seen().len() + other.seen().len();
        let mut stream = world.connect().await;
        stream.write_all(b"GET /report HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await.unwrap();
        world.until(|| async { slow.seen().len() + other.seen().len() > count }).await;
        waiting.push(stream);
    }
    world.until(|| async { world.open(environment).await.0 >= 1 }).await;
    let before = slow.seen().len();
    for _ in 0..20 {
        assert!(world.get("a.test", "/").await.ends_with("other"));
    }
    assert_eq!(slow.seen().len(), before);
    permits.add_permits(waiting.len());
    for mut stream in waiting {
        assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_refuses_connections_costs_nobody_a_request(db: PgPool) {
    let world = World::new(db).await;
    let (listener, dead) = nobody().await;
    drop(listener);
    let live = Upstream::answering(ok("live")).await;
    world.serves_from("a.test", &[dead, live.address]).await;
    let answers = futures_util::future::join_all((0..60).map(|number| {
        let world = &world;
        async move { if number % 2 == 0 { world.send(POST).await } else { world.get("a.test", "/").await } }
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.ends_with("live")));
    let posts = live.seen().iter().filter(|request| request.starts_with("POST") && request.ends_with("body")).count();
    assert_eq!((posts, live.seen().len()), (30, 60), "each came once, with its body");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_takes_connections_again_gets_requests_again(db: PgPool) {
    let world = World::new(db).await;
    let (listener, address) = nobody().await;
    drop(listener);
    let live = Upstream::answering(ok("live")).await;
    world.serves_from("a.test", &[address, live.address]).await;
    for _ in 0..4 {
        assert!(world.get("a.test", "/").await.ends_with("live"));
    }
    let back = Upstream::on(TcpListener::bind(address).await.unwrap(), |_, _| Act::Answer(ok("back")));
    world.until(|| async { world.get("a.test", "/").await.ends_with("back") }).await;
    assert!(!back.seen().is_empty());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn when_no_container_takes_connections_the_next_request_tries_again_at_once(db: PgPool) {
    let world = World::new(db).await;
    let ((one, first), (two, second)) = (nobody().await, nobody().await);
    drop((one, two));
    world.serves_from("a.test", &[first, second]).await;
    for _ in 0..5 {
        assert!(world.get("a.test", "/").await.starts_with("HTTP/1.1 502"));
    }
    let back = Upstream::on(TcpListener::bind(second).await.unwrap(), |_, _| Act::Answer(ok("back")));
    assert!(world.get("a.test", "/").await.ends_with("back"), "nobody has to wait for a pause to end");
    assert_eq!(back.seen().len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_dies_under_a_request_repeats_a_get_elsewhere_and_never_a_post(db: PgPool) {
    let world = World::new(db).await;
    let dying = Upstream::new(|_, _| Act::AnswerAndClose(String::new())).await;
    let live = Upstream::answering(ok("live")).await;
    world.serves_from("a.test", &[dying.address, live.address]).await;
    for _ in 0..10 {
        assert!(world.get("a.test", "/").await.ends_with("live"));
    }
    let mut failed = 0;
    for _ in 0..10 {
        let answer = world.send(POST).await;
        failed += usize::from(answer.starts_with("HTTP/1.1 502"));
        assert!(answer.starts_with("HTTP/1.1 502") || answer.ends_with("live"), "{answer}");
    }
    let posts = |upstream: &Upstream| upstream.seen().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!((posts(&dying), posts(&live)), (failed, 10 - failed), "each was sent once");
    assert!(failed > 0, "some went to the one that dies");
}
