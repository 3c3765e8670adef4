//! A running proxy, upstreams that remember what they were asked, and a client that sends exactly what it is given.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sayoo::base::clock::Clock;
use sayoo::base::ids::EnvironmentId;
use sayoo::proxy::{Limits, Running, Settings};
use sqlx::PgPool;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

/// Longer than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A proxy on a port of its own, with a database of its own.
pub struct World {
    pub db: PgPool,
    pub address: SocketAddr,
    pub portal: Upstream,
    pub settings: Settings,
    folder: Arc<tempfile::TempDir>,
    running: Option<Running>,
}

impl World {
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, |_| {}).await
    }

    pub async fn with(db: PgPool, change: impl FnOnce(&mut Settings)) -> Self {
        // These tests are about routes; the environments behind them would need half the schema.
        sqlx::raw_sql("ALTER TABLE routes DROP CONSTRAINT routes_environment_id_fkey").execute(&db).await.unwrap();
        let portal = Upstream::answering(ok("portal")).await;
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            threads: 2,
            web_upstream: portal.address,
            portal_host: "portal.test".to_owned(),
            portal_url: "http://portal.test".to_owned(),
            portal_port: None,
            instances_port: None,
            scheme: "http",
            tls: None,
            company: "Sayoo".to_owned(),
            table_file: folder.path().join("routes.json"),
            max_body_bytes: 100_000,
            requests_per_second: 0,
            burst_seconds: 1,
            most_connections: 1_000,
            most_connections_of_one: 1_000,
            trusted: vec![],
            limits: Limits {
                tick: Duration::from_millis(20),
                save: Duration::from_millis(50),
                hold_browser: Duration::from_millis(300),
                hold_other: Duration::from_secs(10),
                ..Limits::default()
            },
        };
        change(&mut settings);
        Self::start(db, settings, portal, folder).await
    }

    async fn start(db: PgPool, settings: Settings, portal: Upstream, folder: Arc<tempfile::TempDir>) -> Self {
        let running = Running::start(settings.clone(), db.clone(), Clock::System).await.unwrap();
        Self { db, address: running.address, portal, settings, folder, running: Some(running) }
    }

    /// Where the proxy listens for HTTPS.
    pub fn tls_address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().tls_address.unwrap()
    }

    /// Ends the proxy as SIGTERM does.
    pub async fn finish(&mut self) {
        self.running.take().unwrap().finish().await.unwrap();
    }

    /// Another proxy of the same installation, with another database (or one that is away).
    pub async fn again(&self, db: PgPool) -> Self {
        let portal = Upstream::answering(ok("portal")).await;
        let settings = Settings { web_upstream: portal.address, ..self.settings.clone() };
        Self::start(db, settings, portal, Arc::clone(&self.folder)).await
    }

    pub async fn route(&self, hostname: &str, state: &str, upstreams: &[SocketAddr]) -> EnvironmentId {
        let environment = EnvironmentId::new(Clock::System.now());
        self.route_of(environment, hostname, state, upstreams).await;
        environment
    }

    pub async fn route_of(&self, environment: EnvironmentId, hostname: &str, state: &str, upstreams: &[SocketAddr]) {
        let upstreams: Vec<String> = upstreams.iter().map(ToString::to_string).collect();
        sqlx::query_scalar::<_, i32>(
            "INSERT INTO routes (hostname, environment_id, state, upstreams, language, updated_at) VALUES ($1, $2, $3, $4, 'fr', now())
             ON CONFLICT (hostname) DO UPDATE SET state = excluded.state, upstreams = excluded.upstreams RETURNING 1",
        )
        .bind(hostname)
        .bind(environment.uuid())
        .bind(state)
        .bind(upstreams)
        .fetch_one(&self.db)
        .await
        .unwrap();
    }

    /// A route to several upstreams, waited for.
    pub async fn serves_from(&self, hostname: &str, upstreams: &[SocketAddr]) -> EnvironmentId {
        let environment = self.route(hostname, "serving", upstreams).await;
        self.knows(hostname).await;
        environment
    }

    /// A route to an upstream, waited for.
    pub async fn serves(&self, hostname: &str, upstream: &Upstream) -> EnvironmentId {
        let environment = self.route(hostname, "serving", &[upstream.address]).await;
        self.knows(hostname).await;
        environment
    }

    /// A route to an upstream, waited for where visitors in the clear are sent away.
    pub async fn serves_over_https(&self, hostname: &str, upstream: &Upstream) -> EnvironmentId {
        let environment = self.route(hostname, "serving", &[upstream.address]).await;
        self.until(|| async { self.get(hostname, "/").await.starts_with("HTTP/1.1 308") }).await;
        environment
    }

    /// A route to an upstream that works on so many requests at once, waited for.
    pub async fn serves_at_once(&self, hostname: &str, upstream: &Upstream, limit: i32) -> EnvironmentId {
        let environment = EnvironmentId::new(Clock::System.now());
        sqlx::query_scalar::<_, i32>(
            "INSERT INTO routes (hostname, environment_id, state, upstreams, language, requests_at_once, updated_at)
             VALUES ($1, $2, 'serving', $3, 'fr', $4, now()) RETURNING 1",
        )
        .bind(hostname)
        .bind(environment.uuid())
        .bind([upstream.address.to_string()])
        .bind(limit)
        .fetch_one(&self.db)
        .await
        .unwrap();
        self.knows(hostname).await;
        environment
    }

    /// The open requests and open websockets that the proxy told of last.
    pub async fn open(&self, environment: EnvironmentId) -> (i32, i32) {
        sqlx::query_as(
            "SELECT open_requests, open_websockets FROM traffic_samples WHERE environment_id = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(environment.uuid())
        .fetch_optional(&self.db)
        .await
        .unwrap()
        .unwrap_or_default()
    }

    /// Waits until the proxy knows a host name. The database manager is refused for known names only.
    pub async fn knows(&self, hostname: &str) {
        self.until(|| async { self.get(hostname, "/web/database").await.starts_with("HTTP/1.1 403") }).await;
    }

    pub async fn until<F: Future<Output = bool>>(&self, is_so: impl Fn() -> F) {
        let waited = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("it never came about");
    }

    pub async fn get(&self, host: &str, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    }

    /// Sends exactly this and returns everything that comes back until the proxy closes.
    pub async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The proxy may close before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_all(&mut stream).await
    }

    /// Connects as a visitor with another address: `127.0.0.` and this.
    pub async fn connect_from(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

pub async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let read = async {
        let mut piece = [0; 16 * 1024];
        // A reset after the answer is an end like any other.
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the proxy never closed the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the text ends so.
pub async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut answer = Vec::new();
    let read = async {
        while !answer.ends_with(end.as_bytes()) {
            answer.push(
                stream
                    .read_u8()
                    .await
                    .unwrap_or_else(|_| panic!("closed after {:?}", String::from_utf8_lossy(&answer))),
            );
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("it never came");
    String::from_utf8(answer).unwrap()
}

pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What an upstream does with its n-th request (from 0), counted over all its connections.
pub type Behaviour = dyn Fn(usize, &str) -> Act + Send + Sync;

/// What an upstream does with a request.
pub enum Act {
    /// Sends this and waits for another request.
    Answer(String),
    /// Sends this and closes.
    AnswerAndClose(String),
    /// Sends this and repeats every byte that comes after.
    Echo(String),
    /// Answers after a while.
    Slowly(Duration, String),
    /// Answers once the test has added a permit, which it takes.
    When(Arc<Semaphore>, String),
}

/// A server that does as it is told and remembers every request.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    crowd: Arc<Crowd>,
    task: tokio::task::JoinHandle<()>,
}

/// How many requests an upstream works on, and the most that it ever did.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    pub async fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::new(move |_, _| Act::Answer(answer.clone())).await
    }

    pub async fn new(behaviour: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), behaviour)
    }

    /// One that listens already.
    pub fn on(listener: TcpListener, behaviour: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let crowd = Arc::<Crowd>::default();
        let task = tokio::spawn({
            let (seen, crowd) = (Arc::clone(&seen), Arc::clone(&crowd));
            async move {
                // Connections end with the upstream.
                let mut open = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    open.spawn(serve(stream, Arc::clone(&seen), Arc::clone(&crowd), Arc::clone(&behaviour)));
                }
            }
        });
        Self { address, seen, crowd, task }
    }

    /// Every request, head and body, as it arrived.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The most requests that it ever worked on at once.
    pub fn most_at_once(&self) -> usize {
        self.crowd.most.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, crowd: Arc<Crowd>, behaviour: Arc<Behaviour>) {
    while let Some(request) = read_request(&mut stream).await {
        crowd.most.fetch_max(crowd.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let (text, goes_on) = match behaviour(number, &request) {
            Act::Answer(text) => (text, true),
            Act::AnswerAndClose(text) => (text, false),
            Act::Slowly(time, text) => {
                tokio::time::sleep(time).await;
                (text, true)
            }
            Act::When(permits, text) => {
                permits.acquire().await.unwrap().forget();
                (text, true)
            }
            Act::Echo(text) => {
                crowd.now.fetch_sub(1, Ordering::SeqCst);
                stream.write_all(text.as_bytes()).await.unwrap();
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                return;
            }
        };
        // Before the proxy can know: the next one may come at once.
        crowd.now.fetch_sub(1, Ordering::SeqCst);
        let _ = stream.write_all(text.as_bytes()).await;
        if !goes_on {
            return;
        }
    }
}

/// Reads a head and the body that it announces; `None` at the end, also in the middle of a body.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes.clone()).unwrap().to_lowercase();
    if let Some(length) = header(&head, "content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.ok()?;
        bytes.extend(body);
    } else if header(&head, "transfer-encoding").is_some() {
        while !bytes.ends_with(b"\r\n0\r\n\r\n") {
            bytes.push(stream.read_u8().await.ok()?);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a header in a head, as it stands there.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
