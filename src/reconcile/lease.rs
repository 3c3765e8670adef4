//! The right to work on one subject: kept in Postgres, proved with every write.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::db::StoreError;

use super::store;

/// How long a lease lasts without a sign of life. A killed worker's subjects wait this long.
pub const LEASE_FOR: chrono::TimeDelta = chrono::TimeDelta::seconds(10);

/// How often a worker at work shows a sign of life.
pub const BEAT_EVERY: std::time::Duration = std::time::Duration::from_secs(3);

/// The right to work on one subject of one task.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The task's name.
    pub task: &'static str,
    /// What is worked on.
    pub subject: Uuid,
    /// Proves the right; changes with every turn.
    pub token: Uuid,
    /// What was wanted when the turn began.
    pub marker: String,
    /// How many turns failed in a row before this one.
    pub attempts: i32,
    /// Since when the subject has not been as wanted.
    pub unsettled_at: Option<DateTime<Utc>>,
    /// When this turn began.
    pub began_at: DateTime<Utc>,
}

/// Why a turn's write was not made.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// Another worker has the subject now: nothing may be written any more.
    #[error("the lease was lost")]
    Lost,
    /// The control database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transaction that holds the subject's row of `turns`: nobody can take the lease while it lasts.
pub struct Fenced(Transaction<'static, Postgres>);

impl Lease {
    /// Begins a transaction for a turn's writes, or refuses when the lease is no longer ours.
    pub async fn begin(&self, db: &PgPool) -> Result<Fenced, FenceError> {
        let mut tx = db.begin().await.map_err(StoreError::from)?;
        if store::is_held(&mut tx, self.task, self.subject, self.token).await? {
            Ok(Fenced(tx))
        } else {
            Err(FenceError::Lost)
        }
    }

    /// Shows a sign of life right before something outside is changed; refuses when the lease is no longer ours.
    pub async fn hold(&self, db: &PgPool, clock: &Clock) -> Result<(), FenceError> {
        let mut connection = db.acquire().await.map_err(StoreError::from)?;
        let until = clock.now() + LEASE_FOR;
        if store::renew(&mut connection, self.task, self.subject, self.token, until).await? {
            Ok(())
        } else {
            Err(FenceError::Lost)
        }
    }

    /// Returns since when the subject has not been as wanted: since this turn, when it was before.
    #[must_use]
    pub fn unsettled_since(&self) -> DateTime<Utc> {
        self.unsettled_at.unwrap_or(self.began_at)
    }
}

impl Fenced {
    /// Keeps the turn's writes.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }
}

impl std::ops::Deref for Fenced {
    type Target = sqlx::PgConnection;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Fenced {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
