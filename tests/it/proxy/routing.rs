//! Which request goes where, and what is shown when it goes nowhere.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::io::AsyncWriteExt;

use super::support::{Act, Upstream, World, header, ok, read_until};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_host_name_reaches_its_own_instance_however_it_is_written(db: PgPool) {
    let world = World::new(db).await;
    let (a, b) = (Upstream::answering(ok("a")).await, Upstream::answering(ok("b")).await);
    world.serves("a.test", &a).await;
    world.serves("b.test", &b).await;

    for (host, body) in [
        ("a.test", "a"),
        ("b.test", "b"),
        ("A.Test", "a"),
        ("a.test.", "a"),
        ("a.test:8080", "a"),
        ("B.TEST.:80", "b"),
        ("portal.test", "portal"),
        ("PORTAL.test.:1", "portal"),
    ] {
        let answer = world.get(host, "/").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&format!("\r\n\r\n{body}")), "{host}: {answer}");
    }
    let absolute = world.send("GET http://a.test/x?y HTTP/1.1\r\nHost: A.TEST:80\r\nConnection: close\r\n\r\n").await;
    assert!(absolute.ends_with("\r\n\r\na"), "{absolute}");
    assert!(a.seen().last().unwrap().starts_with("GET /x?y HTTP/1.1\r\n"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_cannot_be_read_is_refused_and_an_unknown_one_gets_a_page(db: PgPool) {
    let world = World::new(db).await;
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: a@portal.test\r\n",
        "GET / HTTP/1.1\r\nHost: portal.test:99999\r\n",
        "GET / HTTP/1.1\r\nHost: portal.test\r\nHost: portal.test\r\n",
        "GET / HTTP/1.1\r\nHost: portal.test\r\nHost: other.test\r\n",
        "GET / HTTP/1.1\r\nHost: portal.test, other.test\r\n",
        "GET / HTTP/1.1\r\nHost : portal.test\r\n",
        "GET / HTTP/1.1\r\nHost: portal..test\r\n",
        "GET http://other.test/ HTTP/1.1\r\nHost: portal.test\r\n",
        "GET http://a@portal.test/ HTTP/1.1\r\nHost: portal.test\r\n",
        "GET http://portal.test:81/ HTTP/1.1\r\nHost: portal.test\r\n",
        "GET ftp://portal.test/ HTTP/1.1\r\nHost: portal.test\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: portal.test\r\n",
        "GET / HTTP/1.0\r\n",
        "GET portal.test HTTP/1.1\r\nHost: portal.test\r\n",
    ] {
        let answer = world.send(format!("{head}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.0 400"), "{head}: {answer}");
    }
    for head in
        ["CONNECT portal.test:80 HTTP/1.1\r\nHost: portal.test:80\r\n", "TRACE / HTTP/1.1\r\nHost: portal.test\r\n"]
    {
        assert!(world.send(format!("{head}\r\n")).await.starts_with("HTTP/1.1 405"), "{head}");
    }
    assert_eq!(world.portal.seen(), [""; 0]);

    let page = world.send("GET / HTTP/1.1\r\nHost: nobody.test\r\nAccept: text/html\r\nAccept-Language: ar\r\nConnection: close\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 404") && page.contains("<html lang=\"ar\" dir=\"rtl\">"), "{page}");
    assert!(header(&page, "content-security-policy").unwrap().starts_with("default-src 'none'; style-src 'sha256-"));
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_stopped_and_a_suspended_instance_say_so_in_their_language(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    for (state, status, words) in
        [("stopped", "503", "Cet Odoo est arrêté"), ("suspended", "403", "Cet Odoo est suspendu")]
    {
        let host = format!("{state}.test");
        world.route(&host, state, &[upstream.address]).await;
        world.knows(&host).await;
        let page = world
            .send(format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"))
            .await;
        assert!(page.starts_with(&format!("HTTP/1.1 {status}")) && page.contains(words), "{page}");
    }
    assert_eq!(upstream.seen(), [""; 0]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_to_an_instance_that_starts_waits_until_it_serves(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("awake")).await;
    let environment = world.route("a.test", "starting", &[]).await;
    world.knows("a.test").await;

    let mut waiting = world.connect().await;
    waiting.write_all(b"POST /rpc HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
    let page = world.send("GET / HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 503") && header(&page, "retry-after") == Some("2"), "{page}");
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("Odoo démarre"), "{page}");

    world.route_of(environment, "a.test", "serving", &[upstream.address]).await;
    read_until(&mut waiting, "awake").await;
    assert_eq!(upstream.seen().len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_waits_for_too_long_is_told_to_come_again(db: PgPool) {
    let world = World::with(db, |settings| settings.limits.hold_other = Duration::from_millis(50)).await;
    world.route("a.test", "starting", &[]).await;
    world.knows("a.test").await;
    let answer = world.get("a.test", "/").await;
    assert!(answer.starts_with("HTTP/1.1 503") && header(&answer, "retry-after") == Some("2"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_changed_route_is_followed_and_a_removed_one_forgotten(db: PgPool) {
    let world = World::new(db).await;
    let (old, new) = (Upstream::answering(ok("old")).await, Upstream::answering(ok("new")).await);
    let environment = world.serves("a.test", &old).await;
    assert!(world.get("a.test", "/").await.ends_with("old"));
    world.route_of(environment, "a.test", "serving", &[new.address]).await;
    world.until(|| async { world.get("a.test", "/").await.ends_with("new") }).await;
    sqlx::raw_sql("DELETE FROM routes").execute(&world.db).await.unwrap();
    world.until(|| async { world.get("a.test", "/").await.starts_with("HTTP/1.1 404") }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn requests_go_to_the_least_busy_container(db: PgPool) {
    let world = World::new(db).await;
    let container = |name: &'static str| {
        Upstream::new(move |_, request| {
            if request.starts_with("GET /slow") {
                Act::Slowly(Duration::from_secs(3), ok(name))
            } else {
                Act::Answer(ok(name))
            }
        })
    };
    let (one, two) = (container("one").await, container("two").await);
    world.route("a.test", "serving", &[one.address, two.address]).await;
    world.knows("a.test").await;

    let mut waiting = world.connect().await;
    waiting.write_all(b"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    world.until(|| async { one.seen().len() + two.seen().len() == 1 }).await;
    let idle = if one.seen().is_empty() { "one" } else { "two" };
    for _ in 0..5 {
        assert!(world.get("a.test", "/").await.ends_with(idle));
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn without_a_database_it_serves_what_it_knew_last(db: PgPool) {
    let mut world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    world.finish().await;

    let away = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(100))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    let world = world.again(away).await;
    assert!(world.get("a.test", "/").await.ends_with("\r\n\r\na"));
    assert!(world.get("portal.test", "/").await.ends_with("portal"));
    assert!(world.get("b.test", "/").await.starts_with("HTTP/1.1 404"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_feed_listens_again_after_its_connection_was_cut(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    sqlx::raw_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .execute(&world.db)
        .await
        .unwrap();
    world.until(|| async { sqlx::raw_sql("SELECT 1").execute(&world.db).await.is_ok() }).await;
    world.serves("b.test", &upstream).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn when_the_portal_is_away_it_says_so_and_instances_go_on(db: PgPool) {
    let mut world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    world.serves("a.test", &upstream).await;
    world.portal = Upstream::answering("").await;
    // The old portal is gone with its sockets.
    world.until(|| async { world.get("portal.test", "/").await.starts_with("HTTP/1.1 503") }).await;
    assert!(world.get("a.test", "/").await.starts_with("HTTP/1.1 200"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_request_that_is_under_way_ends_before_the_proxy_does(db: PgPool) {
    let mut world = World::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(Duration::from_millis(400), ok("done"))).await;
    world.serves("a.test", &upstream).await;
    let mut idle = world.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n").await.unwrap();
    read_until(&mut idle, "portal").await;
    let mut waiting = world.connect().await;
    waiting.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    world.until(|| async { upstream.seen().len() == 1 }).await;
    let (answer, ()) = tokio::join!(super::support::read_all(&mut waiting), world.finish());
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    assert_eq!(super::support::read_all(&mut idle).await, "");
}
