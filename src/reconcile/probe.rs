//! Asks a container whether it serves: the only question that decides whether the public is sent to it.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::base::proof::{Answer, ProofKey};
use crate::odoo::commands;

/// What every Odoo answers when its database is loaded.
const LOGIN: &str = "/web/login";
/// What the process for websockets answers, where there is one.
const WEBSOCKET_HEALTH: &str = "/websocket/health";
/// How long an answer may take. An instance that boots holds the question until its registry is loaded.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// A refused connection costs next to nothing.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Returns whether the container at `address` serves its database.
pub async fn is_ready(address: SocketAddr, host: &str) -> bool {
    match status_of(address, host, commands::READY_PATH).await {
        Some(200..=204) => true,
        Some(404) => matches!(status_of(address, host, LOGIN).await, Some(200)),
        _ => false,
    }
}

/// Asks again and again until the container serves, or the time is over.
pub async fn until_ready(address: SocketAddr, host: &str, limit: Duration) {
    let serves = async {
        while !is_ready(address, host).await {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    // Not in time is as good an end: everything is looked at again.
    let _ = tokio::time::timeout(limit, serves).await;
}

/// Whether Odoo has a process of its own for websockets. Its port is published always: an engine accepts connections to it
/// and drops them when nothing listens.
pub async fn serves_websockets(address: SocketAddr, host: &str) -> bool {
    status_of(address, host, WEBSOCKET_HEALTH).await == Some(200)
}

/// Asks for the first page, so that what it needs is in the instance's memory before a customer comes.
pub async fn warm_up(address: SocketAddr) {
    let _ = status_of(address, "localhost", commands::WARM_PATH).await;
}

/// Lets the container at `address` prove itself. Who does not answer in time, or at all, proves nothing.
pub async fn proof(address: SocketAddr, key: ProofKey) -> Answer {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        key.ask(&mut stream).await
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.map_or(Answer::Unaware, |answer| answer.unwrap_or(Answer::Unaware))
}

async fn status_of(address: SocketAddr, host: &str, path: &str) -> Option<u16> {
    tokio::time::timeout(ANSWER_WITHIN, async {
        let stream = TcpStream::connect(address).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let request = Request::get(path).header("host", host).body(Empty::<Bytes>::new()).ok()?;
        let answer = async move {
            let response = sender.send_request(request).await.ok()?;
            let status = response.status().as_u16();
            // Read to the end, so that Odoo does not log a broken pipe.
            let _ = response.into_body().collect().await;
            Some(status)
        };
        tokio::pin!(answer);
        tokio::select! {
            status = &mut answer => status,
            // The other side closes right after its answer, which is here but not read yet.
            _ = connection => answer.await,
        }
    })
    .await
    .ok()
    .flatten()
}
