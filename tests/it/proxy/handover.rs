//! A process that is replaced while people use it: real ones, one after the other.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use sayoo::certificates::Files;
use sqlx::{ConnectOptions, PgPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::secure::{Secure, get, whole};
use super::support::{Act, Upstream, World, ok, read_all};
use crate::support::process::Process;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/// What is run: one configuration for all of them.
struct Installation {
    folder: tempfile::TempDir,
    config: PathBuf,
    proxy: SocketAddr,
    tls: SocketAddr,
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

impl Installation {
    async fn new(world: &World, web: SocketAddr) -> Self {
        Self::with(world, web, None).await
    }

    /// One that speaks HTTPS as well, with this certificate.
    async fn with(world: &World, web: SocketAddr, files: Option<&Files>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let (proxy, tls) = (free_address().await, free_address().await);
        let scheme = if files.is_some() { "https" } else { "http" };
        let secure = files.map_or(String::new(), |files| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            format!("[tls]\nlisten = \"{tls}\"\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n")
        });
        let (cookie, sso) = (file("cookie.key", "11".repeat(64)), file("sso.key", "22".repeat(32)));
        let text = format!(
            r#"
[installation]
name = "handover"
data_dir = "{folder}"
[public]
portal_url = "{scheme}://portal.test"
instances_url = "{scheme}://{{name}}.test"
mode = "development"
[database]
owner_url = "{url}"
web_url = "{url}"
worker_url = "{url}"
proxy_url = "{url}"
[web]
listen = "{web}"
sso_key_file = "{sso}"
cookie_key_file = "{cookie}"
[proxy]
listen = "{proxy}"
web_upstream = "{web}"
table_file = "{folder}/proxy/routes.json"
threads = 2
[worker]
docker = "unix:///nowhere"
sealing_key_file = "/nowhere"
upstream_address = "127.0.0.1"
sso_public_key_file = "/nowhere"
[tenants]
admin_url = "{url}"
host_for_containers = "172.17.0.1"
port_for_containers = 5432
[odoo]
image = "standin"
[mail]
from = "Sayoo <no-reply@localhost>"
{secure}"#,
            folder = folder.path().display(),
            url = world.db.connect_options().to_url_lossy(),
            sso = sso.display(),
            cookie = cookie.display(),
        );
        let config = file("sayoo.toml", text);
        Self { folder, config, proxy, tls }
    }

    /// Starts a process that ends with the test.
    fn start(&self, role: &str) -> Process {
        Process::start(&self.config, role, &[])
    }

    fn has_door(&self, role: &str) -> bool {
        self.folder.path().join(format!("proxy/{role}.sock")).exists()
    }
}

/// Answers at once, but for reports: each waits for a permit.
async fn with_reports(permits: &Arc<Semaphore>) -> Upstream {
    let permits = Arc::clone(permits);
    Upstream::new(move |_, request| {
        if request.starts_with("GET /report") {
            Act::When(Arc::clone(&permits), ok("report"))
        } else {
            Act::Answer(ok("answer"))
        }
    })
    .await
}

/// One request on a connection of its own, said after a while.
async fn ask(address: SocketAddr, pause: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    tokio::time::sleep(pause).await;
    stream.write_all(ASK).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_is_replaced_and_no_request_is_refused_or_lost(db: PgPool) {
    let world = World::new(db).await;
    let permits = Arc::new(Semaphore::new(0));
    let upstream = with_reports(&permits).await;
    world.serves("a.test", &upstream).await;
    let installation = Installation::new(&world, world.portal.address).await;
    let address = installation.proxy;
    let mut old = installation.start("proxy");
    world.until(|| async { installation.has_door("proxy") }).await;

    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut people = tokio::task::JoinSet::new();
    for number in 0..12_u64 {
        let (is_over, asked) = (Arc::clone(&is_over), Arc::clone(&asked));
        people.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                // Some say nothing for a moment, as on a slow line.
                let answer = ask(address, Duration::from_millis(number % 3 * 40)).await;
                assert!(answer.as_ref().is_ok_and(|answer| answer.ends_with("answer")), "{answer:?}");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for round in 1..=3 {
        let mut report = TcpStream::connect(address).await.unwrap();
        report.write_all(b"GET /report HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await.unwrap();
        let reports = || upstream.seen().iter().filter(|request| request.starts_with("GET /report")).count();
        world.until(|| async { reports() == round }).await;
        let new = installation.start("proxy");
        let begun = asked.load(Ordering::Relaxed);
        world.until(|| async { asked.load(Ordering::Relaxed) > begun + 200 }).await;
        permits.add_permits(1);
        assert!(read_all(&mut report).await.ends_with("report"), "what was under way is answered");
        assert_eq!(old.ended().await, Some(10), "it was relieved");
        old = new;
    }
    is_over.store(true, Ordering::Relaxed);
    people.join_all().await;
    assert!(installation.has_door("proxy"), "the next one may come");
    old.send(Signal::TERM);
    assert_eq!(old.ended().await, Some(0), "it was told to end");
    assert!(!installation.has_door("proxy"));
    assert!(ask(address, Duration::ZERO).await.is_err(), "nobody listens any more");
}

/// One request over TLS, on a connection of its own.
async fn ask_over_tls(secure: &Secure, address: SocketAddr, protocol: &str) -> std::io::Result<String> {
    let mut stream = secure.try_connect_to(address, "a.apps.test", protocol).await?;
    if protocol == "h2" {
        let answer = Secure::speaks_two(stream).await.send_request(get("https://a.apps.test/")).await;
        return Ok(whole(answer.map_err(std::io::Error::other)?).await.into_body());
    }
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.apps.test\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_that_speaks_https_is_replaced_and_no_handshake_is_refused_or_lost(db: PgPool) {
    let secure = Secure::new(db).await;
    let world = &secure.world;
    let permits = Arc::new(Semaphore::new(0));
    let upstream = with_reports(&permits).await;
    world.serves_over_https("a.apps.test", &upstream).await;
    let installation = Installation::with(world, world.portal.address, Some(&secure.files)).await;
    let address = installation.tls;
    let mut old = installation.start("proxy");
    world.until(|| async { installation.has_door("proxy") }).await;

    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let people = futures_util::future::join_all((0..8).map(|number| {
        let (secure, is_over, asked) = (&secure, &is_over, &asked);
        async move {
            while !is_over.load(Ordering::Relaxed) {
                let answer = ask_over_tls(secure, address, if number % 2 == 0 { "h2" } else { "http/1.1" }).await;
                assert!(answer.as_ref().is_ok_and(|answer| answer.ends_with("answer")), "{number}: {answer:?}");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }
    }));
    let replacing = async {
        for round in 1..=2 {
            let stream = secure.try_connect_to(address, "a.apps.test", "h2").await.unwrap();
            let mut sender = Secure::speaks_two(stream).await;
            let report = sender.send_request(get("https://a.apps.test/report"));
            let reports = || upstream.seen().iter().filter(|request| request.starts_with("GET /report")).count();
            let (report, ()) = tokio::join!(report, async {
                world.until(|| async { reports() == round }).await;
                let new = installation.start("proxy");
                let begun = asked.load(Ordering::Relaxed);
                world.until(|| async { asked.load(Ordering::Relaxed) > begun + 100 }).await;
                permits.add_permits(1);
                assert_eq!(old.ended().await, Some(10), "it was relieved");
                old = new;
            });
            assert_eq!(whole(report.unwrap()).await.body(), "report", "what was under way is answered");
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(people, replacing);
    let plain = ask(installation.proxy, Duration::ZERO).await.unwrap();
    assert!(plain.starts_with("HTTP/1.1 "), "the other door was handed over as well: {plain}");
    old.send(Signal::TERM);
    assert_eq!(old.ended().await, Some(0), "it was told to end");
    assert!(ask_over_tls(&secure, address, "h2").await.is_err(), "nobody listens any more");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_web_process_is_replaced_and_the_proxy_finds_it_always(db: PgPool) {
    let web = free_address().await;
    let world = World::with(db, |settings| settings.web_upstream = web).await;
    let installation = Installation::new(&world, web).await;
    let mut old = installation.start("web");
    world.until(|| async { installation.has_door("web") }).await;
    let is_over = AtomicBool::new(false);
    let people = futures_util::future::join_all((0..8).map(|number| {
        let (world, is_over) = (&world, &is_over);
        // Nothing but the portal's own refusal: it has no ticket against forged forms.
        let post = "POST /login HTTP/1.1\r\nHost: portal.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        async move {
            while !is_over.load(Ordering::Relaxed) {
                let (answer, status) = match number % 2 {
                    0 => (world.send(post).await, "HTTP/1.1 400"),
                    _ => (world.get("portal.test", "/login").await, "HTTP/1.1 200"),
                };
                assert!(answer.starts_with(status), "{answer}");
            }
        }
    }));
    let replacing = async {
        for _ in 0..2 {
            let new = installation.start("web");
            assert_eq!(old.ended().await, Some(10), "it was relieved");
            old = new;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(people, replacing);
    old.send(Signal::TERM);
    assert_eq!(old.ended().await, Some(0), "it was told to end");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_after_one_that_was_killed_begins_by_itself(db: PgPool) {
    let world = World::new(db).await;
    let upstream = Upstream::answering(ok("answer")).await;
    world.serves("a.test", &upstream).await;
    let installation = Installation::new(&world, world.portal.address).await;
    let mut old = installation.start("proxy");
    world.until(|| async { installation.has_door("proxy") }).await;
    old.send(Signal::KILL);
    old.ended().await;
    assert!(installation.has_door("proxy"), "it had no time to take the file away");
    let _new = installation.start("proxy");
    let is_answered = || async { ask(installation.proxy, Duration::ZERO).await.is_ok_and(|it| it.ends_with("answer")) };
    world.until(is_answered).await;
}
