//! More requests in a second than an environment gets.

use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;

use super::support::{Upstream, World, header, ok};

/// A world in which each environment gets one request in a second, and two at once.
async fn world(db: PgPool) -> World {
    let world = World::with(db, |settings| {
        settings.requests_per_second = 1;
        settings.burst_seconds = 2;
    })
    .await;
    // These tests are about routes; the environments behind them would need half the schema.
    sqlx::raw_sql(
        "ALTER TABLE traffic_limits DROP CONSTRAINT traffic_limits_environment_id_fkey, DROP CONSTRAINT traffic_limits_set_by_fkey",
    )
    .execute(&world.db)
    .await
    .unwrap();
    world
}

/// What the proxy told of requests that were turned away: too many in a second, no place.
async fn refused(world: &World, environment: EnvironmentId) -> (i64, i64) {
    sqlx::query_as(
        "SELECT limited, busy FROM traffic_refusals WHERE environment_id = $1 ORDER BY observed_at DESC LIMIT 1",
    )
    .bind(environment.uuid())
    .fetch_optional(&world.db)
    .await
    .unwrap()
    .unwrap_or_default()
}

async fn set_limit(world: &World, environment: EnvironmentId, requests_per_second: i32) {
    sqlx::query(
        "INSERT INTO traffic_limits (environment_id, requests_per_second, set_by, set_at) VALUES ($1, $2, $1, now())
         ON CONFLICT (environment_id) DO UPDATE SET requests_per_second = excluded.requests_per_second",
    )
    .bind(environment.uuid())
    .bind(requests_per_second)
    .execute(&world.db)
    .await
    .unwrap();
}

/// Asks until there is no more, and returns the answer that says so.
async fn until_limited(world: &World, request: &str) -> String {
    for _ in 0..20 {
        let answer = world.send(request).await;
        if answer.starts_with("HTTP/1.1 429") {
            return answer;
        }
    }
    panic!("it is never too much");
}

const BROWSER: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
const PROGRAM: &str = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_asks_too_often_is_told_when_to_come_back_and_the_neighbours_do_not_notice(db: PgPool) {
    let world = world(db).await;
    let (a, b) = (Upstream::answering(ok("a")).await, Upstream::answering(ok("b")).await);
    let environment = world.route("a.test", "serving", &[a.address]).await;
    world.serves("b.test", &b).await;
    // What is refused anyway counts for nothing: the name is known by now, and nothing is taken.
    for _ in 0..5 {
        assert!(world.get("a.test", "/web/database/manager").await.starts_with("HTTP/1.1 403"));
    }
    let program = until_limited(&world, PROGRAM).await;
    assert!(!program.contains("<html"), "{program}");
    assert_eq!(header(&program, "retry-after"), Some("1"));
    let page = until_limited(&world, BROWSER).await;
    assert!(page.contains("<html lang=\"fr\"") && page.contains("Trop de demandes en peu de temps"), "{page}");
    assert!(page.contains(r#"<meta http-equiv="refresh" content="1">"#), "{page}");
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
    assert!(world.get("b.test", "/").await.ends_with('b'));
    for _ in 0..10 {
        assert!(world.get("portal.test", "/").await.ends_with("portal"));
    }
    world.until(|| async { refused(&world, environment).await.0 >= 2 }).await;
    let sent: i64 = sqlx::query_scalar("SELECT max(requests) FROM traffic_samples WHERE environment_id = $1")
        .bind(environment.uuid())
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert_eq!(sent, i64::try_from(a.seen().len()).unwrap(), "only what was sent on is counted as used");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_limit_of_its_own_holds_at_once_and_for_every_name_of_the_environment(db: PgPool) {
    let world = world(db).await;
    let upstream = Upstream::answering(ok("done")).await;
    let environment = world.route("a.test", "serving", &[upstream.address]).await;
    world.route_of(environment, "second.test", "serving", &[upstream.address]).await;
    world.knows("second.test").await;
    until_limited(&world, BROWSER).await;
    assert!(world.get("second.test", "/").await.starts_with("HTTP/1.1 429"));

    set_limit(&world, environment, 100_000).await;
    world.until(|| async { world.get("a.test", "/").await.ends_with("done") }).await;
    for name in ["a.test", "second.test"] {
        for _ in 0..30 {
            assert!(world.get(name, "/").await.ends_with("done"));
        }
    }
    set_limit(&world, environment, 1).await;
    world.until(|| async { world.get("a.test", "/").await.starts_with("HTTP/1.1 429") }).await;
    let before = upstream.seen().len();
    sqlx::query("DELETE FROM traffic_limits").execute(&world.db).await.unwrap();
    until_limited(&world, PROGRAM).await;
    assert!(upstream.seen().len() - before < 20, "the installation's own limit is as low");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_flood_of_a_sleeping_instance_wakes_it_and_is_turned_away(db: PgPool) {
    let world = world(db).await;
    let environment = world.route("a.test", "asleep", &[]).await;
    world.knows("a.test").await;
    let answers = futures_util::future::join_all((0..20).map(|_| world.send(BROWSER))).await;
    let limited = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 429")).count();
    assert!((17..20).contains(&limited), "{limited} of 20 were too many");
    world.until(|| async { refused(&world, environment).await.0 >= 17 }).await;
}
