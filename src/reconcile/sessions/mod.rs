//! Ends work in tenants' databases that goes on for longer, or takes more, than one tenant may keep from the others.
//!
//! A tenant can switch off every limit that it was given for its own sessions. This looks from outside, says nothing inside a
//! tenant's database, and tells the customer what was ended and why.

pub mod plan;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::json;

use crate::environments::history;
use crate::tenant_db::DatabaseName;

use super::Site;
use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::store::report;
use plan::Why;

/// What has gone on for too long ends this much later, at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Whoever does the same again and again is told once an hour.
const TOLD_EVERY: TimeDelta = TimeDelta::hours(1);

/// The task.
pub struct Sessions {
    site: Arc<Site>,
}

impl Sessions {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Sessions {
    const NAME: &'static str = "sessions";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(30);
    const BACK_OFF_AT_MOST: TimeDelta = TimeDelta::seconds(15);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let seen = site.tenants.sessions().await.context("look at the tenants' sessions")?;
        let mut ended: BTreeMap<(&DatabaseName, Why), usize> = BTreeMap::new();
        for (session, why) in plan::too_much(&seen, &site.session_limits) {
            lease.hold(&site.db, &site.clock).await?;
            if site.tenants.end_session(session).await.context("end a session")? {
                *ended.entry((&session.database, why)).or_default() += 1;
            }
        }
        if ended.is_empty() {
            return Ok(Outcome::Settled(LOOK_EVERY));
        }
        let now = site.clock.now();
        let mut tx = lease.begin(&site.db).await?;
        for ((database, why), count) in &ended {
            tracing::warn!(%database, why = why.as_str(), count, "sessions of a tenant were ended");
            if let Some(environment) = store::untold(&mut tx, database, *why, now - TOLD_EVERY).await? {
                let detail = json!({ "by": why.as_str(), "sessions": count });
                history::record(&mut tx, environment, store::EVENT, "", detail, now).await?;
            }
        }
        let last: Vec<_> = ended
            .iter()
            .map(|((database, why), count)| json!({ "database": database.as_str(), "why": why.as_str(), "sessions": count }))
            .collect();
        report(&mut tx, lease, &json!({ "ended_at": now, "ended": last })).await?;
        tx.commit().await?;
        Ok(Outcome::Settled(LOOK_EVERY))
    }
}
