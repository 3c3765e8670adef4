//! The public listener: maps host names to instances, and the portal's own name to the web process.
//!
//! It holds no secret, and writes nothing to the control database but its counters and whom to wake. The life of a
//! request:
//!
//! 1. `server.rs` accepts a connection on one of its cores; it stays on that core.
//! 2. `connection.rs` sees every byte: it counts them, `strict.rs` checks the framing a second time, and a
//!    connection that is idle, slow or stuck for too long is ended at the next tick.
//! 3. hyper reads the head. `server.rs` refuses what is ambiguous and finds the route by the host name in `table.rs`.
//! 4. A route that is stopped or suspended gets a page (`pages.rs`); one that is starting waits (`hold.rs`), one that
//!    sleeps is woken as well (`wakes.rs`).
//! 5. `forbidden.rs` refuses what must never be public, `service_calls.rs` the same inside bodies.
//! 6. `headers.rs` removes every header that lies about where the request comes from, and writes the truth.
//! 7. `forward.rs` chooses the least busy upstream, takes a connection from the core's `pool.rs`, sends the request,
//!    and once more to another connection if the first one died and nothing can have happened.
//! 8. `body.rs` streams both bodies; a websocket becomes a `tunnel.rs`.
//! 9. `counters.rs` has the numbers. `feed.rs` saves them, and swaps the table when routes change.

mod body;
mod connection;
pub mod counters;
mod feed;
mod forbidden;
mod forward;
mod headers;
mod hold;
mod pages;
mod pool;
mod server;
mod service_calls;
mod store;
mod strict;
pub mod table;
mod tunnel;
mod wakes;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use table::{Table, Upstream};

/// The most that is kept of one message in one direction: heads are refused above it, bodies wait.
const LARGEST_BUFFER: usize = 64 * 1024;

/// How long things may take. Milliseconds where a tick compares them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How often each core looks at its connections.
    pub tick: Duration,
    /// For a whole head to arrive.
    pub head_ms: u64,
    /// Between two requests.
    pub idle_ms: u64,
    /// Without a single byte while a request is worked on: reports may take long.
    pub request_still_ms: u64,
    /// Without a single byte in a websocket. Odoo says something every minute.
    pub tunnel_idle_ms: u64,
    /// How long a visitor may be slower than the slowest speed.
    pub slow_ms: u64,
    /// The slowest speed, in both directions.
    pub slowest_bytes_per_second: u64,
    /// For an upstream to accept a connection.
    pub connect: Duration,
    /// For an upstream to begin its answer.
    pub answer: Duration,
    /// How long a browser waits before it sees the waiting page.
    pub hold_browser: Duration,
    /// How long everything else waits for an instance that starts or wakes.
    pub hold_other: Duration,
    /// How long requests may go on after the process was asked to end.
    pub drain: Duration,
    /// How often counters are saved.
    pub save: Duration,
    /// How often routes are read when nobody says that they changed.
    pub reread: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            head_ms: 10_000,
            idle_ms: 75_000,
            request_still_ms: 1_200_000,
            tunnel_idle_ms: 3_900_000,
            slow_ms: 15_000,
            slowest_bytes_per_second: 500,
            connect: Duration::from_secs(5),
            answer: Duration::from_mins(15),
            hold_browser: Duration::from_secs(2),
            hold_other: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            save: Duration::from_secs(10),
            reread: Duration::from_secs(30),
        }
    }
}

/// What the proxy needs to know about its installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How many threads serve.
    pub threads: usize,
    /// Where the web process is.
    pub web_upstream: SocketAddr,
    /// The portal's host name.
    pub portal_host: String,
    /// The portal's address, for links on our pages.
    pub portal_url: String,
    /// How visitors reach us: `http` or `https`.
    pub scheme: &'static str,
    /// Whose pages they are.
    pub company: String,
    /// How many visitors' connections are open at most; above it the one that is idle longest has to go.
    pub most_connections: usize,
    /// The last good table.
    pub table_file: PathBuf,
    /// The largest body of a request.
    pub max_body_bytes: u64,
    /// How long things may take.
    pub limits: Limits,
}

impl Settings {
    /// Takes the proxy's part of the configuration.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        let address = |text: &str, key: &str| {
            text.to_socket_addrs()
                .ok()
                .and_then(|mut found| found.next())
                .with_context(|| format!("[proxy] {key} must be address:port, not {text:?}"))
        };
        Ok(Self {
            listen: address(&config.proxy.listen, "listen")?,
            threads: match config.proxy.threads {
                0 => std::thread::available_parallelism().map_or(1, Into::into),
                threads => threads,
            },
            web_upstream: address(&config.proxy.web_upstream, "web_upstream")?,
            portal_host: config.public.portal_host(),
            portal_url: config.public.portal_url.clone(),
            scheme: if config.public.is_https() { "https" } else { "http" },
            company: config.public.company.clone(),
            most_connections: usize::MAX,
            table_file: config.proxy.table_file.clone(),
            max_body_bytes: config.proxy.max_body_bytes,
            limits: Limits::default(),
        })
    }
}

/// What all cores share. Only the table changes, and it is swapped whole.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    web: [Arc<Upstream>; 1],
    table: ArcSwap<Table>,
    /// Grows with every swap; those who wait for a route wait here.
    swaps: watch::Sender<u64>,
    held: AtomicU32,
    /// Sleeping instances that somebody waits for.
    wakes: wakes::Wakes,
}

/// A proxy that is running.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    cores: Vec<std::thread::JoinHandle<()>>,
    feed: tokio::task::JoinHandle<()>,
    stop_cores: CancellationToken,
    stop_feed: CancellationToken,
}

impl Running {
    /// Starts to listen. Routes come from the database, else from the table file, else there are none yet.
    pub async fn start(settings: Settings, db: PgPool, clock: Clock) -> anyhow::Result<Self> {
        let sockets = server::listen(settings.listen, settings.threads)?;
        let address = sockets[0].local_addr().context("ask for the address that is listened to")?;
        let shared = Arc::new(Shared {
            web: [Arc::new(Upstream::new(settings.web_upstream))],
            table: ArcSwap::default(),
            swaps: watch::Sender::new(0),
            held: AtomicU32::new(0),
            wakes: wakes::Wakes::default(),
            settings,
        });
        let mut feed = feed::Feed::new(Arc::clone(&shared), db, clock);
        feed.first_table().await;
        let (stop_cores, stop_feed) = (CancellationToken::new(), CancellationToken::new());
        let cores = sockets
            .into_iter()
            .enumerate()
            .map(|(number, socket)| server::start_core(number, &shared, socket, stop_cores.clone()))
            .collect::<anyhow::Result<_>>()?;
        let feed = tokio::spawn(feed.run(stop_feed.clone()));
        tracing::info!(%address, routes = shared.table.load().len(), "the proxy listens");
        Ok(Self { address, cores, feed, stop_cores, stop_feed })
    }

    /// Accepts nothing more, lets requests end, saves the counters.
    pub async fn finish(self) -> anyhow::Result<()> {
        self.stop_cores.cancel();
        let cores = self.cores;
        tokio::task::spawn_blocking(move || cores.into_iter().for_each(|core| drop(core.join())))
            .await
            .context("wait for the serving threads")?;
        self.stop_feed.cancel();
        self.feed.await.context("save the counters")
    }
}

/// Runs the proxy until `stop`.
pub async fn run(settings: Settings, db: PgPool, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    let running = Running::start(settings, db, clock).await?;
    stop.cancelled().await;
    tracing::info!("the proxy finishes what it is doing and ends");
    running.finish().await
}

/// Locks. A panic elsewhere leaves counters and lists that are still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
