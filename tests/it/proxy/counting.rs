//! What the proxy counts is what went over the wire.

use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::support::{Act, Upstream, World, ok, read_all, read_until};

/// The newest numbers of an environment: requests, egress, ingress, errors.
async fn totals(world: &World, environment: EnvironmentId) -> (i64, i64, i64, i64) {
    sqlx::query_as::<_, (i64, i64, i64, i64)>(
        "SELECT requests, egress_bytes, ingress_bytes, errors FROM traffic_samples WHERE environment_id = $1 ORDER BY seq DESC LIMIT 1",
    )
    .bind(environment.uuid())
    .fetch_optional(&world.db)
    .await
    .unwrap()
    .unwrap_or_default()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn requests_bytes_and_errors_are_exact_and_survive_route_changes(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::new(|_, request| {
        if request.starts_with("GET /bad") {
            Act::Answer("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno".to_owned())
        } else {
            Act::Answer(ok(&"x".repeat(4096)))
        }
    })
    .await;
    let a = world.serves("a.test", &upstream).await;
    let b = world.serves("b.test", &upstream).await;

    let (mut sent, mut received) = (0, 0);
    for round in 0..5 {
        let mut stream = world.connect().await;
        for path in ["/", "/bad", "/"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nX-Round: {round}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            sent += request.len();
            received += read_until(&mut stream, if path == "/bad" { "no" } else { "xxxx\u{0}" }.trim_end_matches('\0'))
                .await
                .len();
            // The rest of a body of 4,096: all its bytes look the same.
            if path == "/" {
                received += read_rest(&mut stream).await;
            }
        }
        let request = format!(
            "POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{}",
            "y".repeat(1000)
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        sent += request.len();
        received += read_all(&mut stream).await.len();
        world.route_of(a, "a.test", if round % 2 == 0 { "starting" } else { "serving" }, &[upstream.address]).await;
        world.route_of(a, "a.test", "serving", &[upstream.address]).await;
    }
    let other = world.get("b.test", "/").await.len();
    world.get("a.test", "/web/database/manager").await;

    let expected = (20, i64::try_from(received).unwrap(), i64::try_from(sent).unwrap(), 5);
    world.until(|| async { totals(&world, a).await == expected }).await;
    world.until(|| async { totals(&world, b).await.1 == i64::try_from(other).unwrap() }).await;
    let (epochs, growing) = sqlx::query_as::<_, (i64, bool)>(
        "SELECT count(DISTINCT proxy_epoch), bool_and(grew) FROM (SELECT proxy_epoch, requests >= lag(requests, 1, 0::bigint)
           OVER (PARTITION BY environment_id ORDER BY seq) AS grew FROM traffic_samples) AS samples",
    )
    .fetch_one(&world.db)
    .await
    .unwrap();
    assert_eq!((epochs, growing), (1, true));
}

/// What is left of the body after its first four bytes.
async fn read_rest(stream: &mut tokio::net::TcpStream) -> usize {
    let mut rest = vec![0; 4092];
    tokio::io::AsyncReadExt::read_exact(stream, &mut rest).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_last_numbers_are_saved_when_the_proxy_ends(db: PgPool) {
    let mut world = World::with(db, |settings| settings.limits.save = std::time::Duration::from_secs(600)).await;
    let upstream = Upstream::answering(ok("a")).await;
    let environment = world.serves("a.test", &upstream).await;
    let answer = world.get("a.test", "/").await;
    world.finish().await;
    let (requests, egress, ..) = totals(&world, environment).await;
    assert_eq!((requests, egress), (1, i64::try_from(answer.len()).unwrap()));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn numbers_that_could_not_be_saved_come_with_the_next_ones(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    let environment = world.serves("a.test", &upstream).await;
    sqlx::raw_sql("ALTER TABLE traffic_samples RENAME TO away").execute(&world.db).await.unwrap();
    for _ in 0..3 {
        world.get("a.test", "/").await;
    }
    sqlx::raw_sql("ALTER TABLE away RENAME TO traffic_samples").execute(&world.db).await.unwrap();
    world.until(|| async { totals(&world, environment).await.0 == 3 }).await;
}
