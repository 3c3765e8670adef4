//! Requests that name one instance to us and hope to be another's. What arrives anywhere names that instance and nobody else.

use sqlx::PgPool;

use super::support::{Upstream, World, header, ok};

/// What is understood, and as what it arrives.
const UNDERSTOOD: [(&str, &str); 24] = [
    ("GET / HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET / HTTP/1.1\r\nhOsT: A.TEST", "a.test"),
    ("GET / HTTP/1.1\r\nHost:\ta.test\t", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test.", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test:", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test:8080", "a.test"),
    ("GET http://a.test/ HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET //b.test/ HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET /@b.test HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET /?host=b.test HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET /http://b.test/ HTTP/1.1\r\nHost: a.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Host: b.test", "a.test"),
    ("GET / HTTP/1.1\r\nX-Forwarded-Host: b.test\r\nHost: a.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX_Forwarded_Host: b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Server: b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Host: b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Original-Host: b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Original-URL: http://b.test/", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX-Rewrite-URL: //b.test/", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nForwarded: host=b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nProxy: http://b.test", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close, Host", "a.test"),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nConnection: X-Forwarded-Host", "a.test"),
];

/// What is refused, or has a name that nobody has.
const REFUSED: [&str; 40] = [
    "GET / HTTP/1.1\r\nX: y",
    "GET / HTTP/1.1\r\nHost:",
    "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test",
    "GET / HTTP/1.1\r\nHost: a.test\r\nhost: a.test",
    "GET / HTTP/1.1\r\nHost: a.test\r\n Host: b.test",
    "GET / HTTP/1.1\r\nHost: a.test\r\n\tb.test",
    "GET / HTTP/1.1\r\n Host: b.test\r\nHost: a.test",
    "GET / HTTP/1.1\r\nHost : a.test",
    "GET / HTTP/1.1\r\nHost: a.test, b.test",
    "GET / HTTP/1.1\r\nHost: a.test b.test",
    "GET / HTTP/1.1\r\nHost: a.test;b.test",
    "GET / HTTP/1.1\r\nHost: b.test@a.test",
    "GET / HTTP/1.1\r\nHost: a.test@b.test:80",
    "GET / HTTP/1.1\r\nHost: a.test:80@b.test",
    "GET / HTTP/1.1\r\nHost: a.test:b.test",
    "GET / HTTP/1.1\r\nHost: a.test:80:80",
    "GET / HTTP/1.1\r\nHost: a.test:99999",
    "GET / HTTP/1.1\r\nHost: a.test:0x50",
    "GET / HTTP/1.1\r\nHost: a.test:+80",
    "GET / HTTP/1.1\r\nHost: a.test/b.test",
    "GET / HTTP/1.1\r\nHost: a.test\\b.test",
    "GET / HTTP/1.1\r\nHost: a.test?b.test",
    "GET / HTTP/1.1\r\nHost: a.test#b.test",
    "GET / HTTP/1.1\r\nHost: a.test%00b.test",
    "GET / HTTP/1.1\r\nHost: a%2etest",
    "GET / HTTP/1.1\r\nHost: a.test\0b.test",
    "GET / HTTP/1.1\r\nHost: \"a.test\"",
    "GET / HTTP/1.1\r\nHost: http://a.test",
    "GET / HTTP/1.1\r\nHost: a.test..",
    "GET / HTTP/1.1\r\nHost: .a.test",
    "GET / HTTP/1.1\r\nHost: a..test",
    "GET / HTTP/1.1\r\nHost: *.test",
    "GET / HTTP/1.1\r\nHost: x.a.test",
    "GET / HTTP/1.1\r\nHost: [::1]",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1",
    "GET http://b.test/ HTTP/1.1\r\nHost: a.test",
    "GET https://a.test/ HTTP/1.1\r\nHost: a.test",
    "GET http://a.test@b.test/ HTTP/1.1\r\nHost: a.test",
    "GET http://a.test:81/ HTTP/1.1\r\nHost: a.test",
    "CONNECT b.test:80 HTTP/1.1\r\nHost: a.test",
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_is_the_one_s_that_it_names_or_nobody_s(db: PgPool) {
    let world = World::new(db).await;
    let (a, b) = (Upstream::answering(ok("a")).await, Upstream::answering(ok("b")).await);
    world.serves("a.test", &a).await;
    world.serves("b.test", &b).await;
    for (request, host) in UNDERSTOOD {
        let before = a.seen().len();
        let close = if request.contains("Connection") { "" } else { "Connection: close\r\n" };
        let answer = world.send(format!("{request}\r\n{close}\r\n")).await;
        assert!(answer.ends_with("\r\n\r\na"), "{request:?}: {answer}");
        assert_eq!(a.seen().len(), before + 1);
        let seen = &a.seen()[before];
        assert_eq!((header(seen, "host"), header(seen, "x-forwarded-host")), (Some(host), Some(host)), "{request:?}");
        let told = seen.to_lowercase().lines().skip(1).any(|line| line.contains("b.test"));
        assert!(!told, "{request:?} arrives as {seen:?}");
    }
    let before = a.seen().len();
    for request in REFUSED {
        let answer = world.send(format!("{request}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{request:?}: {answer}");
        assert_eq!(header(&answer, "location"), None, "{request:?} is sent somewhere: {answer}");
    }
    assert_eq!((a.seen().len(), b.seen().len()), (before, 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_port_a_visitor_writes_an_instance_reads_the_one_at_which_it_is_reached(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.instances_port = Some(8080);
        settings.portal_port = Some(8081);
    })
    .await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    for host in ["a.test", "a.test:8080", "A.TEST:80", "a.test.:31337", "a.test:0"] {
        assert!(world.get(host, "/").await.ends_with("\r\n\r\na"), "{host}");
        assert!(
            world
                .get(&host.replacen("a.test", "portal.test", 1).replace("A.TEST", "portal.test"), "/")
                .await
                .ends_with("portal")
        );
    }
    for (seen, expected) in [(upstream.seen(), "a.test:8080"), (world.portal.seen(), "portal.test:8081")] {
        assert_eq!(seen.len(), 5);
        for seen in seen {
            assert_eq!((header(&seen, "host"), header(&seen, "x-forwarded-host")), (Some(expected), Some(expected)));
        }
    }
}
