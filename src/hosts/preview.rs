//! What would happen if a host were emptied or lost. Pure.

use super::placement::{self, Need, NoRoom, Siblings};
use super::{HostState, Load};
use crate::base::ids::{EnvironmentId, HostId, RuntimeId};

/// How many instances of one host move at once: each needs its room twice for a moment.
pub const MOVES_AT_ONCE: usize = 3;

/// A runtime on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Which one.
    pub runtime: RuntimeId,
    /// Whose it is; a spare is nobody's and is thrown away instead of moved.
    pub environment: Option<EnvironmentId>,
    /// The environment's name, for people.
    pub name: String,
    /// The customer's name, for people.
    pub account: String,
    /// The host that it is on.
    pub host: HostId,
    /// Whether it is a further container of its environment.
    pub is_replica: bool,
    /// What it needs.
    pub need: Need,
    /// Whether it is moving away already.
    pub is_leaving: bool,
}

/// One move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Who moves.
    pub resident: Resident,
    /// What becomes of it.
    pub to: Outcome,
}

/// What becomes of a container whose host is emptied or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes to this host.
    Moves(HostId),
    /// It goes to this host, where there is another container of the same environment.
    Joins(HostId),
    /// It is a further container and has nowhere to go: its environment runs in fewer until there is room.
    Fewer(NoRoom),
    /// It is the first container and has nowhere to go.
    Homeless(NoRoom),
}

impl Outcome {
    /// Returns where it goes.
    #[must_use]
    pub fn host(&self) -> Option<HostId> {
        match self {
            Self::Moves(host) | Self::Joins(host) => Some(*host),
            Self::Fewer(_) | Self::Homeless(_) => None,
        }
    }

    /// Returns why it goes nowhere.
    #[must_use]
    pub fn why_not(&self) -> Option<&NoRoom> {
        match self {
            Self::Fewer(why) | Self::Homeless(why) => Some(why),
            Self::Moves(_) | Self::Joins(_) => None,
        }
    }

    /// Whether its environment is left with fewer containers, or with two on one machine.
    #[must_use]
    pub fn is_less(&self) -> bool {
        matches!(self, Self::Joins(_) | Self::Fewer(_))
    }

    /// Whether it would serve nowhere.
    #[must_use]
    pub fn is_homeless(&self) -> bool {
        matches!(self, Self::Homeless(_))
    }
}

/// Says who of a host's residents would go where, the largest first: they are the hardest to place. Who is on the way
/// already has its room. Spares make room for all of them.
#[must_use]
pub fn moves(loads: &[Load], residents: &[Resident], host: HostId) -> Vec<Move> {
    let mut loads: Vec<Load> = loads.iter().map(Load::without_spares).collect();
    let mut arrived: Vec<(RuntimeId, HostId)> = Vec::new();
    let mut leaving: Vec<&Resident> =
        residents.iter().filter(|resident| resident.host == host && resident.environment.is_some()).collect();
    leaving.retain(|resident| !resident.is_leaving);
    leaving.sort_by_key(|resident| std::cmp::Reverse((resident.need.memory_mb, resident.need.cpu_millis)));
    leaving
        .into_iter()
        .map(|resident| {
            let need = Need { not_on: Some(host), ..resident.need };
            let siblings = siblings(resident, residents, &arrived);
            let to = match placement::place_apart(&loads, need, &siblings) {
                Ok(placement) if siblings.rather_not.contains(&placement.host) => Outcome::Joins(placement.host),
                Ok(placement) => Outcome::Moves(placement.host),
                Err(why) if resident.is_replica => Outcome::Fewer(why),
                Err(why) => Outcome::Homeless(why),
            };
            if let Some(to) = to.host() {
                arrived.push((resident.runtime, to));
                if let Some(load) = loads.iter_mut().find(|load| load.host.id == to) {
                    load.memory_promised_mb += i64::from(need.memory_mb);
                    load.cpu_promised_millis += i64::from(need.cpu_millis);
                }
            }
            Move { resident: resident.clone(), to }
        })
        .collect()
}

/// Returns where the other containers of the same environment are: a replica never joins one, the first rather not.
fn siblings(resident: &Resident, residents: &[Resident], arrived: &[(RuntimeId, HostId)]) -> Siblings {
    let others = residents.iter().filter(|other| other.runtime == resident.runtime && other.host != resident.host);
    let arrived = arrived.iter().filter(|(runtime, _)| *runtime == resident.runtime).map(|(_, host)| *host);
    let hosts = others.map(|other| other.host).chain(arrived).collect();
    if resident.is_replica {
        Siblings { never: hosts, rather_not: Vec::new() }
    } else {
        Siblings { never: Vec::new(), rather_not: hosts }
    }
}

/// Returns how long so many moves take, when one takes `each_seconds`.
#[must_use]
pub fn seconds(moves: usize, each_seconds: i64) -> i64 {
    i64::try_from(moves.div_ceil(MOVES_AT_ONCE)).unwrap_or(i64::MAX).saturating_mul(each_seconds)
}

/// What the loss of the host that would hurt most leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// That host's name.
    pub host: String,
    /// How many of its instances would find no room.
    pub homeless: usize,
    /// How many would find room.
    pub housed: usize,
    /// How many instances would run in fewer containers, or in two on one machine.
    pub lessened: usize,
    /// MiB that would be left on the others.
    pub spare_mb: i64,
}

/// Says what the loss of one host, the worst one, would do. One that takes nothing new can be lost as well. `None` with fewer
/// than two hosts that are there.
#[must_use]
pub fn headroom(loads: &[Load], residents: &[Resident]) -> Option<Headroom> {
    let is_there = |load: &&Load| matches!(load.host.state, HostState::Active | HostState::Cordoned);
    let there: Vec<&Load> = loads.iter().filter(is_there).collect();
    if there.len() < 2 {
        return None;
    }
    // Spares are given up for customers: their room counts as free.
    let without_spares: Vec<Load> = loads.iter().map(Load::without_spares).collect();
    let lost = |load: &&Load| {
        let moves = moves(loads, residents, load.host.id);
        let homeless = moves.iter().filter(|one| one.to.is_homeless()).count();
        let lessened = moves.iter().filter(|one| one.to.is_less()).count();
        let housed: Vec<&Move> = moves.iter().filter(|one| one.to.host().is_some()).collect();
        let taken: i64 = housed.iter().map(|one| i64::from(one.resident.need.memory_mb)).sum();
        let free: i64 = without_spares
            .iter()
            .filter(|other| other.host.id != load.host.id && other.host.state == HostState::Active)
            .map(placement::free_memory_mb)
            .sum();
        Headroom { host: load.host.name.clone(), homeless, housed: housed.len(), lessened, spare_mb: free - taken }
    };
    there.iter().map(lost).max_by_key(|found| (found.homeless, -found.spare_mb, found.housed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::hosts::placement::Tenant;
    use crate::hosts::testing::{load, spare};

    fn resident(host: HostId, memory_mb: i32) -> Resident {
        let now = Clock::System.now();
        Resident {
            runtime: RuntimeId::new(now),
            environment: Some(EnvironmentId::new(now)),
            name: "Shop".to_owned(),
            account: "Acme".to_owned(),
            host,
            is_replica: false,
            need: Need { cpu_millis: 100, memory_mb, tenant: Tenant::Other, not_on: None, image: None },
            is_leaving: false,
        }
    }

    #[test]
    fn the_largest_are_placed_first_and_who_finds_no_room_is_said() {
        let hosts = [load("a", 8192, 6000), load("b", 4096, 1024)];
        let (a, b) = (hosts[0].host.id, hosts[1].host.id);
        let residents = [resident(a, 1024), resident(a, 2000), resident(b, 512)];
        let moves = moves(&hosts, &residents, a);
        assert_eq!(moves.iter().map(|one| one.resident.need.memory_mb).collect::<Vec<_>>(), [2000, 1024]);
        assert_eq!(moves[0].to, Outcome::Moves(b));
        assert!(moves[1].to.is_homeless());
    }

    #[test]
    fn a_replica_that_finds_no_other_machine_ends_and_a_first_container_joins_its_replica() {
        let mut hosts = vec![load("a", 8192, 1024), load("b", 8192, 1024)];
        let (a, b) = (hosts[0].host.id, hosts[1].host.id);
        let first = resident(a, 512);
        let replica = Resident { host: b, is_replica: true, ..first.clone() };
        let residents = [first.clone(), replica];
        assert!(matches!(moves(&hosts, &residents, b)[0].to, Outcome::Fewer(_)), "the replica");
        assert_eq!(moves(&hosts, &residents, a)[0].to, Outcome::Joins(b), "there is no other place");
        // Where both are on one machine, the second one does not follow the first one.
        let residents = [first.clone(), Resident { is_replica: true, ..first }];
        let both = moves(&hosts, &residents, a);
        assert_eq!(both[0].to, Outcome::Moves(b));
        assert!(matches!(both[1].to, Outcome::Fewer(_)));
        hosts.push(load("c", 8192, 1024));
        assert_eq!(moves(&hosts, &residents, a)[1].to, Outcome::Moves(hosts[2].host.id));
    }

    #[test]
    fn spares_make_room_for_those_who_move() {
        let mut hosts = [load("a", 4096, 1024), load("b", 4096, 3072)];
        let (a, b) = (hosts[0].host.id, hosts[1].host.id);
        let residents = [resident(a, 1024)];
        assert!(moves(&hosts, &residents, a)[0].to.is_homeless());
        hosts[1].spares = vec![spare(512), spare(512)];
        assert_eq!(moves(&hosts, &residents, a)[0].to, Outcome::Moves(b));
        assert_eq!(headroom(&hosts, &residents).unwrap().homeless, 0, "both say the same");
    }

    #[test]
    fn three_move_at_once() {
        assert_eq!([0, 1, 3, 4, 7].map(|count| seconds(count, 10)), [0, 10, 10, 20, 30]);
    }

    #[test]
    fn headroom_is_that_of_the_worst_loss_and_spares_are_room() {
        let mut hosts = [load("a", 4096, 2048), load("b", 4096, 2560)];
        let (a, b) = (hosts[0].host.id, hosts[1].host.id);
        hosts[1].spares.push(spare(1536));
        let residents = [resident(a, 1024), resident(a, 1024), resident(b, 1024)];
        // Without the spare b has 2048 MiB free: both of a's fit exactly.
        let found = headroom(&hosts, &residents).unwrap();
        assert_eq!((found.homeless, found.spare_mb), (0, 0));
        hosts[1].memory_promised_mb += 1;
        let found = headroom(&hosts, &residents).unwrap();
        assert_eq!((found.host.as_str(), found.homeless, found.housed), ("a", 1, 1));
        assert_eq!(headroom(&hosts[..1], &residents), None);
    }

    #[test]
    fn a_host_that_takes_nothing_new_can_be_the_worst_loss() {
        let mut hosts = [load("a", 8192, 0), load("b", 4096, 3072)];
        let residents = [resident(hosts[1].host.id, 1024), resident(hosts[1].host.id, 2048)];
        hosts[1].host.state = HostState::Cordoned;
        assert_eq!(headroom(&hosts, &residents).unwrap().homeless, 0);
        hosts[0].memory_promised_mb = 6144;
        let found = headroom(&hosts, &residents).unwrap();
        assert_eq!((found.host.as_str(), found.homeless, found.housed), ("b", 1, 1));
        hosts[1].host.state = HostState::Down;
        assert_eq!(headroom(&hosts, &residents), None, "it is lost already");
    }
}
