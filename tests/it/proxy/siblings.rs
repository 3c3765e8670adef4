//! What one tenant may try against its siblings and against our names: cookies, clearing, answers to certificate authorities.

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::secure::{Secure, get, whole};
use super::support::{Act, Upstream, World, header, ok, read_all, read_until};

/// An instance that logs everybody in, and says that everything of the domain is to be forgotten.
const LOGS_IN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nClear-Site-Data: \"cookies\", \"storage\"\r\n\
    Set-Cookie: session_id=mine; Domain=apps.test; Expires=Fri, 31 Dec 2027 00:00:00 GMT; HttpOnly; Path=/\r\n\
    Set-Cookie: frontend_lang=fr_FR; Domain=apps.test; Path=/\r\n\r\na";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_session_that_a_sibling_s_page_set_reaches_no_instance_over_https(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(LOGS_IN).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;

    let two = secure.ask(get("https://a.apps.test/web/login")).await;
    let set: Vec<&str> = two.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(
        set,
        [
            "__Host-session_id=mine; Expires=Fri, 31 Dec 2027 00:00:00 GMT; HttpOnly; Path=/; Secure",
            "frontend_lang=fr_FR; Path=/; Secure"
        ]
    );
    assert_eq!(two.headers()["clear-site-data"], "\"storage\"");

    let mut tossed = get("https://a.apps.test/web");
    for cookie in ["session_id=tossed", "__Host-session_id=mine", "cids=1", "session_id=tossed"] {
        tossed.headers_mut().append("cookie", cookie.parse().unwrap());
    }
    assert_eq!(secure.ask(tossed).await.status().as_u16(), 200);
    let mut stream = secure.connect("a.apps.test", "http/1.1").await;
    let request = "GET /web HTTP/1.1\r\nHost: a.apps.test\r\nCookie: session_id=tossed; __Host-session_id=mine\r\nCookie: cids=1\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_all(&mut stream).await.contains("__Host-session_id=mine"));
    let mut stream = secure.connect("a.apps.test", "http/1.1").await;
    let request = "GET /web HTTP/1.1\r\nHost: a.apps.test\r\nCookie: session_id=tossed\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    read_all(&mut stream).await;
    let cookies: Vec<_> = upstream.seen().iter().map(|seen| header(seen, "cookie").map(str::to_owned)).collect();
    let own = || Some("session_id=mine; cids=1".to_owned());
    assert_eq!(cookies, [None, own(), own(), None]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_websocket_brings_the_instance_s_own_session_too(db: PgPool) {
    let secure = Secure::new(db).await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Set-Cookie: session_id=next; Path=/\r\n\r\n";
    let upstream = Upstream::new(move |_, _| Act::Echo(switch.to_owned())).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut socket = secure.connect("a.apps.test", "http/1.1").await;
    let ask = "GET /websocket HTTP/1.1\r\nHost: a.apps.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Cookie: session_id=tossed; __Host-session_id=mine\r\nSec-WebSocket-Key: x\r\n\r\n";
    socket.write_all(ask.as_bytes()).await.unwrap();
    let answer = read_until(&mut socket, "\r\n\r\n").await;
    assert_eq!(header(&answer, "set-cookie"), Some("__Host-session_id=next; Path=/; Secure"));
    assert_eq!(header(&upstream.seen()[0], "cookie"), Some("session_id=mine"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_portal_s_cookies_and_those_in_the_clear_are_left_as_they_are(db: PgPool) {
    let secure = Secure::new(db).await;
    let mut mine = get("https://portal.test/");
    mine.headers_mut().insert("cookie", "session_id=x; __Host-session_id=y".parse().unwrap());
    assert_eq!(secure.ask(mine).await.status().as_u16(), 200);
    assert_eq!(header(&secure.world.portal.seen()[0], "cookie"), Some("session_id=x; __Host-session_id=y"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn in_the_clear_odoo_s_session_keeps_its_name(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(LOGS_IN).await;
    world.serves("a.test", &upstream).await;
    let answer =
        world.send("GET / HTTP/1.1\r\nHost: a.test\r\nCookie: session_id=mine\r\nConnection: close\r\n\r\n").await;
    assert!(
        answer.contains("session_id=mine; Expires=Fri, 31 Dec 2027 00:00:00 GMT; HttpOnly; Path=/\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("__Host-"), "{answer}");
    assert_eq!(header(&upstream.seen()[0], "cookie"), Some("session_id=mine"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_we_answer_where_certificate_authorities_look(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a proof of the tenant's own")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    for path in [
        "/.well-known/acme-challenge/token",
        "/.well-known/acme-challenge/token?x=1",
        "//.well-known/acme-challenge/token",
        "/.well-known/./acme-challenge/token",
        "/.WELL-known/acme-challenge/token",
        "/%2ewell-known/acme-challenge/token",
        "/.well-known%2facme-challenge%2ftoken",
        "/web/../.well-known/acme-challenge/token",
        "/fr/.well-known/acme-challenge/token",
        "/.well-known/pki-validation/fileauth.txt",
    ] {
        let clear = secure.world.get("a.apps.test", path).await;
        assert!(clear.starts_with("HTTP/1.1 404") && header(&clear, "location").is_none(), "{path}: {clear}");
        let two = secure.ask(get(&format!("https://a.apps.test{path}"))).await;
        assert_eq!(two.status().as_u16(), 404, "{path}");
        assert!(secure.world.get("portal.test", path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert_eq!((upstream.seen(), secure.world.portal.seen()), (vec![], vec![]));
    // Everything beside is the tenant's.
    let beside = whole(
        secure
            .two("a.apps.test")
            .await
            .send_request(get("https://a.apps.test/.well-known/security.txt"))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(beside.status().as_u16(), 200);
}
