//! Gives a runtime its host.

use sqlx::postgres::PgConnection;

use super::placement::{Need, NoRoom, Placement, place};
use super::store;
use crate::base::ids::RuntimeId;
use crate::db::StoreError;

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

/// Chooses a host for a runtime and writes it down. A runtime that has one keeps it.
///
/// Must run inside a transaction: the hosts stay locked until its end, so that two placements never promise the same
/// memory.
pub async fn reserve(tx: &mut PgConnection, runtime: RuntimeId) -> Result<Placement, ReserveError> {
    let loads = store::lock_loads(tx).await?;
    let Some(claim) = store::find_claim(tx, runtime).await? else {
        return Err(ReserveError::NoRuntime);
    };
    if let Some(host) = claim.host {
        return Ok(Placement { host, explanation: "it is there already".to_owned() });
    }
    let placement = place(&loads, claim.need)?;
    store::set_host(tx, runtime, placement.host).await?;
    Ok(placement)
}

/// Chooses a host for something that is not written down yet. The caller writes it down in the same transaction.
pub async fn room_for(tx: &mut PgConnection, need: Need) -> Result<Placement, ReserveError> {
    Ok(place(&store::lock_loads(tx).await?, need)?)
}
