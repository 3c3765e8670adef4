//! `sayoo web`: serves the pages until it is told to stop.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::portal::Portal;
use crate::{db, web};

/// Enough for two cores: a page holds a connection for a few milliseconds.
const CONNECTIONS: u32 = 16;

/// Runs the web process until `stop`.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let portal = Portal {
        db: db::pool(&config.database.web_url, CONNECTIONS)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    let keys = web::Keys::load(&config.web.cookie_key_file, &config.web.sso_key_file)?;
    let listener = TcpListener::bind(&config.web.listen).with_context(|| format!("listen on {}", config.web.listen))?;
    tracing::info!("the web process listens on {}", config.web.listen);
    web::serve(portal, keys, listener, stop).await
}
