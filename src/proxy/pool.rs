//! Connections to upstreams, kept per core so that no two threads ever meet here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::body::RequestBody;
use super::line::Line;
use super::lock;
use super::upstream::Upstream;

/// More than an instance can work on at once; the rest of a burst opens and closes its own.
const MOST_IDLE_PER_UPSTREAM: usize = 64;

/// A request that cannot be sent twice takes a connection only if it was used so recently that the upstream
/// has surely not begun to close it (the shortest keep-alive in the field is two seconds).
const FRESH_MS: u64 = 1_000;

/// How long a kept connection may be idle.
const IDLE_MS: u64 = 55_000;

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
    kept: Mutex<HashMap<SocketAddr, Vec<Kept>>>,
    now: std::sync::atomic::AtomicU64,
}

impl Pool {
    /// Takes a connection that is ready for a request, the most recently used one.
    #[must_use]
    pub fn take(self: &Arc<Self>, address: SocketAddr, repeat: Repeat) -> Option<Lease> {
        let now = self.now.load(std::sync::atomic::Ordering::Relaxed);
        let mut kept = lock(&self.kept);
        let list = kept.get_mut(&address)?;
        while let Some(one) = list.pop() {
            if repeat == Repeat::Forbidden && now.saturating_sub(one.since) > FRESH_MS {
                list.push(one);
                return None;
            }
            if one.sender.is_ready() {
                return Some(Lease { sender: one.sender, address, pool: Arc::clone(self) });
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
        let stream = tokio::time::timeout(patience, TcpStream::connect(address))
            .await
            .map_err(|_| OpenError::TimedOut)?
            .map_err(OpenError::Refused)?;
        let line = Line::to(Arc::clone(upstream), stream, began);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(super::LARGEST_BUFFER)
            .handshake(TokioIo::new(line))
            .await
            .map_err(OpenError::Handshake)?;
        // An error here reaches the request that was under way, which reports it.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Lease { sender, address, pool: Arc::clone(self) })
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

/// Why no connection could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens there, or the network says no.
    #[error("the upstream did not accept the connection")]
    Refused(#[source] std::io::Error),
    /// Nobody answered at all.
    #[error("the upstream did not accept the connection in time")]
    TimedOut,
    /// hyper refused to begin.
    #[error("the connection could not be set up")]
    Handshake(#[source] hyper::Error),
}

/// A connection in use.
#[derive(Debug)]
pub struct Lease {
    /// Sends the request.
    pub sender: SendRequest<RequestBody>,
    address: SocketAddr,
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
        let list = kept.entry(self.address).or_default();
        if list.len() < MOST_IDLE_PER_UPSTREAM {
            list.push(Kept { sender: self.sender, since });
        }
    }
}
