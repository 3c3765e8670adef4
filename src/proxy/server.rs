//! Listens, one thread per core, and finds out what each request wants.

use std::convert::Infallible;
use std::future::Future as _;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;
use std::time::Duration;

use anyhow::Context as _;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket as RawSocket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::body::ResponseBody;
use super::connection::{Connection, Socket};
use super::forward::{Destination, Journey};
use super::pages::{self, Page, Visitor};
use super::pool::Pool;
use super::strict::Verdict;
use super::table::{self, Route, State};
use super::{LARGEST_BUFFER, Shared, forbidden, hold, lock};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Finds visitors that vanished without a word, in websockets above all.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// When the system has no more file descriptors, trying again at once would only burn the processor.
const NO_DESCRIPTORS: Duration = Duration::from_millis(50);

/// What one thread has.
#[derive(Debug)]
pub struct Core {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its connections to upstreams.
    pub pool: Arc<Pool>,
    connections: Mutex<Vec<Weak<Connection>>>,
    started: Instant,
    /// First half of request names: random, one for each core and start.
    name: u64,
    requests: AtomicU64,
}

/// Opens one listening socket for each thread, all on one address: the kernel divides the connections.
pub fn listen(address: SocketAddr, threads: usize) -> anyhow::Result<Vec<StdListener>> {
    let mut address = address;
    let mut sockets = Vec::new();
    for _ in 0..threads.max(1) {
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
    socket: StdListener,
    stop: CancellationToken,
) -> anyhow::Result<std::thread::JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("make a runtime")?;
    std::thread::Builder::new()
        .name(format!("proxy-{number}"))
        .spawn(move || {
            runtime.block_on(async {
                match TcpListener::from_std(socket) {
                    Ok(listener) => Core::new(shared).serve(listener, stop).await,
                    Err(error) => tracing::error!(%error, "a thread of the proxy cannot listen"),
                }
            });
        })
        .context("start a thread")
}

impl Core {
    fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            pool: Arc::default(),
            connections: Mutex::default(),
            started: Instant::now(),
            name: rand::random(),
            requests: AtomicU64::new(rand::random()),
        })
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.shared.settings.limits.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.welcome(stream, peer),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(NO_DESCRIPTORS).await;
                    }
                },
                _ = ticks.tick() => self.tick(),
                () = stop.cancelled() => break,
            }
        }
        drop(listener);
        self.drain().await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&self) {
        let now = self.now();
        self.pool.tick(now);
        lock(&self.connections).retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            connection.tick(now, &self.shared.settings.limits);
            true
        });
    }

    /// Lets requests end; websockets go when they are all that is left, because they never end by themselves.
    async fn drain(&self) {
        let until = Instant::now() + self.shared.settings.limits.drain;
        loop {
            self.tick();
            let left: Vec<_> = lock(&self.connections).iter().filter_map(Weak::upgrade).collect();
            if left.is_empty() || Instant::now() >= until {
                break;
            }
            for connection in &left {
                connection.close_soon();
            }
            if left.iter().all(|connection| connection.is_tunnel()) {
                for connection in &left {
                    connection.condemn();
                }
            }
            drop(left);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn welcome(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // A socket that cannot be told these still works.
        let _ = stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
        let connection = Connection::new(peer, self.now());
        if !self.make_room(&connection) {
            return;
        }
        let core = Arc::clone(self);
        tokio::spawn(async move {
            let socket = TokioIo::new(Socket::new(stream, Arc::clone(&connection)));
            let service = service_fn({
                let connection = Arc::clone(&connection);
                move |request| {
                    let (core, connection) = (Arc::clone(&core), Arc::clone(&connection));
                    async move { Ok::<_, Infallible>(core.answer(connection, request).await) }
                }
            });
            let mut http = http1::Builder::new();
            http.half_close(false)
                .header_read_timeout(None)
                .max_buf_size(LARGEST_BUFFER)
                .max_header_size(LARGEST_BUFFER);
            let mut serving = pin!(http.serve_connection(socket, service).with_upgrades());
            let mut was_told = false;
            std::future::poll_fn(|cx| {
                if connection.poll_condemned(cx).is_ready() {
                    return Poll::Ready(());
                }
                if connection.is_closing() && !was_told {
                    was_told = true;
                    serving.as_mut().graceful_shutdown();
                }
                // hyper has answered what could be answered; a broken connection is the visitor's affair.
                serving.as_mut().poll(cx).map(drop)
            })
            .await;
        });
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

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let verdict = connection.request_begins();
        let mut visitor = Visitor::new(request.method(), request.headers(), self.request_id());
        let found = match verdict {
            Verdict::Ambiguous => Err(Page::Malformed),
            _ => self.find(&connection, &request, &mut visitor).await,
        };
        let mut response = match found {
            Ok((destination, host)) => {
                let journey = Journey { core: self, connection, visitor, destination, host };
                journey.make(request).await
            }
            Err(page) => {
                connection.bill_to(None);
                pages::answer(page, &visitor, &self.shared.settings, &connection)
            }
        };
        if verdict == Verdict::LastRequest {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Finds out where a request goes, or which page says why it goes nowhere.
    async fn find(
        &self,
        connection: &Connection,
        request: &Request<Incoming>,
        visitor: &mut Visitor,
    ) -> Result<(Destination, HeaderValue), Page> {
        if *request.method() == Method::CONNECT || *request.method() == Method::TRACE {
            return Err(Page::Method);
        }
        let asked = asked_host(request)?;
        let (name, port) = table::host(asked.to_str().map_err(|_| Page::Malformed)?).map_err(|_| Page::Malformed)?;
        let host = match port {
            Some(port) if name.len() + 6 < asked.len() || !asked.as_bytes().starts_with(name.as_bytes()) => {
                HeaderValue::from_str(&format!("{name}:{port}"))
            }
            Some(_) => Ok(asked.clone()),
            None => HeaderValue::from_str(&name),
        };
        let host = host.map_err(|_| Page::Malformed)?;
        if name == self.shared.settings.portal_host {
            connection.bill_to(None);
            return Ok((Destination::Portal, host));
        }
        let route = {
            let table = self.shared.table.load();
            let missing = if table.is_loaded { Page::Unknown } else { Page::NotLoaded };
            Arc::clone(table.find(&name).ok_or(missing)?)
        };
        visitor.locale = Some(route.locale);
        if forbidden::is_forbidden(request.uri().path()) {
            return Err(Page::Blocked);
        }
        let was_asleep = route.state() == State::Asleep;
        let route = if route.state().is_coming() { self.hold(&name, visitor).await? } else { route };
        match route.state() {
            State::Serving => Ok((Destination::Instance(route), host)),
            State::Asleep => Err(Page::Waking),
            // Whoever woke it reads the whole story.
            State::Starting if was_asleep => Err(Page::Waking),
            State::Starting => Err(Page::Starting),
            State::Stopped => Err(Page::Stopped),
            State::Suspended => Err(Page::Suspended),
        }
    }

    async fn hold(&self, name: &str, visitor: &Visitor) -> Result<Arc<Route>, Page> {
        let limits = &self.shared.settings.limits;
        let patience = if visitor.wants_page { limits.hold_browser } else { limits.hold_other };
        hold::until_serving(&self.shared, name, patience).await.ok_or(Page::Unknown)
    }

    fn request_id(&self) -> HeaderValue {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut id = [0_u8; 32];
        hex::encode_to_slice(self.name.to_be_bytes(), &mut id[..16]).expect("eight bytes are sixteen digits");
        hex::encode_to_slice(number.to_be_bytes(), &mut id[16..]).expect("eight bytes are sixteen digits");
        HeaderValue::from_bytes(&id).expect("digits are a header value")
    }
}

/// The host that a request asks for: exactly one `Host`, and the same as in an absolute address.
fn asked_host(request: &Request<Incoming>) -> Result<&HeaderValue, Page> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Page::Malformed) };
    let uri = request.uri();
    if let Some(authority) = uri.authority() {
        let same = |text: &str| {
            table::host(text).map_err(|_| Page::Malformed).map(|(name, port)| (name.into_owned(), port.unwrap_or(80)))
        };
        if uri.scheme_str() != Some("http")
            || same(authority.as_str())? != same(host.to_str().map_err(|_| Page::Malformed)?)?
        {
            return Err(Page::Malformed);
        }
    } else if !uri.path().starts_with('/') {
        return Err(Page::Malformed);
    }
    Ok(host)
}
