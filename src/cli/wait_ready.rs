//! `sayoo wait-ready`: says what the worker still prepares, and ends when a customer can be served.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};

use crate::base::clock::Clock;
use crate::config::Config;
use crate::db;
use crate::reconcile::pool::store::{self, Readiness};

/// Templates take about half a minute each, spares a few seconds each.
const GIVE_UP_AFTER: Duration = Duration::from_mins(20);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A template that failed is tried again; after this long with a failure a person is needed.
const FAILURE_LASTS: Duration = Duration::from_secs(90);

/// Waits, and prints a line whenever something has changed.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = db::pool(&config.database.worker_url, 1)?;
    let began = Instant::now();
    let mut failing_since: Option<Instant> = None;
    let mut said = String::new();
    loop {
        let mut connection = pool.acquire().await.context("reach the control database")?;
        let found = store::readiness(&mut connection, Clock::System.now()).await?;
        drop(connection);
        let line = sentence(&found, config.pool.spares);
        if line != said {
            println!("{line}");
            said = line;
        }
        if is_ready(&found, config.pool.spares) {
            return Ok(());
        }
        failing_since = found.failure.as_ref().map(|_| failing_since.unwrap_or_else(Instant::now));
        if failing_since.is_some_and(|since| since.elapsed() > FAILURE_LASTS) {
            bail!("a template cannot be built: {}", found.failure.unwrap_or_default());
        }
        if began.elapsed() > GIVE_UP_AFTER {
            bail!("the worker did not get ready within {} minutes: is it running?", GIVE_UP_AFTER.as_secs() / 60);
        }
        sleep(LOOK_EVERY).await;
    }
}

fn sentence(found: &Readiness, wanted: u32) -> String {
    let mut line = format!("templates: {} of {} ready", found.templates_ready, found.templates);
    if wanted > 0 {
        let (ready, building) = (found.spares_ready, found.spares_building);
        line = format!("{line}; spares: {ready} ready, {building} starting");
    }
    if found.failure.is_some() {
        line.push_str("; a template failed and is built again");
    }
    line
}

/// A spare of each kind is enough: the others are built while customers are served.
fn is_ready(found: &Readiness, wanted: u32) -> bool {
    let has_templates = found.templates > 0 && found.templates_ready == found.templates;
    let has_spares =
        wanted == 0 || found.kinds_without_spare == 0 || (found.is_pool_settled && found.spares_building == 0);
    has_templates && has_spares
}
