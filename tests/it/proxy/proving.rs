//! An address that became another instance's: nothing of a visitor's request goes there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sayoo::base::ids::EnvironmentId;
use sayoo::base::proof::ProofKey;
use sayoo::base::secret::Secret;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Upstream, World, ok, read_until};

fn key(password: &str) -> ProofKey {
    ProofKey::of_password(&Secret::new(password.to_owned()))
}

/// Stands before an upstream and proves, as its container would, that it has this password. Counts what it proved.
async fn proving(password: &'static str, upstream: &Upstream) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, behind, proved) = (listener.local_addr().unwrap(), upstream.address, Arc::<AtomicUsize>::default());
    let count = Arc::clone(&proved);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let question = read_until(&mut stream, "\r\n\r\n").await;
                let asked = hex::decode(question.strip_prefix("SAYOO-PROOF ").unwrap().trim_end()).unwrap();
                stream.write_all(format!("{}\n", key(password).answer(&asked)).as_bytes()).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut behind = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    (address, proved)
}

async fn must_prove(world: &World, environment: EnvironmentId, address: std::net::SocketAddr, password: &str) {
    let proofs = serde_json::json!({ address.to_string(): String::from(key(password)) });
    sqlx::query("INSERT INTO route_proofs (environment_id, proofs) VALUES ($1, $2)")
        .bind(environment.uuid())
        .bind(proofs)
        .execute(&world.db)
        .await
        .unwrap();
}

async fn world(db: PgPool) -> World {
    sqlx::raw_sql("ALTER TABLE route_proofs DROP CONSTRAINT route_proofs_environment_id_fkey")
        .execute(&db)
        .await
        .unwrap();
    World::new(db).await
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_proves_itself_is_asked_once_for_each_connection(db: PgPool) {
    let world = world(db).await;
    let upstream = Upstream::answering(ok("mine")).await;
    let (address, proved) = proving("correct", &upstream).await;
    let environment = EnvironmentId::new(sayoo::base::clock::Clock::System.now());
    must_prove(&world, environment, address, "correct").await;
    world.route_of(environment, "a.test", "serving", &[address]).await;
    world.until(|| async { world.get("a.test", "/").await.ends_with("mine") }).await;

    let (asked, connections) = (upstream.seen().len(), proved.load(Ordering::SeqCst));
    let mut visitor = world.connect().await;
    for _ in 0..5 {
        visitor.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        read_until(&mut visitor, "mine").await;
    }
    assert_eq!(upstream.seen().len(), asked + 5);
    assert!(proved.load(Ordering::SeqCst) <= connections + 1, "a kept connection was proved when it was opened");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_has_the_address_by_now_reads_nothing_of_a_visitor(db: PgPool) {
    let world = world(db).await;
    let stranger = Upstream::answering(ok("stolen")).await;
    // Another tenant's honest container, and one that claims to be what it is not by answering everything.
    let (other, proved) = proving("another", &stranger).await;
    let environment = EnvironmentId::new(sayoo::base::clock::Clock::System.now());
    must_prove(&world, environment, other, "correct").await;
    world.route_of(environment, "a.test", "serving", &[other]).await;
    world.knows("a.test").await;
    let post = "POST /web/login HTTP/1.1\r\nHost: a.test\r\nCookie: session_id=secret\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret";
    let answer = world.send(post).await;
    assert!(answer.starts_with("HTTP/1.1 50") && !answer.contains("stolen"), "{answer}");
    assert!(proved.load(Ordering::SeqCst) >= 1, "it was asked");
    assert_eq!(stranger.seen(), Vec::<String>::new());

    let environment = EnvironmentId::new(sayoo::base::clock::Clock::System.now());
    must_prove(&world, environment, stranger.address, "correct").await;
    world.route_of(environment, "b.test", "serving", &[stranger.address]).await;
    world.knows("b.test").await;
    assert!(world.send(post.replace("a.test", "b.test")).await.starts_with("HTTP/1.1 50"));
    let seen = stranger.seen();
    assert!(!seen.is_empty() && seen.iter().all(|one| one.starts_with("SAYOO-PROOF ")), "{seen:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_kept_connection_of_one_instance_is_never_another_ones(db: PgPool) {
    let world = world(db).await;
    let upstream = Upstream::answering(ok("b's own")).await;
    let (address, _) = proving("b", &upstream).await;
    let [a, b] = [(); 2].map(|()| EnvironmentId::new(sayoo::base::clock::Clock::System.now()));
    must_prove(&world, b, address, "b").await;
    must_prove(&world, a, address, "a").await;
    world.route_of(b, "b.test", "serving", &[address]).await;
    world.route_of(a, "a.test", "serving", &[address]).await;
    world.knows("a.test").await;
    world.until(|| async { world.get("b.test", "/").await.ends_with("b's own") }).await;
    for _ in 0..8 {
        assert!(world.get("b.test", "/").await.ends_with("b's own"));
        assert!(!world.get("a.test", "/secret").await.contains("b's own"));
    }
    assert!(upstream.seen().iter().all(|request| !request.contains("/secret")));
}

/// Questions may come in pieces, as everything on a network; nothing is lost or read twice.
#[tokio::test]
async fn a_question_is_answered_by_who_knows_the_password_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for (said, expected) in [
        (None, sayoo::base::proof::Answer::Proven),
        (Some("0".repeat(64) + "\n"), sayoo::base::proof::Answer::Another),
        (
            Some("HTTP/1.1 400 Bad Request\r\nContent-Length: 20\r\n\r\nthis is no instance".to_owned()),
            sayoo::base::proof::Answer::Unaware,
        ),
        (Some(String::new()), sayoo::base::proof::Answer::Unaware),
    ] {
        let asking = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            key("correct").ask(&mut stream).await.unwrap()
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = [0; 48];
        stream.read_exact(&mut question).await.unwrap();
        let asked = hex::decode(&question[12..44]).unwrap();
        let said = said.unwrap_or_else(|| key("correct").answer(&asked) + "\n");
        for piece in said.as_bytes().chunks(7) {
            stream.write_all(piece).await.unwrap();
        }
        drop(stream);
        assert_eq!(asking.await.unwrap(), expected);
    }
}
