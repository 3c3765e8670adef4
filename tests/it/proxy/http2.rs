//! HTTP/2, frame by frame where a well-behaved client would not do it.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, GOOD, HEADERS, PING, RST_STREAM, Raw, SETTINGS, block,
    good_and, good_but, good_without,
};
use super::secure::{Secure, get, whole};
use super::support::{Act, PATIENCE, Upstream, ok};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_that_http_1_would_read_differently_is_refused(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut tricks = Vec::new();
    for more in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("proxy-connection", "keep-alive"),
        ("keep-alive", "1"),
        ("te", "gzip"),
        ("X-Capitals", "1"),
        (":path", "/second"),
        (":method", "POST"),
        (":status", "200"),
        (":unknown", "1"),
        ("x", "a\r\nHost: b"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("x\r\ny", "1"),
        ("x y", "1"),
        ("x:", "1"),
        ("", "1"),
        ("host", "b.apps.test"),
        ("host", "portal.test"),
        ("content-length", "5"),
        ("content-length", "3, 3"),
        ("content-length", "+0"),
        ("content-length", "-1"),
    ] {
        tricks.push(good_and(&[more]));
    }
    tricks.push(good_and(&[("host", "a.apps.test"), ("host", "a.apps.test")]));
    tricks.push(good_and(&[("content-length", "0"), ("content-length", "0")]));
    tricks.push(good_and(&[("x", "1"), (":authority", "b.apps.test")]));
    for (name, value) in [
        (":path", "/ HTTP/1.1\r\nX: y"),
        (":path", "/a b"),
        (":path", "x"),
        (":path", "*"),
        (":path", ""),
        (":path", "http://a.apps.test/"),
        (":method", "GET / HTTP/1.1\r\nHost: b\r\n\r\nGET"),
        (":method", ""),
        (":scheme", "http"),
        (":scheme", "https\r\n"),
        (":authority", "a.apps.test@b.net"),
        (":authority", "user@a.apps.test"),
        (":authority", "a.apps.test/x"),
        (":authority", "a.apps.test\r\nX: y"),
        (":authority", "a.apps.test, b.net"),
        (":authority", ""),
    ] {
        tricks.push(good_but(name, value));
    }
    for name in [":method", ":scheme", ":path", ":authority"] {
        tricks.push(good_without(name));
    }
    for trick in tricks {
        let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
        raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&trick)).await;
        let answer = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await;
        assert!(!answer.is_some_and(|frame| frame.is_ok()), "{trick:?}");
        assert_eq!(upstream.seen(), [""; 0], "{trick:?}");
    }
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&GOOD)).await;
    let answer = raw.next(&[HEADERS]).await.unwrap();
    assert!(answer.stream == 1 && answer.is_ok(), "without a trick it is taken");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_body_that_is_not_as_long_as_it_says_never_becomes_a_second_request(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut fields = good_but(":method", "POST");
    fields.push(("content-length", "3"));
    for body in ["abcGET /smuggled HTTP/1.1\r\nHost: a.apps.test\r\n\r\n", "ab", ""] {
        let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
        raw.send(HEADERS, END_HEADERS, 1, &block(&fields)).await;
        raw.send(DATA, END_STREAM, 1, body.as_bytes()).await;
        let answer = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await;
        assert!(!answer.is_some_and(|frame| frame.is_ok()), "{body:?}");
    }
    // Trailers are not passed on.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&fields)).await;
    raw.send(DATA, 0, 1, b"abc").await;
    raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("x-forwarded-for", "6.6.6.6")])).await;
    assert!(raw.next(&[HEADERS]).await.unwrap().is_ok());
    let seen = upstream.seen();
    assert!(seen.len() == 1 && seen[0].ends_with("\r\n\r\nabc") && !seen[0].contains("6.6.6.6"), "{seen:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn limits_are_announced_and_kept(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.most_streams = 5).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(PATIENCE, ok("late"))).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    let settings = raw.next(&[SETTINGS]).await.unwrap().payload;
    let announced = |id: u8| {
        settings.chunks(6).find(|one| one[1] == id).map(|one| u32::from_be_bytes([one[2], one[3], one[4], one[5]]))
    };
    assert_eq!((announced(3), announced(6)), (Some(5), Some(65_536)));
    for stream in 0..6 {
        raw.send(HEADERS, END_HEADERS | END_STREAM, stream * 2 + 1, &block(&GOOD)).await;
    }
    assert_eq!(raw.next(&[RST_STREAM, GOAWAY]).await.map(|frame| frame.stream), Some(11));

    let long = "x".repeat(70_000);
    let mut sender = secure.two("portal.test").await;
    let big = Request::get("https://portal.test/").header("x", long).body(Full::default()).unwrap();
    let answer = sender.send_request(big).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431));

    // A head that never ends.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_STREAM, 1, &block(&GOOD)).await;
    let piece = block(&[("x", &"x".repeat(16_000))]);
    let mut sent = 0;
    while sent < 10_000 && raw.send(CONTINUATION, 0, 1, &piece).await {
        sent += 1;
    }
    assert!(sent < 10_000, "{sent} pieces of a head were taken");
    assert_eq!(secure.world.portal.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_takes_back_requests_all_the_time_loses_the_connection(db: PgPool) {
    let secure = Secure::with(db, |settings| {
        settings.limits.most_cancelled = 20;
        settings.limits.cancelled_forgotten = 0;
    })
    .await;
    let upstream = Upstream::new(|_, _| Act::Slowly(PATIENCE, ok("late"))).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;

    // Patiently: each request is on its way when it is taken back.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    let mut taken = 0;
    while taken < 100 {
        let stream = taken * 2 + 1;
        raw.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(&GOOD)).await;
        raw.send(PING, 0, 0, b"12345678").await;
        if raw.next(&[PING]).await.is_none() {
            break;
        }
        // The answer to a ping may overtake the request; a second one does not.
        raw.send(PING, 0, 0, b"12345678").await;
        raw.next(&[PING]).await;
        raw.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes()).await;
        taken += 1;
    }
    assert!((20..60).contains(&taken), "{taken} requests were taken back");

    // In a flood.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    let flood: Vec<u8> = (0..1_000_u32)
        .flat_map(|number| {
            let fields = block(&GOOD);
            let stream = (number * 2 + 1).to_be_bytes();
            let length = u8::try_from(fields.len()).unwrap();
            [&[0, 0, length, HEADERS, 5], &stream[..], &fields, &[0, 0, 4, RST_STREAM, 0], &stream, &[0, 0, 0, 8]]
                .concat()
        })
        .collect();
    let _ = raw.0.write_all(&flood).await;
    let _ = raw.0.flush().await;
    raw.reads_until_closed().await;
    assert!(upstream.seen().len() < 100, "{} requests of a flood reached the instance", upstream.seen().len());
    assert_eq!(secure.ask(get("https://portal.test/")).await.body(), "portal");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_that_waits_for_its_visitor_loses_the_connection(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.slow_ms = 300).await;
    let (small, large) =
        (Upstream::answering(ok("small")).await, Upstream::answering(ok(&"x".repeat(3_000_000))).await);
    secure.world.serves_over_https("a.apps.test", &small).await;
    secure.world.serves_over_https("b.apps.test", &large).await;

    // No room for any answer, not even a small one.
    for authority in ["a.apps.test", "b.apps.test"] {
        let mut raw = Raw::open(&secure, "a.apps.test", &[(4, 0)]).await;
        raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&good_but(":authority", authority))).await;
        raw.reads_until_closed().await;
    }
    // A body that never comes, while another request is answered again and again.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_HEADERS, 1, &block(&good_but(":method", "POST"))).await;
    let mut stream = 3;
    while raw.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(&GOOD)).await {
        stream += 2;
        assert!(stream < 2_000, "it goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Whoever reads gets all of it, and whoever waits for the instance may wait.
    assert_eq!(secure.ask(get("https://b.apps.test/")).await.body().len(), 3_000_000);
    let slow = Upstream::new(|_, _| Act::Slowly(Duration::from_secs(1), ok("late"))).await;
    secure.world.serves_over_https("c.apps.test", &slow).await;
    assert_eq!(secure.ask(get("https://c.apps.test/")).await.body(), "late");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pings_do_not_keep_an_idle_connection(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.idle_ms = 300).await;
    let mut raw = Raw::open(&secure, "portal.test", &[]).await;
    let mut pings = 0;
    while raw.send(PING, 0, 0, b"12345678").await {
        pings += 1;
        assert!(pings < 500, "it goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_request_of_a_connection_is_counted_for_its_own_environment(db: PgPool) {
    let secure = Secure::new(db).await;
    let (a, b) = (Upstream::answering(ok(&"x".repeat(100_000))).await, Upstream::answering(ok("b")).await);
    let first = secure.world.serves_over_https("a.apps.test", &a).await;
    let second = secure.world.serves_over_https("b.apps.test", &b).await;
    let mut sender = secure.two("a.apps.test").await;
    let body = "y".repeat(50_000);
    let post = Request::post("https://b.apps.test/").body(body.into()).unwrap();
    let (one, two) = tokio::join!(sender.clone().send_request(get("https://a.apps.test/")), sender.send_request(post));
    assert_eq!(whole(one.unwrap()).await.body().len(), 100_000);
    assert_eq!(whole(two.unwrap()).await.body(), "b");
    for (environment, egress, ingress) in [(first, 100_000, 0), (second, 1, 50_000)] {
        secure
            .world
            .until(|| async {
                let counted = sqlx::query_as::<_, (i64, i64, i64)>(
                    "SELECT requests, egress_bytes, ingress_bytes FROM traffic_samples WHERE environment_id = $1 ORDER BY seq DESC LIMIT 1",
                )
                .bind(environment.uuid())
                .fetch_optional(&secure.world.db)
                .await
                .unwrap();
                // Heads are a few hundred bytes.
                counted.is_some_and(|(requests, out, into)| {
                    requests == 1 && (egress + 50..egress + 500).contains(&out) && (ingress + 30..ingress + 500).contains(&into)
                })
            })
            .await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn requests_under_way_are_answered_when_the_proxy_ends(db: PgPool) {
    let mut secure = Secure::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(Duration::from_millis(500), ok("late"))).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut sender = secure.two("a.apps.test").await;
    let answer = sender.send_request(get("https://a.apps.test/"));
    let (answer, ()) = tokio::join!(answer, async {
        secure.world.until(|| async { upstream.seen().len() == 1 }).await;
        secure.world.finish().await;
    });
    assert_eq!(whole(answer.unwrap()).await.body(), "late");
}
