//! Speaks HTTP with one visitor until the connection ends or has to go.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use hyper::server::conn::{http1 as one, http2 as two};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::bare::Doorkeeper;
use super::connection::Connection;
use super::server::Core;
use super::socket::Socket;
use super::{LARGEST_BUFFER, Limits};

/// Requests that a visitor may take back while they wait to be looked at (CVE-2023-44487).
const MOST_RESETS_WAITING: usize = 20;

/// What a visitor may send of one body before it is asked for more.
const STREAM_WINDOW: u32 = 256 * 1024;

/// What a visitor may send of all bodies together before it is asked for more.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Speaks HTTP/1.1.
pub async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    core: Arc<Core>,
    connection: Arc<Connection>,
    stream: S,
) {
    let doorkeeper = Doorkeeper { core: Arc::clone(&core), connection: Arc::clone(&connection) };
    let socket = TokioIo::new(Socket::new(stream, doorkeeper));
    let mut http = one::Builder::new();
    http.half_close(false).header_read_timeout(None).max_buf_size(LARGEST_BUFFER).max_header_size(LARGEST_BUFFER);
    let service = service_fn({
        let connection = Arc::clone(&connection);
        move |request| {
            let (core, connection) = (Arc::clone(&core), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(core.answer(connection, request).await) }
        }
    });
    let serving = pin!(http.serve_connection(socket, service).with_upgrades());
    // hyper has answered what could be answered; a broken connection is the visitor's affair.
    drop(until_closed(&connection, serving, one::UpgradeableConnection::graceful_shutdown).await);
}

/// Speaks HTTP/2. Websockets come over connections of their own, in HTTP/1.1.
pub async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    core: Arc<Core>,
    connection: Arc<Connection>,
    stream: S,
) {
    let Limits { most_streams, ping, .. } = core.shared.settings.limits;
    let doorkeeper = Doorkeeper { core: Arc::clone(&core), connection: Arc::clone(&connection) };
    let socket = TokioIo::new(Socket::new(stream, doorkeeper));
    let mut http = two::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(most_streams)
        .max_header_list_size(u32::try_from(LARGEST_BUFFER).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MOST_RESETS_WAITING)
        .max_send_buf_size(LARGEST_BUFFER)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(ping)
        .keep_alive_timeout(ping);
    let service = service_fn({
        let connection = Arc::clone(&connection);
        move |request| {
            let (core, connection) = (Arc::clone(&core), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(core.answer(connection, request).await) }
        }
    });
    let serving = pin!(http.serve_connection(socket, service));
    drop(until_closed(&connection, serving, two::Connection::graceful_shutdown).await);
}

/// Lets a connection go on until it ends, has to go, or is asked to end, which it is told once.
async fn until_closed<F: Future>(
    connection: &Connection,
    mut serving: Pin<&mut F>,
    tell: impl Fn(Pin<&mut F>),
) -> Option<F::Output> {
    let mut was_told = false;
    std::future::poll_fn(|cx| {
        if connection.poll_condemned(cx).is_ready() {
            return Poll::Ready(None);
        }
        if connection.is_closing() && !was_told {
            was_told = true;
            tell(serving.as_mut());
        }
        serving.as_mut().poll(cx).map(Some)
    })
    .await
}
