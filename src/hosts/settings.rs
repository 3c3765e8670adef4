//! What staff set of a host: its zone and pool, how much of it may be promised, and its address. Only rows change.

use std::net::IpAddr;

use anyhow::Context;
use serde_json::{Value, json};

use super::steering::HostError;
use super::store::{self, Set};
use super::{Host, HostState, Load, Pool, Wanted};
use crate::audit::{self, Actor};
use crate::base::ids::HostId;
use crate::db;
use crate::portal::Portal;

/// What somebody wants otherwise. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What fails together with it; may be empty.
    pub zone: Option<String>,
    /// What is placed on it.
    pub pool: Option<Pool>,
    /// How much CPU may be promised, in percent of what there is.
    pub cpu_percent: Option<i32>,
    /// MiB kept for the machine itself.
    pub memory_kept_mb: Option<i32>,
    /// Where it is reached.
    pub address: Option<String>,
}

/// More than this no core can be promised with a good conscience.
const MOST_PERCENT: i32 = 6400;

/// Sets what is to be otherwise. What is on the host stays there: it is what comes that is placed by it.
///
/// An address is only wanted at first: the worker takes it over once the same machine answers there.
pub async fn set(portal: &Portal, by: &Actor, id: HostId, settings: &Settings) -> Result<(), HostError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let loads = store::lock_loads(&mut tx).await.context("lock the hosts")?;
    let host = loads.iter().map(|load| &load.host).find(|host| host.id == id && host.wanted != Wanted::Gone);
    let host = host.ok_or(HostError::NotFound)?;
    let (before, after) = (of(host), checked(&loads, host, settings)?);
    if before == after {
        return Err(HostError::AlreadySo);
    }
    store::set_settings(&mut tx, id, &after).await.context("write what is set of the host")?;
    let detail = json!({ "host": host.name, "before": words(&before), "after": words(&after) });
    audit::record(&mut tx, by, audit::Entry::new("host.set").detail(detail), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}

fn of(host: &Host) -> Set {
    Set {
        zone: host.zone.clone(),
        pool: host.pool,
        cpu_percent: host.cpu_percent,
        memory_kept_mb: host.memory_kept_mb,
        address_wanted: host.address_wanted.clone(),
    }
}

fn words(set: &Set) -> Value {
    json!({
        "zone": set.zone,
        "pool": set.pool.as_str(),
        "cpu_percent": set.cpu_percent,
        "memory_kept_mb": set.memory_kept_mb,
        "address_wanted": set.address_wanted,
    })
}

fn checked(loads: &[Load], host: &Host, settings: &Settings) -> Result<Set, HostError> {
    let mut set = of(host);
    if let Some(zone) = &settings.zone {
        plain(zone)?.clone_into(&mut set.zone);
    }
    set.pool = settings.pool.unwrap_or(set.pool);
    if let Some(percent) = settings.cpu_percent {
        if !(100..=MOST_PERCENT).contains(&percent) {
            return Err(HostError::BadPercent);
        }
        set.cpu_percent = percent;
    }
    if let Some(kept) = settings.memory_kept_mb {
        // Before it has joined nobody knows how much it has.
        if kept < 0 || (host.state != HostState::Joining && kept >= host.memory_mb) {
            return Err(HostError::BadMemory);
        }
        set.memory_kept_mb = kept;
    }
    if let Some(address) = &settings.address {
        set.address_wanted = address_wanted(loads, host, address)?;
    }
    Ok(set)
}

fn address_wanted(loads: &[Load], host: &Host, address: &str) -> Result<Option<String>, HostError> {
    if address.trim() == host.upstream_address {
        return Ok(None);
    }
    // The worker's own machine may be alone, with everything on its loopback address.
    let address = if host.is_reached_by_socket() { one_machine(address) } else { other_machine(address) }?.to_string();
    let has_it = |other: &Host| other.upstream_address == address || other.address_wanted.as_ref() == Some(&address);
    if loads.iter().any(|load| load.host.id != host.id && has_it(&load.host)) {
        return Err(HostError::Taken);
    }
    Ok((address != host.upstream_address).then_some(address))
}

/// Reads the address of one machine, as numbers.
fn one_machine(text: &str) -> Result<IpAddr, HostError> {
    let address: IpAddr = text.trim().parse().map_err(|_| HostError::BadAddress)?;
    if address.is_unspecified() || address.is_multicast() { Err(HostError::BadAddress) } else { Ok(address) }
}

/// Reads the address of a machine that is not this one.
pub(super) fn other_machine(text: &str) -> Result<IpAddr, HostError> {
    one_machine(text).and_then(|address| if address.is_loopback() { Err(HostError::BadAddress) } else { Ok(address) })
}

/// Reads a name or a zone.
pub(super) fn plain(text: &str) -> Result<&str, HostError> {
    let text = text.trim();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.len() <= 40 && text.bytes().all(is_plain) { Ok(text) } else { Err(HostError::BadName) }
}
