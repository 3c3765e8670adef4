//! What keeps an environment from being as it is wanted, in the words of whoever refused: for staff.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::store;
use crate::base::ids::{EnvironmentId, HostId};

pub use super::store::TroubleRow;

/// What is noted again within this time is no news to people.
const NEWS_AFTER: TimeDelta = TimeDelta::hours(1);
/// How long what lasts is not written down again.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(5);

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No machine has room.
    Room,
    /// The engine cannot start it.
    Engine,
    /// The kernel ended it because it used more memory than it may.
    Memory,
    /// It did not come up on the machine to which it was to move.
    Move,
    /// It did not come up with an update.
    Update,
}

impl Kind {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Engine => "engine",
            Self::Memory => "memory",
            Self::Move => "move",
            Self::Update => "update",
        }
    }

    /// Whether it is so until it is not, other than what happened at one moment.
    fn lasts(self) -> bool {
        matches!(self, Self::Room | Self::Engine)
    }
}

/// Writes down what is wrong. Returns whether that is news: nothing of the kind was noted within the last hour.
pub async fn note(
    db: &mut PgConnection,
    id: EnvironmentId,
    kind: Kind,
    explanation: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let before = store::find_trouble(db, id, kind.as_str()).await.context("look for a trouble")?;
    if let Some((known, seen_at)) = &before
        && known == explanation
        && (!kind.lasts() || now - *seen_at < FRESH_FOR)
    {
        return Ok(false);
    }
    store::put_trouble(db, id, kind.as_str(), explanation, now).await.context("note a trouble")?;
    Ok(before.is_none_or(|(_, seen_at)| now - seen_at > NEWS_AFTER))
}

/// Forgets what is over.
pub async fn settle(db: &mut PgConnection, id: EnvironmentId, kinds: &[Kind]) -> anyhow::Result<()> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    store::delete_troubles(db, id, &kinds).await.context("forget troubles")
}

/// Returns what is wrong with an environment, the newest first.
pub async fn of(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> anyhow::Result<Vec<TroubleRow>> {
    store::troubles(db, (Some(id), None, None), now).await.context("list the troubles of an environment")
}

/// Returns what is wrong with the environments on a host.
pub async fn on(db: &mut PgConnection, host: HostId, now: DateTime<Utc>) -> anyhow::Result<Vec<TroubleRow>> {
    store::troubles(db, (None, Some(host), None), now).await.context("list the troubles on a host")
}

/// Returns who waits for room.
pub async fn without_room(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Vec<TroubleRow>> {
    store::troubles(db, (None, None, Some(Kind::Room.as_str())), now).await.context("list who waits for room")
}
