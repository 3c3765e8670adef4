//! Looks after invoices that are not paid: takes the step that is due, and takes everything back once they are paid.
//!
//! Changes wishes only (suspensions, limits of requests): the environments' own turns and the proxies carry them out.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::base::chain;
use crate::base::clock::Clock;
use crate::billing::dunning;
use crate::db::StoreError;

use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::store;

/// How long somebody who has paid waits at most, where no notification came through.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where more accounts wait than one turn looks at.
const GO_ON: Duration = Duration::from_secs(1);

/// The task.
pub struct Dunning {
    db: PgPool,
    clock: Clock,
}

impl Dunning {
    /// Makes the task.
    #[must_use]
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }
}

impl Task for Dunning {
    const NAME: &'static str = "dunning";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(60);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::make_known(db, Self::NAME, now).await?;
        store::hurry_after_payment(db, Self::NAME, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let now = self.clock.now();
        let mut db = self.db.acquire().await.context("reach the control database")?;
        let accounts = dunning::due(&mut db, now).await?;
        drop(db);
        let are_all = i64::try_from(accounts.len()).is_ok_and(|found| found < dunning::AT_ONCE);
        let mut failed = 0;
        for account in accounts {
            lease.hold(&self.db, &self.clock).await?;
            // Each in a transaction of its own: one that cannot be looked at keeps nobody else from being given back what it paid for.
            let mut tx = lease.begin(&self.db).await?;
            match dunning::look(&mut tx, account, now).await {
                Ok(()) => tx.commit().await?,
                Err(error) => {
                    failed += 1;
                    tracing::error!(%account, error = chain::of_any(&error), "cannot look after unpaid invoices");
                }
            }
        }
        anyhow::ensure!(failed == 0, "{failed} accounts with unpaid invoices could not be looked after");
        Ok(Outcome::Settled(if are_all { LOOK_EVERY } else { GO_ON }))
    }
}
