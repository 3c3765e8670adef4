//! Bodies on their way through: everything is watched. What is kept is the beginning of a request's, until all of a small one
//! has come: only then others' time is used for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::LARGEST_BUFFER;
use super::exchange::{Exchange, Lane, Wait};
use super::pool::Lease;
use super::room::{Claim, Room};
use super::service_calls::Inspector;
use super::uploads::Upload;
use super::upstream::Outstanding;

/// Why a request's body was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// It was not.
    No,
    /// It is larger than the configuration allows.
    TooLarge,
    /// It calls what is never public.
    Forbidden,
    /// The visitor went away or sent nonsense.
    Broken,
}

/// Tells the request's own code how its body ended, while hyper owns the body.
#[derive(Debug, Default)]
pub struct Fate(AtomicU8);

impl Fate {
    fn set(&self, cut: Cut) {
        self.0.store(cut as u8, Relaxed);
    }

    /// Returns why the body was cut off.
    #[must_use]
    pub fn cut(&self) -> Cut {
        match self.0.load(Relaxed) {
            1 => Cut::TooLarge,
            2 => Cut::Forbidden,
            3 => Cut::Broken,
            _ => Cut::No,
        }
    }
}

/// The body of a request on its way to an upstream.
#[derive(Debug)]
pub enum RequestBody {
    /// There is none.
    Empty,
    /// As it arrives.
    Stream(Box<Stream>),
}

/// A body as it arrives from the visitor.
#[derive(Debug)]
pub struct Stream {
    incoming: Incoming,
    lane: Lane,
    fate: Arc<Fate>,
    left: u64,
    inspector: Option<Inspector>,
    /// What came before it was sent on.
    gathered: Bytes,
    /// The same in pieces, while it comes.
    pieces: BytesMut,
    claim: Option<Claim>,
    /// Whether nothing more comes.
    is_over: bool,
    /// While it is sent on and not all there.
    upload: Option<Upload>,
}

/// The body was cut off; its fate says why.
#[derive(Debug, thiserror::Error)]
#[error("the request's body was cut off")]
pub struct CutOff;

impl RequestBody {
    /// Wraps a body of at most `limit` bytes.
    #[must_use]
    pub fn new(incoming: Incoming, lane: &Lane, limit: u64, inspects_calls: bool) -> (Self, Arc<Fate>) {
        let fate = Arc::new(Fate::default());
        let stream = Stream {
            incoming,
            lane: lane.clone(),
            fate: Arc::clone(&fate),
            left: limit,
            inspector: inspects_calls.then(Inspector::default),
            gathered: Bytes::new(),
            pieces: BytesMut::new(),
            claim: None,
            is_over: false,
            upload: None,
        };
        (Self::Stream(Box::new(stream)), fate)
    }

    /// Lets all of a small body come, or the beginning of a large one. As much as there is room for.
    pub fn poll_gather(&mut self, cx: &mut Context<'_>, room: &Arc<Room>) -> Poll<Result<(), CutOff>> {
        match self {
            Self::Empty => Poll::Ready(Ok(())),
            Self::Stream(stream) => stream.poll_gather(cx, room),
        }
    }

    /// Whether all of it is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream(stream) => stream.is_whole(),
        }
    }

    /// What ends when all of it has come.
    pub fn is_upload(&mut self, upload: Upload) {
        if let Self::Stream(stream) = self {
            stream.upload = Some(upload);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let Self::Stream(stream) = &mut *self else { return Poll::Ready(None) };
        if !stream.gathered.is_empty() {
            stream.claim = None;
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut stream.gathered)))));
        }
        stream.poll_data(cx).map(|polled| polled.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream(stream) => stream.gathered.is_empty() && stream.is_whole(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl Stream {
    fn is_whole(&self) -> bool {
        self.is_over || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let gathered = self.gathered.len() as u64;
        if self.is_whole() {
            return SizeHint::with_exact(gathered);
        }
        let to_come = self.incoming.size_hint();
        let mut size = SizeHint::new();
        size.set_lower(to_come.lower() + gathered);
        if let Some(upper) = to_come.upper() {
            size.set_upper(upper + gathered);
        }
        size
    }

    fn poll_gather(&mut self, cx: &mut Context<'_>, room: &Arc<Room>) -> Poll<Result<(), CutOff>> {
        let mut has_room = true;
        while has_room && !self.is_whole() && self.gathered.len() + self.pieces.len() < LARGEST_BUFFER {
            let Some(data) = ready!(self.poll_data(cx)).transpose()? else { break };
            has_room = self.claim.get_or_insert_with(|| Claim::on(room)).grow(data.len());
            if self.gathered.is_empty() && self.pieces.is_empty() {
                self.gathered = data;
                continue;
            }
            // Joined, because each piece may keep a buffer of its own.
            self.pieces.extend_from_slice(&std::mem::take(&mut self.gathered));
            self.pieces.extend_from_slice(&data);
        }
        if !self.pieces.is_empty() {
            self.gathered = std::mem::take(&mut self.pieces).freeze();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, CutOff>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        loop {
            let polled = Pin::new(&mut self.incoming).poll_frame(cx);
            self.lane.waits_for_body(match (&polled, &self.upload) {
                (Poll::Ready(_), _) => Wait::No,
                (Poll::Pending, None) => Wait::Freely,
                (Poll::Pending, Some(_)) => Wait::InPlace,
            });
            let passed = match ready!(polled) {
                None => None,
                Some(Err(_)) => Some(Err(self.cut(Cut::Broken))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(self.pass(data)),
                    // Trailers could carry headers that were refused in the head.
                    Err(_) => continue,
                },
            };
            self.is_over = passed.is_none();
            if self.is_whole() {
                self.upload = None;
            }
            return Poll::Ready(passed);
        }
    }

    fn pass(&mut self, data: Bytes) -> Result<Bytes, CutOff> {
        self.lane.has_read(data.len());
        self.left = self.left.checked_sub(data.len() as u64).ok_or_else(|| self.cut(Cut::TooLarge))?;
        if let Some(inspector) = &mut self.inspector
            && !inspector.see(&data)
        {
            return Err(self.cut(Cut::Forbidden));
        }
        Ok(data)
    }

    fn cut(&self, why: Cut) -> CutOff {
        self.fate.set(why);
        CutOff
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.lane.waits_for_body(Wait::No);
    }
}

/// The body of an answer on its way to the visitor.
#[derive(Debug)]
pub struct ResponseBody {
    kind: Kind,
    /// What ends with this body.
    exchange: Option<Exchange>,
    /// Whether the visitor has to make room for what was handed over before the end is said.
    holds_end_back: bool,
}

#[derive(Debug)]
enum Kind {
    Own(Full<Bytes>),
    Upstream { incoming: Incoming, lease: Option<Lease>, _outstanding: Outstanding },
}

impl ResponseBody {
    /// A body of our own.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self { kind: Kind::Own(Full::new(bytes.into())), exchange: None, holds_end_back: false }
    }

    /// An upstream's body. Its connection is given back when the last byte has passed.
    #[must_use]
    pub fn upstream(incoming: Incoming, lease: Lease, outstanding: Outstanding) -> Self {
        let kind = Kind::Upstream { incoming, lease: Some(lease), _outstanding: outstanding };
        let mut body = Self { kind, exchange: None, holds_end_back: false };
        body.give_back_if_done();
        body
    }

    /// The exchange ends when this body does.
    pub fn ends(&mut self, exchange: Exchange) {
        self.exchange = Some(exchange);
    }

    /// HTTP/2 asks for the next piece when the visitor has made room for the last one. The end is a piece as well, so
    /// that a visitor who never makes room is noticed.
    fn hands_over(&mut self, frame: Option<&Frame<Bytes>>) {
        let Some(exchange) = &self.exchange else { return };
        let bytes = frame.and_then(Frame::data_ref).map(Bytes::len);
        exchange.lane.waits_for_window(bytes.is_some());
        self.holds_end_back = bytes.is_some() && exchange.lane.connection.is_http2();
        exchange.lane.has_written(bytes.unwrap_or_default());
    }

    fn give_back_if_done(&mut self) {
        if let Kind::Upstream { incoming, lease, .. } = &mut self.kind
            && incoming.is_end_stream()
            && let Some(lease) = lease.take()
        {
            lease.give_back();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(exchange) = &self.exchange {
            exchange.lane.waits_for_window(false);
        }
        let frame = match &mut self.kind {
            Kind::Own(full) => {
                ready!(Pin::new(full).poll_frame(cx)).map(|frame| frame.map_err(|never: Infallible| match never {}))
            }
            Kind::Upstream { incoming, lease, .. } => loop {
                match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                    Some(Ok(frame)) if frame.is_data() => break Some(Ok(frame)),
                    Some(Ok(_)) => {}
                    None => {
                        if let Some(lease) = lease.take() {
                            lease.give_back();
                        }
                        break None;
                    }
                    Some(Err(error)) => break Some(Err(error)),
                }
            },
        };
        self.give_back_if_done();
        self.hands_over(frame.as_ref().and_then(|frame| frame.as_ref().ok()));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.holds_end_back
            && match &self.kind {
                Kind::Own(full) => full.is_end_stream(),
                Kind::Upstream { incoming, .. } => incoming.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Own(full) => full.size_hint(),
            Kind::Upstream { incoming, .. } => incoming.size_hint(),
        }
    }
}
