//! Chooses an upstream for a request, gets it a place there, sends it, and tries again where nothing can have happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::again::Again;
use super::body::RequestBody;
use super::counters::Counters;
use super::forward::{Destination, Journey};
use super::pool::{Lease, OpenError, Repeat};
use super::upstream::{Outstanding, Upstream, choose};

/// Where Odoo up to 15 lets a browser wait for news, for most of a minute each time.
const LONG_POLL: &str = "/longpolling/poll";

/// One more than the single repeat: a kept connection that was closed before anything was written costs nothing.
const MOST_TRIES: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody took the connection.
    #[error("no upstream took the request")]
    NotConnected(#[source] OpenError),
    /// The connection broke, or nonsense came.
    #[error("the upstream did not answer properly")]
    NoAnswer(#[source] hyper::Error),
    /// It took too long.
    #[error("the upstream did not answer in time")]
    TimedOut,
    /// There was no place.
    #[error("the upstream works on as many requests as it can, and too many wait")]
    Busy,
    /// It is no websocket, and yet it changed.
    #[error("the upstream switched protocols without being asked")]
    Switched,
}

/// How long a request is expected to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Until it is answered.
    Short,
    /// Until there is news.
    LongPoll,
    /// Until one side ends it.
    Websocket,
}

impl Journey {
    /// Returns how long the request is expected to stay.
    pub(super) fn stay(&self, path: &str, is_websocket: bool) -> Stay {
        match self.destination {
            Destination::Instance(_) if path == LONG_POLL => Stay::LongPoll,
            _ if is_websocket => Stay::Websocket,
            _ => Stay::Short,
        }
    }

    /// Sends the request until an upstream answers, or there is no sense in another try.
    pub(super) async fn send(
        &self,
        stay: Stay,
        parts: Parts,
        body: RequestBody,
    ) -> Result<(Response<Incoming>, Lease, Outstanding), Failure> {
        let limits = &self.core.shared.settings.limits;
        let now = || self.core.shared.began.elapsed();
        let upstreams = self.destination.upstreams(&self.core, parts.uri.path());
        let repeat = repeat(&parts.method, &body);
        let mut copy = (repeat == Repeat::Allowed).then(|| Again::of(&parts));
        let mut request = Request::from_parts(parts, body);
        let mut failed: Option<SocketAddr> = None;
        // Whoever tries again keeps its place.
        let mut kept: Option<Outstanding> = None;
        let mut tries = 0;
        loop {
            tries += 1;
            let upstream = choose(upstreams, failed, self.core.turn(), now).ok_or(Failure::Busy)?;
            let mut outstanding = match kept.take().filter(|kept| kept.is_at(upstream)) {
                Some(kept) => kept,
                None => self.enter(upstream, stay).await?,
            };
            if let Some(counters) = self.destination.counters().filter(|_| tries == 1) {
                counters.request();
            }
            let patience = if upstreams.len() > 1 { limits.connect_or_else } else { limits.connect };
            // A kept connection may be one to a host that is gone: whoever tries one that was away opens its own.
            let is_to_open = failed.is_some() || !upstream.health.is_in();
            let kept_one = if is_to_open { None } else { self.core.pool.take(upstream.number, repeat) };
            let connected = match kept_one {
                Some(lease) => Ok(lease),
                None => Box::pin(self.core.pool.open(upstream, self.core.shared.began, patience)).await,
            };
            let mut lease = match connected {
                Ok(lease) => lease,
                Err(cause) => {
                    upstream.health.refused(now());
                    // Nothing was sent, so another may have it, whatever its method is.
                    if tries >= MOST_TRIES || upstreams.len() < 2 {
                        return Err(Failure::NotConnected(cause));
                    }
                    failed = Some(upstream.address);
                    continue;
                }
            };
            let sent = lease.sender.try_send_request(request);
            let mut error = match self.lane.before(limits.answer, sent).await {
                Some(Ok(response)) => {
                    // Odoo gives its database connection back before it sends: who reads slowly keeps nobody's place.
                    outstanding.lasts(limits.most_lasting);
                    if !upstream.health.is_in() {
                        upstream.health.answered(now());
                    }
                    return Ok((response, lease, outstanding));
                }
                Some(Err(error)) => error,
                None => return Err(Failure::TimedOut),
            };
            failed = Some(upstream.address);
            kept = Some(outstanding);
            request = match (error.take_message(), copy.take()) {
                // Nothing of it was written, whatever its method is.
                (Some(unsent), kept) if tries < MOST_TRIES => {
                    copy = kept;
                    unsent
                }
                (_, Some(copy)) if tries < MOST_TRIES && !error.error().is_parse() => copy.request(RequestBody::Empty),
                _ => return Err(Failure::NoAnswer(error.into_error())),
            };
        }
    }

    /// Gets a place at an upstream, or what else the request needs there.
    async fn enter(&self, upstream: &Arc<Upstream>, stay: Stay) -> Result<Outstanding, Failure> {
        let limits = &self.core.shared.settings.limits;
        let mut outstanding = Outstanding::at(upstream, self.destination.counters());
        let is_in = match stay {
            Stay::LongPoll => outstanding.lasts(limits.most_lasting),
            // Its handshake is a request like others: after a restart all of them come at once.
            Stay::Websocket if upstream.lasting() >= limits.most_lasting => false,
            Stay::Websocket | Stay::Short => {
                // Apart, as everything that is rare: what a request may have to keep is moved about with it.
                outstanding.enter() || {
                    let _waits = Waits { counters: self.destination.counters(), since: Instant::now() };
                    Box::pin(outstanding.wait(limits.most_waiting, tokio::time::sleep(limits.queue))).await
                }
            }
        };
        if is_in { Ok(outstanding) } else { Err(Failure::Busy) }
    }
}

/// A request that waits for a place: counted when it has one, or gives up, or its visitor goes away.
struct Waits<'a> {
    counters: Option<&'a Arc<Counters>>,
    since: Instant,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.counters {
            counters.queued(self.since.elapsed());
        }
    }
}

/// Only methods that change nothing, and only without a body: a body is gone once it was sent.
fn repeat(method: &Method, body: &RequestBody) -> Repeat {
    let changes_nothing = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes_nothing && matches!(body, RequestBody::Empty) { Repeat::Allowed } else { Repeat::Forbidden }
}
