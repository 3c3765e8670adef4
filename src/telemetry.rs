//! Log lines on standard error: text for people at a terminal, JSON elsewhere. docs/logging.md has the rules.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Without what tenants' databases remark: that is theirs to say, and as much of it as they like.
const DEFAULT: &str = "info,sqlx=warn,sqlx::postgres::notice=off,hyper=warn";

/// Starts logging for this process. `RUST_LOG` chooses more or less; the default is `info`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
}
