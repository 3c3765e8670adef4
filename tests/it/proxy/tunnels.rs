//! Websockets.

use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Act, Upstream, World, ok, read_all, read_until};

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
const ASK: &str = "GET /websocket?version=1 HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
                   Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nOrigin: http://a.test\r\n\r\n";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_websocket_carries_every_byte_both_ways_and_is_counted(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Echo(SWITCH.to_owned())).await;
    let environment = world.serves("a.test", &upstream).await;
    let mut socket = world.connect().await;
    socket.write_all(ASK.as_bytes()).await.unwrap();
    let head = read_until(&mut socket, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let seen = upstream.seen()[0].to_lowercase();
    assert!(
        seen.contains("upgrade: websocket\r\n")
            && seen.contains("connection: upgrade\r\n")
            && seen.contains("origin: http://a.test\r\n"),
        "{seen}"
    );

    let message: Vec<u8> = (0..2_000_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let (mut read, mut write) = socket.split();
    let mut back = vec![0; message.len()];
    let (wrote, got) = tokio::join!(write.write_all(&message), read.read_exact(&mut back));
    wrote.unwrap();
    got.unwrap();
    assert!(back == message);
    write.shutdown().await.unwrap();
    assert_eq!(
        read.read(&mut [0; 1]).await.unwrap(),
        0,
        "half a close becomes a whole one when the other side closes too"
    );

    let expected = i64::try_from(head.len() + message.len()).unwrap();
    world
        .until(|| async {
            let egress = sqlx::query_scalar::<_, i64>(
                "SELECT egress_bytes FROM traffic_samples WHERE environment_id = $1 ORDER BY seq DESC LIMIT 1",
            )
            .bind(environment.uuid())
            .fetch_optional(&world.db)
            .await
            .unwrap();
            egress == Some(expected)
        })
        .await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn websockets_go_to_their_own_process_when_there_is_one(db: PgPool) {
    let world = World::new(db).await;
    let (http, gevent) = (Upstream::answering(ok("http")).await, Upstream::answering(ok("gevent")).await);
    world.serves("a.test", &http).await;
    sqlx::query_scalar::<_, i32>("UPDATE routes SET websockets = ARRAY[$1] RETURNING 1")
        .bind(gevent.address.to_string())
        .fetch_one(&world.db)
        .await
        .unwrap();
    world.until(|| async { world.get("a.test", "/websocket").await.ends_with("gevent") }).await;
    assert!(world.get("a.test", "/websocket/peek_notifications").await.ends_with("gevent"));
    assert!(world.get("a.test", "/websockets").await.ends_with("http"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_a_real_switch_to_a_real_question_opens_a_tunnel(db: PgPool) {
    let world = World::new(db).await;
    let switching = Upstream::new(|_, _| Act::Echo(SWITCH.to_owned())).await;
    world.serves("a.test", &switching).await;
    for ask in [
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(),
        ASK.replace("Upgrade: WebSocket", "Upgrade: h2c"),
        ASK.replace("keep-alive, Upgrade", "keep-alive"),
        ASK.replace("GET", "POST"),
        ASK.replace("Sec-WebSocket-Key: x\r\n", ""),
    ] {
        let answer = world.send(ask.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{ask}: {answer}");
    }
    // The other way round: an answer to the question that is not a switch is an ordinary answer.
    let refusing = Upstream::answering(ok("no websocket here")).await;
    world.serves("b.test", &refusing).await;
    let mut stream = world.connect().await;
    stream.write_all(ASK.replace("a.test", "b.test").as_bytes()).await.unwrap();
    read_until(&mut stream, "no websocket here").await;
    stream.write_all(b"GET /web/database HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 403"),
        "what follows is a request and not a tunnel: {answer}"
    );
    let other = Upstream::new(|_, _| Act::Echo(SWITCH.replace("websocket", "h2c"))).await;
    world.serves("c.test", &other).await;
    assert!(
        world.send(ASK.replace("a.test", "c.test").replace("keep-alive", "close")).await.starts_with("HTTP/1.1 502")
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_silent_websocket_ends_and_so_do_all_when_the_proxy_does(db: PgPool) {
    let mut world = World::with(db, |settings| settings.limits.tunnel_idle_ms = 300).await;
    let upstream = Upstream::new(|_, _| Act::Echo(SWITCH.to_owned())).await;
    world.serves("a.test", &upstream).await;
    let mut silent = world.connect().await;
    silent.write_all(ASK.as_bytes()).await.unwrap();
    assert!(read_all(&mut silent).await.starts_with("HTTP/1.1 101"));
    let mut busy = world.connect().await;
    busy.write_all(ASK.as_bytes()).await.unwrap();
    read_until(&mut busy, "\r\n\r\n").await;
    world.finish().await;
    let mut goodbye = Vec::new();
    busy.read_to_end(&mut goodbye).await.unwrap();
    assert_eq!(goodbye, [0x88, 2, 0x03, 0xF4], "come back");
}
