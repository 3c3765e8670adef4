//! Websockets whose upstream is left: they end between two frames, with a goodbye, and never with half a message.

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::PgPool;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::secure::Secure;
use super::support::{PATIENCE, World, read_until};

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";

const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const TEXT_GOES_ON: u8 = 0x00;
const TEXT_ENDS: u8 = 0x80;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// What a browser is told when it is to come back.
const COME_BACK: [u8; 4] = [0x88, 2, 0x03, 0xF4];

/// A frame as a server sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => vec![u8::try_from(short).unwrap()],
        Ok(short) => [&[126][..], &short.to_be_bytes()].concat(),
        Err(_) => [&[127][..], &(payload.len() as u64).to_be_bytes()].concat(),
    };
    [&[first][..], &length, payload].concat()
}

/// A browser's answer to a goodbye: the same number, masked.
fn answer(code: u16) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    vec![0x88, 0x82, 1, 2, 3, 4, high ^ 1, low ^ 2]
}

/// An Odoo that speaks with one websocket at a time, as the test says.
struct Odoo {
    listener: TcpListener,
    address: SocketAddr,
}

impl Odoo {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), listener }
    }

    /// Opens a websocket through the proxy: the visitor's end and Odoo's.
    async fn meets<V: AsyncRead + AsyncWrite + Unpin>(&self, mut visitor: V, host: &str) -> (V, TcpStream) {
        let ask = format!(
            "GET /websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
        );
        visitor.write_all(ask.as_bytes()).await.unwrap();
        let (mut odoo, _) = tokio::time::timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        read_until(&mut odoo, "\r\n\r\n").await;
        odoo.write_all(SWITCH.as_bytes()).await.unwrap();
        assert!(read_until(&mut visitor, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
        (visitor, odoo)
    }
}

/// Reads exactly this, and fails when something else comes.
async fn expect(stream: &mut (impl AsyncRead + Unpin), bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut got)).await.expect("it never came").unwrap();
    assert!(got == bytes, "{:?}… instead of {:?}…", &got[..got.len().min(20)], &bytes[..bytes.len().min(20)]);
}

/// Reads an end that is an end: nothing more, and no reset.
async fn expect_end(stream: &mut (impl AsyncRead + Unpin)) {
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("it never ended");
    assert_eq!(read.unwrap(), 0);
}

/// A world with an instance at `a.test`, and a second container for it.
async fn world_of(db: PgPool) -> (World, Odoo, Odoo) {
    let (world, old, new) = (World::new(db).await, Odoo::new().await, Odoo::new().await);
    world.serves_from("a.test", &[old.address]).await;
    (world, old, new)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_connected_to_a_container_that_is_left_is_told_to_come_back_and_may_answer(db: PgPool) {
    let (world, old, new) = world_of(db).await;
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    odoo.write_all(&frame(TEXT, b"news")).await.unwrap();
    expect(&mut visitor, &frame(TEXT, b"news")).await;

    world.route("a.test", "serving", &[new.address]).await;
    expect(&mut visitor, &COME_BACK).await;
    expect_end(&mut visitor).await;
    // To the container it looks as if the browser had said it.
    visitor.write_all(&answer(1012)).await.unwrap();
    expect(&mut odoo, &answer(1012)).await;
    drop(visitor);
    expect_end(&mut odoo).await;

    let (mut visitor, mut odoo) = new.meets(world.connect().await, "a.test").await;
    odoo.write_all(&frame(TEXT, b"here")).await.unwrap();
    expect(&mut visitor, &frame(TEXT, b"here")).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_frame_that_is_under_way_arrives_whole_before_the_goodbye_and_nothing_after_it(db: PgPool) {
    let (world, old, new) = world_of(db).await;
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    let large = frame(BINARY, &vec![0x88; 16 << 20]);
    let (begins, rest) = large.split_at(100_000);
    odoo.write_all(begins).await.unwrap();
    expect(&mut visitor, begins).await;

    world.route("a.test", "serving", &[new.address]).await;
    world.serves_from("b.test", &[new.address]).await;
    let next = frame(TEXT, b"more news");
    let talking = async {
        odoo.write_all(rest).await?;
        // It does not know yet and talks on, until it hears nobody any more.
        loop {
            odoo.write_all(&next).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let listening = async {
        expect(&mut visitor, rest).await;
        let mut first = [0; 2];
        loop {
            visitor.read_exact(&mut first).await.unwrap();
            if first == COME_BACK[..2] {
                break;
            }
            assert_eq!(first, next[..2], "a frame begins where the last one ended");
            expect(&mut visitor, &next[2..]).await;
        }
        expect(&mut visitor, &COME_BACK[2..]).await;
        expect_end(&mut visitor).await;
        drop(visitor);
    };
    let (talked, ()): (std::io::Result<()>, ()) = tokio::join!(talking, listening);
    assert!(talked.is_err());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_message_in_pieces_is_left_between_two_of_them_and_a_head_in_pieces_is_not_cut(db: PgPool) {
    let (world, old, new) = world_of(db).await;
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    for piece in [frame(TEXT_BEGINS, b"a"), frame(PING, b"?"), frame(TEXT_GOES_ON, &[b'b'; 200])] {
        odoo.write_all(&piece).await.unwrap();
        expect(&mut visitor, &piece).await;
    }
    let last = frame(TEXT_ENDS, &[b'c'; 300]);
    // One byte of its head, which says nothing of its length.
    odoo.write_all(&last[..1]).await.unwrap();
    expect(&mut visitor, &last[..1]).await;
    world.route("a.test", "serving", &[new.address]).await;
    world.knows("a.test").await;
    for byte in &last[1..] {
        odoo.write_all(&[*byte]).await.unwrap();
    }
    expect(&mut visitor, &last[1..]).await;
    expect(&mut visitor, &COME_BACK).await;
    expect_end(&mut visitor).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pings_pongs_and_odoo_s_own_goodbye_pass_as_they_are(db: PgPool) {
    let (world, old, _) = world_of(db).await;
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    odoo.write_all(&frame(PING, b"there?")).await.unwrap();
    expect(&mut visitor, &frame(PING, b"there?")).await;
    visitor.write_all(&frame(PONG, b"there?")).await.unwrap();
    expect(&mut odoo, &frame(PONG, b"there?")).await;

    // "Session expired", which the browser has to know, and half a close, as Odoo does it.
    let expired = frame(0x88, &4001_u16.to_be_bytes());
    odoo.write_all(&expired).await.unwrap();
    odoo.shutdown().await.unwrap();
    expect(&mut visitor, &expired).await;
    expect_end(&mut visitor).await;
    visitor.write_all(&answer(4001)).await.unwrap();
    expect(&mut odoo, &answer(4001)).await;
    drop(visitor);
    expect_end(&mut odoo).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_browser_that_goes_says_so_to_odoo_and_hears_its_answer(db: PgPool) {
    let (world, old, _) = world_of(db).await;
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    visitor.write_all(&answer(1000)).await.unwrap();
    visitor.shutdown().await.unwrap();
    expect(&mut odoo, &answer(1000)).await;
    expect_end(&mut odoo).await;
    odoo.write_all(&frame(0x88, &1000_u16.to_be_bytes())).await.unwrap();
    drop(odoo);
    expect(&mut visitor, &frame(0x88, &1000_u16.to_be_bytes())).await;
    expect_end(&mut visitor).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_that_is_killed_leaves_a_goodbye_between_frames_and_an_end_within_one(db: PgPool) {
    let (world, old, _) = world_of(db).await;
    for is_reset in [false, true] {
        let (mut visitor, odoo) = old.meets(world.connect().await, "a.test").await;
        if is_reset {
            // What a killed process leaves unread makes its kernel reset the connection.
            visitor.write_all(b"unread").await.unwrap();
            odoo.readable().await.unwrap();
        }
        drop(odoo);
        expect(&mut visitor, &COME_BACK).await;
        expect_end(&mut visitor).await;
    }
    let (mut visitor, mut odoo) = old.meets(world.connect().await, "a.test").await;
    let half = &frame(TEXT, &[b'x'; 90])[..50];
    odoo.write_all(half).await.unwrap();
    drop(odoo);
    expect(&mut visitor, half).await;
    expect_end(&mut visitor).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_who_is_left_is_told_so(db: PgPool) {
    let (world, old, new) = world_of(db).await;
    let neighbour = Odoo::new().await;
    world.serves_from("b.test", &[neighbour.address]).await;
    let (mut theirs, mut their_odoo) = neighbour.meets(world.connect().await, "b.test").await;
    let (mut kept, mut kept_odoo) = old.meets(world.connect().await, "a.test").await;
    let (mut left, _odoo) = old.meets(world.connect().await, "a.test").await;
    // A second container comes: nobody has to go.
    world.serves_from("a.test", &[old.address, new.address]).await;
    world.serves_from("c.test", &[new.address]).await;
    for (visitor, odoo) in [(&mut theirs, &mut their_odoo), (&mut kept, &mut kept_odoo)] {
        odoo.write_all(&frame(TEXT, b"still here")).await.unwrap();
        expect(visitor, &frame(TEXT, b"still here")).await;
    }
    // Its first one goes.
    world.route("a.test", "serving", &[new.address]).await;
    expect(&mut left, &COME_BACK).await;
    expect(&mut kept, &COME_BACK).await;
    their_odoo.write_all(&frame(TEXT, b"still here")).await.unwrap();
    expect(&mut theirs, &frame(TEXT, b"still here")).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_route_that_changes_during_the_handshake_is_noticed(db: PgPool) {
    let (world, old, new) = world_of(db).await;
    let mut visitor = world.connect().await;
    visitor
        .write_all(b"GET /websocket HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
        .await
        .unwrap();
    let (mut odoo, _) = old.listener.accept().await.unwrap();
    read_until(&mut odoo, "\r\n\r\n").await;
    world.serves_from("a.test", &[new.address]).await;
    world.serves_from("b.test", &[new.address]).await;
    odoo.write_all(SWITCH.as_bytes()).await.unwrap();
    assert!(read_until(&mut visitor, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    expect(&mut visitor, &COME_BACK).await;
    expect_end(&mut visitor).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_that_ends_says_goodbye_in_the_clear_and_over_tls(db: PgPool) {
    let mut secure = Secure::new(db).await;
    let odoo = Odoo::new().await;
    secure.world.route("a.apps.test", "serving", &[odoo.address]).await;
    secure.world.until(|| async { secure.world.get("a.apps.test", "/").await.starts_with("HTTP/1.1 308") }).await;
    let stream = secure.connect("a.apps.test", "http/1.1").await;
    let (mut visitor, mut upstream) = odoo.meets(stream, "a.apps.test").await;
    upstream.write_all(&frame(TEXT, b"news")).await.unwrap();
    expect(&mut visitor, &frame(TEXT, b"news")).await;
    let ending = async {
        expect(&mut visitor, &COME_BACK).await;
        expect_end(&mut visitor).await;
        visitor.write_all(&answer(1012)).await.unwrap();
        visitor.flush().await.unwrap();
        expect(&mut upstream, &answer(1012)).await;
        drop(visitor);
        expect_end(&mut upstream).await;
    };
    tokio::join!(ending, secure.world.finish());
}
