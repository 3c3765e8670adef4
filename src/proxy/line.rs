//! A connection to an upstream that ends when nobody is at its other end any more.
//!
//! A host without power or network says nothing: left to itself the kernel would wait a quarter of an hour for what was sent
//! to be acknowledged. Whoever finds it out here tells the upstream's `health.rs`, as a refused connection would.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::interim::Interim;
use super::socket::{Socket, Witness};
use super::upstream::Upstream;

/// For what was sent to be acknowledged. A living kernel does so at once, however busy its programs are; three seconds are
/// four losses of the same packet, one after the other.
const SILENCE: Duration = Duration::from_secs(3);

/// How often a connection on which nothing moves is probed: it ends after `SILENCE` too, with two probes unanswered. Further
/// apart there would be one in that time, and a single lost packet would end a connection.
const PROBE: Duration = Duration::from_secs(1);

/// The same as `SILENCE` for a websocket: to lose one costs a person more than to learn late that its host is gone, and if it
/// is, its route changes before long and says so.
const TUNNEL_SILENCE: Duration = Duration::from_secs(20);

/// How often a websocket on which nothing moves is probed, in seconds: each has its own. A machine that stood still probes for
/// all of its connections in the same moment afterwards, and the kernel has room for a thousand packets.
const TUNNEL_PROBES: Range<u64> = 5..10;

/// How soon after a probe of a websocket was lost comes the next one: not with the others' again.
const TUNNEL_PROBES_AGAIN: Duration = Duration::from_secs(2);

/// A living upstream takes this much without reading it, so it has acknowledged it.
const TAKEN_UNREAD: usize = 16 * 1024;

/// The same as `SILENCE` for what is larger: an upstream that does not read yet closes its window, and to the kernel that
/// is like silence. So somebody asks its host in another way.
const LARGE_SILENCE: Duration = Duration::from_mins(1);

/// How long nothing of something large moves before its host is asked whether it is there; then twice as long each time.
const FIRST_DOUBT: Duration = Duration::from_secs(2);

/// The longest time between two such questions. Each is a connection, which costs the container a little.
const LONGEST_DOUBT: Duration = Duration::from_secs(8);

/// What is known of a connection to an upstream.
#[derive(Debug)]
pub struct Line {
    upstream: Arc<Upstream>,
    /// When the proxy began: the clock of the upstream's health.
    began: Instant,
    /// How long what was sent may be unacknowledged.
    silence: Duration,
    /// What was sent since the upstream last said something.
    unanswered: usize,
    /// Whoever asks the host meanwhile, where that is much.
    doubt: Option<Doubt>,
    interim: Interim,
    /// Whether it announces answers and never gives one.
    babbles: bool,
}

impl Line {
    /// Wraps a connection that the upstream has accepted.
    #[must_use]
    pub fn to(upstream: Arc<Upstream>, stream: TcpStream, began: Instant) -> Socket<TcpStream, Self> {
        // A socket that cannot be told these still works. Small requests must not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        bears(&stream, SILENCE);
        let interim = Interim::default();
        let it = Self { upstream, began, silence: SILENCE, unanswered: 0, doubt: None, interim, babbles: false };
        Socket::new(stream, it)
    }

    /// It carries a websocket from now on.
    fn becomes_tunnel(&mut self, stream: &TcpStream) {
        self.silence = TUNNEL_SILENCE;
        let probes = Duration::from_secs(rand::random_range(TUNNEL_PROBES));
        let keepalive = TcpKeepalive::new().with_time(probes).with_interval(TUNNEL_PROBES_AGAIN);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
        bears(stream, self.silence);
    }
}

fn bears(stream: &TcpStream, silence: Duration) {
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(silence));
}

/// What the network says of a host that is gone stands in place of the kernel's own words.
fn is_silence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)
}

impl Witness<TcpStream> for Line {
    fn has_read(&mut self, stream: &TcpStream, seen: &[u8]) {
        self.unanswered = 0;
        self.babbles = !self.interim.see(seen);
        if self.interim.has_switched() && self.silence != TUNNEL_SILENCE {
            self.becomes_tunnel(stream);
        }
        if self.doubt.take().is_some() {
            bears(stream, self.silence);
        }
    }

    fn has_written(&mut self, stream: &TcpStream, outcome: &Poll<Result<usize, Error>>) {
        let Poll::Ready(Ok(bytes)) = outcome else { return };
        self.unanswered = self.unanswered.saturating_add(*bytes);
        self.interim.is_asked();
        match &self.doubt {
            Some(doubt) => doubt.has_moved(),
            None if self.unanswered > TAKEN_UNREAD => {
                bears(stream, LARGE_SILENCE);
                self.doubt = Some(Doubt::begin(self.upstream.address, self.silence));
            }
            None => {}
        }
    }

    fn has_failed(&mut self, error: &Error) {
        if is_silence(error) {
            self.upstream.health.fell_silent(self.began.elapsed());
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.babbles {
            return Poll::Ready(ErrorKind::InvalidData.into());
        }
        match &mut self.doubt {
            Some(doubt) => doubt.poll_silence(cx).map(|()| ErrorKind::TimedOut.into()),
            None => Poll::Pending,
        }
    }
}

/// Asks a host whether it is there by connecting once more, when something large does not move.
///
/// A container that is merely busy has its connections accepted by its kernel.
#[derive(Debug)]
struct Doubt {
    moves: Arc<AtomicU64>,
    /// Says something when the host is silent; whoever asks stops when it is dropped.
    silence: Option<oneshot::Receiver<()>>,
    is_silent: bool,
}

impl Doubt {
    fn begin(address: SocketAddr, patience: Duration) -> Self {
        let moves = Arc::<AtomicU64>::default();
        let (found, silence) = oneshot::channel();
        tokio::spawn(ask(address, patience, Arc::clone(&moves), found));
        Self { moves, silence: Some(silence), is_silent: false }
    }

    fn has_moved(&self) {
        self.moves.fetch_add(1, Relaxed);
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(silence) = &mut self.silence
            && let Poll::Ready(said) = Pin::new(silence).poll(cx)
        {
            self.is_silent = said.is_ok();
            self.silence = None;
        }
        if self.is_silent { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn ask(address: SocketAddr, patience: Duration, moves: Arc<AtomicU64>, mut found: oneshot::Sender<()>) {
    let mut pause = FIRST_DOUBT;
    loop {
        let before = moves.load(Relaxed);
        if tokio::time::timeout(pause, found.closed()).await.is_ok() {
            return;
        }
        if moves.load(Relaxed) != before {
            pause = FIRST_DOUBT;
            continue;
        }
        match tokio::time::timeout(patience, TcpStream::connect(address)).await {
            Ok(Err(error)) if is_silence(&error) => break,
            Err(_) => break,
            // It is there, and busy.
            Ok(_) => pause = (pause * 2).min(LONGEST_DOUBT),
        }
    }
    // Nobody listens any more: it answered after all.
    let _ = found.send(());
}
