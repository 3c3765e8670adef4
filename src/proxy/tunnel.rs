//! A websocket: bytes both ways, untouched, until one side ends or nothing moves for long.
//!
//! Whoever is left by its upstream, or by this process, is told so between two frames (`frames.rs`) and has a moment to
//! answer: a browser knows then that it is to come back, where a broken connection looks like a bad line.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::frames::{Frames, Reason};
use super::upstream::Outstanding;

/// Moved at once. Between two moves nothing is kept for a websocket.
const PIECE: usize = 16 * 1024;

/// For the frame under way to reach a visitor who is left. A large one on a slow line may take longer; it is cut.
const LAST_FRAME: Duration = Duration::from_secs(10);

/// For the visitor to answer a goodbye.
const ANSWER: Duration = Duration::from_secs(2);

/// Starts to copy as soon as both sides have switched. `left` ends when the route leads elsewhere.
pub fn open(
    connection: Arc<Connection>,
    visitor: OnUpgrade,
    upstream: OnUpgrade,
    mut outstanding: Outstanding,
    left: impl Future<Output = ()> + Send + 'static,
) {
    connection.becomes_tunnel();
    outstanding.becomes_tunnel();
    tokio::spawn(async move {
        let _outstanding = outstanding;
        let carried = async {
            if let Ok((visitor, upstream)) = tokio::try_join!(visitor, upstream) {
                let tunnel = Tunnel::new(TokioIo::new(visitor), TokioIo::new(upstream));
                // Whichever side broke, both see their socket close.
                drop(tunnel.carry(connection.dismissed(), left).await);
            }
        };
        connection.until_condemned(carried).await;
    });
}

/// How far the direction to the visitor has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Everything passes.
    Open,
    /// The frame under way is the last one.
    Leaving(Reason),
    /// What is kept is the last thing that is sent.
    Ending,
    /// The visitor knows that no more comes.
    Ended,
}

/// A websocket under way.
#[derive(Debug)]
struct Tunnel<V, U> {
    visitor: V,
    upstream: U,
    up: Flow,
    down: Flow,
    frames: Frames,
    stage: Stage,
    has_visitor_ended: bool,
    /// Whether the upstream takes nothing any more. The visitor learns it by the upstream's end.
    is_upstream_deaf: bool,
    /// Whether the upstream knows that no more comes from the visitor.
    is_up_over: bool,
}

impl<V: AsyncRead + AsyncWrite + Unpin, U: AsyncRead + AsyncWrite + Unpin> Tunnel<V, U> {
    fn new(visitor: V, upstream: U) -> Self {
        Self {
            visitor,
            upstream,
            up: Flow::default(),
            down: Flow::default(),
            frames: Frames::default(),
            stage: Stage::Open,
            has_visitor_ended: false,
            is_upstream_deaf: false,
            is_up_over: false,
        }
    }

    async fn carry(
        mut self,
        dismissed: impl Future<Output = Reason>,
        left: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        let is_left = async {
            tokio::select! {
                reason = dismissed => reason,
                () = left => Reason::Restart,
            }
        };
        let reason = tokio::select! {
            biased;
            ended = self.until(|it| it.stage == Stage::Ended) => ended.map(|()| None)?,
            reason = is_left => Some(reason),
        };
        if let Some(reason) = reason {
            if self.stage == Stage::Open {
                self.stage = Stage::Leaving(reason);
            }
            tokio::time::timeout(LAST_FRAME, self.until(|it| it.stage == Stage::Ended)).await??;
        }
        // A socket that is closed before its answer was read is reset, and the goodbye may be lost with it.
        tokio::time::timeout(ANSWER, self.until(|it| it.is_up_over)).await?
    }

    async fn until(&mut self, is_so: fn(&Self) -> bool) -> std::io::Result<()> {
        std::future::poll_fn(|cx| {
            if !self.is_up_over {
                self.is_up_over = self.poll_up(cx)?.is_ready();
            }
            if self.stage != Stage::Ended && self.poll_down(cx)?.is_ready() {
                self.stage = Stage::Ended;
            }
            if is_so(self) { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Moves what the visitor says. `Ready` when there is no more.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        loop {
            if !self.is_upstream_deaf {
                self.is_upstream_deaf = ready!(self.up.poll_empty(&mut self.upstream, cx)).is_err();
            }
            if self.has_visitor_ended {
                // One that is gone cannot be told so.
                let _ = self.is_upstream_deaf || ready!(Pin::new(&mut self.upstream).poll_shutdown(cx)).is_ok();
                return Poll::Ready(Ok(()));
            }
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut read = ReadBuf::uninit(&mut space);
            if Pin::new(&mut self.visitor).poll_read(cx, &mut read)?.is_pending() {
                self.is_upstream_deaf |= self.up.flush(&mut self.upstream, cx).is_err();
                return Poll::Pending;
            }
            self.has_visitor_ended = read.filled().is_empty();
            if !self.is_upstream_deaf {
                self.is_upstream_deaf = self.up.write(&mut self.upstream, cx, read.filled()).is_err();
            }
        }
    }

    /// Moves what the upstream says. `Ready` when the visitor knows that there is no more.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        loop {
            ready!(self.down.poll_empty(&mut self.visitor, cx))?;
            match self.stage {
                Stage::Ending | Stage::Ended => return Pin::new(&mut self.visitor).poll_shutdown(cx),
                Stage::Leaving(reason) if self.frames.is_between() => self.say_goodbye(reason),
                Stage::Open | Stage::Leaving(_) => ready!(self.poll_upstream(cx))?,
            }
        }
    }

    fn poll_upstream(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut read = ReadBuf::uninit(&mut space);
        let polled = Pin::new(&mut self.upstream).poll_read(cx, &mut read);
        if polled.is_pending() {
            self.down.flush(&mut self.visitor, cx)?;
            return Poll::Pending;
        }
        // A container that is killed resets its connections, and a host that is gone answers nothing: both are an end.
        let bytes = read.filled();
        if bytes.is_empty() {
            self.is_upstream_deaf |= matches!(polled, Poll::Ready(Err(_)));
            if self.frames.is_between() && !self.has_visitor_ended {
                self.say_goodbye(Reason::Restart);
            }
            self.stage = Stage::Ending;
            return Poll::Ready(Ok(()));
        }
        let passes = if matches!(self.stage, Stage::Leaving(_)) {
            self.frames.see_one(bytes)
        } else {
            self.frames.see(bytes);
            bytes.len()
        };
        Poll::Ready(self.down.write(&mut self.visitor, cx, &bytes[..passes]))
    }

    /// Says that this is the end, unless the upstream has done so itself.
    fn say_goodbye(&mut self, reason: Reason) {
        if !self.frames.has_closed() {
            self.down.kept.extend_from_slice(&reason.frame());
        }
        self.stage = Stage::Ending;
    }
}

/// One direction: what its receiver has not taken yet.
#[derive(Debug, Default)]
struct Flow {
    kept: Vec<u8>,
    /// Whether the receiver may have kept something for itself, as TLS does.
    is_to_be_flushed: bool,
}

impl Flow {
    /// Sends what can be sent at once, and keeps the rest.
    fn write(
        &mut self,
        to: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, bytes)? {
                Poll::Ready(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(sent) => bytes = &bytes[sent..],
                Poll::Pending => {
                    self.kept.extend_from_slice(bytes);
                    break;
                }
            }
        }
        self.is_to_be_flushed = true;
        Ok(())
    }

    /// Sends what was kept. `Ready` when nothing is kept any more.
    fn poll_empty(&mut self, to: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if !self.kept.is_empty() {
            let bytes = std::mem::take(&mut self.kept);
            self.write(to, cx, &bytes)?;
        }
        if self.kept.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn flush(&mut self, to: &mut (impl AsyncWrite + Unpin), cx: &mut Context<'_>) -> std::io::Result<()> {
        if self.is_to_be_flushed && Pin::new(to).poll_flush(cx)?.is_ready() {
            self.is_to_be_flushed = false;
        }
        Ok(())
    }
}
