//! The public listener: maps host names to instances, and the portal's own name to the web process.
//!
//! It holds no secret but TLS keys, and writes nothing to the control database but its counters and whom to wake. The life of a
//! request:
//!
//! 1. `server.rs` accepts a connection on one of its cores; it stays on that core. On the port for HTTPS `tls.rs` sets up
//!    TLS, with the certificate that `book.rs` finds for the name.
//! 2. `socket.rs` sees every byte and tells `connection.rs`: it counts them, `strict.rs` checks the framing of HTTP/1 a
//!    second time (`unfinished.rs` HTTP/2's heads), and a connection that is idle, slow or stuck for too long is ended at the
//!    next tick (`alarm.rs`, where an answer takes too long).
//! 3. hyper reads the head (`serve.rs`, HTTP/1.1 or HTTP/2); an `exchange.rs` begins. `authority.rs` refuses what is
//!    ambiguous; `decide.rs` sends whoever came in the clear to HTTPS, and finds the route by the host name in `table.rs`.
//!    `bucket.rs` refuses who asks for more than so many requests in a second.
//! 4. A route that is stopped or suspended gets a page (`pages.rs`); one that is starting waits (`hold.rs`), one that
//!    sleeps is woken as well (`wakes.rs`).
//! 5. `forbidden.rs` refuses what must never be public, `service_calls.rs` the same inside bodies.
//! 6. `headers.rs` removes every header that lies about where the request comes from, and writes the truth (`origin.rs`);
//!    `cookies.rs` keeps what a tenant sets at home, and Odoo's session from being set by anybody else.
//! 7. `forward.rs` makes the request ready; `send.rs` lets its body begin to come (`body.rs`, `room.rs`), chooses the least
//!    busy upstream that is well (`upstream.rs`, `health.rs`), waits at its `gate.rs` and `uploads.rs` while it works on as many
//!    requests as it can (`waiters.rs`; `pace.rs` for those who keep others waiting), takes a connection from the core's
//!    `pool.rs` (a `socket.rs` as well, whose `line.rs` ends it when its other end is gone or babbles, `interim.rs`), sends the
//!    request,
//!    and once more (`again.rs`) to another upstream or connection if nothing can have happened.
//! 8. `body.rs` streams both bodies; a websocket becomes a `tunnel.rs`, which says goodbye between two frames (`frames.rs`)
//!    when its upstream is left.
//! 9. `counters.rs` has the numbers. `feed.rs` saves them, and swaps the table when routes change.

mod address;
mod again;
mod alarm;
mod authority;
mod bare;
mod body;
mod book;
mod bucket;
mod connection;
mod cookies;
pub mod counters;
mod decide;
mod exchange;
mod feed;
mod forbidden;
mod forward;
mod frames;
mod gate;
mod headers;
mod health;
mod hold;
mod interim;
mod keys;
mod line;
mod origin;
mod pace;
mod pages;
mod pool;
mod room;
mod send;
mod serve;
mod server;
mod service_calls;
mod socket;
mod store;
mod strict;
pub mod table;
mod tls;
mod tunnel;
mod unfinished;
mod uploads;
pub mod upstream;
mod waiters;
mod wakes;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::base::network::Network;
use crate::base::seal::SealingKey;
use crate::certificates::Files;
use crate::certificates::store::Answer;
use crate::config::Config;
use crate::handover::{self, End, Inheritance};
use address::Tally;
use connection::Door;
use table::Table;
use tls::Certificates;
use upstream::Upstream;

/// The most that is kept of one message in one direction: heads are refused above it, bodies wait.
const LARGEST_BUFFER: usize = 64 * 1024;

/// How many requests the web process works on at once: it needs no database for most of the time of one.
const PORTAL_AT_ONCE: u32 = 1_024;

/// How long things may take, and how many there may be of them. Milliseconds where a tick compares them.
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
    /// The same where others could have what a visitor keeps, and wait for it.
    pub slowest_while_others_wait: u64,
    /// For an upstream to accept a connection.
    pub connect: Duration,
    /// The same where there is another upstream to turn to.
    pub connect_or_else: Duration,
    /// For an upstream to begin its answer.
    pub answer: Duration,
    /// How long a browser waits before it sees the waiting page.
    pub hold_browser: Duration,
    /// How long everything else waits for an instance that starts or wakes.
    pub hold_other: Duration,
    /// How long a request waits for a place at a container that works on as many as it can.
    pub queue: Duration,
    /// How many wait for one container.
    pub most_waiting: u32,
    /// How many of them may be of one address.
    pub most_waiting_of_one: u32,
    /// How many websockets and long polls one container may have beside the answers that visitors still read.
    pub most_lasting: u32,
    /// How many of those websockets and long polls may be of one address.
    pub most_lasting_of_one: u32,
    /// How many requests wait for instances to start, in all.
    pub most_held: u32,
    /// How many bytes of bodies are kept until all of each has come, in all.
    pub most_gathered: usize,
    /// How long requests may go on after the process was asked to end.
    pub drain: Duration,
    /// How often counters are saved.
    pub save: Duration,
    /// How often routes are read when nobody says that they changed.
    pub reread: Duration,
    /// How often certificate files are looked at.
    pub certificates: Duration,
    /// How many requests of one HTTP/2 connection may be open at once.
    pub most_streams: u32,
    /// How many of them a visitor may take back lately. Leaving a page takes back a few dozen.
    pub most_cancelled: u32,
    /// How many of those are forgotten at each tick.
    pub cancelled_forgotten: u32,
    /// How often an HTTP/2 connection is asked whether it is still there, and how long it may think about it.
    pub ping: Duration,
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
            slowest_while_others_wait: 16 * 1024,
            connect: Duration::from_secs(5),
            connect_or_else: Duration::from_secs(1),
            answer: Duration::from_mins(15),
            hold_browser: Duration::from_secs(2),
            hold_other: Duration::from_secs(30),
            queue: Duration::from_secs(30),
            most_waiting: 1_024,
            most_waiting_of_one: 768,
            most_lasting: 1_024,
            most_lasting_of_one: 768,
            most_held: 4_096,
            most_gathered: 64 << 20,
            drain: Duration::from_secs(30),
            save: Duration::from_secs(10),
            reread: Duration::from_secs(30),
            certificates: Duration::from_secs(5),
            most_streams: 128,
            most_cancelled: 256,
            cancelled_forgotten: 16,
            ping: Duration::from_secs(20),
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
    /// The portal's port as visitors see it, where it is not its scheme's own.
    pub portal_port: Option<u16>,
    /// The same of instances.
    pub instances_port: Option<u16>,
    /// How visitors reach the portal and instances: `http` or `https`. Without a TLS port here somebody before us speaks it.
    pub scheme: &'static str,
    /// The port for HTTPS.
    pub tls: Option<TlsSettings>,
    /// Whose pages they are.
    pub company: String,
    /// How many visitors' connections are open at most; above it the one that is idle longest has to go.
    pub most_connections: usize,
    /// How many of them may be of one address.
    pub most_connections_of_one: u32,
    /// Whose word is taken for where a visitor comes from.
    pub trusted: Vec<Network>,
    /// The last good table.
    pub table_file: PathBuf,
    /// The largest body of a request.
    pub max_body_bytes: u64,
    /// How many requests in a second each environment gets, where staff said nothing else; 0 is no limit.
    pub requests_per_second: u32,
    /// How many seconds' worth of them may come at once.
    pub burst_seconds: u32,
    /// How long things may take.
    pub limits: Limits,
}

/// Where HTTPS is spoken, and with what.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The port as visitors see it; the one that is listened to without it.
    pub public_port: Option<u16>,
    /// The certificate for the portal and instances.
    pub files: Option<Files>,
    /// Opens the private keys of customers' domains.
    pub sealing_key: Option<SealingKey>,
    /// The last certificates of customers' domains, sealed.
    pub certificates_file: PathBuf,
}

impl Settings {
    /// Takes the proxy's part of the configuration.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            listen: resolve(&config.proxy.listen, "[proxy] listen")?,
            threads: match config.proxy.threads {
                0 => std::thread::available_parallelism().map_or(1, Into::into),
                threads => threads,
            },
            web_upstream: resolve(&config.proxy.web_upstream, "[proxy] web_upstream")?,
            portal_host: config.public.portal_host(),
            portal_url: config.public.portal_url.clone(),
            portal_port: config.public.portal_port(),
            instances_port: config.public.instances_port(),
            scheme: if config.public.is_https() { "https" } else { "http" },
            tls: match &config.tls {
                None => None,
                Some(tls) => Some(TlsSettings {
                    listen: resolve(&tls.listen, "[tls] listen")?,
                    public_port: config.public.https_port(),
                    files: tls.files(),
                    sealing_key: tls.sealing_key_file.as_deref().map(SealingKey::from_file).transpose()?,
                    certificates_file: config.proxy.table_file.with_file_name("certificates.json"),
                }),
            },
            company: config.public.company.clone(),
            most_connections: usize::MAX,
            most_connections_of_one: u32::MAX,
            trusted: config.proxy.trusted.clone(),
            table_file: config.proxy.table_file.clone(),
            max_body_bytes: config.proxy.max_body_bytes,
            requests_per_second: config.proxy.requests_per_second,
            burst_seconds: config.proxy.burst_seconds,
            limits: Limits::default(),
        })
    }
}

fn resolve(text: &str, key: &str) -> anyhow::Result<SocketAddr> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .with_context(|| format!("{key} must be address:port, not {text:?}"))
}

/// What all cores share. Only the table and the certificates change, and they are swapped whole.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    web: [Arc<Upstream>; 1],
    table: ArcSwap<Table>,
    certificates: Certificates,
    /// What certificate authorities are told, by the token that they ask for.
    answers: ArcSwap<HashMap<String, Answer>>,
    /// The port for HTTPS as visitors see it.
    tls_port: Option<u16>,
    /// When it began: the clock of what is counted by the second.
    began: Instant,
    /// Grows with every swap; those who wait for a route wait here.
    swaps: watch::Sender<u64>,
    held: AtomicU32,
    /// Whose connections are open.
    visitors: Arc<Tally>,
    /// Sleeping instances that somebody waits for.
    wakes: wakes::Wakes,
}

/// A proxy that is running.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it listens for HTTPS.
    pub tls_address: Option<SocketAddr>,
    /// The listening sockets once more, for a successor.
    listeners: Vec<TcpListener>,
    cores: Vec<std::thread::JoinHandle<()>>,
    feed: tokio::task::JoinHandle<()>,
    /// What else follows changes.
    followers: Vec<tokio::task::JoinHandle<()>>,
    stop_cores: CancellationToken,
    stop_feed: CancellationToken,
}

impl Running {
    /// Starts to listen. Routes come from the database, else from the table file, else there are none yet.
    pub async fn start(settings: Settings, db: PgPool, clock: Clock) -> anyhow::Result<Self> {
        Self::start_after(&mut Inheritance::default(), settings, db, clock).await
    }

    /// The same, with the sockets that the process before listened to.
    async fn start_after(
        before: &mut Inheritance,
        settings: Settings,
        db: PgPool,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let threads = settings.threads.max(1);
        let plain = server::listen(settings.listen, threads, before.take(settings.listen))?;
        let address = plain[0].local_addr().context("ask for the address that is listened to")?;
        let tls = settings.tls.clone();
        let secure =
            tls.as_ref().map(|tls| server::listen(tls.listen, threads, before.take(tls.listen))).transpose()?;
        let tls_address = secure.as_ref().and_then(|sockets| sockets[0].local_addr().ok());
        let shared = Arc::new(Shared {
            web: [Arc::new(Upstream::new(settings.web_upstream, None, PORTAL_AT_ONCE))],
            table: ArcSwap::default(),
            certificates: Certificates::default(),
            answers: ArcSwap::default(),
            tls_port: tls.as_ref().and_then(|tls| tls.public_port).or(tls_address.map(|address| address.port())),
            began: Instant::now(),
            swaps: watch::Sender::new(0),
            held: AtomicU32::new(0),
            visitors: Arc::default(),
            wakes: wakes::Wakes::default(),
            settings,
        });
        let mut feed = feed::Feed::new(Arc::clone(&shared), db.clone(), clock);
        feed.first_table().await;
        let (stop_cores, stop_feed) = (CancellationToken::new(), CancellationToken::new());
        let mut followers = Vec::new();
        if let Some(files) = tls.as_ref().and_then(|tls| tls.files.clone()) {
            let mut watch = tls::Watch::new(Arc::clone(&shared), files);
            watch.look();
            followers.push(tokio::spawn(watch.run(stop_feed.clone())));
        }
        if let Some((key, file)) = tls.and_then(|tls| Some((tls.sealing_key?, tls.certificates_file))) {
            let mut keys = keys::Keys::new(Arc::clone(&shared), db, key, file);
            keys.first().await;
            followers.push(tokio::spawn(keys.run(stop_feed.clone())));
        }
        let config = secure.is_some().then(|| tls::config(&shared)).transpose()?;
        let mut sockets: Vec<server::Sockets> = (0..threads).map(|_| Vec::new()).collect();
        let mut listeners = Vec::new();
        for (door, at) in [(Door::Plain, plain), (Door::Tls, secure.unwrap_or_default())] {
            for (number, socket) in at.into_iter().enumerate() {
                listeners.push(socket.try_clone().context("keep a listening socket for a successor")?);
                sockets[number % threads].push((socket, door));
            }
        }
        let mut cores = Vec::new();
        for (number, sockets) in sockets.into_iter().enumerate() {
            cores.push(server::start_core(number, &shared, (sockets, config.clone()), stop_cores.clone())?);
        }
        let feed = tokio::spawn(feed.run(stop_feed.clone()));
        tracing::info!(%address, tls = ?tls_address, routes = shared.table.load().len(), "the proxy listens");
        Ok(Self { address, tls_address, listeners, cores, feed, followers, stop_cores, stop_feed })
    }

    /// Accepts nothing more, lets requests end, saves the counters.
    pub async fn finish(self) -> anyhow::Result<()> {
        drop(self.listeners);
        self.stop_cores.cancel();
        let cores = self.cores;
        tokio::task::spawn_blocking(move || cores.into_iter().for_each(|core| drop(core.join())))
            .await
            .context("wait for the serving threads")?;
        self.stop_feed.cancel();
        for follower in self.followers {
            follower.await.context("stop looking at certificates")?;
        }
        self.feed.await.context("save the counters")
    }
}

/// Runs the proxy until `stop`, or until a successor serves. What the one before listened to is taken over.
pub async fn run(settings: Settings, db: PgPool, clock: Clock, stop: CancellationToken) -> anyhow::Result<End> {
    let file = settings.table_file.with_file_name("proxy.sock");
    let mut before = Inheritance::ask(&file).await;
    let mut running = Running::start_after(&mut before, settings, db, clock).await?;
    before.is_served();
    let end = handover::until_end(&file, std::mem::take(&mut running.listeners), &stop).await;
    tracing::info!("the proxy finishes what it is doing and ends");
    running.finish().await?;
    Ok(end)
}

/// Locks. A panic elsewhere leaves counters and lists that are still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
