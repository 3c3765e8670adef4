//! TLS: certificates, and what is different about visitors who come by HTTPS.

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::secure::{Secure, get, put, whole};
use super::support::{Act, Upstream, World, header, ok, read_all, read_until};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn both_protocols_bring_the_request_to_the_instance_and_say_that_it_was_https(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream =
        Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nSet-Cookie: a=1; Path=/\r\n\r\na").await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;

    let request = http::Request::post("https://a.apps.test/web?x=1")
        .header("cookie", "a=b")
        .header("cookie", "c=d")
        .header("x-forwarded-proto", "http")
        .header("te", "trailers")
        .body("body".into())
        .unwrap();
    let two = secure.ask(request).await;
    assert_eq!((two.status().as_u16(), two.body().as_str(), two.version()), (200, "a", http::Version::HTTP_2));

    let mut stream = secure.connect("a.apps.test", "http/1.1").await;
    let request = "POST /web?x=1 HTTP/1.1\r\nHost: a.apps.test\r\nCookie: a=b; c=d\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    stream.write_all(request.as_bytes()).await.unwrap();
    let one = read_all(&mut stream).await;
    assert!(one.starts_with("HTTP/1.1 200") && one.ends_with("\r\n\r\na"), "{one}");

    for seen in upstream.seen() {
        assert!(seen.starts_with("POST /web?x=1 HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nbody"), "{seen}");
        assert_eq!(header(&seen, "x-forwarded-proto"), Some("https"));
        let host = format!("a.apps.test:{}", secure.world.tls_address().port());
        assert_eq!(header(&seen, "host"), Some(host.as_str()), "as visitors reach it");
        assert_eq!(header(&seen, "cookie"), Some("a=b; c=d"));
        assert_eq!(header(&seen, "te"), None);
    }
    for (cookie, promise) in [
        (two.headers()["set-cookie"].to_str().unwrap(), two.headers()["strict-transport-security"].to_str().unwrap()),
        (header(&one, "set-cookie").unwrap(), header(&one, "strict-transport-security").unwrap()),
    ] {
        assert_eq!((cookie, promise), ("a=1; Path=/; Secure", "max-age=31536000"));
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_comes_in_the_clear_is_sent_to_https_with_the_same_request(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    let port = secure.world.tls_address().port();
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    for (host, path, location) in [
        ("a.apps.test", "/web?x=%20", format!("https://a.apps.test:{port}/web?x=%20")),
        ("A.Apps.test:80", "//evil.net/", format!("https://a.apps.test:{port}//evil.net/")),
        ("portal.test", "/login", format!("https://portal.test:{port}/login")),
    ] {
        for method in ["GET", "POST"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let answer = secure.world.send(request).await;
            assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
            assert_eq!(header(&answer, "location"), Some(location.as_str()));
            assert_eq!(header(&answer, "strict-transport-security"), None, "it would mean nothing in the clear");
        }
    }
    assert!(secure.world.get("nobody.test", "/").await.starts_with("HTTP/1.1 404"));
    assert_eq!(upstream.seen(), [""; 0]);
    assert_eq!(secure.world.portal.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn names_without_a_certificate_stay_plain_where_the_portal_is(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.scheme = "http").await;
    let upstream = Upstream::answering(ok("a")).await;
    let plain: &World = &secure.world;
    plain.serves("a.localhost", &upstream).await;
    assert!(plain.get("a.localhost", "/").await.starts_with("HTTP/1.1 200"));
    assert_eq!(header(&upstream.seen()[0], "x-forwarded-proto"), Some("http"));
    // A name with a certificate is not.
    assert!(plain.get("portal.test", "/").await.starts_with("HTTP/1.1 308"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_new_certificate_is_used_at_once_and_a_bad_one_never(db: PgPool) {
    let secure = Secure::new(db).await;
    let serial = async || {
        let stream = secure.connect("portal.test", "h2").await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let first = serial().await;
    secure.replace(&["portal.test", "*.apps.test"]);
    secure.world.until(|| async { serial().await != first }).await;
    let second = serial().await;

    // A key that is not the certificate's; half a file; none at all.
    let (_, key) = super::secure::Authority::new().sign(&["portal.test"]);
    put(&secure.files.key, &key);
    put(&secure.files.certificate, "-----BEGIN CERTIFICATE-----\nMIIB");
    std::fs::remove_file(&secure.files.key).unwrap();
    // Long enough for several looks.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(serial().await == second);
    secure.replace(&["portal.test", "*.apps.test"]);
    secure.world.until(|| async { serial().await != second }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_connection_carries_only_hosts_of_its_certificate(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.portal_host = "elsewhere.test".to_owned()).await;
    let upstream = Upstream::answering(ok("a")).await;
    for host in ["a.apps.test", "b.apps.test", "own.test"] {
        secure.world.serves_over_https(host, &upstream).await;
    }
    let mut sender = secure.two("a.apps.test").await;
    for (uri, status) in [
        ("https://a.apps.test/", 200),
        ("https://b.apps.test/", 200),
        ("https://a.apps.test:444/", 200),
        ("https://elsewhere.test/", 200),
    ] {
        // The default certificate is what every unknown name gets, so it is the right one for them.
        let answer = whole(sender.send_request(get(uri)).await.unwrap()).await;
        assert_eq!(answer.status().as_u16(), status, "{uri}");
    }
    let mut wrong = get("https://a.apps.test/");
    wrong.headers_mut().insert("host", "b.apps.test".parse().unwrap());
    assert_eq!(whole(sender.send_request(wrong).await.unwrap()).await.status().as_u16(), 400);
    let seen = upstream.seen();
    let host = |name| format!("{name}:{}", secure.world.tls_address().port());
    assert_eq!(
        seen.iter().map(|seen| header(seen, "host").unwrap()).collect::<Vec<_>>(),
        [host("a.apps.test"), host("b.apps.test"), host("a.apps.test")],
        "a port that was only written is not passed on"
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_websocket_goes_through_tls(db: PgPool) {
    let secure = Secure::new(db).await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let upstream = Upstream::new(move |_, _| Act::Echo(switch.to_owned())).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut socket = secure.connect("a.apps.test", "http/1.1").await;
    let ask = "GET /websocket HTTP/1.1\r\nHost: a.apps.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
    socket.write_all(ask.as_bytes()).await.unwrap();
    assert!(read_until(&mut socket, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    socket.write_all(b"hello, you").await.unwrap();
    read_until(&mut socket, "hello, you").await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_handshake_that_never_ends_is_ended(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.head_ms = 200).await;
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(secure.world.tls_address()).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let end = read_all(&mut stream).await;
        assert!(!end.contains("HTTP"), "{end}");
    }
    // A finished handshake gives time: browsers connect before they know what to ask.
    let mut stream = secure.connect("portal.test", "http/1.1").await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn framing_is_checked_below_tls_as_well(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    for lines in
        ["Content-Length: 1\r\nTransfer-Encoding: chunked", "Content-Length: 1\r\nContent-Length: 1", "X: a\nY: b"]
    {
        let mut stream = secure.connect("a.apps.test", "http/1.1").await;
        let request = format!("POST / HTTP/1.1\r\nHost: a.apps.test\r\n{lines}\r\n\r\n0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 400"), "{lines:?}");
    }
    assert_eq!(upstream.seen(), [""; 0]);
}
