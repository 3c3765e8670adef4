//! The pages: an HTTP server for people. Writes what is wanted; calls no engine.

pub mod answer;
pub mod around;
pub mod arrival;
pub mod assets;
#[cfg(test)]
mod contrast;
pub mod cookies;
pub mod csrf;
pub mod download;
pub mod error;
pub mod extract;
pub mod form;
pub mod graph;
pub mod keys;
pub mod layout;
pub mod live;
pub mod pages;
pub mod routes;
pub mod security;
pub mod urls;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Service as _;
use actix_web::http::ConnectionType;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use anyhow::Context;
use tokio_util::sync::CancellationToken;

pub use keys::Keys;
pub use live::Live;

use crate::portal::Portal;
use error::PageError;

/// After a successor has begun: until the proxy keeps no connection here over which it would send what cannot be repeated.
const FAREWELL: Duration = Duration::from_secs(3);

/// When serving ends.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// At once, but for running requests.
    pub stop: CancellationToken,
    /// A successor accepts connections: those that are here end one by one, each with an answer.
    pub relieved: CancellationToken,
}

/// Serves until the ending, then lets running requests end.
pub async fn serve(portal: Portal, keys: Keys, listener: TcpListener, ending: Ending) -> anyhow::Result<()> {
    let Ending { stop, relieved } = ending;
    let over = CancellationToken::new();
    let live = Data::new(Live::start(portal.db.clone(), over.clone()));
    let (portal, keys) = (Data::new(portal), Data::new(keys));
    let leaves = relieved.clone();
    let server = HttpServer::new(move || {
        let leaves = leaves.clone();
        let (portal, keys, live) = (portal.clone(), keys.clone(), live.clone());
        App::new()
            .configure(|cfg| configure(cfg, portal, keys, live))
            .wrap(from_fn(around::around))
            .wrap(Compress::default())
            .wrap_fn(move |request, next| {
                let (answer, leaves) = (next.call(request), leaves.clone());
                async move {
                    let mut answer = answer.await?;
                    if leaves.is_cancelled() {
                        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                    }
                    Ok(answer)
                }
            })
    })
    // A page goes out in several parts: without this each waits for the other side's delayed acknowledgement, 40 ms.
    .tcp_nodelay(true)
    .client_request_timeout(Duration::from_secs(10))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(10)
    .disable_signals()
    .listen(listener)
    .context("listen for requests")?
    .run();
    let handle = server.handle();
    let stopping = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = relieved.cancelled() => {
                handle.pause().await;
                tokio::time::sleep(FAREWELL).await;
            }
        }
        over.cancel();
        handle.stop(true).await;
    };
    let (served, ()) = tokio::join!(server, stopping);
    served.context("serve pages")
}

/// Registers the shared state and every route.
pub fn configure(cfg: &mut ServiceConfig, portal: Data<Portal>, keys: Data<Keys>, live: Data<Live>) {
    let mode = portal.public.mode;
    cfg.app_data(portal).app_data(keys).app_data(live);
    routes::routes(cfg, mode);
    cfg.default_service(actix_web::web::to(|| async { Err::<actix_web::HttpResponse, _>(PageError::NotFound) }));
}
