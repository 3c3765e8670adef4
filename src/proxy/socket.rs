//! A socket that tells a witness what passes: the visitor's `connection.rs` (by `bare.rs`), or an upstream's `line.rs`.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is no larger is sent in one piece: sending several at once costs the kernel more than it costs us to join them.
const SMALL: usize = 8 * 1024;

thread_local! {
    /// Where pieces are joined.
    static WHOLE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(SMALL));
}

/// Who is told.
pub trait Witness<S> {
    /// Bytes arrived.
    fn has_read(&mut self, stream: &S, seen: &[u8]);

    /// Bytes were taken, or have to wait.
    fn has_written(&mut self, stream: &S, outcome: &Poll<Result<usize, Error>>);

    /// Everything that was taken is on its way, or has to wait.
    fn has_flushed(&mut self, _is_pending: bool) {}

    /// Reading or writing failed.
    fn has_failed(&mut self, _error: &Error) {}

    /// Returns what is sent in place of these bytes, where that is something else.
    fn instead_of(&mut self, _bytes: &[u8]) -> Option<Bytes> {
        None
    }

    /// Is asked first each time: `Ready` when the socket has to end.
    fn poll_end(&mut self, _cx: &mut Context<'_>) -> Poll<Error> {
        Poll::Pending
    }
}

/// A stream of bytes, and who sees them pass.
#[derive(Debug)]
pub struct Socket<S, W> {
    stream: S,
    witness: W,
    /// What is still to be sent in place of something else.
    instead: Bytes,
}

impl<S, W: Witness<S>> Socket<S, W> {
    /// Wraps a stream.
    #[must_use]
    pub fn new(stream: S, witness: W) -> Self {
        Self { stream, witness, instead: Bytes::new() }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.witness.poll_end(cx) {
            Poll::Ready(error) => {
                self.witness.has_failed(&error);
                Err(error)
            }
            Poll::Pending => Ok(()),
        }
    }

    fn wrote(&mut self, outcome: Poll<Result<usize, Error>>) -> Poll<Result<usize, Error>> {
        self.witness.has_written(&self.stream, &outcome);
        if let Poll::Ready(Err(error)) = &outcome {
            self.witness.has_failed(error);
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin, W: Witness<S> + Unpin> Socket<S, W> {
    /// Sends what the witness wants to be sent in place of these bytes; `None` when it has no such wish.
    fn poll_instead(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<Result<usize, Error>>> {
        if self.instead.is_empty() {
            self.instead = self.witness.instead_of(bytes)?;
        }
        while !self.instead.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.instead) {
                Poll::Ready(Ok(0)) => return Some(self.wrote(Poll::Ready(Err(ErrorKind::WriteZero.into())))),
                Poll::Ready(Ok(sent)) => self.instead.advance(sent),
                other => return Some(self.wrote(other)),
            }
        }
        Some(self.wrote(Poll::Ready(Ok(bytes.len()))))
    }
}

impl<S: AsyncRead + Unpin, W: Witness<S> + Unpin> AsyncRead for Socket<S, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let it = &mut *self;
        it.poll_end(cx)?;
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut it.stream).poll_read(cx, buffer);
        let seen = &buffer.filled()[before..];
        if !seen.is_empty() {
            it.witness.has_read(&it.stream, seen);
        }
        if let Poll::Ready(Err(error)) = &outcome {
            it.witness.has_failed(error);
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin, W: Witness<S> + Unpin> AsyncWrite for Socket<S, W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.poll_end(cx)?;
        if let Some(outcome) = self.poll_instead(cx, bytes) {
            return outcome;
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.poll_end(cx)?;
        if let [piece] = pieces
            && let Some(outcome) = self.poll_instead(cx, piece)
        {
            return outcome;
        }
        let mut stream = Pin::new(&mut self.stream);
        let outcome = match pieces {
            [piece] => stream.poll_write(cx, piece),
            _ if pieces.iter().map(|piece| piece.len()).sum::<usize>() <= SMALL => WHOLE.with_borrow_mut(|whole| {
                whole.clear();
                for piece in pieces {
                    whole.extend_from_slice(piece);
                }
                stream.as_mut().poll_write(cx, whole)
            }),
            _ => stream.poll_write_vectored(cx, pieces),
        };
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.poll_end(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS keeps a little that it has taken; without TLS there is nothing to flush.
        self.witness.has_flushed(outcome.is_pending());
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
