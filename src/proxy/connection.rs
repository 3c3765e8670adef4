//! One visitor's connection: what it is doing, what it used, and when it has to go.
//!
//! Time-outs cost nothing per request: each core looks at all its connections once per tick.

use std::io::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use http::HeaderValue;

use super::address::{Address, Seat};
use super::alarm::Alarm;
use super::counters::Counters;
use super::exchange::{Stream, Wait, cost};
use super::frames::Reason;
use super::pace::{Cost, Pace};
use super::strict::{Scanner, Verdict};
use super::unfinished::Unfinished;
use super::{Limits, lock};

/// Accounts of ended requests are thrown away at each tick, and between two ticks when there are so many.
const STREAMS_BEFORE_TIDYING: usize = 512;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Waiting for a request.
    Idle,
    /// A head has begun to arrive.
    Head,
    /// A request is being answered.
    Request,
    /// Bytes go both ways until one side ends.
    Tunnel,
}

/// By which listener a visitor came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Plain HTTP.
    Plain,
    /// TLS.
    Tls,
}

/// The state of a connection, shared by its socket, its requests and the core's tick.
///
/// Everything happens on one thread; the atomics are there because hyper wants to be able to move an upgraded socket.
#[derive(Debug)]
pub struct Connection {
    /// The address of its other end as a header.
    pub peer_header: HeaderValue,
    /// Whom its other end counts as.
    pub address: Address,
    /// Whether its other end is to be believed where visitors come from.
    pub is_trusted: bool,
    /// What it has of the connections that its address may have.
    pub seat: Mutex<Option<Seat>>,
    /// By which door it came.
    pub door: Door,
    /// The name that it asked a certificate for.
    server_name: OnceLock<Box<str>>,
    /// Whether no request has come yet.
    is_new: AtomicBool,
    /// Whether it speaks HTTP/2: many requests at once, each with its own account.
    is_http2: AtomicBool,
    /// Requests under way, in HTTP/2.
    open: AtomicU32,
    /// Requests that the visitor took back lately, in HTTP/2.
    cancelled: AtomicU32,
    streams: Mutex<Vec<Weak<Stream>>>,
    phase: AtomicU8,
    /// The core's time, as of the last tick.
    now: AtomicU64,
    since: AtomicU64,
    moved_at: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    /// A [`Wait`].
    waits_for_body: AtomicU8,
    waits_for_write: AtomicBool,
    /// Whether what is read now belongs to a request whose environment is known.
    is_billed: AtomicBool,
    /// Whether every answer was written to its end.
    is_quiet: AtomicBool,
    is_condemned: AtomicBool,
    is_closing: AtomicBool,
    /// Why its websocket has to end; 0 while it has not.
    dismissed: AtomicU16,
    waker: AtomicWaker,
    /// For the answer to the request that it is busy with, in HTTP/1.
    pub alarm: Alarm,
    ledger: Mutex<Ledger>,
    scanner: Mutex<Scanner>,
    /// In HTTP/2.
    unfinished: Mutex<Unfinished>,
    /// Since when a head has been unfinished, in HTTP/2; 0 when none is.
    unfinished_since: AtomicU64,
}

/// Which bytes were put on whose account.
#[derive(Debug, Default)]
struct Ledger {
    counters: Option<Arc<Counters>>,
    read: u64,
    written: u64,
    /// All bytes as of the last tick that saw any.
    moved: u64,
    pace: Pace,
}

impl Connection {
    /// Returns the state of a connection that has just been accepted.
    #[must_use]
    pub fn new(peer: SocketAddr, door: Door, is_trusted: bool, now: u64) -> Arc<Self> {
        let peer_header =
            HeaderValue::from_str(&peer.ip().to_canonical().to_string()).expect("an address is plain ASCII");
        Arc::new(Self {
            peer_header,
            address: peer.ip().into(),
            is_trusted,
            seat: Mutex::default(),
            door,
            server_name: OnceLock::new(),
            is_new: AtomicBool::new(true),
            is_http2: AtomicBool::new(false),
            open: AtomicU32::new(0),
            cancelled: AtomicU32::new(0),
            streams: Mutex::default(),
            phase: AtomicU8::new(Phase::Head as u8),
            now: AtomicU64::new(now),
            since: AtomicU64::new(now),
            moved_at: AtomicU64::new(now),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            waits_for_body: AtomicU8::new(Wait::No as u8),
            waits_for_write: AtomicBool::new(false),
            is_billed: AtomicBool::new(false),
            is_quiet: AtomicBool::new(true),
            is_condemned: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            dismissed: AtomicU16::new(0),
            waker: AtomicWaker::new(),
            alarm: Alarm::default(),
            ledger: Mutex::default(),
            scanner: Mutex::default(),
            unfinished: Mutex::default(),
            unfinished_since: AtomicU64::new(0),
        })
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.now.load(Relaxed), Relaxed);
    }

    fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }

    /// TLS is set up: the visitor may take its time until the first request.
    pub fn is_secured(&self, server_name: Option<&str>, is_http2: bool) {
        if let Some(name) = server_name {
            // It is set up once.
            let _ = self.server_name.set(name.into());
        }
        self.is_http2.store(is_http2, Relaxed);
        if is_http2 {
            // Its frames say themselves where they end; the rules for them are hyper's and `authority.rs`'s.
            lock(&self.scanner).go_blind();
        }
        self.enter(Phase::Idle);
    }

    /// Returns the name that the visitor asked a certificate for.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.get().map(AsRef::as_ref)
    }

    /// Whether it speaks HTTP/2.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.is_http2.load(Relaxed)
    }

    /// A request's head was read; returns what its framing looked like.
    pub fn request_begins(&self) -> Verdict {
        self.is_new.store(false, Relaxed);
        self.is_quiet.store(false, Relaxed);
        if self.is_http2() {
            if self.open.fetch_add(1, Relaxed) == 0 {
                self.enter(Phase::Request);
            }
            return Verdict::Plain;
        }
        self.enter(Phase::Request);
        self.is_billed.store(false, Relaxed);
        lock(&self.scanner).verdict()
    }

    /// The answer was handed to hyper, all of it.
    pub fn request_ends(&self) {
        if self.is_http2() {
            if self.open.fetch_sub(1, Relaxed) == 1 {
                self.enter(Phase::Idle);
            }
        } else if self.is_in(Phase::Request) {
            self.enter(Phase::Idle);
            self.is_billed.store(false, Relaxed);
        }
    }

    /// Makes the account of one request of many.
    pub fn open_stream(&self) -> Arc<Stream> {
        let stream = Arc::new(Stream::default());
        let mut streams = lock(&self.streams);
        if streams.len() >= STREAMS_BEFORE_TIDYING {
            streams.retain(|stream| stream.strong_count() > 0);
        }
        streams.push(Arc::downgrade(&stream));
        stream
    }

    /// The visitor took a request back before it was answered. Whoever does nothing else attacks (CVE-2023-44487).
    pub fn request_cancelled(&self, most: u32) {
        if self.cancelled.fetch_add(1, Relaxed) >= most {
            self.condemn();
        }
    }

    /// Lets a future go on until the connection has to go; `None` when that comes first.
    pub async fn until_condemned<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| {
            if self.poll_condemned(cx).is_ready() { Poll::Ready(None) } else { future.as_mut().poll(cx).map(Some) }
        })
        .await
    }

    /// Bytes go both ways from now on.
    pub fn becomes_tunnel(&self) {
        self.enter(Phase::Tunnel);
        lock(&self.scanner).go_blind();
    }

    /// Puts what follows on an environment's account, and nobody's for `None`. What was read already is this request.
    pub fn bill_to(&self, counters: Option<&Arc<Counters>>) {
        let mut ledger = lock(&self.ledger);
        let written = self.written.load(Relaxed);
        if let Some(before) = &ledger.counters {
            before.bytes(written - ledger.written, 0);
        }
        ledger.written = written;
        let is_same = match (&ledger.counters, counters) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            ledger.counters = counters.cloned();
        }
        self.is_billed.store(true, Relaxed);
        settle(&mut ledger, self, Bill::Everything);
    }

    /// Says whether the request's body is what everybody waits for.
    pub fn waits_for_body(&self, waits: Wait) {
        self.waits_for_body.store(waits as u8, Relaxed);
    }

    /// Asks the connection to end after the request it is busy with.
    pub fn close_soon(&self) {
        self.is_closing.store(true, Relaxed);
        self.waker.wake();
    }

    /// Ends the connection now.
    pub fn condemn(&self) {
        self.is_condemned.store(true, Relaxed);
        self.waker.wake();
    }

    /// Asks a websocket to end, with a goodbye.
    pub fn dismiss(&self, reason: Reason) {
        if self.dismissed.compare_exchange(0, reason as u16, Relaxed, Relaxed).is_ok() {
            self.waker.wake();
        }
    }

    /// Waits until its websocket has to end. To be polled inside of [`Self::until_condemned`], which is woken for it.
    pub async fn dismissed(&self) -> Reason {
        std::future::poll_fn(|_| match self.dismissed.load(Relaxed) {
            0 => Poll::Pending,
            reason => Poll::Ready(Reason::of(reason)),
        })
        .await
    }

    /// Returns the core's time, as of the last tick.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    /// Since when no request is worked on; `None` while one is.
    #[must_use]
    pub fn idle_since(&self) -> Option<u64> {
        let is_condemned = self.is_condemned.load(Relaxed);
        (!is_condemned && (self.is_in(Phase::Idle) || self.is_in(Phase::Head))).then(|| self.since.load(Relaxed))
    }

    /// Whether only a tunnel is left here.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.is_in(Phase::Tunnel)
    }

    /// Whether no request has come yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new.load(Relaxed)
    }

    /// Whether it was asked to end.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    /// To be called first in every poll of the task that owns the connection: `Ready` when it has to go.
    pub fn poll_condemned(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.is_condemned.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Puts bytes on the account, and condemns the connection when it has used up its time.
    pub fn tick(&self, now: u64, limits: &Limits) {
        self.now.store(now, Relaxed);
        self.alarm.tick(now);
        let mut ledger = lock(&self.ledger);
        let (read, written) = (self.read.load(Relaxed), self.written.load(Relaxed));
        if read + written != ledger.moved {
            ledger.moved = read + written;
            self.moved_at.store(now, Relaxed);
        }
        // What was read while nobody knows whose request it is waits until somebody does.
        settle(&mut ledger, self, if self.is_billed.load(Relaxed) { Bill::Everything } else { Bill::Written });
        let waited = now.saturating_sub(self.since.load(Relaxed));
        let still = now.saturating_sub(self.moved_at.load(Relaxed));
        let is_over = match self.phase.load(Relaxed) {
            phase if phase == Phase::Head as u8 => waited > limits.head_ms,
            phase if phase == Phase::Tunnel as u8 => still > limits.tunnel_idle_ms,
            phase if phase == Phase::Request as u8 => still > limits.request_still_ms,
            _ => waited > limits.idle_ms && !self.waits_for_write.load(Relaxed),
        };
        let is_unfinished = match self.unfinished_since.load(Relaxed) {
            0 => false,
            since => now.saturating_sub(since) > limits.head_ms,
        };
        // Both directions count: what matters is whether this visitor keeps the others' places. In HTTP/2 one request may
        // wait for the visitor while others do not, so each is looked at by itself.
        let cost = if self.is_tunnel() {
            Cost::Nothing
        } else {
            let is_read_slowly = self.waits_for_write.load(Relaxed);
            cost(self.waits_for_body.load(Relaxed), is_read_slowly, ledger.counters.as_ref(), limits)
        };
        let is_too_slow = ledger.pace.is_too_slow(now, read + written, cost, limits);
        // A suspension ends what is open: downloads, requests in a queue, and websockets with a goodbye.
        let is_closed =
            self.is_billed.load(Relaxed) && ledger.counters.as_ref().is_some_and(|counters| counters.is_closed());
        drop(ledger);
        if is_closed && self.is_tunnel() {
            self.dismiss(Reason::GoingAway);
        }
        let is_closed = is_closed && self.is_in(Phase::Request);
        let cancelled = self.cancelled.load(Relaxed);
        self.cancelled.store(cancelled.saturating_sub(limits.cancelled_forgotten), Relaxed);
        let is_stalled = || {
            let mut streams = lock(&self.streams);
            streams.retain(|stream| stream.strong_count() > 0);
            let streams: Vec<_> = streams.iter().filter_map(Weak::upgrade).collect();
            for stream in &streams {
                stream.alarm.tick(now);
            }
            streams.iter().any(|stream| stream.is_closed() || stream.is_stalled(now, limits))
        };
        if is_over || is_unfinished || is_too_slow || is_closed || (self.is_http2() && is_stalled()) {
            self.condemn();
        }
    }

    /// Puts the last bytes on the account.
    pub fn settle(&self) {
        settle(&mut lock(&self.ledger), self, Bill::Everything);
    }
}

impl Connection {
    /// Bytes arrived.
    pub fn has_read(&self, seen: &[u8]) {
        self.read.store(self.read.load(Relaxed) + seen.len() as u64, Relaxed);
        if self.is_http2() {
            if !lock(&self.unfinished).see(seen) {
                self.unfinished_since.store(0, Relaxed);
            } else if self.unfinished_since.load(Relaxed) == 0 {
                self.unfinished_since.store(self.now().max(1), Relaxed);
            }
            return;
        }
        lock(&self.scanner).see(seen);
        if self.is_in(Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    /// Bytes were taken, or have to wait.
    pub fn has_written(&self, outcome: &Poll<Result<usize, Error>>) {
        if let Poll::Ready(Ok(bytes)) = outcome {
            self.written.store(self.written.load(Relaxed) + *bytes as u64, Relaxed);
        }
        self.waits_for_write.store(outcome.is_pending(), Relaxed);
    }

    /// Everything that was taken is on its way, or has to wait.
    pub fn has_flushed(&self, is_pending: bool) {
        self.waits_for_write.store(is_pending, Relaxed);
        if !is_pending && self.is_in(Phase::Idle) {
            self.is_quiet.store(true, Relaxed);
        }
    }

    /// Whether what is written now answers no request: all answers are on their way, and none was asked for since.
    pub fn is_unasked(&self) -> bool {
        !self.is_http2() && (self.is_in(Phase::Idle) || self.is_in(Phase::Head)) && self.is_quiet.swap(false, Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bill {
    Everything,
    Written,
}

fn settle(ledger: &mut Ledger, connection: &Connection, bill: Bill) {
    let written = connection.written.load(Relaxed);
    let read = if bill == Bill::Everything { connection.read.load(Relaxed) } else { ledger.read };
    if let Some(counters) = &ledger.counters {
        counters.bytes(written - ledger.written, read - ledger.read);
    }
    (ledger.read, ledger.written) = (read, written);
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.settle();
    }
}
