//! `sayoo web`: serves the pages until it is told to stop.

use std::net::{TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::handover::{self, End, Inheritance};
use crate::payments::signature::Secrets;
use crate::portal::Portal;
use crate::{db, web};

/// Enough for two cores: a page holds a connection for a few milliseconds.
const CONNECTIONS: u32 = 16;

/// Runs the web process until `stop` or until a successor serves.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<End> {
    let portal = Portal {
        db: db::pool(&config.database.web_url, CONNECTIONS)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    let mut keys = web::Keys::load(&config.web.cookie_key_file, &config.web.sso_key_file)?;
    if let Some(payments) = &config.payments {
        keys = keys.with_webhooks(Secrets::load(&payments.webhook_secrets_file)?, payments.currency);
    }
    let file = config.proxy.table_file.with_file_name("web.sock");
    let mut before = Inheritance::ask(&file).await;
    let listen = &config.web.listen;
    let left = listen.to_socket_addrs().ok().and_then(|mut found| found.next()).map(|address| before.take(address));
    let listener = match left.and_then(|mut left| left.pop()) {
        Some(listener) => listener,
        None => TcpListener::bind(listen).with_context(|| format!("listen on {listen}"))?,
    };
    let spare = listener.try_clone().context("keep the listening socket for a successor")?;
    tracing::info!("the web process listens on {listen}");
    let ending = web::Ending::default();
    let mut served = pin!(web::serve(portal, keys, listener, ending.clone()));
    // Whoever comes from here on waits in the socket until pages are served.
    before.is_served();
    let end = tokio::select! {
        end = handover::until_end(&file, vec![spare], &stop) => end,
        ended = &mut served => return ended.map(|()| End::Stopped),
    };
    match end {
        End::Stopped => ending.stop.cancel(),
        End::Relieved => ending.relieved.cancel(),
    }
    served.await?;
    Ok(end)
}
