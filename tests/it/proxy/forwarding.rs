//! What upstreams and visitors read of each other.

use std::time::Duration;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::support::{Act, Upstream, World, header, ok, read_until};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn upstreams_read_only_the_truth_about_where_a_request_comes_from(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    let answer = world
        .send(
            "GET /x?y=1 HTTP/1.1\r\nHost: A.test:8080\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\n\
             X_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Sayoo-User: root\r\nX-Request-Id: mine\r\n\
             Connection: close, X-Forwarded-For, X-Hop, Cookie\r\nX-Hop: 1\r\nTE: trailers\r\nCookie: a=b\r\nAccept: */*\r\n\r\n",
        )
        .await;
    let id = header(&answer, "x-request-id").unwrap();
    let mut lines: Vec<_> = upstream.seen()[0].trim_end().lines().map(ToOwned::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /x?y=1 HTTP/1.1".to_owned(),
            "accept: */*".to_owned(),
            "host: a.test".to_owned(),
            "x-forwarded-for: 127.0.0.1".to_owned(),
            "x-forwarded-host: a.test".to_owned(),
            "x-forwarded-proto: http".to_owned(),
            "x-real-ip: 127.0.0.1".to_owned(),
            format!("x-request-id: {id}"),
        ]
    );
    assert_eq!(id.len(), 32);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_tenant_cannot_set_cookies_for_others_nor_steer_the_connection(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=test; Path=/\r\nSet-Cookie: b=2; HttpOnly; domain=.test\r\nConnection: X-Hop, keep-alive\r\n\
         X-Hop: 1\r\nKeep-Alive: timeout=1\r\nAlt-Svc: h3=\":1\"\r\nX-Request-Id: mine\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
         1\r\na\r\n0\r\nX-T: late\r\n\r\n",
    )
    .await;
    world.serves("a.test", &upstream).await;
    let answer = world.get("a.test", "/").await.to_lowercase();
    assert!(
        answer.contains("set-cookie: a=1; path=/\r\n") && answer.contains("set-cookie: b=2; httponly\r\n"),
        "{answer}"
    );
    for absent in ["domain", "x-hop", "keep-alive:", "alt-svc", "mine", "x-t:", "trailer"] {
        assert!(!answer.contains(absent), "{absent}: {answer}");
    }
    assert!(answer.ends_with("1\r\na\r\n0\r\n\r\n"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn bodies_arrive_whole_in_both_framings_and_on_one_connection(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    let mut stream = world.connect().await;
    let body = "x".repeat(70_000);
    for _ in 0..3 {
        stream
            .write_all(
                format!("POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes(),
            )
            .await
            .unwrap();
        read_until(&mut stream, "\r\n\r\na").await;
        stream
            .write_all(b"GET /g HTTP/1.1\r\nHost: a.test\r\n\r\nGET /h HTTP/1.1\r\nHost: a.test\r\n\r\n")
            .await
            .unwrap();
        read_until(&mut stream, "\r\n\r\na").await;
        read_until(&mut stream, "\r\n\r\na").await;
    }
    stream.write_all(b"PUT /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: Host\r\n\r\n3;x=y\r\nabc\r\n0\r\nHost: evil\r\n\r\n").await.unwrap();
    let last = super::support::read_all(&mut stream).await;
    assert_eq!(header(&last, "connection"), Some("close"));
    let seen = upstream.seen();
    assert_eq!(seen.len(), 10);
    assert!(
        seen.iter()
            .filter(|request| request.starts_with("POST"))
            .all(|request| request.ends_with(&format!("\r\n\r\n{body}")))
    );
    // Small ones are passed on whole, so that their length is known.
    assert!(header(&seen[9], "content-length") == Some("3") && seen[9].ends_with("\r\n\r\nabc"), "{}", seen[9]);
    assert_eq!(header(&seen[9], "transfer-encoding"), None);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_answer_to_head_keeps_its_length_and_has_no_body(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").await;
    world.serves("a.test", &upstream).await;
    let mut stream = world.connect().await;
    for _ in 0..2 {
        stream.write_all(b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert_eq!(header(&head, "content-length"), Some("12345"));
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_get_is_tried_again_when_a_kept_connection_dies_and_a_post_never(db: PgPool) {
    let world = World::new(db).await;
    // The first request is answered on a connection that is kept; the second one dies without an answer.
    let upstream =
        Upstream::new(
            |number, _| if number % 3 == 1 { Act::AnswerAndClose(String::new()) } else { Act::Answer(ok("a")) },
        )
        .await;
    world.serves("a.test", &upstream).await;
    assert!(world.get("a.test", "/1").await.ends_with("\r\n\r\na"));
    assert!(world.get("a.test", "/2").await.ends_with("\r\n\r\na"));
    assert_eq!(upstream.seen().len(), 3, "the second one was sent twice");

    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    };
    assert!(world.send(post("/3")).await.ends_with("\r\n\r\na"));
    let answer = world.send(post("/4")).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert_eq!(upstream.seen().iter().filter(|request| request.starts_with("POST /4")).count(), 1);
    // Without a body a POST is no safer.
    let seen = upstream.seen().len();
    world.send("POST /5 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    world.send("POST /5 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    world.send("POST /5 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    assert_eq!(upstream.seen().len(), seen + 3);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_upstream_that_closes_kept_connections_costs_nobody_an_answer(db: PgPool) {
    let world = World::new(db).await;
    let upstream =
        Upstream::new(|number, _| if number % 2 == 0 { Act::AnswerAndClose(ok("a")) } else { Act::Answer(ok("a")) })
            .await;
    world.serves("a.test", &upstream).await;
    let mut stream = world.connect().await;
    for number in 0..400 {
        // After one that was kept: a POST that meets a close on its way is lost, and must be.
        let request = if number % 4 == 0 {
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx"
        } else {
            "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, "\r\n\r\na").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_dead_container_is_passed_over_when_there_is_another(db: PgPool) {
    let world = World::new(db).await;
    let dead = Upstream::answering("").await.address;
    let alive = Upstream::answering(ok("a")).await;
    world.route("a.test", "serving", &[dead, alive.address]).await;
    world.knows("a.test").await;
    for method in ["GET", "POST", "DELETE"] {
        let answer = world
            .send(format!("{method} / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
    }
    world.route("b.test", "serving", &[dead]).await;
    world.knows("b.test").await;
    let answer = world.send("GET / HTTP/1.1\r\nHost: b.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n").await;
    let id = header(&answer, "x-request-id").unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 502")
            && answer.contains("Odoo n’a pas répondu")
            && answer.matches(id).count() == 2,
        "{answer}"
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_answer_that_is_nonsense_is_an_error_page_and_nothing_else(db: PgPool) {
    let world = World::new(db).await;
    for (number, nonsense) in [
        "nonsense\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1_000_000)),
    ]
    .into_iter()
    .enumerate()
    {
        let host = format!("n{number}.test");
        let upstream = Upstream::new(move |_, _| Act::AnswerAndClose(nonsense.clone())).await;
        world.serves(&host, &upstream).await;
        let answer = world.get(&host, "/").await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{number}: {answer}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_instance_that_takes_too_long_gives_a_page_and_the_others_go_on(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.answer = Duration::from_millis(100)).await;
    let slow = Upstream::new(|_, _| Act::Slowly(Duration::from_secs(60), ok("late"))).await;
    world.serves("a.test", &slow).await;
    assert!(world.get("a.test", "/").await.starts_with("HTTP/1.1 504"));
    assert!(world.get("portal.test", "/").await.starts_with("HTTP/1.1 200"));
}
