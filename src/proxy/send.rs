//! Chooses an upstream for a request, gets it a place there, sends it, and tries again where nothing can have happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::again::Again;
use super::body::{CutOff, RequestBody};
use super::counters::{Counters, Kind};
use super::forward::{Destination, Journey};
use super::gate;
use super::pool::{Lease, OpenError, Repeat};
use super::uploads::Upload;
use super::upstream::{Outstanding, Upstream, choose};
use super::waiters::Most;

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
    /// The request's body was cut off before anything was sent.
    #[error("the request did not arrive")]
    CutOff(#[source] CutOff),
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
        mut body: RequestBody,
    ) -> Result<(Response<Incoming>, Lease, Outstanding), Failure> {
        let limits = &self.core.shared.settings.limits;
        let now = || self.core.shared.began.elapsed();
        // Where the route leads by the time that it is sent.
        let mut fresh = None;
        if !body.is_whole() {
            // A visitor who is slow keeps nobody's place: it is taken when there is something to work on.
            let _arrives = Arrives::begin(self.destination.counters());
            let gathered = std::future::poll_fn(|cx| body.poll_gather(cx, &self.core.room)).await;
            gathered.map_err(Failure::CutOff)?;
            fresh = self.destination.fresh(&self.core);
        }
        let upstreams = fresh.as_ref().unwrap_or(&self.destination).upstreams(&self.core, parts.uri.path());
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
                None => self.enter(upstream, stay, request.body_mut()).await?,
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
                    outstanding.lasts(gate::MOST);
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
    async fn enter(
        &self,
        upstream: &Arc<Upstream>,
        stay: Stay,
        body: &mut RequestBody,
    ) -> Result<Outstanding, Failure> {
        let limits = &self.core.shared.settings.limits;
        let mut outstanding = Outstanding::at(upstream, self.destination.counters());
        if !body.is_whole() {
            body.is_upload(Box::pin(self.begin_upload(upstream)).await?);
        }
        let is_in = match stay {
            Stay::LongPoll => {
                outstanding.sits_down(self.origin.address, limits.most_lasting_of_one)
                    && outstanding.lasts(limits.most_lasting)
            }
            // Its handshake is a request like others: after a restart all of them come at once.
            Stay::Websocket
                if upstream.lasting() >= limits.most_lasting
                    || !outstanding.sits_down(self.origin.address, limits.most_lasting_of_one) =>
            {
                false
            }
            Stay::Websocket | Stay::Short => {
                // Apart, as everything that is rare: what a request may have to keep is moved about with it.
                outstanding.enter() || {
                    let _waits = Waits::begin(self.destination.counters());
                    Box::pin(outstanding.wait(self.origin.address, self.most(), tokio::time::sleep(limits.queue))).await
                }
            }
        };
        if is_in { Ok(outstanding) } else { Err(Failure::Busy) }
    }

    /// Waits until a request may be sent whose body is not all there.
    async fn begin_upload(&self, upstream: &Arc<Upstream>) -> Result<Upload, Failure> {
        let (address, most) = (self.origin.address, self.most());
        if let Some(upload) = upstream.uploads.begin(address, most, std::future::ready(())).await {
            return Ok(upload);
        }
        let _waits = Waits::begin(self.destination.counters());
        let patience = tokio::time::sleep(self.core.shared.settings.limits.queue);
        upstream.uploads.begin(address, most, patience).await.ok_or(Failure::Busy)
    }

    fn most(&self) -> Most {
        let limits = &self.core.shared.settings.limits;
        Most { in_all: limits.most_waiting, of_one: limits.most_waiting_of_one }
    }
}

/// A request whose body is awaited: it is one that is open, so that its instance is not put to sleep.
struct Arrives<'a>(Option<&'a Arc<Counters>>);

impl<'a> Arrives<'a> {
    fn begin(counters: Option<&'a Arc<Counters>>) -> Self {
        if let Some(counters) = counters {
            counters.begins(Kind::Request);
        }
        Self(counters)
    }
}

impl Drop for Arrives<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.ends(Kind::Request);
        }
    }
}

/// A request that waits for a place: counted when it has one, or gives up, or its visitor goes away.
struct Waits<'a> {
    counters: Option<&'a Arc<Counters>>,
    since: Instant,
}

impl<'a> Waits<'a> {
    fn begin(counters: Option<&'a Arc<Counters>>) -> Self {
        if let Some(counters) = counters {
            counters.waiting.fetch_add(1, Relaxed);
        }
        Self { counters, since: Instant::now() }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.counters {
            counters.waiting.fetch_sub(1, Relaxed);
            counters.queued(self.since.elapsed());
        }
    }
}

/// Only methods that change nothing, and only without a body: a body is gone once it was sent.
fn repeat(method: &Method, body: &RequestBody) -> Repeat {
    let changes_nothing = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes_nothing && matches!(body, RequestBody::Empty) { Repeat::Allowed } else { Repeat::Forbidden }
}
