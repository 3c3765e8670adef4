//! Copies new log lines of the environments whose log somebody is looking at.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::ids::EnvironmentId;
use crate::db::StoreError;

use super::Site;
use super::driver::{Outcome, Task};
use super::lease::Lease;

const COPY_EVERY: Duration = Duration::from_secs(1);
/// The first page that a reader sees, and the most that is copied each time: a flood of lines is cut.
const LINES_AT_ONCE: usize = 500;
/// The longest part of a line that is kept.
const LINE_CHARACTERS: usize = 4000;
const KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// The task.
pub struct Logs {
    site: Arc<Site>,
}

impl Logs {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Logs {
    const NAME: &'static str = "logs";
    const AT_ONCE: usize = 8;
    const LIMIT: Duration = Duration::from_secs(10);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let id: EnvironmentId = lease.subject.to_string().parse()?;
        let now = site.clock.now();
        let mut db = site.db.acquire().await?;
        let Some(watch) = store::watch(&mut db, id, now).await? else {
            store::prune(&mut db, now - KEPT_FOR).await?;
            return Ok(Outcome::Over);
        };
        drop(db);
        let Some(code) = watch.code else { return Ok(Outcome::Settled(COPY_EVERY)) };
        let name = crate::engine::ServiceName::of_slot(&site.installation, &code, watch.slot.unwrap_or(0))?;
        let lines = match site.engine.logs(&name, watch.since_nanos, LINES_AT_ONCE).await {
            Ok(lines) => lines,
            // A stopped environment has no service and so no log of its own.
            Err(crate::engine::Error::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error).context("read the log"),
        };
        if !lines.is_empty() {
            let cut = |text: &str| text.chars().filter(|letter| *letter != '\0').take(LINE_CHARACTERS).collect();
            let copied = store::Lines {
                containers: lines.iter().map(|line| line.container.clone()).collect(),
                at_nanos: lines.iter().map(|line| line.at_nanos).collect(),
                streams: lines.iter().map(|line| line.stream.as_str().to_owned()).collect(),
                texts: lines.iter().map(|line| cut(&line.text)).collect(),
            };
            let mut tx = lease.begin(&site.db).await?;
            store::insert(&mut tx, id, &copied).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Settled(COPY_EVERY))
    }
}
