//! An instance whose connections die under the proxy: at random while they are idle, and in the middle of requests. The numbers
//! are for every run; `SAYOO_RETRIES=100000` makes them large ones.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{World, header, ok, read_until};

/// How many visitors there are at once.
const VISITORS: usize = 16;

fn requests() -> usize {
    std::env::var("SAYOO_RETRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(800)
}

/// What an instance does to its connections.
#[derive(Clone, Copy)]
enum Temper {
    /// Closes one that is idle after a moment that nobody knows: as often as not just when a request comes.
    Impatient,
    /// Resets one in three connections when it has read a request, or a part of its answer is out.
    Failing,
}

/// How often each request arrived, by its path.
type Arrivals = Arc<Mutex<HashMap<String, usize>>>;

async fn instance(temper: Temper) -> (SocketAddr, Arrivals) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, arrivals) = (listener.local_addr().unwrap(), Arrivals::default());
    let seen = Arc::clone(&arrivals);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, temper, Arc::clone(&seen)));
        }
    });
    (address, arrivals)
}

async fn serve(mut stream: TcpStream, temper: Temper, seen: Arrivals) {
    let mut idle = Duration::from_mins(1);
    loop {
        let mut head = Vec::new();
        let Ok(Ok(first)) = tokio::time::timeout(idle, stream.read_u8()).await else { return };
        head.push(first);
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        if let Some(length) = header(&head, "content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        *seen.lock().unwrap().entry(path).or_default() += 1;
        if matches!(temper, Temper::Failing) && rand::random_ratio(1, 3) {
            if rand::random() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").await;
            }
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return;
        }
        if stream.write_all(ok("done").as_bytes()).await.is_err() {
            return;
        }
        if matches!(temper, Temper::Impatient) {
            idle = Duration::from_micros(rand::random_range(0..8_000));
        }
    }
}

/// Sends requests one after the other over kept connections, and returns the status of each by its path.
async fn asks(world: &World, visitor: usize, request: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let (mut stream, mut answers) = (world.connect().await, Vec::new());
    for number in 0..requests() / VISITORS {
        let path = format!("/{visitor}-{number}");
        stream.write_all(request(&path).as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        let mut body = vec![0; header(&head, "content-length").unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().to_owned();
        assert!(status == "200" || header(&head, "x-request-id").is_some_and(|id| id.len() == 32), "{head}");
        if header(&head, "connection") == Some("close") {
            stream = world.connect().await;
        }
        answers.push((path, status));
        // As people do: sometimes at once, sometimes when the connection may be gone.
        tokio::time::sleep(Duration::from_micros(rand::random_range(0..6_000))).await;
    }
    answers
}

async fn everybody(world: &World, request: impl Fn(&str) -> String + Copy) -> Vec<(String, String)> {
    futures_util::future::join_all((0..VISITORS).map(|visitor| asks(world, visitor, request))).await.concat()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

fn post(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody")
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn connections_that_close_while_they_are_idle_cost_no_get_its_answer(db: PgPool) {
    let world = World::new(db).await;
    let (address, _) = instance(Temper::Impatient).await;
    world.serves_from("a.test", &[address]).await;
    let answers = everybody(&world, get).await;
    let bad: Vec<_> = answers.iter().filter(|(_, status)| status != "200").collect();
    assert!(bad.is_empty(), "{} of {}: {:?}", bad.len(), answers.len(), &bad[..bad.len().min(5)]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_post_arrives_once_or_not_at_all_whatever_its_connection_does(db: PgPool) {
    let world = World::new(db).await;
    for (host, temper) in [("a.test", Temper::Impatient), ("b.test", Temper::Failing)] {
        let (address, arrivals) = instance(temper).await;
        world.serves_from(host, &[address]).await;
        let answers = everybody(&world, |path| post(path).replace("a.test", host)).await;
        let arrivals = arrivals.lock().unwrap().clone();
        assert!(arrivals.values().all(|times| *times == 1), "one arrived twice at {host}");
        for (path, status) in &answers {
            assert!(status == "502" || status == "200" && arrivals.contains_key(path), "{path}: {status}");
        }
        let good = answers.iter().filter(|(_, status)| status == "200").count();
        assert!(good > answers.len() / 3, "{good} of {} got through at {host}", answers.len());
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_get_whose_connection_is_reset_is_asked_once_more_and_not_again_and_again(db: PgPool) {
    let world = World::new(db).await;
    let (address, arrivals) = instance(Temper::Failing).await;
    world.serves_from("a.test", &[address]).await;
    let answers = everybody(&world, get).await;
    let arrivals = arrivals.lock().unwrap().clone();
    let most = arrivals.values().max().copied();
    assert_eq!(most, Some(2), "each arrives once, or once more");
    for (path, status) in &answers {
        assert!(status == "200" || status == "502" && arrivals[path] == 2, "{path}: {status}");
    }
    // One in nine loses both.
    let good = answers.iter().filter(|(_, status)| status == "200").count();
    assert!(good * 100 > answers.len() * 75, "{good} of {}", answers.len());
}
