//! A connection to an upstream that ends when nobody is at its other end any more.
//!
//! A host without power or network says nothing: left to itself the kernel would wait a quarter of an hour for what was sent
//! to be acknowledged. Whoever finds it out here tells the upstream's `health.rs`, as a refused connection would.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::upstream::Upstream;

/// For what was sent to be acknowledged. A living kernel does so at once, however busy its programs are; three seconds are
/// four losses of the same packet, one after the other.
const SILENCE: Duration = Duration::from_secs(3);

/// How often a connection on which nothing moves is probed: it ends after `SILENCE` too, with two probes unanswered. Further
/// apart there would be one in that time, and a single lost packet would end a connection.
const PROBE: Duration = Duration::from_secs(1);

/// A living upstream takes this much without reading it, so it has acknowledged it.
const TAKEN_UNREAD: usize = 16 * 1024;

/// The same as `SILENCE` for what is larger: an upstream that does not read yet closes its window, and to the kernel that
/// is like silence.
const LARGE_SILENCE: Duration = Duration::from_mins(1);

/// A stream of bytes to and from an upstream.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    upstream: Arc<Upstream>,
    /// When the proxy began: the clock of the upstream's health.
    began: Instant,
    /// What was sent since the upstream last said something.
    unanswered: usize,
}

impl Line {
    /// Wraps a connection that the upstream has accepted.
    #[must_use]
    pub fn new(stream: TcpStream, upstream: Arc<Upstream>, began: Instant) -> Self {
        // A socket that cannot be told these still works. Small requests must not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        let line = Self { stream, upstream, began, unanswered: 0 };
        line.bears(SILENCE);
        line
    }

    fn bears(&self, silence: Duration) {
        let _ = SockRef::from(&self.stream).set_tcp_user_timeout(Some(silence));
    }

    fn has_sent(&mut self, outcome: Poll<std::io::Result<usize>>) -> Poll<std::io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(bytes)) => {
                let before = self.unanswered;
                self.unanswered = before.saturating_add(*bytes);
                if before <= TAKEN_UNREAD && self.unanswered > TAKEN_UNREAD {
                    self.bears(LARGE_SILENCE);
                }
            }
            Poll::Ready(Err(error)) => self.has_failed(error),
            Poll::Pending => {}
        }
        outcome
    }

    fn has_read(&mut self) {
        if std::mem::take(&mut self.unanswered) > TAKEN_UNREAD {
            self.bears(SILENCE);
        }
    }

    fn has_failed(&self, error: &Error) {
        // What the network says of a host that is gone stands in place of the kernel's own words.
        if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) {
            self.upstream.health.fell_silent(self.began.elapsed());
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.has_read();
        }
        if let Poll::Ready(Err(error)) = &outcome {
            self.has_failed(error);
        }
        outcome
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.has_sent(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.has_sent(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
