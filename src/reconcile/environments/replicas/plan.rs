//! Decides what to do next about the replicas of one environment. Pure: no clock, no network, no database.

use crate::base::ids::HostId;
use crate::reconcile::environments::plan::{self, Awaited as Plainly, Container, Step as Plain};
use crate::reconcile::runtimes::{Seen, Service};

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has room; the public is not sent to it yet.
    Starting,
    /// The public is sent to it.
    Serving,
    /// Nobody is sent to it any more.
    Leaving,
}

/// A replica as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// How far it is.
    pub state: State,
    /// The machine that it is on.
    pub host: HostId,
    /// Whether the Swarm has lost that machine: its container may go on there, out of reach.
    pub is_lost: bool,
    /// Whether another one must take its place: another image, other limits, a restart, a machine that is emptied or has
    /// another container of the same environment.
    pub is_due: bool,
    /// Whether it may go although nothing takes its place: staff empty its machine and know that fewer serve meanwhile.
    pub may_end: bool,
    /// Whether it takes longer to start than any that works.
    pub is_overdue: bool,
    /// Whether nobody is in the middle of anything at it.
    pub is_drained: bool,
    /// Whether its login role may log in.
    pub has_role: Seen<bool>,
    /// Its service.
    pub service: Seen<Service>,
    /// Its container.
    pub container: Seen<Container>,
}

impl Member {
    fn stays(&self) -> bool {
        self.state != State::Leaving
    }

    /// Whether it stays as it is.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.stays() && !self.is_due && self.service != Seen::Known(Service::Outdated)
    }

    fn serves(&self) -> bool {
        self.state == State::Serving && self.container == Seen::Known(Container::Serves)
    }

    fn lacks_a_part(&self) -> bool {
        let is_seen = self.has_role != Seen::Unknown && self.service != Seen::Unknown;
        // One that is made is started in a second step, which may have failed.
        let is_started = !matches!(self.service, Seen::Known(Service::Missing | Service::AtRest));
        is_seen && (self.has_role == Seen::Known(false) || !is_started)
    }
}

/// All replicas of an environment, and what is wanted of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// How many are wanted beside the first container.
    pub wanted: usize,
    /// Those that there are.
    pub members: Vec<Member>,
    /// Whether the name leads to exactly what serves, or nothing does.
    pub is_led: bool,
    /// Whether another one may be tried now, after the last one failed.
    pub may_try: bool,
    /// Whether it is written down that some are missing.
    pub has_trouble: bool,
    /// Whether that is for want of room on another machine.
    pub lacks_room: bool,
}

/// Why a replica leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Fewer are wanted.
    Surplus,
    /// Another one serves in its place.
    Replaced,
    /// Its machine is emptied, no other one has room, and staff know that fewer serve meanwhile.
    Forgone,
    /// It does not serve.
    Failed,
    /// The Swarm has lost its machine.
    Lost,
}

/// One idempotent step. Replicas are told by their place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Leads the name to what serves.
    Lead,
    /// Finds room for another one.
    Add,
    /// Makes its login role and service.
    Provide(usize),
    /// Sends the public to it.
    Admit(usize),
    /// Sends the public to it no more.
    Leave(usize, Why),
    /// Puts it off the database, and removes it.
    Remove(usize),
    /// Notes that none is missing any more.
    Forgive,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A container starts.
    Start,
    /// Requests at one that leaves may still be under way.
    Drained,
    /// The time of the next try.
    Retry,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: what was decided about the first container holds.
    Plain,
    /// Take this step first, then look again.
    Do(Step),
    /// Nothing can be done about replicas but wait.
    Wait(Awaited),
}

/// Decides the next step. `is_up` says whether the environment is to run now, `plain` what was decided about its first
/// container.
#[must_use]
pub fn next(is_up: bool, plain: plan::Next, fleet: &Fleet) -> Next {
    if !is_up {
        return towards_none(plain, fleet);
    }
    // Before anything is started anywhere: what may go on out of reach is put off the database.
    if let Some(lost) = fleet.members.iter().position(|member| member.is_lost) {
        let is_leaving = fleet.members[lost].state == State::Leaving;
        return Next::Do(if is_leaving { Step::Remove(lost) } else { Step::Leave(lost, Why::Lost) });
    }
    match plain {
        plan::Next::Settled => towards_wanted(fleet, Growth::All),
        plan::Next::Wait(Plainly::Update | Plainly::Drained) => towards_wanted(fleet, Growth::Missing),
        plan::Next::Wait(Plainly::Container | Plainly::CrashingContainer) => towards_wanted(fleet, Growth::None),
        plan::Next::Do(_) | plan::Next::Wait(_) => Next::Plain,
    }
}

/// What may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    /// Nothing: nobody knows whether its image serves at all.
    None,
    /// What is missing; the rest waits until the first container has its final form.
    Missing,
    /// What is missing, and what takes another one's place.
    All,
}

/// The name is led away first, as for one container; then all of them go.
fn towards_none(plain: plan::Next, fleet: &Fleet) -> Next {
    let is_leading = matches!(
        plain,
        plan::Next::Do(Plain::Close(_) | Plain::Unroute | Plain::WakeUp | Plain::FallAsleep)
            | plan::Next::Wait(Plainly::Quiet)
    );
    if is_leading || fleet.members.is_empty() { Next::Plain } else { Next::Do(Step::Remove(0)) }
}

fn towards_wanted(fleet: &Fleet, growth: Growth) -> Next {
    if !fleet.is_led {
        return Next::Do(Step::Lead);
    }
    let step = fleet.members.iter().enumerate().find_map(|(number, member)| of_one(number, member));
    if let Some(step) = step.or_else(|| of_many(fleet, growth)) {
        return Next::Do(step);
    }
    let is_short = fleet.members.iter().filter(|member| member.is_good()).count() < fleet.wanted;
    let is_starting = |member: &Member| member.stays() && !member.serves();
    if fleet.members.iter().any(is_starting) {
        Next::Wait(Awaited::Start)
    } else if !fleet.members.iter().all(Member::stays) {
        Next::Wait(Awaited::Drained)
    } else if is_short || fleet.members.iter().any(|member| !member.is_good()) {
        Next::Wait(Awaited::Retry)
    } else if fleet.has_trouble {
        Next::Do(Step::Forgive)
    } else {
        Next::Plain
    }
}

/// What one replica needs, whatever the others do.
fn of_one(number: usize, member: &Member) -> Option<Step> {
    let container = member.container;
    match member.state {
        State::Leaving => member.is_drained.then_some(Step::Remove(number)),
        State::Starting if !member.is_good() => Some(Step::Leave(number, Why::Replaced)),
        _ if container == Seen::Known(Container::Crashing) => Some(Step::Leave(number, Why::Failed)),
        _ if member.is_good() && member.lacks_a_part() => Some(Step::Provide(number)),
        State::Serving => None,
        State::Starting if container == Seen::Known(Container::Serves) => Some(Step::Admit(number)),
        State::Starting => member.is_overdue.then_some(Step::Leave(number, Why::Failed)),
    }
}

/// Whether there are too many or too few, or one takes another's place. The new one serves before the old one leaves.
fn of_many(fleet: &Fleet, growth: Growth) -> Option<Step> {
    let all = || fleet.members.iter().enumerate().filter(|(_, member)| member.stays());
    let good: Vec<(usize, &Member)> = all().filter(|(_, member)| member.is_good()).collect();
    let due: Vec<(usize, &Member)> = all().filter(|(_, member)| !member.is_good()).collect();
    if good.len() > fleet.wanted {
        let (number, _) = good.iter().max_by_key(|(number, member)| (!member.serves(), *number))?;
        return Some(Step::Leave(*number, Why::Surplus));
    }
    let serving = good.iter().filter(|(_, member)| member.serves()).count();
    let is_missing = good.len() + due.len() < fleet.wanted;
    // The last try found no room.
    let is_stuck = growth == Growth::All && !fleet.may_try && serving == good.len();
    let is_beside =
        |(_, member): &&(usize, &Member)| good.iter().any(|(_, other)| other.host == member.host && other.serves());
    // One that is to go and serves nobody goes at once.
    let is_dead = |(_, member): &&(usize, &Member)| member.container != Seen::Unknown && !member.serves();
    let dead = due.iter().find(is_dead).filter(|_| growth == Growth::All);
    let all_serving = serving + due.iter().filter(|(_, member)| member.serves()).count();
    let is_enough = all_serving > fleet.wanted || serving >= fleet.wanted;
    // Where there is no room for more, what took another's place on the same machine is enough for it to leave.
    let beside = due.iter().find(is_beside);
    let leaver = if is_enough { beside.or(due.first()) } else { beside.filter(|_| is_stuck) };
    if let Some((number, _)) = dead.or(leaver) {
        return Some(Step::Leave(*number, Why::Replaced));
    }
    let forgone = due.iter().find(|(_, member)| member.may_end).filter(|_| is_stuck && fleet.lacks_room);
    if let Some((number, _)) = forgone {
        return Some(Step::Leave(*number, Why::Forgone));
    }
    // One at a time takes another's place: each needs room twice for a moment.
    let is_due = !due.is_empty() && good.len() < fleet.wanted && serving == good.len();
    let may = match growth {
        Growth::None => false,
        Growth::Missing => is_missing,
        Growth::All => is_missing || is_due,
    };
    (may && fleet.may_try).then_some(Step::Add)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
