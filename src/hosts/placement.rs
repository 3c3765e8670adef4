//! Which host a runtime goes to. Pure.
//!
//! Memory is never promised twice: a promise that cannot be kept ends in a killed instance. CPU may be promised
//! several times over, because instances are idle most of the time and a busy core is only slow.

use std::fmt;

use super::{HostState, Load, Pool};
use crate::base::ids::HostId;

/// What a runtime needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// Who will use it.
    pub tenant: Tenant,
    /// A host that it must not go to: the one that it leaves.
    pub not_on: Option<HostId>,
}

/// Who uses a runtime, as far as it decides where it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// Nobody yet: a spare.
    Nobody,
    /// A production environment.
    Production,
    /// A development or test environment.
    Other,
}

impl Tenant {
    /// Reads an environment's kind; a runtime without an environment is a spare.
    #[must_use]
    pub fn of_kind(kind: Option<&str>) -> Self {
        match kind {
            None => Self::Nobody,
            Some("production") => Self::Production,
            Some(_) => Self::Other,
        }
    }

    /// Whether it may be on a host of this pool. A spare may be anywhere: it is only given to who may be there.
    #[must_use]
    pub fn fits(self, pool: Pool) -> bool {
        match (pool, self) {
            (Pool::Any, _) | (_, Self::Nobody) => true,
            (Pool::Production, tenant) => tenant == Self::Production,
            (Pool::Test, tenant) => tenant == Self::Other,
        }
    }
}

/// Where a runtime goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The host.
    pub host: HostId,
    /// The reason in a sentence, for staff.
    pub explanation: String,
}

/// No host has room; says for each why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host has room: {}", .why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct NoRoom {
    /// One for each host.
    pub why: Vec<NotThere>,
}

/// Why a runtime does not go to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThere {
    /// The host's name.
    pub host: String,
    /// The reason.
    pub reason: Reason,
}

/// What a host lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It takes no new runtimes.
    NotActive(HostState),
    /// It is kept for others.
    Pool(Pool),
    /// It is the one that the runtime leaves.
    Left,
    /// Not enough memory that is not promised.
    Memory {
        /// MiB that are free.
        free_mb: i64,
        /// MiB that are needed.
        needed_mb: i64,
    },
    /// Not enough CPU that may still be promised.
    Cpu {
        /// Thousandths of a core that are free.
        free_millis: i64,
        /// Thousandths of a core that are needed.
        needed_millis: i64,
    },
}

impl fmt::Display for NotThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::NotActive(state) => write!(f, "{} is {}", self.host, state.as_str()),
            Reason::Pool(Pool::Production) => write!(f, "{} is kept for production", self.host),
            Reason::Pool(_) => write!(f, "{} is kept for development and test", self.host),
            Reason::Left => write!(f, "{} is the one to leave", self.host),
            Reason::Memory { free_mb, needed_mb } => {
                write!(f, "{} has {free_mb} MiB of memory free of {needed_mb} needed", self.host)
            }
            Reason::Cpu { free_millis, needed_millis } => {
                write!(f, "{} has {free_millis} thousandths of a core free of {needed_millis} needed", self.host)
            }
        }
    }
}

/// Returns the MiB that may still be promised on a host.
#[must_use]
pub fn free_memory_mb(load: &Load) -> i64 {
    i64::from(load.host.memory_mb) - i64::from(load.host.memory_kept_mb) - load.memory_promised_mb
}

/// Returns the thousandths of a core that may still be promised on a host.
#[must_use]
pub fn free_cpu_millis(load: &Load) -> i64 {
    i64::from(load.host.cpu_millis) * i64::from(load.host.cpu_percent) / 100 - load.cpu_promised_millis
}

/// Chooses the host that keeps most memory free: work is spread, and the loss of one host hurts few.
///
/// A host of the tenant's own pool goes before one that takes everything, so that the others keep room for all.
pub fn place(loads: &[Load], need: Need) -> Result<Placement, NoRoom> {
    let mut why = Vec::new();
    let mut best: Option<((bool, i64), &Load)> = None;
    for load in loads {
        if let Some(reason) = lacks(load, need) {
            why.push(NotThere { host: load.host.name.clone(), reason });
        } else {
            let left = free_memory_mb(load) - i64::from(need.memory_mb);
            let rank = (load.host.pool != Pool::Any && need.tenant != Tenant::Nobody, left);
            // The first of equals wins, so that the same world always gives the same answer.
            if best.is_none_or(|(most, _)| rank > most) {
                best = Some((rank, load));
            }
        }
    }
    let Some(((is_own_pool, left), load)) = best else { return Err(NoRoom { why }) };
    let pool = if is_own_pool { " of its pool" } else { "" };
    let count = loads.len() - why.len();
    let hosts = if count == 1 { "host" } else { "hosts" };
    let mut explanation =
        format!("{} keeps {left} MiB of memory free, the most{pool} of {count} {hosts} with room", load.host.name);
    for not_there in &why {
        explanation.push_str(&format!("; {not_there}"));
    }
    Ok(Placement { host: load.host.id, explanation })
}

fn lacks(load: &Load, need: Need) -> Option<Reason> {
    let (free_mb, needed_mb) = (free_memory_mb(load), i64::from(need.memory_mb));
    let (free_millis, needed_millis) = (free_cpu_millis(load), i64::from(need.cpu_millis));
    if need.not_on == Some(load.host.id) {
        Some(Reason::Left)
    } else if load.host.state != HostState::Active {
        Some(Reason::NotActive(load.host.state))
    } else if !need.tenant.fits(load.host.pool) {
        Some(Reason::Pool(load.host.pool))
    } else if free_mb < needed_mb {
        Some(Reason::Memory { free_mb, needed_mb })
    } else if free_millis < needed_millis {
        Some(Reason::Cpu { free_millis, needed_millis })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hosts::testing::load;

    fn need(cpu_millis: i32, memory_mb: i32) -> Need {
        Need { cpu_millis, memory_mb, tenant: Tenant::Other, not_on: None }
    }

    #[test]
    fn the_emptier_host_is_chosen_and_the_reason_said() {
        let loads = [load("a", 8192, 4096), load("b", 8192, 1024)];
        let placement = place(&loads, need(500, 512)).unwrap();
        assert_eq!(placement.host, loads[1].host.id);
        assert_eq!(placement.explanation, "b keeps 5632 MiB of memory free, the most of 2 hosts with room");
    }

    #[test]
    fn without_room_each_host_says_why() {
        let mut full_cpu = load("b", 8192, 0);
        full_cpu.cpu_promised_millis = 16_000;
        let mut away = load("c", 8192, 0);
        away.host.state = HostState::Down;
        let none = place(&[load("a", 2048, 1000), full_cpu, away], need(1000, 512)).unwrap_err();
        assert_eq!(
            none.to_string(),
            "no host has room: a has 24 MiB of memory free of 512 needed; b has 0 thousandths of a core free of 1000 needed; c is down"
        );
        assert!(place(&[], need(1, 1)).is_err());
    }

    #[test]
    fn what_lacks_is_said_of_the_hosts_that_were_not_chosen() {
        let placement = place(&[load("a", 2048, 1000), load("b", 8192, 0)], need(1, 512)).unwrap();
        assert_eq!(
            placement.explanation,
            "b keeps 6656 MiB of memory free, the most of 1 host with room; a has 24 MiB of memory free of 512 needed"
        );
    }

    #[test]
    fn production_and_the_rest_stay_apart_where_hosts_are_kept_for_one_of_them() {
        let mut hosts = [load("any", 16384, 0), load("production", 8192, 0), load("test", 8192, 0)];
        hosts[1].host.pool = Pool::Production;
        hosts[2].host.pool = Pool::Test;
        for (tenant, chosen, refused) in [(Tenant::Production, 1, 2), (Tenant::Other, 2, 1)] {
            let need = Need { tenant, ..need(1, 512) };
            assert_eq!(place(&hosts, need).unwrap().host, hosts[chosen].host.id);
            assert!(place(&hosts[refused..=refused], need).is_err());
        }
        assert!(Tenant::Nobody.fits(Pool::Production) && Tenant::Nobody.fits(Pool::Test));
    }

    #[test]
    fn a_runtime_that_leaves_a_host_does_not_come_back_to_it() {
        let hosts = [load("a", 8192, 0), load("b", 4096, 0)];
        let leaving = Need { not_on: Some(hosts[0].host.id), ..need(1, 512) };
        assert_eq!(place(&hosts, leaving).unwrap().host, hosts[1].host.id);
        assert!(place(&hosts[..1], leaving).is_err());
    }

    proptest! {
        #[test]
        fn memory_is_never_promised_twice(sizes in prop::collection::vec(2048..65536_i32, 1..5), needs in prop::collection::vec(128..4096_i32, 1..200)) {
            let mut loads: Vec<Load> = sizes.iter().enumerate().map(|(n, size)| load(&n.to_string(), *size, 0)).collect();
            for memory_mb in needs {
                match place(&loads, need(1, memory_mb)) {
                    Ok(placement) => {
                        let chosen = loads.iter_mut().find(|load| load.host.id == placement.host).unwrap();
                        chosen.memory_promised_mb += i64::from(memory_mb);
                        prop_assert!(free_memory_mb(chosen) >= 0);
                    }
                    Err(_) => prop_assert!(loads.iter().all(|load| free_memory_mb(load) < i64::from(memory_mb))),
                }
            }
        }
    }
}
