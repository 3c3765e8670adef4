//! One request and its answer, from the head to the last byte.
//!
//! In HTTP/1 a connection is busy with one of them at a time, so the connection itself keeps the account. In HTTP/2 there
//! are many at once, for several environments perhaps: each has an account of its own, a `Stream`.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::alarm::Alarm;
use super::connection::Connection;
use super::counters::{Counters, Kind};
use super::pace::{Cost, Pace};
use super::strict::Verdict;
use super::{Limits, lock};

/// Whether a request waits for its visitor to send more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wait {
    /// It does not.
    No,
    /// It does, and keeps nothing that others could have.
    Freely,
    /// It does, at a container.
    InPlace,
}

/// What it costs others that a request waits for its visitor.
#[must_use]
pub fn cost(body: u8, is_read_slowly: bool, counters: Option<&Arc<Counters>>, limits: &Limits) -> Cost {
    let is_crowded = |in_place: bool| {
        counters.is_some_and(|counters| {
            in_place && counters.waiting.load(Relaxed) > 0
                || is_read_slowly && counters.open(Kind::Request) > limits.most_lasting / 2
        })
    };
    if body == Wait::No as u8 && !is_read_slowly {
        Cost::Nothing
    } else if is_crowded(body == Wait::InPlace as u8) {
        Cost::Much
    } else {
        Cost::Little
    }
}

/// The account of one request among many on a connection.
#[derive(Debug, Default)]
pub struct Stream {
    counters: OnceLock<Arc<Counters>>,
    /// Bytes of both bodies.
    moved: AtomicU64,
    /// A [`Wait`].
    waits_for_body: AtomicU8,
    waits_for_window: AtomicBool,
    pace: Mutex<Pace>,
    /// For its answer.
    pub alarm: Alarm,
}

impl Stream {
    /// Whether it is on the account of an environment that staff closed.
    pub fn is_closed(&self) -> bool {
        self.counters.get().is_some_and(|counters| counters.is_closed())
    }

    /// Whether it has waited for the visitor for too long. To be asked at each tick.
    pub fn is_stalled(&self, now: u64, limits: &Limits) -> bool {
        let is_read_slowly = self.waits_for_window.load(Relaxed);
        let cost = cost(self.waits_for_body.load(Relaxed), is_read_slowly, self.counters.get(), limits);
        lock(&self.pace).is_too_slow(now, self.moved.load(Relaxed), cost, limits)
    }
}

/// Where a request runs: for those who count its bytes and say whom it waits for.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The visitor's connection.
    pub connection: Arc<Connection>,
    stream: Option<Arc<Stream>>,
}

impl Lane {
    /// Puts what follows on an environment's account, and nobody's for `None`. `head` is the size of the request's head
    /// where it was not read from the connection as it stands.
    pub fn bill_to(&self, counters: Option<&Arc<Counters>>, head: impl FnOnce() -> usize) {
        match (&self.stream, counters) {
            (None, _) => self.connection.bill_to(counters),
            (Some(stream), Some(counters)) => {
                // A request goes to one environment only.
                let _ = stream.counters.set(Arc::clone(counters));
                counters.bytes(0, head() as u64);
            }
            (Some(_), None) => {}
        }
    }

    /// Waits for an answer, or until it took too long: that is `None`.
    pub async fn before<F: Future>(&self, patience: Duration, future: F) -> Option<F::Output> {
        let alarm = self.stream.as_ref().map_or(&self.connection.alarm, |stream| &stream.alarm);
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        alarm.before(self.connection.now().saturating_add(patience), future).await
    }

    /// Says whether the request's body is what everybody waits for.
    pub fn waits_for_body(&self, waits: Wait) {
        match &self.stream {
            None => self.connection.waits_for_body(waits),
            Some(stream) => stream.waits_for_body.store(waits as u8, Relaxed),
        }
    }

    /// A part of the request's body arrived.
    pub fn has_read(&self, bytes: usize) {
        let Some(stream) = &self.stream else { return };
        stream.moved.fetch_add(bytes as u64, Relaxed);
        if let Some(counters) = stream.counters.get() {
            counters.bytes(0, bytes as u64);
        }
    }

    /// A part of the answer was handed over.
    pub fn has_written(&self, bytes: usize) {
        let Some(stream) = &self.stream else { return };
        stream.moved.fetch_add(bytes as u64, Relaxed);
        if let Some(counters) = stream.counters.get() {
            counters.bytes(bytes as u64, 0);
        }
    }

    /// Says whether a part of the answer was handed over and no more is asked for: the visitor has to make room.
    pub fn waits_for_window(&self, waits: bool) {
        if let Some(stream) = &self.stream {
            stream.waits_for_window.store(waits, Relaxed);
        }
    }

    /// Whether the answer's head is to be put on the account.
    #[must_use]
    pub fn counts_heads(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.counters.get().is_some())
    }
}

/// A request under way. Ends when it is dropped: with the answer's body, or when the visitor takes the request back.
#[derive(Debug)]
pub struct Exchange {
    /// Where it runs.
    pub lane: Lane,
    /// What the framing looked like.
    pub verdict: Verdict,
    most_cancelled: u32,
    is_answered: bool,
}

impl Exchange {
    /// A request's head was read.
    #[must_use]
    pub fn begin(connection: &Arc<Connection>, limits: &Limits) -> Self {
        let verdict = connection.request_begins();
        let stream = connection.is_http2().then(|| connection.open_stream());
        let lane = Lane { connection: Arc::clone(connection), stream };
        Self { lane, verdict, most_cancelled: limits.most_cancelled, is_answered: false }
    }

    /// There is an answer.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.is_answered = true;
        self
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_answered {
            self.lane.connection.request_cancelled(self.most_cancelled);
        }
        self.lane.waits_for_window(false);
        self.lane.connection.request_ends();
    }
}
