//! What staff's pages and commands look at.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::preview::{self, Headroom, Resident};
use super::{Load, store};
use crate::base::ids::{EnvironmentId, HostId};

pub use super::store::{LeftRow, PlacementRow, Places};

/// How many placements are shown at once.
const SHOWN: i64 = 20;

/// All hosts, and what is on them.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Each host with what has been promised on it, the oldest first.
    pub loads: Vec<Load>,
    /// Each runtime that has a host.
    pub residents: Vec<Resident>,
}

impl Overview {
    /// Returns a host.
    #[must_use]
    pub fn find(&self, id: HostId) -> Option<&Load> {
        self.loads.iter().find(|load| load.host.id == id)
    }

    /// Returns a host's name, or nothing.
    #[must_use]
    pub fn name_of(&self, id: HostId) -> &str {
        self.find(id).map_or("", |load| load.host.name.as_str())
    }

    /// Says what the loss of the host that would hurt most leaves.
    #[must_use]
    pub fn headroom(&self) -> Option<Headroom> {
        preview::headroom(&self.loads, &self.residents)
    }
}

/// Looks at all hosts.
pub async fn overview(db: &mut PgConnection) -> anyhow::Result<Overview> {
    let loads = store::list(db).await.context("list the hosts")?;
    let residents = store::residents(db).await.context("list the runtimes")?;
    Ok(Overview { loads, residents })
}

/// Returns the newest placements on a host, each with its reason.
pub async fn placements_on(db: &mut PgConnection, host: HostId) -> anyhow::Result<Vec<PlacementRow>> {
    store::placements(db, Some(host), None, SHOWN).await.context("list the placements")
}

/// Returns the newest placements of an environment, each with its reason.
pub async fn placements_of(db: &mut PgConnection, environment: EnvironmentId) -> anyhow::Result<Vec<PlacementRow>> {
    store::placements(db, None, Some(environment), SHOWN).await.context("list the placements")
}

/// Returns who is on a host, with what keeps each there while it is emptied.
pub async fn left_on(db: &mut PgConnection, host: HostId) -> anyhow::Result<Vec<LeftRow>> {
    store::left(db, host).await.context("list who is left on a host")
}

/// Returns where an environment's containers are, and why there are fewer than are wanted.
pub async fn places_of(db: &mut PgConnection, environment: EnvironmentId) -> anyhow::Result<Places> {
    store::places(db, environment).await.context("list an environment's containers")
}

/// Since when the manager has not answered the worker: what is wanted meanwhile is kept, and done once it is back. What serves
/// goes on serving. `None` when all is well.
pub async fn silent_since(db: &mut PgConnection) -> anyhow::Result<Option<DateTime<Utc>>> {
    store::silent_since(db).await.context("ask whether the manager answers")
}
