//! Visitors who are slow on purpose, or more than their share: what others need is not theirs to keep.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::support::{Act, Upstream, World, ok, read_all, read_until};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const WEBSOCKET: &str = "GET /websocket HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
}

async fn says(mut stream: TcpStream, text: &str) -> TcpStream {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Sends the rest of each, in whatever order they are served.
async fn go_on(streams: &mut Vec<TcpStream>, rest: usize) {
    let rest = vec![b'x'; rest];
    let answers = streams.drain(..).map(async |mut stream| {
        stream.write_all(&rest).await.unwrap();
        read_all(&mut stream).await
    });
    for answer in futures_util::future::join_all(answers).await {
        assert!(answer.ends_with("done"), "{answer}");
    }
}

/// Begins to post so much and sends a part of it.
async fn begins(world: &World, length: usize, part: usize) -> TcpStream {
    let head = format!("POST /slow HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    says(world.connect().await, &(head + &"x".repeat(part))).await
}

fn paths(upstream: &Upstream) -> Vec<String> {
    upstream.seen().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn slow_bodies_keep_no_place_that_others_need(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 24).await;
    let upstream = Upstream::answering(ok("done")).await;
    let environment = world.serves_at_once("a.test", &upstream, 4).await;
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        small.push(begins(&world, 1_000, 10).await);
    }
    assert!(world.get("a.test", "/").await.ends_with("done"), "a body that has not come keeps no place");
    for _ in 0..12 {
        large.push(begins(&world, 200_000, 100_000).await);
    }
    world.until(|| async { world.open(environment).await.0 == 24 }).await;
    assert!(world.get("a.test", "/").await.ends_with("done"), "large ones have no more than half of the places");

    // Whoever goes on is served all the same.
    go_on(&mut small, 990).await;
    go_on(&mut large, 100_000).await;
    let whole = |length: usize| upstream.seen().iter().filter(|it| it.ends_with(&"x".repeat(length))).count();
    assert_eq!((whole(1_000), whole(200_000)), (24, 12));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_hundred_who_drip_leave_an_instance_to_its_others_and_go_away_without_a_trace(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.max_body_bytes = 1 << 24;
        // Nobody here is cut off for being slow, however busy the machine is.
        settings.limits.slow_ms = 600_000;
    })
    .await;
    let upstream = Upstream::answering(ok("done")).await;
    let environment = world.serves_at_once("a.test", &upstream, 12).await;
    let mut dripping = Vec::new();
    for one in 0..200 {
        // Some stay below what is awaited before a request is sent, and some beyond it.
        dripping.push(begins(&world, 1 << 20, if one % 2 == 0 { 500 } else { 70_000 }).await);
    }
    world.until(|| async { world.open(environment).await.0 == 200 }).await;
    for round in 0..3 {
        for stream in &mut dripping {
            stream.write_all(&[b'x'; 500]).await.unwrap();
        }
        // As many as there are places, each twice.
        let asked = (0..24).map(|_| world.get("a.test", "/"));
        for answer in futures_util::future::join_all(asked).await {
            assert!(answer.ends_with("done"), "round {round}: {answer}");
        }
    }
    assert!(upstream.seen().iter().all(|request| request.starts_with("GET / ")), "nobody who drips was answered");
    drop(dripping);
    world.until(|| async { world.open(environment).await.0 == 0 }).await;
    // Every place and every upload is there again.
    let mut next = Vec::new();
    for _ in 0..12 {
        next.push(begins(&world, 200_000, 100_000).await);
    }
    go_on(&mut next, 100_000).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_small_body_in_pieces_reaches_the_container_whole_and_with_its_length(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("done")).await;
    world.serves("a.test", &upstream).await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = says(world.connect().await, head).await;
    for piece in ["1\r\na\r\n", "2\r\nbc\r\n", "0\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(read_all(&mut stream).await.ends_with("done"));
    let seen = upstream.seen().remove(0).to_lowercase();
    assert!(seen.contains("\r\ncontent-length: 3\r\n") && seen.ends_with("\r\n\r\nabc"), "{seen}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_upload_that_others_wait_for_has_to_hurry(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.max_body_bytes = 1 << 24;
        settings.limits.slow_ms = 300;
        settings.limits.slowest_bytes_per_second = 0;
        settings.limits.slowest_while_others_wait = 1 << 40;
    })
    .await;
    let upstream = Upstream::answering(ok("done")).await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut slow = begins(&world, 400_000, 100_000).await;
    let mut drips = async |times: u32| {
        for _ in 0..times {
            if slow.write_all(&[b'x'; 500]).await.is_err() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    };
    world.until(|| async { world.open(environment).await.0 == 1 }).await;
    assert!(drips(80).await, "nobody waits, so that it may take its time");
    let other = world.get("a.test", "/");
    // Far less than all of it.
    let (answer, goes_on) = tokio::join!(other, drips(500));
    assert!(answer.ends_with("done") && !goes_on);
    assert_eq!(paths(&upstream), ["/"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn visitors_who_do_not_read_keep_no_place_however_many_they_are(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.most_lasting = 1).await;
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").await;
    world.serves_at_once("a.test", &upstream, 1).await;
    let mut reading = Vec::new();
    for _ in 0..4 {
        let mut stream = says(world.connect().await, &get("/report")).await;
        read_until(&mut stream, "part").await;
        reading.push(stream);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn one_address_has_not_all_websockets(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.most_lasting_of_one = 2).await;
    let upstream = Upstream::new(|_, _| Act::Echo(SWITCH.to_owned())).await;
    world.serves("a.test", &upstream).await;
    let opens = async |last: u8| {
        let mut stream = says(world.connect_from(last).await, WEBSOCKET).await;
        let head = read_until(&mut stream, "\r\n\r\n").await;
        (head.split(' ').nth(1).unwrap().to_owned(), stream)
    };
    let (mut first, second) = (opens(1).await, opens(1).await);
    assert_eq!((first.0.as_str(), second.0.as_str(), opens(1).await.0.as_str()), ("101", "101", "503"));
    assert_eq!(opens(2).await.0, "101");
    first.1.shutdown().await.unwrap();
    read_all(&mut first.1).await;
    world.until(|| async { opens(1).await.0 == "101" }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_crowd_from_one_address_waits_in_its_own_part_of_the_queue(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.most_waiting_of_one = 3).await;
    let permits = Arc::new(Semaphore::new(0));
    let upstream = Upstream::new({
        let permits = Arc::clone(&permits);
        move |_, _| Act::When(Arc::clone(&permits), ok("done"))
    })
    .await;
    let environment = world.serves_at_once("a.test", &upstream, 1).await;
    let mut waiting = Vec::new();
    for (open, (last, path)) in (1..).zip([(1, "/0"), (1, "/1"), (1, "/2"), (1, "/3"), (2, "/other")]) {
        waiting.push(says(world.connect_from(last).await, &get(path)).await);
        world.until(|| async { world.open(environment).await.0 == open }).await;
    }
    assert!(world.get("a.test", "/4").await.starts_with("HTTP/1.1 503"));
    permits.add_permits(5);
    for mut stream in waiting {
        assert!(read_all(&mut stream).await.ends_with("done"));
    }
    assert_eq!(paths(&upstream), ["/0", "/1", "/other", "/2", "/3"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_address_has_so_many_connections_and_its_own_idle_ones_go_first(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.threads = 1;
        settings.most_connections_of_one = 3;
    })
    .await;
    let permits = Arc::new(Semaphore::new(0));
    let upstream = Upstream::new({
        let permits = Arc::clone(&permits);
        move |_, _| Act::When(Arc::clone(&permits), ok("done"))
    })
    .await;
    world.serves("a.test", &upstream).await;
    let mut idle = says(world.connect_from(2).await, "GET / HTTP/1.1\r\n").await;
    let other = says(world.connect_from(3).await, "GET / HTTP/1.1\r\n").await;
    let mut working = Vec::new();
    for count in 1..=3 {
        working.push(says(world.connect_from(2).await, &get("/")).await);
        world.until(|| async { upstream.seen().len() == count }).await;
    }
    assert_eq!(read_all(&mut idle).await, "", "it made room for the third that works");
    let mut one_too_many = world.connect_from(2).await;
    let _ = one_too_many.write_all(get("/").as_bytes()).await;
    assert_eq!(read_all(&mut one_too_many).await, "");
    permits.add_permits(9);
    for mut stream in working {
        assert!(read_all(&mut stream).await.ends_with("done"));
    }
    let mut other = says(other, "Host: a.test\r\nConnection: close\r\n\r\n").await;
    assert!(read_all(&mut other).await.ends_with("done"), "another address was not disturbed");
    world
        .until(|| async {
            let mut again = world.connect_from(2).await;
            let _ = again.write_all(get("/").as_bytes()).await;
            read_all(&mut again).await.ends_with("done")
        })
        .await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_instance_that_starts_leaves_room_for_those_who_wait_for_another(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.most_held = 4).await;
    let upstream = Upstream::answering(ok("done")).await;
    let slow = world.route("a.test", "starting", &[]).await;
    let next = world.route("b.test", "starting", &[]).await;
    world.knows("a.test").await;
    world.knows("b.test").await;
    let crowd = futures_util::future::join_all((0..8).map(|_| world.get("a.test", "/")));
    let other = async {
        let mut stream =
            says(world.connect().await, "GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n").await;
        assert!(
            tokio::time::timeout(Duration::from_millis(300), read_until(&mut stream, "\r\n")).await.is_err(),
            "it waits"
        );
        for (environment, host) in [(slow, "a.test"), (next, "b.test")] {
            world.route_of(environment, host, "serving", &[upstream.address]).await;
        }
        read_all(&mut stream).await
    };
    let (answers, answer) = tokio::join!(crowd, other);
    assert!(answer.ends_with("done"), "{answer}");
    let count =
        |status: &str| answers.iter().filter(|answer| answer.starts_with(&format!("HTTP/1.1 {status}"))).count();
    assert!(count("503") >= 6 && count("200") + count("503") == 8, "{} were let in", count("200"));
}
