//! The pages: an HTTP server for people. Writes what is wanted; calls no engine.

pub mod answer;
pub mod around;
pub mod arrival;
pub mod assets;
#[cfg(test)]
mod contrast;
pub mod cookies;
pub mod csrf;
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

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use anyhow::Context;
use tokio_util::sync::CancellationToken;

pub use keys::Keys;
pub use live::Live;

use crate::portal::Portal;
use error::PageError;

/// Serves until `stop`, then lets running requests end.
pub async fn serve(portal: Portal, keys: Keys, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let live = Data::new(Live::start(portal.db.clone(), stop.clone()));
    let (portal, keys) = (Data::new(portal), Data::new(keys));
    let server = HttpServer::new(move || {
        let (portal, keys, live) = (portal.clone(), keys.clone(), live.clone());
        App::new()
            .configure(|cfg| configure(cfg, portal, keys, live))
            .wrap(from_fn(around::around))
            .wrap(Compress::default())
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
        stop.cancelled().await;
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
