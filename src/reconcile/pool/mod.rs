//! Decides how many spares there are: asks for the default templates, for new spares, and gives up old ones.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::base::ids::RuntimeId;
use crate::base::secret::new_code;
use crate::db;
use crate::hosts::placement::{self, Need, Tenant};

use super::driver::{Outcome, Task};
use super::lease::{Fenced, Lease};
use super::runtimes::{self, provide};
use super::templates::{self, Key};
use super::{Site, instance};
use store::Kind;

/// The task's name in `turns`.
pub const NAME: &str = "pool";
/// A claimed spare is replaced a little later: the customer's first page comes first.
pub const REPLENISH_AFTER: TimeDelta = TimeDelta::milliseconds(1500);
/// How often the pool is counted when nobody calls.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked whether spares may be made again.
const WAIT_FOR: Duration = Duration::from_secs(2);
/// A spare that has not gone after this long keeps the others waiting no more.
const GOING_AT_MOST: TimeDelta = TimeDelta::minutes(2);
/// How many spares are being built at once.
const BUILT_AT_ONCE: i64 = 2;

/// The task.
pub struct Pool {
    site: Arc<Site>,
}

/// What is missing of one kind of spare, or too much. Pure.
#[must_use]
pub fn missing(wanted: i64, there: i64, being_built_of_all: i64) -> i64 {
    (wanted - there).min(BUILT_AT_ONCE - being_built_of_all)
}

impl Pool {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn order_templates(&self, tx: &mut Fenced) -> anyhow::Result<bool> {
        let Some(current) = templates::store::current(tx).await? else { return Ok(false) };
        for language in instance::DEFAULT_LANGUAGES {
            let key = Key::new(&current, language, "", &[]);
            templates::store::order(tx, &key, &new_code(20), self.site.clock.now()).await?;
        }
        Ok(true)
    }

    /// Begins one spare, if a machine has room for it.
    async fn begin(&self, tx: &mut Fenced, kind: &Kind) -> anyhow::Result<bool> {
        let now = self.site.clock.now();
        let loads = crate::hosts::store::lock_loads(tx).await?;
        // A spare never takes the last room: a customer's own runtime of the same size must still fit.
        let twice = Need {
            cpu_millis: kind.cpu_millis * 2,
            memory_mb: kind.memory_mb * 2,
            tenant: Tenant::Nobody,
            not_on: None,
            image: Some(kind.image),
        };
        let Ok(placement) = placement::place(&loads, twice) else { return Ok(false) };
        let id = RuntimeId::new(now);
        let password = provide::new_password();
        let new = runtimes::store::NewRuntime {
            id,
            code: &new_code(20),
            environment: None,
            image: kind.image,
            template: kind.template,
            database_server: kind.database_server,
            placement: &placement,
            cpu_millis: kind.cpu_millis,
            memory_mb: kind.memory_mb,
            restarts: 0,
            password_sealed: &provide::seal(&self.site.key, id, &password),
            now,
        };
        runtimes::store::insert(tx, &new).await?;
        Ok(true)
    }
}

impl Task for Pool {
    const NAME: &'static str = NAME;
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(30);

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let mut tx = lease.begin(&self.site.db).await?;
        if !self.order_templates(&mut tx).await? {
            return Ok(Outcome::Later(Duration::from_secs(2)));
        }
        let wanted = i64::from(self.site.spares);
        store::give_up_old(&mut tx).await?;
        if store::must_wait(&mut tx, self.site.clock.now() - GOING_AT_MOST).await? {
            tx.commit().await?;
            return Ok(Outcome::Settled(WAIT_FOR));
        }
        let mut being_built = store::being_built(&mut tx).await?;
        let mut is_short = false;
        let mut has_room = true;
        // The kind with the fewest first, so that every kind has one before any has two.
        for round in 1..=wanted {
            for kind in store::kinds(&mut tx, self.site.clock.now()).await? {
                if missing(round, kind.there, being_built) <= 0 {
                    is_short |= kind.there < round;
                    continue;
                }
                if !has_room || !self.begin(&mut tx, &kind).await? {
                    has_room = false;
                    continue;
                }
                being_built += 1;
                is_short |= kind.there + 1 < wanted;
            }
        }
        store::give_up_surplus(&mut tx, wanted).await?;
        db::wake(&mut tx).await?;
        tx.commit().await?;
        Ok(match (is_short, has_room) {
            (true, true) => Outcome::Later(Duration::from_secs(1)),
            _ => Outcome::Settled(COUNT_EVERY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn no_more_are_begun_than_are_missing_or_can_be_built_at_once() {
        assert_eq!(missing(2, 0, 0), 2);
        assert_eq!(missing(2, 0, 1), 1);
        assert_eq!(missing(2, 0, 2), 0);
        assert_eq!(missing(2, 2, 0), 0);
        assert!(missing(1, 3, 0) < 0);
    }
}
