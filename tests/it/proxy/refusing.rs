//! What never reaches an instance.

use std::time::Duration;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::support::{Act, Upstream, World, ok, read_all, read_until};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_that_can_be_read_in_two_ways_is_refused(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    for lines in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 6",
        "Content-Length: 6\r\nContent-Length: 6",
        "Content-Length: 6\r\nContent-Length: 5",
        "Content-Length: 6, 6",
        "Content-Length: +6",
        "Content-Length: 0x6",
        "Content-Length: -1",
        "Content-Length : 6",
        "Content-Length: 6\r\n Transfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "X: a\nContent-Length: 6",
        "X: a\rContent-Length: 6",
        "X: a\0b",
        "X y: z",
        "X",
        ": x",
        "\x7f: x",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: \"chunked\"",
        "Transfer_Encoding : chunked",
    ] {
        let request = format!(
            "POST /{} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "p"
        );
        let answer = world.send(request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{lines:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lines:?}: {answer}");
    }
    for start in [
        "GET /\n\n",
        "GET / HTTP/1.1\nHost: a.test\n\n",
        "GET / HTTP/2.0\r\nHost: a.test\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
    ] {
        let answer = world.send(start).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 505"), "{start:?}: {answer}");
    }
    assert_eq!(upstream.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_bad_chunk_never_becomes_a_second_request(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    for chunks in [
        "x\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\na",
        "3\nabc\n0\n\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
        );
        let answer = world.send(request).await;
        assert!(answer.matches("HTTP/1.1").count() <= 1 && !answer.starts_with("HTTP/1.1 200"), "{chunks:?}: {answer}");
    }
    // After a chunked body the connection ends, so what follows is read by nobody.
    world.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!(upstream.seen().iter().all(|request| !request.contains("smuggled")), "{:?}", upstream.seen());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_database_manager_is_refused_in_every_spelling(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    for path in [
        "/web/database/manager",
        "/web/database",
        "//web/database/manager",
        "/web//database/backup",
        "/web/./database/drop",
        "/web/%64atabase/manager",
        "/web%2fdatabase%2fmanager",
        "/web/%2564atabase/x",
        "/WEB/DataBase/manager",
        "/web;a=b/database;c/manager",
        "/fr/web/database/manager",
        "/odoo/../web/database/manager",
        "/web/x/..%2fdatabase/manager",
        "/web\\database\\manager",
        "/xmlrpc/db",
        "/xmlrpc/2/db",
        "/XmlRpc/2/%64b/",
        "/web/database/manager?x=1",
        "/web/%2e/database/manager",
        "http://a.test/web/database/manager",
    ] {
        for method in ["GET", "POST"] {
            let answer = world
                .send(format!(
                    "{method} {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                ))
                .await;
            assert!(answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        }
    }
    assert_eq!(upstream.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn calls_to_the_database_service_never_arrive_whole_and_others_do(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    let padding = "x".repeat(80_000);
    let call = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    for body in [
        r#"{"params":{"service":"db","method":"list","args":[]}}"#.to_owned(),
        r#"{"params":{"service":"common","service":"\u0064b","method":"list","args":[]}}"#.to_owned(),
        format!(r#"{{"params":{{"args":["{padding}"],"method":"drop","service":"db"}}}}"#),
        r#"{"params":[["service","db"]]}"#.to_owned(),
    ] {
        let answer = world.send(call("/jsonrpc", &body)).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        let chunked = format!(
            "POST /fr//jsonrpc HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        assert!(world.send(chunked).await.starts_with("HTTP/1.1 403"));
    }
    assert_eq!(upstream.seen(), [""; 0]);
    for body in [
        r#"{"params":{"service":"object","method":"execute_kw","args":["db"]}}"#.to_owned(),
        format!(r#"{{"params":{{"service":"object","args":["{padding}"]}}}}"#),
    ] {
        assert!(world.send(call("/jsonrpc", &body)).await.starts_with("HTTP/1.1 200"));
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_body_larger_than_allowed_is_refused_in_both_framings(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    let body = "x".repeat(100_001);
    let answer = world.send(format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100001\r\n\r\n{body}")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = world
        .send(format!(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n{body}\r\n0\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "{answer}");
    assert_eq!(upstream.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn heads_have_a_limit(db: PgPool) {
    let world = World::new(db).await;
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect::<Vec<_>>().concat();
    let long = format!("X: {}\r\n", "x".repeat(70_000));
    for lines in [many, long] {
        let answer = world.send(format!("GET / HTTP/1.1\r\nHost: portal.test\r\n{lines}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let answer = world.send(format!("GET /{} HTTP/1.1\r\nHost: portal.test\r\n\r\n", "x".repeat(70_000))).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(world.portal.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn slow_and_silent_visitors_lose_their_place(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.limits.head_ms = 200;
        settings.limits.idle_ms = 200;
        settings.limits.slow_ms = 200;
    })
    .await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;

    // Says nothing at all; begins a head; begins a body; falls silent after an answer.
    for beginning in
        ["", "GET / HTTP/1.1\r\nHost: a.te", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000\r\n\r\nx"]
    {
        let mut stream = world.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "", "{beginning:?}");
    }
    let mut stream = world.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "\r\n\r\na").await;
    assert_eq!(read_all(&mut stream).await, "");

    // One byte at a time is as good as silence.
    let mut stream = world.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000\r\n\r\n").await.unwrap();
    world
        .until(|| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.try_write(b"x").is_err()
        })
        .await;
    assert!(world.get("a.test", "/").await.starts_with("HTTP/1.1 200"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn when_there_is_no_more_room_the_longest_idle_visitor_goes_and_work_is_not_disturbed(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.threads = 1;
        settings.most_connections = 20;
    })
    .await;
    let upstream = Upstream::new(|_, _| Act::Slowly(Duration::from_millis(500), ok("slow"))).await;
    world.serves("a.test", &upstream).await;
    let mut working = world.connect().await;
    working.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await.unwrap();
    world.until(|| async { upstream.seen().len() == 1 }).await;
    let mut crowd = Vec::new();
    for _ in 0..60 {
        let mut one = world.connect().await;
        one.write_all(b"GET / HTTP/1.1\r\nHost: a.te").await.unwrap();
        crowd.push(one);
    }
    assert!(world.get("portal.test", "/").await.starts_with("HTTP/1.1 200"));
    assert!(read_all(&mut working).await.ends_with("slow"));
    assert_eq!(read_all(&mut crowd[0]).await, "");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_visitor_that_does_not_read_its_answer_loses_it(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.slow_ms = 200).await;
    let upstream = Upstream::answering(ok(&"x".repeat(30_000_000))).await;
    world.serves("a.test", &upstream).await;
    let mut greedy = world.connect().await;
    greedy.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    world.until(|| async { upstream.seen().len() == 1 }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(read_all(&mut greedy).await.len() < 30_000_000);
    assert!(world.get("a.test", "/").await.len() > 30_000_000, "whoever reads gets all of it");
}
