//! Which host a runtime goes to. Pure.
//!
//! Memory is never promised twice: a promise that cannot be kept ends in a killed instance. CPU may be promised
//! several times over, because instances are idle most of the time and a busy core is only slow.

use std::fmt;

use super::{HostState, Load, Pool, Spare, Supply};
use crate::base::ids::{HostId, ImageId, RuntimeId};

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
    /// The image that it runs, where that is decided.
    pub image: Option<ImageId>,
}

impl Need {
    fn supply(&self, load: &Load) -> Option<Supply> {
        self.image.and_then(|image| load.images.get(&image).copied())
    }
}

/// Where the other containers of the same environment are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// Hosts that it must not share with one of them.
    pub never: Vec<HostId>,
    /// Hosts that it shares only when no other one has room.
    pub rather_not: Vec<HostId>,
}

impl Siblings {
    fn is_on(&self, host: HostId) -> bool {
        self.never.contains(&host) || self.rather_not.contains(&host)
    }

    fn zones<'a>(&self, loads: &'a [Load]) -> Vec<&'a str> {
        loads.iter().filter(|load| self.is_on(load.host.id)).map(|load| load.host.zone.as_str()).collect()
    }
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
    /// The spares without which one of them would have room; none when that would not help, or is on its way.
    pub spares: Vec<RuntimeId>,
}

impl NoRoom {
    /// Whether a host is left out because it could not get the image: that is no matter of room.
    #[must_use]
    pub fn is_for_want_of_image(&self) -> bool {
        self.why.iter().any(|not_there| not_there.reason == Reason::Image)
    }
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
    /// Another container of the same environment is there.
    Shared,
    /// It has not the image, and could not get it.
    Image,
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
            Reason::Shared => write!(f, "{} has another container of it", self.host),
            Reason::Image => write!(f, "{} has not the image and could not get it", self.host),
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

/// Whether more is promised on a host than there is: what was set aside there waits until spares have gone.
#[must_use]
pub fn is_crowded(load: &Load) -> bool {
    free_memory_mb(load) < 0 || free_cpu_millis(load) < 0
}

/// Chooses the host that keeps most memory free: work is spread, and the loss of one host hurts few.
///
/// A host of the tenant's own pool goes before one that takes everything, so that the others keep room for all.
pub fn place(loads: &[Load], need: Need) -> Result<Placement, NoRoom> {
    place_apart(loads, need, &Siblings::default())
}

/// Chooses a host as [`place`], away from the other containers of the environment: one of its own pool before all, and among
/// those one in another zone, because what takes one of them may take its neighbours.
pub fn place_apart(loads: &[Load], need: Need, siblings: &Siblings) -> Result<Placement, NoRoom> {
    choose(loads, need, siblings).map_err(|why| NoRoom { spares: in_the_way(loads, need, siblings), why })
}

/// Returns the oldest spares that must go so that one host has room, less what those give back that go already.
fn in_the_way(loads: &[Load], need: Need, siblings: &Siblings) -> Vec<RuntimeId> {
    let bare: Vec<Load> = loads.iter().map(Load::without_spares).collect();
    let Ok(placement) = choose(&bare, need, siblings) else { return Vec::new() };
    let Some(load) = loads.iter().find(|load| load.host.id == placement.host) else { return Vec::new() };
    let mut lacking_mb = i64::from(need.memory_mb) - free_memory_mb(load);
    let mut lacking_millis = i64::from(need.cpu_millis) - free_cpu_millis(load);
    let (going, kept): (Vec<&Spare>, Vec<&Spare>) = load.spares.iter().partition(|spare| spare.is_going);
    let mut given_up = Vec::new();
    for spare in going.into_iter().chain(kept) {
        if !spare.is_going {
            if lacking_mb <= 0 && lacking_millis <= 0 {
                break;
            }
            given_up.push(spare.runtime);
        }
        lacking_mb -= i64::from(spare.memory_mb);
        lacking_millis -= i64::from(spare.cpu_millis);
    }
    given_up
}

fn choose(loads: &[Load], need: Need, siblings: &Siblings) -> Result<Placement, Vec<NotThere>> {
    let zones = siblings.zones(loads);
    let (mut why, mut coming) = (Vec::new(), Vec::new());
    let mut best: Option<(Rank, &Load)> = None;
    for load in loads {
        if let Some(reason) = lacks(load, need, siblings) {
            why.push(NotThere { host: load.host.name.clone(), reason });
        } else {
            if need.supply(load) == Some(Supply::Coming) {
                coming.push(load);
            }
            let rank = Rank {
                is_apart: !siblings.is_on(load.host.id),
                is_own_pool: load.host.pool != Pool::Any && need.tenant != Tenant::Nobody,
                is_other_zone: !zones.contains(&load.host.zone.as_str()),
                // Whoever waits, waits for a start and not for two gigabytes.
                has_image: need.supply(load) != Some(Supply::Coming),
                left_mb: free_memory_mb(load) - i64::from(need.memory_mb),
            };
            // The first of equals wins, so that the same world always gives the same answer.
            if best.is_none_or(|(most, _)| rank > most) {
                best = Some((rank, load));
            }
        }
    }
    let Some((rank, load)) = best else { return Err(why) };
    let passed_over = if rank.has_image { coming.len() } else { 0 };
    let count = loads.len() - why.len() - passed_over;
    let mut explanation = rank.explain(&load.host.name, count, !zones.is_empty());
    for not_there in &why {
        explanation.push_str(&format!("; {not_there}"));
    }
    for other in coming.iter().filter(|_| passed_over > 0) {
        explanation.push_str(&format!("; {} still fetches the image", other.host.name));
    }
    Ok(Placement { host: load.host.id, explanation })
}

/// What speaks for a host, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_apart: bool,
    is_own_pool: bool,
    is_other_zone: bool,
    has_image: bool,
    left_mb: i64,
}

impl Rank {
    fn explain(self, host: &str, count: usize, has_siblings: bool) -> String {
        let left = self.left_mb;
        let pool = if self.is_own_pool { " of its pool" } else { "" };
        let hosts = if count == 1 { "host" } else { "hosts" };
        let most = format!("{host} keeps {left} MiB of memory free, the most{pool} of {count} {hosts} with room");
        match (has_siblings, self.is_apart, self.is_other_zone) {
            (false, ..) => most,
            (true, true, true) => {
                format!("{host} is in another zone than its other containers and keeps {left} MiB of memory free")
            }
            (true, true, false) if self.is_own_pool => {
                format!("{most}; no host of its pool with room is in another zone than its other containers")
            }
            (true, true, false) => format!("{most}; none of them is in another zone than its other containers"),
            (true, false, _) => format!("{most}; each of them has another container of it"),
        }
    }
}

fn lacks(load: &Load, need: Need, siblings: &Siblings) -> Option<Reason> {
    let (free_mb, needed_mb) = (free_memory_mb(load), i64::from(need.memory_mb));
    let (free_millis, needed_millis) = (free_cpu_millis(load), i64::from(need.cpu_millis));
    if need.not_on == Some(load.host.id) {
        Some(Reason::Left)
    } else if siblings.never.contains(&load.host.id) {
        Some(Reason::Shared)
    } else if load.host.state != HostState::Active {
        Some(Reason::NotActive(load.host.state))
    } else if !need.tenant.fits(load.host.pool) {
        Some(Reason::Pool(load.host.pool))
    } else if need.supply(load) == Some(Supply::Lacking) {
        Some(Reason::Image)
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
    use crate::hosts::testing::{load, spare};

    fn need(cpu_millis: i32, memory_mb: i32) -> Need {
        Need { cpu_millis, memory_mb, tenant: Tenant::Other, not_on: None, image: None }
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
    fn only_spares_whose_end_makes_room_are_in_the_way_and_no_more_of_them_than_needed() {
        let mut hosts = [load("a", 4096, 3072), load("b", 8192, 7168), load("c", 8192, 7168)];
        hosts[0].spares = vec![spare(512), spare(512)];
        hosts[1].spares = vec![spare(512), spare(512), spare(512)];
        hosts[2].host.pool = Pool::Production;
        hosts[2].spares = vec![spare(512); 8];
        let in_the_way = |hosts: &[Load], memory_mb| place(hosts, need(100, memory_mb)).unwrap_err().spares;
        let of_b: Vec<RuntimeId> = hosts[1].spares.iter().map(|spare| spare.runtime).collect();
        assert_eq!(in_the_way(&hosts, 1024), of_b[..2]);
        assert_eq!(in_the_way(&hosts, 1600), Vec::new(), "all of b's would not do, and c is kept for others");
        // One of them goes already, and another one only has to.
        hosts[1].spares[2].is_going = true;
        assert_eq!(in_the_way(&hosts, 1024), of_b[..1]);
        hosts[1].spares[0].is_going = true;
        assert_eq!(in_the_way(&hosts, 1024), Vec::new(), "room is on its way");
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
    fn nothing_goes_where_its_image_cannot_be_got_and_rather_where_it_is_than_where_it_comes() {
        let image = ImageId::new(crate::base::clock::Clock::System.now());
        let mut hosts = [load("a", 16384, 0), load("b", 8192, 0), load("c", 4096, 0)];
        let needed = Need { image: Some(image), ..need(1, 512) };
        hosts[0].images.insert(image, Supply::Lacking);
        hosts[1].images.insert(image, Supply::Coming);
        hosts[2].images.insert(image, Supply::Here);
        let placement = place(&hosts, needed).unwrap();
        assert_eq!(placement.host, hosts[2].host.id);
        assert_eq!(
            placement.explanation,
            "c keeps 2560 MiB of memory free, the most of 1 host with room; a has not the image and could not get it; b still fetches the image"
        );
        assert_eq!(place(&hosts[..2], needed).unwrap().host, hosts[1].host.id, "better late than never");
        assert!(place(&hosts[..1], needed).is_err());
        assert_eq!(place(&hosts, need(1, 512)).unwrap().host, hosts[0].host.id, "another image");
    }

    #[test]
    fn a_runtime_that_leaves_a_host_does_not_come_back_to_it() {
        let hosts = [load("a", 8192, 0), load("b", 4096, 0)];
        let leaving = Need { not_on: Some(hosts[0].host.id), ..need(1, 512) };
        assert_eq!(place(&hosts, leaving).unwrap().host, hosts[1].host.id);
        assert!(place(&hosts[..1], leaving).is_err());
    }

    #[test]
    fn a_replica_goes_to_another_host_and_rather_to_another_zone() {
        let mut hosts = [load("a", 16384, 0), load("b", 16384, 0), load("c", 8192, 0), load("d", 4096, 0)];
        for (host, zone) in hosts.iter_mut().zip(["north", "north", "south", ""]) {
            zone.clone_into(&mut host.host.zone);
        }
        let on = |numbers: &[usize]| numbers.iter().map(|number| hosts[*number].host.id).collect::<Vec<_>>();
        let replica =
            |never: &[usize]| place_apart(&hosts, need(1, 512), &Siblings { never: on(never), rather_not: vec![] });
        let second = replica(&[0]).unwrap();
        assert_eq!(second.host, hosts[2].host.id, "b has more room, in the same zone");
        assert_eq!(
            second.explanation,
            "c is in another zone than its other containers and keeps 6656 MiB of memory free; a has another container of it"
        );
        assert_eq!(replica(&[0, 2]).unwrap().host, hosts[3].host.id, "a zone that nobody named is another one");
        let fourth = replica(&[0, 2, 3]).unwrap();
        assert_eq!(fourth.host, hosts[1].host.id);
        assert!(fourth.explanation.contains("none of them is in another zone"), "{}", fourth.explanation);
        assert!(replica(&[0, 1, 2, 3]).unwrap_err().to_string().ends_with("d has another container of it"));
    }

    #[test]
    fn a_replica_stays_in_its_pool_rather_than_going_to_another_zone() {
        let mut hosts = [load("a", 8192, 0), load("b", 4096, 0), load("c", 16384, 0)];
        for (host, (zone, pool)) in
            hosts.iter_mut().zip([("north", Pool::Production), ("north", Pool::Production), ("south", Pool::Any)])
        {
            zone.clone_into(&mut host.host.zone);
            host.host.pool = pool;
        }
        let need = Need { tenant: Tenant::Production, ..need(1, 512) };
        let siblings = Siblings { never: vec![hosts[0].host.id], rather_not: vec![] };
        let second = place_apart(&hosts, need, &siblings).unwrap();
        assert_eq!(second.host, hosts[1].host.id);
        let why = "no host of its pool with room is in another zone than its other containers";
        assert!(second.explanation.contains(why), "{}", second.explanation);
        // Of two in its pool, the one in another zone.
        hosts[2].host.pool = Pool::Production;
        assert_eq!(place_apart(&hosts, need, &siblings).unwrap().host, hosts[2].host.id);
    }

    #[test]
    fn the_first_container_avoids_its_replicas_and_takes_a_place_beside_one_rather_than_none() {
        let hosts = [load("a", 16384, 0), load("b", 4096, 0)];
        let beside = |hosts: &[Load], number: usize| {
            let siblings = Siblings { never: vec![], rather_not: vec![hosts[number].host.id] };
            place_apart(hosts, need(1, 512), &siblings).unwrap()
        };
        assert_eq!(beside(&hosts, 0).host, hosts[1].host.id);
        let shared = beside(&hosts[..1], 0);
        assert!(shared.explanation.ends_with("each of them has another container of it"), "{}", shared.explanation);
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
