//! Listens, one thread per core, and keeps visitors' connections in order.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket as RawSocket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::address::{Address, Seat};
use super::connection::{Connection, Door};
use super::frames::Reason;
use super::pool::Pool;
use super::room::Room;
use super::{Shared, lock, serve, tls};
use crate::base::network;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Finds visitors that vanished without a word, in websockets above all.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// When the system has no more file descriptors, trying again at once would only burn the processor.
const NO_DESCRIPTORS: Duration = Duration::from_millis(50);

/// For the first request of a connection that was accepted just before the end: two round trips of TLS on a bad line.
const FIRST_REQUEST: Duration = Duration::from_secs(2);

/// How many idle connections of an address that has too many go at once.
const MOST_AT_ONCE: usize = 64;

/// What one thread has.
#[derive(Debug)]
pub struct Core {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its connections to upstreams.
    pub pool: Arc<Pool>,
    /// For bodies that are not all there.
    pub room: Arc<Room>,
    connections: Mutex<Vec<Weak<Connection>>>,
    /// At which of its ticks an address last had too many connections and none of them idle.
    crowded: AtomicU64,
    ticks: AtomicU64,
    started: Instant,
    tls: Option<Arc<ServerConfig>>,
    /// First half of request names, in digits: random, one for each core and start.
    pub name: [u8; 16],
    /// Second half of the next request's name.
    pub requests: AtomicU64,
}

/// The listening sockets of one thread, each with the door that it is.
pub type Sockets = Vec<(StdListener, Door)>;

/// Opens one listening socket for each thread, all on one address: the kernel divides the connections.
///
/// Those that the process before left are kept, all of them: whoever waits in one would be cut off if it were closed.
pub fn listen(address: SocketAddr, threads: usize, left: Vec<StdListener>) -> anyhow::Result<Vec<StdListener>> {
    let mut address = address;
    let mut sockets = left;
    while sockets.len() < threads.max(1) {
        let open = || -> std::io::Result<StdListener> {
            let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        };
        let socket = open().with_context(|| format!("listen on {address}"))?;
        // Port 0 is any free port; the others must take the same.
        address = socket.local_addr().context("ask for the address that is listened to")?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Starts a thread that serves until `stop` and a little longer.
pub fn start_core(
    number: usize,
    shared: &Arc<Shared>,
    (sockets, tls): (Sockets, Option<Arc<ServerConfig>>),
    stop: CancellationToken,
) -> anyhow::Result<std::thread::JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("make a runtime")?;
    std::thread::Builder::new()
        .name(format!("proxy-{number}"))
        .spawn(move || {
            runtime.block_on(async {
                let open = |(socket, door)| Ok((TcpListener::from_std(socket)?, door));
                match sockets.into_iter().map(open).collect::<std::io::Result<Vec<_>>>() {
                    Ok(listeners) => Core::new(shared, tls).serve(listeners, stop).await,
                    Err(error) => tracing::error!(%error, "a thread of the proxy cannot listen"),
                }
            });
        })
        .context("start a thread")
}

/// Waits for a connection at any of the listeners, and looks at this one first.
async fn accept(listeners: &[(TcpListener, Door)], first: usize) -> (std::io::Result<(TcpStream, SocketAddr)>, Door) {
    std::future::poll_fn(|cx| {
        for (listener, door) in listeners[first..].iter().chain(&listeners[..first]) {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready((accepted, *door));
            }
        }
        Poll::Pending
    })
    .await
}

impl Core {
    fn new(shared: Arc<Shared>, tls: Option<Arc<ServerConfig>>) -> Arc<Self> {
        let room = Room::new(shared.settings.limits.most_gathered / shared.settings.threads.max(1));
        Arc::new(Self {
            shared,
            tls,
            room,
            pool: Arc::default(),
            connections: Mutex::default(),
            crowded: AtomicU64::new(u64::MAX),
            ticks: AtomicU64::new(0),
            started: Instant::now(),
            name: std::array::from_fn(|_| b"0123456789abcdef"[rand::random_range(0..16)]),
            requests: AtomicU64::new(rand::random()),
        })
    }

    async fn serve(self: Arc<Self>, listeners: Vec<(TcpListener, Door)>, stop: CancellationToken) {
        let mut first = 0;
        let mut ticks = tokio::time::interval(self.shared.settings.limits.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // They take turns, so that a crowd at one door keeps nobody out at another.
            first = (first + 1) % listeners.len();
            let (accepted, door) = tokio::select! {
                accepted = accept(&listeners, first) => accepted,
                _ = ticks.tick() => {
                    self.tick();
                    continue;
                }
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => self.welcome(stream, peer, door),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(NO_DESCRIPTORS).await;
                }
            }
        }
        drop(listeners);
        self.drain().await;
    }

    /// Returns a number that is another one for each request.
    pub fn turn(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&self) {
        let now = self.now();
        self.ticks.fetch_add(1, Relaxed);
        self.pool.tick(now);
        lock(&self.connections).retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            connection.tick(now, &self.shared.settings.limits);
            true
        });
    }

    /// Lets requests end; websockets are told to go, because they never end by themselves.
    ///
    /// Who came in just before may still say what for, which hyper would not wait for.
    async fn drain(&self) {
        let began = Instant::now();
        let until = began + self.shared.settings.limits.drain;
        loop {
            self.tick();
            let left: Vec<_> = lock(&self.connections).iter().filter_map(Weak::upgrade).collect();
            if left.is_empty() || Instant::now() >= until {
                break;
            }
            let is_late = began.elapsed() > FIRST_REQUEST;
            for connection in left.iter().filter(|connection| is_late || !connection.is_new()) {
                connection.close_soon();
            }
            for connection in left.iter().filter(|connection| connection.is_tunnel()) {
                connection.dismiss(Reason::Restart);
            }
            drop(left);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn welcome(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, door: Door) {
        // A socket that cannot be told these still works.
        let _ = stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
        let is_trusted = network::contain(&self.shared.settings.trusted, peer.ip());
        let connection = Connection::new(peer, door, is_trusted, self.now());
        if !self.seat(&connection) || !self.make_room(&connection) {
            return;
        }
        let core = Arc::clone(self);
        let acceptor = self.tls.clone().filter(|_| door == Door::Tls).map(TlsAcceptor::from);
        tokio::spawn(async move {
            // Each in a place of its own size: a task keeps room for the largest of what it may come to, and HTTP/2 is large.
            let Some(acceptor) = acceptor else { return Box::pin(serve::http1(core, connection, stream)).await };
            // Whoever cannot finish the handshake is nobody that we could tell so.
            let handshake = Box::pin(connection.until_condemned(acceptor.accept(stream)));
            let Some(Ok(stream)) = handshake.await else { return };
            let session = stream.get_ref().1;
            let is_http2 = session.alpn_protocol() == Some(tls::H2);
            connection.is_secured(session.server_name(), is_http2);
            if is_http2 {
                Box::pin(serve::http2(core, connection, stream)).await;
            } else {
                Box::pin(serve::http1(core, connection, stream)).await;
            }
        });
    }

    /// Gives a connection one of so many that its address may have. When there is none, whichever of them is idle longest
    /// goes, else the newcomer. Who is trusted brings everybody's.
    ///
    /// Looking at all of them is not to be had for the price of a connection: after it was in vain, newcomers go until the
    /// next tick.
    fn seat(&self, newcomer: &Connection) -> bool {
        if newcomer.is_trusted {
            return true;
        }
        let most = self.shared.settings.most_connections_of_one;
        let seat = self.shared.visitors.take(newcomer.address, most).or_else(|| self.seat_of_another(newcomer.address));
        let is_seated = seat.is_some();
        *lock(&newcomer.seat) = seat;
        is_seated
    }

    fn seat_of_another(&self, address: Address) -> Option<Seat> {
        let tick = self.ticks.load(Relaxed);
        if self.crowded.load(Relaxed) == tick {
            return None;
        }
        let connections: Vec<_> = lock(&self.connections).iter().filter_map(Weak::upgrade).collect();
        let own = connections.into_iter().filter(|one| one.address == address);
        let mut idle: Vec<_> = own.filter_map(|one| Some((one.idle_since()?, one))).collect();
        idle.sort_unstable_by_key(|(since, _)| *since);
        // A few more than one, so that the next newcomers need not look.
        idle.truncate((idle.len() / 8).clamp(1, MOST_AT_ONCE));
        if idle.is_empty() {
            self.crowded.store(tick, Relaxed);
        }
        let mut seat = None;
        for (_, one) in idle {
            one.condemn();
            seat = lock(&one.seat).take().or(seat);
        }
        seat
    }

    /// Takes a connection into the list. When the list is full, whoever is idle longest goes, else the newcomer.
    fn make_room(&self, newcomer: &Arc<Connection>) -> bool {
        let most = (self.shared.settings.most_connections / self.shared.settings.threads.max(1)).max(1);
        let mut connections = lock(&self.connections);
        if connections.len() >= most {
            connections.retain(|connection| connection.strong_count() > 0);
        }
        if connections.len() >= most {
            let idle = connections.iter().filter_map(Weak::upgrade).filter_map(|one| Some((one.idle_since()?, one)));
            let Some((_, idlest)) = idle.min_by_key(|(since, _)| *since) else { return false };
            idlest.condemn();
            connections.retain(|connection| connection.as_ptr() != Arc::as_ptr(&idlest));
        }
        connections.push(Arc::downgrade(newcomer));
        true
    }
}
