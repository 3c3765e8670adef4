//! Somebody before the proxy, who knows where visitors come from.

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::secure::Secure;
use super::support::{Act, Upstream, World, header, ok, read_all, read_until};

async fn from(world: &World, last: u8, host: &str, headers: &str) -> String {
    let mut stream = world.connect_from(last).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_all(&mut stream).await
}

const TOLD: &str = "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn where_a_visitor_comes_from_is_believed_of_those_who_are_trusted_only(db: PgPool) {
    let world = World::with(db, |settings| settings.trusted = vec!["127.0.0.2".parse().unwrap()]).await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nSet-Cookie: a=1\r\n\r\na";
    let upstream = Upstream::answering(answer).await;
    world.serves("a.test", &upstream).await;
    for (last, address, scheme, cookie) in [(2, "192.0.2.7", "https", "a=1; Secure"), (3, "127.0.0.3", "http", "a=1")] {
        let answer = from(&world, last, "a.test", TOLD).await;
        assert_eq!(header(&answer, "set-cookie"), Some(cookie));
        let seen = upstream.seen().pop().unwrap();
        assert_eq!(header(&seen, "x-forwarded-for"), Some(address), "{seen}");
        assert_eq!(header(&seen, "x-real-ip"), Some(address));
        assert_eq!(header(&seen, "x-forwarded-proto"), Some(scheme));
    }
    // One who says nothing is the visitor.
    from(&world, 2, "a.test", "").await;
    let seen = upstream.seen().pop().unwrap();
    assert_eq!((header(&seen, "x-real-ip"), header(&seen, "x-forwarded-proto")), (Some("127.0.0.2"), Some("http")));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_came_over_https_to_somebody_trusted_is_not_sent_there_again(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.trusted = vec!["127.0.0.2/32".parse().unwrap()]).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    for (last, headers, status) in
        [(2, TOLD, "200"), (2, "X-Forwarded-Proto: http\r\n", "308"), (2, "", "308"), (3, TOLD, "308")]
    {
        let answer = from(&secure.world, last, "a.apps.test", headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{last} {headers}: {answer}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn visitors_who_come_by_somebody_trusted_are_counted_apart(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.trusted = vec!["127.0.0.0/8".parse().unwrap()];
        settings.limits.most_lasting_of_one = 1;
        settings.most_connections_of_one = 0;
    })
    .await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let upstream = Upstream::new(move |_, _| Act::Echo(switch.to_owned())).await;
    world.serves("a.test", &upstream).await;
    let mut open = Vec::new();
    for (visitor, status) in [("192.0.2.1", "101"), ("192.0.2.1", "503"), ("192.0.2.2", "101")] {
        let mut stream = world.connect().await;
        let request = format!(
            "GET /websocket HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {visitor}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{visitor}: {head}");
        open.push(stream);
    }
}
