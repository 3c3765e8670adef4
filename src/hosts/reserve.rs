//! Gives a runtime its host.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::placement::{Need, NoRoom, Placement, Siblings, is_crowded, place, place_apart};
use super::{HostState, Load, Supply, store};
use crate::base::ids::{HostId, RuntimeId};
use crate::db::StoreError;

/// Why a runtime was given a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is new.
    Made,
    /// It had none while it was stopped.
    Started,
    /// An update, that is a second container, found room there.
    Updated,
    /// Staff empty the host that it was on.
    Drained,
    /// The host that it was on is lost.
    Lost,
}

impl Cause {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Started => "started",
            Self::Updated => "updated",
            Self::Drained => "drained",
            Self::Lost => "lost",
        }
    }
}

/// Why a runtime has no host.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// No host has room; the staff's pages show why.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The runtime does not exist.
    #[error("there is no such runtime")]
    NoRuntime,
    /// The database refused or did not answer.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Chooses a host with room for `need`. The caller writes it down in the same transaction.
///
/// Must run inside a transaction: the hosts stay locked until its end, so that two placements never promise the same
/// memory.
pub async fn take_room(tx: &mut PgConnection, need: Need) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    Ok(place(&loads, need)?)
}

/// Chooses a host as [`take_room`], away from the other containers of the environment.
pub async fn take_room_apart(
    tx: &mut PgConnection,
    need: Need,
    siblings: &Siblings,
) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    Ok(place_apart(&loads, need, siblings)?)
}

/// Keeps the room that was set aside on a host, for the reason for which it was; or chooses another one when that host takes
/// nothing any more. Room that spares still have is there once they have gone.
///
/// Must run inside a transaction, as [`take_room`].
pub async fn keep_room(
    tx: &mut PgConnection,
    set_aside: Option<&Placement>,
    need: Need,
    siblings: &Siblings,
) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    let takes = |load: &Load| {
        let lacks_image = need.image.and_then(|image| load.images.get(&image)) == Some(&Supply::Lacking);
        load.host.state == HostState::Active && !lacks_image
    };
    if let Some(kept) = set_aside
        && let Some(load) = loads.iter().find(|it| it.host.id == kept.host && takes(it))
    {
        if !is_crowded(load) {
            return Ok(kept.clone());
        }
        if !is_crowded(&load.without_spares()) {
            // It is counted there already: nothing more is needed than that all of it fits.
            let nothing = Need { cpu_millis: 0, memory_mb: 0, ..need };
            place(std::slice::from_ref(load), nothing)?;
        }
    }
    Ok(place_apart(&loads, need, siblings)?)
}

/// Chooses a host for a further container of a runtime, apart from its replicas. It begins later, with [`keep_room`]: until
/// then the room may still be that of spares. The caller writes it down in the same transaction, as of [`take_room`].
pub async fn set_room_aside(tx: &mut PgConnection, runtime: RuntimeId, need: Need) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    let claim = store::find_claim(tx, runtime).await?.ok_or(ReserveError::NoRuntime)?;
    set_aside(&loads, need, claim.replicas)
}

/// Chooses another host for a runtime that serves on its own until it serves there, as [`set_room_aside`].
pub async fn take_room_elsewhere(tx: &mut PgConnection, runtime: RuntimeId) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    let claim = store::find_claim(tx, runtime).await?.ok_or(ReserveError::NoRuntime)?;
    set_aside(&loads, Need { not_on: claim.host, ..claim.need }, claim.replicas)
}

fn set_aside(loads: &[Load], need: Need, replicas: Vec<HostId>) -> Result<Placement, ReserveError> {
    let siblings = Siblings { never: Vec::new(), rather_not: replicas };
    place_apart(loads, need, &siblings).or_else(|why| {
        let bare: Vec<Load> = loads.iter().map(Load::without_spares).collect();
        let Ok(placement) = place_apart(&bare, need, &siblings) else { return Err(why.into()) };
        Ok(Placement { explanation: format!("{}, once spares there have gone", placement.explanation), ..placement })
    })
}

/// Returns the hosts on which more is set aside than there is until spares have gone: nobody is given one of these.
pub async fn crowded(db: &mut PgConnection) -> Result<Vec<HostId>, StoreError> {
    Ok(store::list(db).await?.iter().filter(|load| is_crowded(load)).map(|load| load.host.id).collect())
}

/// Chooses a host for a runtime and writes down which and why. A runtime that has one keeps it, unless it is lost.
///
/// Must run inside a transaction, as [`take_room`].
pub async fn reserve(
    tx: &mut PgConnection,
    runtime: RuntimeId,
    cause: Cause,
    now: DateTime<Utc>,
) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    let Some(claim) = store::find_claim(tx, runtime).await? else {
        return Err(ReserveError::NoRuntime);
    };
    match claim.host {
        Some(host) if cause != Cause::Lost => Ok(Placement { host, explanation: "it is there already".to_owned() }),
        not_on => {
            let siblings = Siblings { never: Vec::new(), rather_not: claim.replicas };
            let placement = place_apart(&loads, Need { not_on, ..claim.need }, &siblings)?;
            store::set_host(tx, runtime, &placement, cause, now).await?;
            Ok(placement)
        }
    }
}
