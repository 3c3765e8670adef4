//! An installation on three hosts, with a worker that runs, as staff and customers meet it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sayoo::audit::Actor;
use sayoo::base::clock::Clock;
use sayoo::base::ids::{EnvironmentId, HostId};
use sayoo::engine::Certificates;
use sayoo::hosts::steering::{self, NewMachine};
use sayoo::hosts::{self, Host};
use sayoo::odoo::commands::Server;
use sayoo::portal::Portal;
use sayoo::reconcile::{self, Site};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::reconcile::support::World;
use crate::support::engine::{TestEngine, pause};

/// The registry, as every host reaches it.
const REGISTRY: &str = "10.77.0.1:5000";

/// Runs `tests/cluster/hosts`, and returns what it wrote.
pub fn machine(words: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("tests/cluster/hosts"))
        .args(words)
        .env("SAYOO", env!("CARGO_BIN_EXE_sayoo"))
        .output()
        .unwrap();
    assert!(output.status.success(), "hosts {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// This machine, as every host reaches it.
const HERE: &str = "10.77.0.1";

/// Lets hosts reach the tenants' server of the tests, which listens on loopback. Returns the port.
async fn forwarded(port: u16) -> u16 {
    let listener = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut there) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                }
            });
        }
    });
    own
}

/// Returns the address of host 1, 2 or 3.
pub fn address(number: u8) -> String {
    format!("10.77.0.1{number}")
}

/// The installation.
pub struct Cluster {
    pub world: World,
    pub portal: Portal,
    worker: tokio::task::JoinHandle<()>,
    stop: DropGuard,
}

impl Cluster {
    /// Makes the hosts as new, and an installation whose worker gives its orders to the first.
    pub async fn new(db: PgPool) -> Self {
        machine(&["fresh"]);
        let root = std::env::var("SAYOO_CLUSTER_VAR")
            .unwrap_or_else(|_| format!("{}/var/cluster", env!("CARGO_MANIFEST_DIR")));
        let certificates = Certificates::in_folder(Path::new(&format!("{root}/certificates")));
        let mut engine = TestEngine::at(&format!("unix://{root}/1/docker.sock"), &address(1), Some(certificates));
        machine(&["healthy", &engine.image]).trim().clone_into(&mut engine.image);
        let pinned = engine.engine.publish(&engine.image, &format!("{REGISTRY}/standin"), "test").await.unwrap();
        // A worker has more connections than a test.
        let db = PgPoolOptions::new().max_connections(20).connect_with((*db.connect_options()).clone()).await.unwrap();
        let mut world = World::with(db, engine).await;
        let port = world.tenants.url().parse::<PgConnectOptions>().unwrap().get_port();
        let server = Server { host: HERE.to_owned(), port: forwarded(port).await };
        world.site = Arc::new(Site { server, ..Site::clone(&world.site) });
        world.run("UPDATE images SET pinned = $1", |query| query.bind(pinned)).await;
        let portal = Portal { db: world.db.clone(), clock: Clock::System, public: Arc::clone(&world.site.public) };
        let stop = CancellationToken::new();
        let worker = tokio::spawn(reconcile::run(Arc::clone(&world.site), stop.clone()));
        Self { world, portal, worker, stop: stop.drop_guard() }
    }

    /// Adds a host as staff do, without waiting.
    pub async fn add(&self, number: u8) -> HostId {
        let machine = NewMachine {
            address: address(number),
            name: format!("host-{number}"),
            zone: format!("rack-{number}"),
            pool: None,
        };
        steering::add(&self.portal, &Actor::system(), &machine).await.unwrap()
    }

    /// Adds a host and waits until it is in use.
    pub async fn added(&self, number: u8) -> HostId {
        let id = self.add(number).await;
        self.until_host(id, "in use", |host| host.state == hosts::HostState::Active).await;
        id
    }

    /// Returns the first host's id.
    pub async fn first(&self) -> HostId {
        self.hosts().await.into_iter().find(|host| host.upstream_address == address(1)).unwrap().id
    }

    /// All hosts.
    pub async fn hosts(&self) -> Vec<Host> {
        let all = hosts::overview(&mut self.world.db.acquire().await.unwrap()).await.unwrap();
        all.loads.into_iter().map(|load| load.host).collect()
    }

    /// Waits until a host is as the test wants it, and returns it.
    pub async fn until_host(&self, id: HostId, how: &str, is_so: impl Fn(&Host) -> bool) -> Host {
        let began = Instant::now();
        loop {
            let all = self.hosts().await;
            let host = all.iter().find(|host| host.id == id);
            if let Some(host) = host.filter(|host| is_so(host)) {
                return host.clone();
            }
            assert!(
                began.elapsed() < Duration::from_secs(90),
                "never {how}: {host:#?} {:?}",
                self.world.troubles().await
            );
            pause().await;
        }
    }

    /// Waits until the environment serves from a container, and returns its address.
    pub async fn until_serving(&self, id: EnvironmentId, is_there: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let upstream = self.upstream(id).await;
            if !upstream.is_empty() && is_there(&upstream) && answers(&upstream).await {
                return upstream;
            }
            let troubles = || self.world.troubles();
            assert!(began.elapsed() < Duration::from_secs(90), "never serves: {upstream:?} {:?}", troubles().await);
            pause().await;
        }
    }

    /// Where the environment's name leads; empty while it leads to a page that says why not.
    pub async fn upstream(&self, id: EnvironmentId) -> String {
        let sql = "SELECT upstreams[1] FROM routes WHERE environment_id = $1 AND state = 'serving'";
        self.world.text(sql, id.uuid()).await
    }

    /// Ends the worker and removes what was made.
    pub async fn end(self) {
        drop(self.stop);
        self.worker.await.unwrap();
        self.world.end().await;
    }
}

/// Whether a container answers.
pub async fn answers(upstream: &str) -> bool {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    client.get(format!("http://{upstream}/web/login")).send().await.is_ok_and(|answer| answer.status().is_success())
}
