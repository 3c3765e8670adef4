//! `sayoo proxy`: the public listener.

use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::db;
use crate::handover::End;
use crate::proxy::{self, Settings};

/// Two connections listen, the others read and write.
const CONNECTIONS: u32 = 5;

/// Runs until `stop` or until a successor serves, then lets requests end.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<End> {
    let settings = Settings { most_connections: most_connections(), ..Settings::from_config(config)? };
    proxy::run(settings, db::pool(&config.database.proxy_url, CONNECTIONS)?, Clock::System, stop).await
}

/// Each connection of a visitor is a file descriptor, and each request one more; the usual limit is 1,024 of them.
fn most_connections() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused only where somebody set a limit on purpose.
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    // The other half is for upstreams, the database and the log.
    files.saturating_sub(64) / 2
}
