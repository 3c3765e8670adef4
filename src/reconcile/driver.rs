//! Gives turns: takes due subjects, lets a task look and act, writes down what came of it. Knows no business.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::clock::Clock;
use crate::db::StoreError;

use super::lease::{BEAT_EVERY, LEASE_FOR, Lease};
use super::store::{self, Ended};

/// The longest time between two looks at what is due, when nobody calls.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest time between two comparisons of all that is wanted with all that is known, when nobody calls.
const REFRESH_EVERY: Duration = Duration::from_secs(5);
/// The longest time that one turn keeps its lease while it waits for something that is about to happen.
const WAIT_AT_MOST: Duration = Duration::from_secs(20);
/// How long running turns may go on after the process was told to stop.
const DRAIN_FOR: Duration = Duration::from_secs(5);

/// Something that must stay true of many subjects.
pub trait Task: Send + Sync + 'static {
    /// The name in `turns`.
    const NAME: &'static str;
    /// How many subjects are worked on at once by one process.
    const AT_ONCE: usize;
    /// How long one look and one step may take together.
    const LIMIT: Duration;
    /// The longest time between two tries after failures.
    const BACK_OFF_AT_MOST: TimeDelta = TimeDelta::seconds(60);

    /// Makes due whatever has become wanted. Cheap: it is called with every notification.
    ///
    /// As it stands here, for a task with one subject that is always there: the whole of what it looks after.
    fn refresh(
        &self,
        db: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        store::make_known(db, Self::NAME, now)
    }

    /// Looks at one subject and takes at most one step. Must be safe to repeat and to cut off anywhere.
    fn turn(&self, lease: &Lease) -> impl Future<Output = anyhow::Result<Outcome>> + Send;
}

/// What a look and a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A step was taken: look again at once.
    Again,
    /// Something is about to happen: look again so soon that the lease is kept.
    Soon(Duration),
    /// Not as wanted, and nothing can be done for a while.
    Later(Duration),
    /// As wanted: look again then, in case the world changes by itself.
    Settled(Duration),
    /// The subject needs no more turns.
    Over,
}

/// Gives turns to the subjects of one task.
pub struct Driver<T> {
    task: T,
    db: PgPool,
    clock: Clock,
}

impl<T: Task> Driver<T> {
    /// Makes a driver.
    pub fn new(task: T, db: PgPool, clock: Clock) -> Arc<Self> {
        Arc::new(Self { task, db, clock })
    }

    /// Gives turns until told to stop, then waits a little for those that run.
    pub async fn run(self: Arc<Self>, mut calls: watch::Receiver<u64>, stop: CancellationToken) {
        let mut turns = JoinSet::new();
        let mut refreshed: Option<Instant> = None;
        while !stop.is_cancelled() {
            if calls.has_changed().unwrap_or(false) || refreshed.is_none_or(|at| at.elapsed() >= REFRESH_EVERY) {
                calls.mark_unchanged();
                refreshed = Some(Instant::now());
                if let Err(error) = self.refresh().await {
                    tracing::warn!(task = T::NAME, error = chain::of(&error), "cannot read what is wanted");
                }
            }
            while turns.try_join_next().is_some() {}
            let free = T::AT_ONCE.saturating_sub(turns.len());
            let pause = match self.claim(free).await {
                Ok(leases) if leases.is_empty() => self.pause().await,
                Ok(leases) => {
                    for lease in leases {
                        turns.spawn(Arc::clone(&self).work(lease, stop.clone()));
                    }
                    Duration::ZERO
                }
                Err(error) => {
                    tracing::warn!(task = T::NAME, error = chain::of(&error), "cannot read what is due");
                    LOOK_EVERY
                }
            };
            // With every place taken only an end or the clock matters.
            tokio::select! {
                () = sleep(if free == 0 { LOOK_EVERY } else { pause }) => {}
                _ = turns.join_next(), if !turns.is_empty() => {}
                Ok(()) = calls.changed() => calls.mark_changed(),
                () = stop.cancelled() => {}
            }
        }
        let _ = timeout(DRAIN_FOR, async { while turns.join_next().await.is_some() {} }).await;
    }

    /// Gives turns until nothing is due. Returns how many there were.
    pub async fn settle(self: &Arc<Self>) -> anyhow::Result<usize> {
        let mut count = 0;
        self.refresh().await?;
        loop {
            let leases = self.claim(T::AT_ONCE).await?;
            if leases.is_empty() {
                return Ok(count);
            }
            count += leases.len();
            let mut turns = JoinSet::new();
            for lease in leases {
                turns.spawn(Arc::clone(self).work(lease, CancellationToken::new()));
            }
            while turns.join_next().await.is_some() {}
            self.refresh().await?;
        }
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let mut db = self.db.acquire().await.map_err(StoreError::from)?;
        self.task.refresh(&mut db, self.clock.now()).await
    }

    async fn claim(&self, free: usize) -> Result<Vec<Lease>, StoreError> {
        if free == 0 {
            return Ok(Vec::new());
        }
        let mut connection = self.db.acquire().await.map_err(StoreError::from)?;
        store::claim(&mut connection, T::NAME, i64::try_from(free).unwrap_or(i64::MAX), self.clock.now()).await
    }

    /// Returns how long nothing will be due.
    async fn pause(&self) -> Duration {
        let next = async {
            let mut connection = self.db.acquire().await.map_err(StoreError::from)?;
            store::next_due(&mut connection, T::NAME).await
        };
        match next.await {
            Ok(Some(due_at)) => (due_at - self.clock.now()).to_std().unwrap_or(Duration::ZERO).min(LOOK_EVERY),
            Ok(None) | Err(_) => LOOK_EVERY,
        }
    }

    /// One turn, from its lease to the lease's return. Never fails and never panics: other subjects go on.
    async fn work(self: Arc<Self>, lease: Lease, stop: CancellationToken) {
        let ended = tokio::select! {
            ended = AssertUnwindSafe(self.looks(&lease, &stop)).catch_unwind() => ended,
            () = self.beat(&lease) => {
                tracing::warn!(task = T::NAME, subject = %lease.subject, "cut off: the lease has ended");
                return;
            }
        };
        let now = self.clock.now();
        let written = async {
            let mut db = self.db.acquire().await.map_err(StoreError::from)?;
            let end = |pause, is_settled| Ended { due_at: now + later(pause), is_settled, now };
            match ended {
                Ok(Ok(Outcome::Over)) => store::forget(&mut db, &lease, now).await,
                Ok(Ok(Outcome::Settled(pause))) => store::release(&mut db, &lease, &end(pause, true)).await,
                Ok(Ok(Outcome::Later(pause) | Outcome::Soon(pause))) => {
                    store::release(&mut db, &lease, &end(pause, false)).await
                }
                Ok(Ok(Outcome::Again)) => store::release(&mut db, &lease, &end(Duration::ZERO, false)).await,
                Ok(Err(error)) => {
                    let text = chain::of_any(&error);
                    tracing::warn!(task = T::NAME, subject = %lease.subject, error = text, "the turn failed");
                    store::release_failed(
                        &mut db,
                        &lease,
                        now + back_off(lease.attempts, T::BACK_OFF_AT_MOST),
                        now,
                        &text,
                    )
                    .await
                }
                Err(_panic) => {
                    tracing::error!(task = T::NAME, subject = %lease.subject, "the turn panicked");
                    let until = now + back_off(lease.attempts, T::BACK_OFF_AT_MOST);
                    store::release_failed(&mut db, &lease, until, now, "the turn panicked").await
                }
            }
        };
        if let Err(error) = written.await {
            tracing::warn!(task = T::NAME, subject = %lease.subject, error = chain::of(&error), "the turn's end was not kept");
        }
    }

    /// Looks and steps while there is something to do at once or soon.
    async fn looks(&self, lease: &Lease, stop: &CancellationToken) -> anyhow::Result<Outcome> {
        let began = Instant::now();
        loop {
            let outcome = match timeout(T::LIMIT, self.task.turn(lease)).await {
                Ok(outcome) => outcome?,
                Err(_elapsed) => anyhow::bail!("the turn took longer than {} s and was cut off", T::LIMIT.as_secs()),
            };
            if stop.is_cancelled() {
                return Ok(outcome);
            }
            match outcome {
                Outcome::Again if began.elapsed() < WAIT_AT_MOST => {}
                // A clock that only a test moves brings nothing nearer while one waits: the lease is given back.
                Outcome::Soon(pause) if self.clock.runs() && began.elapsed() < WAIT_AT_MOST => sleep(pause).await,
                other => return Ok(other),
            }
        }
    }

    /// Shows signs of life while a turn runs; returns when the lease is lost or has run out.
    async fn beat(&self, lease: &Lease) {
        let mut until = Instant::now() + LEASE_FOR.to_std().unwrap_or_default();
        loop {
            sleep(BEAT_EVERY).await;
            match lease.hold(&self.db, &self.clock).await {
                Ok(()) => until = Instant::now() + LEASE_FOR.to_std().unwrap_or_default(),
                Err(super::lease::FenceError::Lost) => return,
                Err(super::lease::FenceError::Store(_)) if Instant::now() >= until => return,
                Err(super::lease::FenceError::Store(_)) => {}
            }
        }
    }
}

fn later(pause: Duration) -> TimeDelta {
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::seconds(60))
}

/// Half a second after the first failure, twice as long after each further one.
fn back_off(attempts: i32, at_most: TimeDelta) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(0);
    TimeDelta::milliseconds(500 * i64::from(2_u32.pow(doublings))).min(at_most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_and_has_an_end() {
        let most = TimeDelta::seconds(60);
        let pauses: Vec<i64> = [0, 1, 2, 7, 100].map(|attempts| back_off(attempts, most).num_milliseconds()).to_vec();
        assert_eq!(pauses, [500, 1000, 2000, 60_000, 60_000]);
    }
}
