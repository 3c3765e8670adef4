//! Looks after budgets: tells what is reached, and lets environments rest or gives them back.
//!
//! Changes wishes only (suspensions): the environments' own turns and the proxies carry them out. A turn looks at so many
//! accounts, found by an index, so that it stays short with any number of them.

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;

use crate::base::chain;
use crate::base::clock::Clock;
use crate::billing::budgets;

use super::driver::{Outcome, Task};
use super::lease::Lease;

/// How long somebody who has raised a budget waits at most.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How many accounts one turn looks at.
const AT_A_TIME: i64 = 100;

/// The task.
pub struct Budgets {
    db: PgPool,
    clock: Clock,
}

impl Budgets {
    /// Makes the task.
    #[must_use]
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }
}

impl Task for Budgets {
    const NAME: &'static str = "budgets";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(60);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let now = self.clock.now();
        let mut db = self.db.acquire().await.context("reach the control database")?;
        let accounts = budgets::due(&mut db, now, AT_A_TIME).await?;
        drop(db);
        let mut failed = 0;
        for account in &accounts {
            lease.hold(&self.db, &self.clock).await?;
            let mut tx = lease.begin(&self.db).await?;
            match budgets::look(&mut tx, *account, now).await {
                Ok(()) => tx.commit().await?,
                Err(error) => {
                    failed += 1;
                    tracing::error!(%account, error = chain::of_any(&error), "cannot look after a budget");
                    drop(tx);
                    let mut tx = lease.begin(&self.db).await?;
                    budgets::put_off(&mut tx, *account, now).await?;
                    tx.commit().await?;
                }
            }
        }
        anyhow::ensure!(failed == 0, "{failed} budgets could not be looked after");
        let is_full = i64::try_from(accounts.len()).is_ok_and(|looked_at| looked_at >= AT_A_TIME);
        Ok(if is_full { Outcome::Again } else { Outcome::Settled(LOOK_EVERY) })
    }
}
