//! Connections to upstreams, kept per core so that no two threads ever meet here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foldhash::fast::RandomState;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::body::RequestBody;
use super::line::Line;
use super::lock;
use super::upstream::Upstream;
use crate::base::proof::Answer;

/// More than an instance can work on at once; the rest of a burst opens and closes its own.
const MOST_IDLE_PER_UPSTREAM: usize = 64;

/// A request that cannot be sent twice takes a connection only if it was used so recently that the upstream
/// has surely not begun to close it (the shortest keep-alive in the field is two seconds).
const FRESH_MS: u64 = 1_000;

/// How long a kept connection may be idle.
const IDLE_MS: u64 = 55_000;

/// How long an instance may take to prove itself. It is asked before Odoo is, and waits for a thread only.
const PROVES_WITHIN: Duration = Duration::from_secs(10);

/// Whether a request may be sent again when its connection dies without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It may: it has no body and changes nothing.
    Allowed,
    /// It may not.
    Forbidden,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<RequestBody>,
    since: u64,
}

/// The kept connections of one core.
#[derive(Debug, Default)]
pub struct Pool {
    /// By the upstream's number: an address may be another one's by now.
    kept: Mutex<HashMap<u64, Vec<Kept>, RandomState>>,
    now: std::sync::atomic::AtomicU64,
}

impl Pool {
    /// Takes a connection that is ready for a request, the most recently used one.
    #[must_use]
    pub fn take(self: &Arc<Self>, upstream: u64, repeat: Repeat) -> Option<Lease> {
        let now = self.now.load(std::sync::atomic::Ordering::Relaxed);
        let mut kept = lock(&self.kept);
        let list = kept.get_mut(&upstream)?;
        while let Some(one) = list.pop() {
            if repeat == Repeat::Forbidden && now.saturating_sub(one.since) > FRESH_MS {
                list.push(one);
                return None;
            }
            if one.sender.is_ready() {
                return Some(Lease { sender: one.sender, upstream, pool: Arc::clone(self) });
            }
        }
        None
    }

    /// Opens a connection.
    pub async fn open(
        self: &Arc<Self>,
        upstream: &Arc<Upstream>,
        began: Instant,
        patience: Duration,
    ) -> Result<Lease, OpenError> {
        let address = upstream.address;
        let mut stream = tokio::time::timeout(patience, TcpStream::connect(address))
            .await
            .map_err(|_| OpenError::TimedOut)?
            .map_err(OpenError::Refused)?;
        if upstream.proof.is_some() {
            Box::pin(prove(upstream, &mut stream)).await?;
        }
        let line = Line::to(Arc::clone(upstream), stream, began);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(super::LARGEST_BUFFER)
            .handshake(TokioIo::new(line))
            .await
            .map_err(OpenError::Handshake)?;
        // An error here reaches the request that was under way, which reports it.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Lease { sender, upstream: upstream.number, pool: Arc::clone(self) })
    }

    /// Lets go of what has been idle for long.
    pub fn tick(&self, now: u64) {
        self.now.store(now, std::sync::atomic::Ordering::Relaxed);
        lock(&self.kept).retain(|_, list| {
            list.retain(|one| !one.sender.is_closed() && now.saturating_sub(one.since) < IDLE_MS);
            !list.is_empty()
        });
    }
}

/// Lets whoever accepted a connection prove that it is the upstream that is meant.
async fn prove(upstream: &Upstream, stream: &mut TcpStream) -> Result<(), OpenError> {
    let Some(key) = upstream.proof else { return Ok(()) };
    // As for what follows: small packets must not wait.
    let _ = stream.set_nodelay(true);
    match tokio::time::timeout(PROVES_WITHIN, key.ask(stream)).await {
        Ok(Ok(Answer::Proven)) => Ok(()),
        Ok(Ok(Answer::Another | Answer::Unaware)) => Err(OpenError::Another),
        Ok(Err(error)) => Err(OpenError::Refused(error)),
        Err(_) => Err(OpenError::TimedOut),
    }
}

/// Why no connection could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens there, or the network says no.
    #[error("the upstream did not accept the connection")]
    Refused(#[source] std::io::Error),
    /// Nobody answered at all.
    #[error("the upstream did not accept the connection in time")]
    TimedOut,
    /// Somebody else listens there by now.
    #[error("another one than the upstream that is meant answers at its address")]
    Another,
    /// hyper refused to begin.
    #[error("the connection could not be set up")]
    Handshake(#[source] hyper::Error),
}

/// A connection in use.
#[derive(Debug)]
pub struct Lease {
    /// Sends the request.
    pub sender: SendRequest<RequestBody>,
    upstream: u64,
    pool: Arc<Pool>,
}

impl Lease {
    /// Keeps the connection for another request.
    pub fn give_back(self) {
        if self.sender.is_closed() {
            return;
        }
        let since = self.pool.now.load(std::sync::atomic::Ordering::Relaxed);
        let mut kept = lock(&self.pool.kept);
        let list = kept.entry(self.upstream).or_default();
        if list.len() < MOST_IDLE_PER_UPSTREAM {
            list.push(Kept { sender: self.sender, since });
        }
    }
}
