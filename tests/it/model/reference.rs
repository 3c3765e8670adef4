//! What people must see: a small model of an installation that knows nothing of workers, rows and containers. Pure.

/// How many environments an account of a history has at most.
pub const ENVIRONMENTS: usize = 4;
/// How many machines there are.
pub const HOSTS: usize = 3;

/// What happens: by a customer, by staff, by visitors, by itself. A number says to which environment or machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Order,
    Start(usize),
    Stop(usize),
    Restart(usize),
    Rename(usize),
    Wake(usize),
    Delete(usize),
    Undo(usize),
    ChangePlan(usize),
    Suspend(usize),
    Resume(usize),
    /// Staff bring it another image.
    Update(usize),
    /// Staff bring it an image whose program ends at once.
    BadUpdate(usize),
    /// A visitor comes.
    Visit(usize),
    /// Nobody uses it for hours.
    Leave(usize),
    /// More than a week goes by.
    Week,
    /// Staff empty a machine.
    Drain(usize),
    Reopen(usize),
    /// A machine is lost.
    Lose(usize),
    Find(usize),
    /// The engine does not answer any more.
    EngineAway,
    EngineBack,
    /// The tenants' database server does not.
    TenantsAway,
    TenantsBack,
    /// Somebody removes its service by hand.
    RemoveByHand(usize),
    /// All its processes are killed.
    KillContainers(usize),
    /// Something goes wrong with one of the next calls of the worker: which one, and what.
    Accident(usize, usize, usize),
    /// The worker has time enough.
    Settle,
}

/// What a customer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Running,
    Stopped,
    Deleted,
}

/// Whether an environment sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    No,
    Yes,
    /// Nobody can tell: it was stopped and started before anybody looked.
    Perhaps,
}

/// An environment as people know it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that people know of it, whatever the others are")]
pub struct Environment {
    pub wanted: Wanted,
    /// What was wanted before it was deleted.
    before: Wanted,
    pub is_suspended: bool,
    pub sleep: Sleep,
    /// Whether somebody uses it.
    pub is_used: bool,
    /// Which of the plans it is on; only the last one never sleeps.
    pub plan: usize,
    /// Which of the good images it runs.
    pub image: usize,
    /// How often it was renamed.
    pub renamings: usize,
    /// What an update that has not ended will make of plan and image.
    pub update: Option<(usize, usize)>,
    /// Whether it has served once.
    pub was_ready: bool,
    /// Whether nothing is left of it.
    pub is_gone: bool,
}

impl Environment {
    /// Whether it is to run, asleep or not.
    pub fn runs(&self) -> bool {
        self.wanted == Wanted::Running && !self.is_suspended && !self.is_gone
    }

    fn may_sleep(&self) -> bool {
        self.plan + 1 < PLANS.len()
    }

    /// What people are told; nothing while that is not certain.
    pub fn status(&self) -> Option<&'static str> {
        Some(match (self.is_gone, self.wanted, self.is_suspended, self.sleep) {
            (true, ..) => "deleted",
            (false, Wanted::Deleted, ..) => "deleting",
            (false, _, true, _) => "suspended",
            (false, Wanted::Stopped, ..) => "stopped",
            (false, Wanted::Running, false, Sleep::Yes) => "asleep",
            (false, Wanted::Running, false, Sleep::No) => "running",
            (false, Wanted::Running, false, Sleep::Perhaps) => return None,
        })
    }
}

/// The plans' codes.
pub const PLANS: [&str; 3] = ["development", "test", "production"];

/// A machine as staff know it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host {
    pub is_lost: bool,
    pub is_emptied: bool,
}

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is so now.
    Done,
    /// Whoever asked was refused.
    Refused,
    /// It cannot happen now.
    Impossible,
}

/// The installation.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub environments: Vec<Environment>,
    pub hosts: [Host; HOSTS],
    pub is_engine_away: bool,
    pub is_server_away: bool,
    /// The newest good image.
    pub images: usize,
}

impl Model {
    /// Whether everything answers, so that what is wanted becomes so.
    pub fn is_calm(&self) -> bool {
        !self.is_engine_away && !self.is_server_away
    }

    /// Whether an event moves the clock by hours, so that all must be settled before.
    pub fn takes_hours(event: Event) -> bool {
        matches!(event, Event::Leave(_) | Event::Week)
    }

    /// Lets something happen.
    pub fn happens(&mut self, event: Event) -> Answer {
        use Answer::{Done, Impossible, Refused};
        use Event as E;
        let (is_calm, images) = (self.is_calm(), self.images);
        match event {
            E::Order => return self.order(),
            E::Week | E::Leave(_) => return self.pass(event),
            E::Drain(_) | E::Reopen(_) | E::Lose(_) | E::Find(_) => return self.of_host(event),
            E::EngineAway | E::EngineBack => {
                let was_away = std::mem::replace(&mut self.is_engine_away, event == E::EngineAway);
                return if was_away == self.is_engine_away { Impossible } else { Done };
            }
            E::TenantsAway | E::TenantsBack => {
                let was_away = std::mem::replace(&mut self.is_server_away, event == E::TenantsAway);
                return if was_away == self.is_server_away { Impossible } else { Done };
            }
            E::Accident(..) | E::Settle => return Done,
            _ => {}
        }
        let number = number_of(event);
        let Some(it) = self.environments.get_mut(number).filter(|it| !it.is_gone) else { return Impossible };
        let is_deleted = it.wanted == Wanted::Deleted;
        match event {
            E::Undo(_) if is_deleted => it.wanted = it.before,
            E::Delete(_) | E::Undo(_) if is_deleted == matches!(event, E::Delete(_)) => {}
            E::Delete(_) => (it.before, it.wanted) = (it.wanted, Wanted::Deleted),
            E::Suspend(_) | E::Resume(_) if is_deleted => return Impossible,
            E::Suspend(_) | E::Resume(_) => {
                let was = std::mem::replace(&mut it.is_suspended, matches!(event, E::Suspend(_)));
                if was == it.is_suspended {
                    return Refused;
                }
            }
            E::RemoveByHand(_) | E::KillContainers(_) if !is_calm => return Impossible,
            E::Update(_) | E::BadUpdate(_) | E::Visit(_) | E::RemoveByHand(_) | E::KillContainers(_) if is_deleted => {
                return Impossible;
            }
            _ if is_deleted => return Refused,
            E::Stop(_) => it.wanted = Wanted::Stopped,
            E::Rename(_) => it.renamings += 1,
            E::ChangePlan(_) if it.is_suspended || !it.was_ready => return Refused,
            // While something does not answer nobody can tell whether the last one has ended.
            E::ChangePlan(_) if it.update.is_some() => return if is_calm { Refused } else { Impossible },
            E::ChangePlan(_) => it.update = Some(((it.plan + 1) % PLANS.len(), it.image)),
            E::Update(_) | E::BadUpdate(_) if it.update.is_some() || !it.was_ready => return Impossible,
            E::Update(_) => {
                it.update = Some((it.plan, images + 1));
                self.images += 1;
            }
            E::BadUpdate(_) if it.status() != Some("running") || !is_calm => return Impossible,
            E::Visit(_) if it.sleep == Sleep::Perhaps => return Impossible,
            E::Visit(_) => (it.is_used, it.sleep) = (true, if it.runs() { Sleep::No } else { it.sleep }),
            E::Start(_) | E::Restart(_) | E::Wake(_) if it.is_suspended => return Refused,
            E::Start(_) => it.wanted = Wanted::Running,
            E::Restart(_) | E::Wake(_) if it.wanted == Wanted::Stopped => return Refused,
            E::Restart(_) => (it.is_used, it.sleep) = (true, Sleep::No),
            // Of one that does not sleep it changes nothing.
            E::Wake(_) if it.sleep == Sleep::Yes => (it.is_used, it.sleep) = (true, Sleep::No),
            E::Wake(_) | E::BadUpdate(_) | E::RemoveByHand(_) | E::KillContainers(_) => {}
            _ => return Impossible,
        }
        // Nobody looked yet: if it is started before anybody does, it sleeps on.
        if it.sleep == Sleep::Yes && !it.runs() {
            it.sleep = Sleep::Perhaps;
        }
        Done
    }

    fn order(&mut self) -> Answer {
        if self.environments.iter().filter(|it| !it.is_gone).count() >= ENVIRONMENTS {
            return Answer::Impossible;
        }
        self.environments.push(Environment {
            wanted: Wanted::Running,
            before: Wanted::Running,
            is_suspended: false,
            sleep: Sleep::No,
            is_used: true,
            plan: 1,
            image: 0,
            renamings: 0,
            update: None,
            was_ready: false,
            is_gone: false,
        });
        Answer::Done
    }

    /// Hours or days go by; the worker has looked right before.
    fn pass(&mut self, event: Event) -> Answer {
        if !self.is_calm() {
            return Answer::Impossible;
        }
        if let Event::Leave(number) = event {
            match self.environments.get_mut(number) {
                Some(it) if it.runs() && it.sleep == Sleep::No && it.may_sleep() => it.is_used = false,
                _ => return Answer::Impossible,
            }
        }
        for it in &mut self.environments {
            it.is_gone |= event == Event::Week && it.wanted == Wanted::Deleted;
            if it.runs() && !it.is_used && it.may_sleep() && it.was_ready {
                it.sleep = Sleep::Yes;
            }
        }
        Answer::Done
    }

    fn of_host(&mut self, event: Event) -> Answer {
        let number = number_of(event);
        if !self.is_calm() {
            return Answer::Impossible;
        }
        let mut hosts = self.hosts;
        let Some(host) = hosts.get_mut(number) else { return Answer::Impossible };
        match event {
            Event::Drain(_) => host.is_emptied = true,
            Event::Reopen(_) => host.is_emptied = false,
            Event::Lose(_) => host.is_lost = true,
            _ => host.is_lost = false,
        }
        let is_same = (host.is_lost, host.is_emptied) == (self.hosts[number].is_lost, self.hosts[number].is_emptied);
        // Somewhere there must be room.
        if is_same || hosts.iter().all(|host| host.is_lost || host.is_emptied) {
            return Answer::Impossible;
        }
        self.hosts = hosts;
        Answer::Done
    }

    /// The worker has had time enough: what was wanted is so.
    pub fn settles(&mut self) {
        for it in self.environments.iter_mut().filter(|it| !it.is_gone) {
            if let Some((plan, image)) = it.update.take() {
                (it.plan, it.image) = (plan, image);
            }
            if !it.runs() {
                (it.sleep, it.is_used) = (Sleep::No, true);
            }
            // Whoever sleeps and may not any more is woken.
            if it.sleep == Sleep::Yes && !it.may_sleep() {
                (it.sleep, it.is_used) = (Sleep::No, true);
            }
            it.was_ready |= it.status() == Some("running");
        }
    }
}

/// Which environment or machine an event is about.
pub fn number_of(event: Event) -> usize {
    use Event as E;
    match event {
        E::Start(it)
        | E::Stop(it)
        | E::Restart(it)
        | E::Rename(it)
        | E::Wake(it)
        | E::Delete(it)
        | E::Undo(it)
        | E::ChangePlan(it)
        | E::Suspend(it)
        | E::Resume(it)
        | E::Update(it)
        | E::BadUpdate(it)
        | E::Visit(it)
        | E::Leave(it)
        | E::Drain(it)
        | E::Reopen(it)
        | E::Lose(it)
        | E::Find(it)
        | E::RemoveByHand(it)
        | E::KillContainers(it) => it,
        _ => usize::MAX,
    }
}

/// Returns the history that a number stands for. The same number always gives the same.
pub fn history(seed: u64, steps: usize) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut events = vec![Event::Order, Event::Settle];
    let mut ordered = 1;
    while events.len() < steps {
        let event = one(&mut dice, ordered);
        ordered += usize::from(event == Event::Order);
        events.push(event);
        if dice.upto(2) == 0 {
            events.push(Event::Settle);
        }
    }
    events.truncate(steps);
    events.push(Event::Settle);
    events
}

fn one(dice: &mut Dice, ordered: usize) -> Event {
    use Event as E;
    // The last ones are more likely to be there still.
    let it = ordered - 1 - dice.upto(ordered.min(ENVIRONMENTS));
    let host = dice.upto(HOSTS);
    match dice.upto(100) {
        0..8 => E::Order,
        8..16 => E::Start(it),
        16..24 => E::Stop(it),
        24..30 => E::Restart(it),
        30..36 => E::Rename(it),
        36..39 => E::Wake(it),
        39..44 => E::Delete(it),
        44..48 => E::Undo(it),
        48..52 => E::ChangePlan(it),
        52..56 => E::Suspend(it),
        56..60 => E::Resume(it),
        60..64 => E::Update(it),
        64..66 => E::BadUpdate(it),
        66..69 => E::Visit(it),
        69..73 => E::Leave(it),
        73..75 => E::Week,
        75..77 => E::Drain(host),
        77..79 => E::Reopen(host),
        79..81 => E::Lose(host),
        81..83 => E::Find(host),
        83..84 => E::EngineAway,
        84..86 => E::EngineBack,
        86..87 => E::TenantsAway,
        87..89 => E::TenantsBack,
        89..91 => E::RemoveByHand(it),
        91..93 => E::KillContainers(it),
        _ => E::Accident(dice.upto(usize::MAX), dice.upto(3), dice.upto(usize::MAX)),
    }
}

/// A small generator (SplitMix64): the same numbers on every machine and with every version of everything.
struct Dice(u64);

impl Dice {
    fn upto(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(end).unwrap()).unwrap()
    }
}
