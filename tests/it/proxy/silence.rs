//! A host that loses its power or its network says no goodbye: its packets stop.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::support::{Act, PATIENCE, Upstream, World, ok, read_all, read_until};
use crate::support::small_disk::as_root;

const POST: &str = "POST /order HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";

/// A loopback address that is a host of its own. Needs root to silence it, as Docker does.
struct Host {
    address: Ipv4Addr,
    is_silent: bool,
}

impl Host {
    fn new() -> Self {
        let [one, two, three] = rand::random::<[u8; 3]>();
        Self { address: Ipv4Addr::new(127, one.max(1), two, three.clamp(1, 254)), is_silent: false }
    }

    async fn upstream(&self, behaviour: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Upstream {
        Upstream::on(TcpListener::bind((IpAddr::V4(self.address), 0)).await.unwrap(), behaviour)
    }

    /// From now on nothing arrives there, and nothing that it sends arrives anywhere.
    fn fall_silent(&mut self) {
        self.rules("-I");
        self.is_silent = true;
    }

    fn come_back(&mut self) {
        self.rules("-D");
        self.is_silent = false;
    }

    fn rules(&self, action: &str) {
        let address = self.address.to_string();
        for side in ["-s", "-d"] {
            as_root(&["iptables", "-w", action, "INPUT", side, &address, "-j", "DROP"]);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.is_silent {
            self.come_back();
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_falls_silent_under_kept_connections_is_left_out_until_it_is_back(db: PgPool) {
    let world = World::new(db).await;
    let mut host = Host::new();
    let silent = host.upstream(|_, _| Act::Answer(ok("host"))).await;
    let live = Upstream::answering(ok("live")).await;
    world.serves_from("a.test", &[silent.address, live.address]).await;
    let crowd = || futures_util::future::join_all((0..20).map(|_| async { world.get("a.test", "/").await }));
    assert!(crowd().await.iter().all(|answer| answer.starts_with("HTTP/1.1 200")));
    assert!(!silent.seen().is_empty());

    host.fall_silent();
    assert!(crowd().await.iter().all(|answer| answer.ends_with("live")), "each is asked again elsewhere");
    for _ in 0..20 {
        assert!(world.send(POST).await.ends_with("live"), "none is sent there any more");
    }
    host.come_back();
    world.until(|| async { world.get("a.test", "/").await.ends_with("host") }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_a_silent_host_worked_on_is_repeated_elsewhere_unless_it_changes_something(db: PgPool) {
    let world = World::new(db).await;
    let mut host = Host::new();
    let (never, permits) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let silent = host.upstream(move |_, _| Act::When(Arc::clone(&never), ok("host"))).await;
    let live = Upstream::new({
        let permits = Arc::clone(&permits);
        move |_, _| Act::When(Arc::clone(&permits), ok("live"))
    })
    .await;
    world.serves_from("a.test", &[silent.address, live.address]).await;
    let (mut orders, mut reports) = (Vec::new(), Vec::new());
    for (begin, request, streams) in [
        ("POST", POST, &mut orders),
        ("GET", "GET /report HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", &mut reports),
    ] {
        while !silent.seen().iter().any(|seen| seen.starts_with(begin)) {
            let count = silent.seen().len() + live.seen().len();
            let mut stream = world.connect().await;
            stream.write_all(request.as_bytes()).await.unwrap();
            world.until(|| async { silent.seen().len() + live.seen().len() > count }).await;
            streams.push(stream);
        }
    }
    host.fall_silent();
    permits.add_permits(orders.len() + reports.len());
    for mut stream in reports {
        assert!(read_all(&mut stream).await.ends_with("live"));
    }
    let (asked, mut failed) = (orders.len(), 0);
    for mut stream in orders {
        failed += usize::from(read_all(&mut stream).await.starts_with("HTTP/1.1 502"));
    }
    let sent = live.seen().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!((failed, sent), (1, asked - 1), "the one that was lost with the host was not sent twice");
}

/// An upstream there that sends back what it reads, and a websocket to it.
async fn websocket(world: &World, name: &str, host: &Host) -> (Upstream, TcpStream) {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
    let upstream = host.upstream(move |_, _| Act::Echo(switch.to_owned())).await;
    world.serves(name, &upstream).await;
    let mut socket = world.connect().await;
    let ask = "GET /websocket HTTP/1.1\r\nHost: NAME\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
    socket.write_all(ask.replace("NAME", name).as_bytes()).await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    (upstream, socket)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_websocket_to_a_host_that_falls_silent_ends(db: PgPool) {
    let world = World::new(db).await;
    let mut host = Host::new();
    let (_upstream, mut socket) = websocket(&world, "a.test", &host).await;
    host.fall_silent();
    let mut goodbye = Vec::new();
    tokio::time::timeout(PATIENCE * 3, socket.read_to_end(&mut goodbye)).await.expect("it never ends").unwrap();
    assert_eq!(goodbye, [0x88, 2, 0x03, 0xF4], "the browser is told to come back");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn websockets_outlive_a_network_that_is_silent_for_some_seconds(db: PgPool) {
    let world = World::new(db).await;
    let mut host = Host::new();
    let (_first, mut idle) = websocket(&world, "a.test", &host).await;
    let (_second, mut busy) = websocket(&world, "b.test", &host).await;
    host.fall_silent();
    busy.write_all(b"during").await.unwrap();
    // Longer than silence is borne of a host that has a request.
    tokio::time::sleep(Duration::from_secs(6)).await;
    host.come_back();
    idle.write_all(b"after").await.unwrap();
    read_until(&mut idle, "after").await;
    read_until(&mut busy, "during").await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_upload_to_a_host_that_falls_silent_ends_before_anybody_gives_up_waiting(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 24).await;
    let mut host = Host::new();
    let never = Arc::new(Semaphore::new(0));
    let silent = host.upstream(move |_, _| Act::When(Arc::clone(&never), ok("host"))).await;
    world.serves("a.test", &silent).await;
    // All of it was taken by the host, which works on it; most of it is still on its way.
    let mut uploads = Vec::new();
    for (sent, length) in [(300_000, 300_000), (2_000_000, 4_000_000)] {
        let mut stream = world.connect().await;
        let head =
            format!("POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; sent]).await.unwrap();
        uploads.push(stream);
    }
    world.until(|| async { silent.seen().len() == 1 }).await;
    host.fall_silent();
    for mut stream in uploads {
        let answer = read_all(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    }
    assert_eq!(silent.seen().len(), 1, "nothing is sent twice");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_upstream_that_is_slow_to_read_a_large_body_is_not_taken_for_silent(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 24).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(8).unwrap();
    let busy = listener.local_addr().unwrap();
    world.route("a.test", "serving", &[busy]).await;
    world.knows("a.test").await;
    let body = vec![b'x'; 1_000_000];
    let reading = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Longer than silence is borne.
        tokio::time::sleep(Duration::from_secs(5)).await;
        read_until(&mut stream, "\r\n\r\n").await;
        stream.read_exact(&mut vec![0; body.len()]).await.unwrap();
        stream.write_all(ok("read").as_bytes()).await.unwrap();
    };
    let asking = async {
        let mut stream = world.connect().await;
        let head = format!(
            "POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        read_all(&mut stream).await
    };
    let ((), answer) = tokio::join!(reading, asking);
    assert!(answer.ends_with("read"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_upload_that_nobody_reads_ends_soon_after_its_host_falls_silent(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 25).await;
    let mut host = Host::new();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.bind((IpAddr::V4(host.address), 0).into()).unwrap();
    let listener = socket.listen(64).unwrap();
    world.route("a.test", "serving", &[listener.local_addr().unwrap()]).await;
    world.knows("a.test").await;
    let mut stream = world.connect().await;
    let head = format!("POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n", 1 << 25);
    stream.write_all(head.as_bytes()).await.unwrap();
    // So much of it is awaited before it is sent on.
    let piece = vec![b'x'; 64 * 1024];
    stream.write_all(&piece).await.unwrap();
    let (_unread, _) = listener.accept().await.unwrap();
    // Every buffer on the way is full: the container's kernel has closed its window.
    let mut sent = piece.len();
    while tokio::time::timeout(Duration::from_secs(1), stream.write_all(&piece)).await.is_ok() {
        sent += piece.len();
        assert!(sent < 1 << 25, "somebody reads it");
    }
    host.fall_silent();
    let since = std::time::Instant::now();
    let answer = read_all(&mut stream).await;
    println!("an upload that nobody read ended {:?} after its host", since.elapsed());
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}
