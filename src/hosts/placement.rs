//! Which host a runtime goes to. Pure.
//!
//! Memory is never promised twice: a promise that cannot be kept ends in a killed instance. CPU may be promised
//! several times over, because instances are idle most of the time and a busy core is only slow.

use std::fmt;

use super::{HostState, Load};
use crate::base::ids::HostId;

/// What a runtime needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
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
pub fn place(loads: &[Load], need: Need) -> Result<Placement, NoRoom> {
    let mut why = Vec::new();
    let mut best: Option<(i64, &Load)> = None;
    for load in loads {
        if let Some(reason) = lacks(load, need) {
            why.push(NotThere { host: load.host.name.clone(), reason });
        } else {
            let left = free_memory_mb(load) - i64::from(need.memory_mb);
            // The first of equals wins, so that the same world always gives the same answer.
            if best.is_none_or(|(most, _)| left > most) {
                best = Some((left, load));
            }
        }
    }
    let Some((left, load)) = best else { return Err(NoRoom { why }) };
    let explanation = format!(
        "{} keeps {left} MiB of memory free, the most of {} hosts with room",
        load.host.name,
        loads.len() - why.len()
    );
    Ok(Placement { host: load.host.id, explanation })
}

fn lacks(load: &Load, need: Need) -> Option<Reason> {
    let (free_mb, needed_mb) = (free_memory_mb(load), i64::from(need.memory_mb));
    let (free_millis, needed_millis) = (free_cpu_millis(load), i64::from(need.cpu_millis));
    if load.host.state != HostState::Active {
        Some(Reason::NotActive(load.host.state))
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
    use crate::base::clock::Clock;
    use crate::hosts::Host;

    fn load(name: &str, memory_mb: i32, promised_mb: i64) -> Load {
        let host = Host {
            id: HostId::new(Clock::System.now()),
            name: name.to_owned(),
            node: name.to_owned(),
            upstream_address: "127.0.0.1".to_owned(),
            cpu_millis: 2000,
            memory_mb,
            cpu_percent: 800,
            memory_kept_mb: 1024,
            state: HostState::Active,
            state_reason: None,
            seen_at: None,
        };
        Load { host, cpu_promised_millis: 0, memory_promised_mb: promised_mb, runtimes: 0 }
    }

    #[test]
    fn the_emptier_host_is_chosen_and_the_reason_said() {
        let loads = [load("a", 8192, 4096), load("b", 8192, 1024)];
        let placement = place(&loads, Need { cpu_millis: 500, memory_mb: 512 }).unwrap();
        assert_eq!(placement.host, loads[1].host.id);
        assert_eq!(placement.explanation, "b keeps 5632 MiB of memory free, the most of 2 hosts with room");
    }

    #[test]
    fn without_room_each_host_says_why() {
        let mut full_cpu = load("b", 8192, 0);
        full_cpu.cpu_promised_millis = 16_000;
        let mut away = load("c", 8192, 0);
        away.host.state = HostState::Down;
        let none =
            place(&[load("a", 2048, 1000), full_cpu, away], Need { cpu_millis: 1000, memory_mb: 512 }).unwrap_err();
        assert_eq!(
            none.to_string(),
            "no host has room: a has 24 MiB of memory free of 512 needed; b has 0 thousandths of a core free of 1000 needed; c is down"
        );
        assert!(place(&[], Need { cpu_millis: 1, memory_mb: 1 }).is_err());
    }

    proptest! {
        #[test]
        fn memory_is_never_promised_twice(sizes in prop::collection::vec(2048..65536_i32, 1..5), needs in prop::collection::vec(128..4096_i32, 1..200)) {
            let mut loads: Vec<Load> = sizes.iter().enumerate().map(|(n, size)| load(&n.to_string(), *size, 0)).collect();
            for memory_mb in needs {
                let need = Need { cpu_millis: 1, memory_mb };
                match place(&loads, need) {
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
