//! Tries the planner on every single replica there is, and on fleets in a world that changes.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const SERVICES: [Seen<Service>; 4] =
    [Seen::Unknown, Seen::Known(Service::Missing), Seen::Known(Service::Outdated), Seen::Known(Service::Current)];
const CONTAINERS: [Seen<Container>; 5] = [
    Seen::Unknown,
    Seen::Known(Container::Missing),
    Seen::Known(Container::Starting),
    Seen::Known(Container::Crashing),
    Seen::Known(Container::Serves),
];
const ROLES: [Seen<bool>; 3] = [Seen::Unknown, Seen::Known(false), Seen::Known(true)];
const STATES: [State; 3] = [State::Starting, State::Serving, State::Leaving];
const DOWN: [plan::Next; 4] = [
    plan::Next::Settled,
    plan::Next::Do(Plain::RemoveService),
    plan::Next::Do(Plain::Release),
    plan::Next::Wait(Plainly::Sight),
];

fn host(number: u32) -> HostId {
    format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

fn serving(on: HostId) -> Member {
    Member {
        state: State::Serving,
        host: on,
        is_lost: false,
        is_due: false,
        may_end: false,
        is_overdue: false,
        is_drained: false,
        has_role: Seen::Known(true),
        service: Seen::Known(Service::Current),
        container: Seen::Known(Container::Serves),
    }
}

fn fleet(wanted: usize, members: Vec<Member>) -> Fleet {
    Fleet { wanted, members, is_led: true, may_try: true, has_trouble: false, lacks_room: false }
}

fn every_member() -> Vec<Member> {
    let mut all = Vec::new();
    for flags in 0..16_u8 {
        for state in STATES {
            for has_role in ROLES {
                for service in SERVICES {
                    for container in CONTAINERS {
                        all.push(Member {
                            state,
                            host: host(1),
                            is_lost: flags & 1 != 0,
                            is_due: flags & 2 != 0,
                            may_end: false,
                            is_overdue: flags & 4 != 0,
                            is_drained: flags & 8 != 0,
                            has_role,
                            service,
                            container,
                        });
                    }
                }
            }
        }
    }
    all
}

fn settled(fleet: &Fleet) -> Next {
    next(true, plan::Next::Settled, fleet)
}

#[test]
fn what_finds_no_other_machine_ends_only_where_staff_know_that_fewer_serve_meanwhile() {
    let leaving = Member { is_due: true, may_end: true, ..serving(host(1)) };
    let stuck = Fleet { may_try: false, has_trouble: true, lacks_room: true, ..fleet(1, vec![leaving]) };
    assert_eq!(settled(&stuck), Next::Do(Step::Leave(0, Why::Forgone)));
    assert_eq!(settled(&Fleet { may_try: true, ..stuck.clone() }), Next::Do(Step::Add), "first it is tried");
    let retry = Next::Wait(Awaited::Retry);
    assert_eq!(settled(&Fleet { lacks_room: false, ..stuck.clone() }), retry, "its image may be bad");
    let stays = Member { may_end: false, ..leaving };
    assert_eq!(settled(&Fleet { members: vec![stays], ..stuck }), retry);
}

#[test]
fn what_is_lost_goes_before_anything_else_is_done() {
    for plain in [
        plan::Next::Settled,
        plan::Next::Do(Plain::Flee),
        plan::Next::Do(Plain::Open),
        plan::Next::Wait(Plainly::Sight),
    ] {
        for member in every_member().into_iter().filter(|member| member.is_lost) {
            let fleet = fleet(2, vec![serving(host(2)), member]);
            let step = if member.state == State::Leaving { Step::Remove(1) } else { Step::Leave(1, Why::Lost) };
            assert_eq!(next(true, plain, &fleet), Next::Do(step));
        }
    }
}

#[test]
fn what_was_not_seen_is_neither_removed_nor_led_away_nor_made_again() {
    for mut member in every_member().into_iter().filter(|member| !member.is_lost && !member.is_due) {
        (member.has_role, member.service, member.container) = (Seen::Unknown, Seen::Unknown, Seen::Unknown);
        member.is_overdue = false;
        if member.state == State::Leaving {
            continue;
        }
        let next = settled(&fleet(1, vec![member]));
        assert_eq!(next, Next::Wait(Awaited::Start), "{member:?}");
    }
}

#[test]
fn nobody_is_sent_to_one_that_does_not_answer_and_nothing_is_removed_that_is_in_use() {
    for member in every_member() {
        for wanted in 0..3 {
            match settled(&fleet(wanted, vec![member])) {
                Next::Do(Step::Admit(_)) => {
                    assert_eq!((member.state, member.container), (State::Starting, Seen::Known(Container::Serves)));
                    assert!(member.is_good());
                }
                Next::Do(Step::Remove(_)) => {
                    assert!(member.state == State::Leaving && (member.is_drained || member.is_lost), "{member:?}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn when_it_is_not_to_run_the_name_is_led_away_first_and_then_all_go() {
    let fleet = fleet(2, vec![serving(host(1)), serving(host(2))]);
    for plain in [Plain::Close(plan::Closed::Stopped), Plain::Unroute, Plain::FallAsleep, Plain::WakeUp] {
        assert_eq!(next(false, plan::Next::Do(plain), &fleet), Next::Plain);
    }
    assert_eq!(next(false, plan::Next::Wait(Plainly::Quiet), &fleet), Next::Plain);
    for plain in DOWN {
        assert_eq!(next(false, plain, &fleet), Next::Do(Step::Remove(0)));
    }
}

#[test]
fn the_first_container_goes_first_and_a_bad_image_is_not_started_again_elsewhere() {
    let lacking = fleet(2, vec![serving(host(1))]);
    for plain in
        [plan::Next::Do(Plain::Open), plan::Next::Do(Plain::BeginUpdate), plan::Next::Wait(Plainly::LostDatabase)]
    {
        assert_eq!(next(true, plain, &lacking), Next::Plain);
    }
    for plain in [Plainly::Container, Plainly::CrashingContainer] {
        assert_eq!(next(true, plan::Next::Wait(plain), &lacking), Next::Wait(Awaited::Retry));
    }
    for plain in [Plainly::Update, Plainly::Drained] {
        assert_eq!(next(true, plan::Next::Wait(plain), &lacking), Next::Do(Step::Add));
        let outdated = fleet(1, vec![Member { is_due: true, ..serving(host(1)) }]);
        assert_eq!(next(true, plan::Next::Wait(plain), &outdated), Next::Wait(Awaited::Retry), "one after the other");
    }
}

#[test]
fn after_a_try_that_failed_the_next_one_waits() {
    let mut lacking = fleet(1, Vec::new());
    (lacking.may_try, lacking.has_trouble) = (false, true);
    assert_eq!(settled(&lacking), Next::Wait(Awaited::Retry));
    lacking.may_try = true;
    assert_eq!(settled(&lacking), Next::Do(Step::Add));
    lacking.wanted = 0;
    assert_eq!(settled(&lacking), Next::Do(Step::Forgive), "fewer are wanted");
}

/// A world in which steps work, on so many hosts, one container of the environment on each.
#[derive(Debug)]
struct World {
    fleet: Fleet,
    hosts: u32,
}

impl World {
    /// Which hosts have no container that stays. Host 0 has the first one.
    fn free(&self) -> Option<HostId> {
        let is_taken = |at: &HostId| self.fleet.members.iter().any(|member| member.host == *at && member.is_good());
        (1..self.hosts).map(host).find(|at| !is_taken(at))
    }

    fn serving(&self) -> usize {
        self.fleet.members.iter().filter(|member| member.serves() && !member.is_lost).count()
    }

    /// How many machines have one that serves.
    fn machines(&self) -> usize {
        let serving = self.fleet.members.iter().filter(|member| member.serves() && !member.is_lost);
        serving.map(|member| member.host).collect::<BTreeSet<_>>().len()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Lead => self.fleet.is_led = true,
            Step::Add => {
                if let Some(on) = self.free() {
                    self.fleet.members.push(Member {
                        state: State::Starting,
                        has_role: Seen::Known(false),
                        service: Seen::Known(Service::Missing),
                        container: Seen::Known(Container::Missing),
                        ..serving(on)
                    });
                } else {
                    (self.fleet.may_try, self.fleet.has_trouble) = (false, true);
                }
            }
            Step::Provide(at) => {
                let member = &mut self.fleet.members[at];
                (member.has_role, member.service) = (Seen::Known(true), Seen::Known(Service::Current));
                member.container = Seen::Known(Container::Starting);
            }
            Step::Admit(at) => self.fleet.members[at].state = State::Serving,
            Step::Leave(at, _) => {
                let member = &mut self.fleet.members[at];
                (member.state, member.is_drained) = (State::Leaving, member.state == State::Starting);
            }
            Step::Remove(at) => drop(self.fleet.members.remove(at)),
            Step::Forgive => self.fleet.has_trouble = false,
        }
    }

    /// Time passes: what is waited for comes, the next try too.
    fn wait(&mut self) {
        self.fleet.may_try = true;
        for member in &mut self.fleet.members {
            member.is_drained = true;
            if member.container == Seen::Known(Container::Starting) {
                member.container = Seen::Known(Container::Serves);
            }
        }
    }

    /// Something happens to one of them, or another number is wanted.
    fn happens(&mut self, what: u8, number: usize) {
        let count = self.fleet.members.len();
        if what == 0 {
            self.fleet.wanted = number % 4;
            (self.fleet.may_try, self.fleet.is_led) = (true, false);
        }
        let Some(member) = (count > 0).then(|| &mut self.fleet.members[number % count]) else { return };
        match what {
            1 => member.is_due = true,
            2 => member.is_lost = true,
            3 => member.container = Seen::Known(Container::Crashing),
            4 => {
                (member.service, member.container) = (Seen::Known(Service::Missing), Seen::Known(Container::Missing));
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_ends_with_as_many_as_wanted_and_an_exchange_never_costs_one(
        hosts in 1..6_u32,
        events in prop::collection::vec((0..6_u8, 0..8_usize, 0..12_usize), 1..12),
    ) {
        let mut world = World { fleet: fleet(0, Vec::new()), hosts };
        let most = usize::try_from(hosts - 1).unwrap();
        // After the last event there is time enough.
        for (what, number, steps) in events.into_iter().chain([(9, 0, 200)]) {
            world.happens(what, number);
            for _ in 0..steps {
                match settled(&world.fleet) {
                    Next::Plain => break,
                    Next::Wait(_) => world.wait(),
                    Next::Do(step) => {
                        let (before, machines, may_try) = (world.serving(), world.machines(), world.fleet.may_try);
                        world.take(step);
                        // Only what failed, was lost or is too much leaves without another one in its place.
                        let may_fall = matches!(step, Step::Leave(_, Why::Failed | Why::Lost | Why::Surplus));
                        let is_enough = world.serving() >= world.fleet.wanted.min(before).min(most);
                        // Where the last try found no room, one of two on the same machine goes.
                        let is_twin = !may_try && world.machines() == machines;
                        prop_assert!(may_fall || is_enough || is_twin, "{:?}", step);
                    }
                }
            }
        }
        let good = world.fleet.members.iter().filter(|member| member.is_good()).count();
        prop_assert_eq!(good, world.fleet.wanted.min(most), "{:?}", world);
        prop_assert!(!world.fleet.members.iter().any(|member| member.is_lost));
        let replaced = world.fleet.members.iter().filter(|member| !member.is_good()).count();
        prop_assert_eq!(replaced, 0, "{:?}", world);
    }
}
