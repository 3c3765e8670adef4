//! Decides whether a rule adds a container, takes one away, or leaves all as it is. Pure: no clock, no database.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{Rule, cost_of};

/// Fewer requests than this that waited are an accident, not a crowd.
const CROWD: i64 = 20;

/// One is taken away only if the others would then stay below this percentage of the target: otherwise it would come back.
const CALM_PERCENT: i64 = 80;

/// What was used lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many containers numbers are known of.
    pub containers: i32,
    /// For how many seconds, all of them together.
    pub container_seconds: i64,
    /// Microseconds of processor time that they used.
    pub used_micros: i64,
    /// Thousandths of a core that each may use.
    pub cpu_millis: i32,
    /// Requests that came.
    pub requests: i64,
    /// Those of them that waited for a place.
    pub queued: i64,
}

impl Load {
    /// Returns how much of their processor the containers used, in percent.
    #[must_use]
    pub fn cpu_percent(&self) -> i64 {
        // Thousandths of a core for so many seconds are so many milliseconds: a thousand microseconds each.
        let allowed = i128::from(self.container_seconds) * i128::from(self.cpu_millis) * 1000;
        if allowed <= 0 {
            return 0;
        }
        i64::try_from(i128::from(self.used_micros) * 100 / allowed).unwrap_or(i64::MAX)
    }

    /// Returns how many of a hundred requests waited.
    #[must_use]
    pub fn queue_percent(&self) -> i64 {
        if self.queued < CROWD || self.requests <= 0 { 0 } else { (self.queued * 100 / self.requests).min(100) }
    }

    /// Whether it speaks of all that serve: a container of which nothing is known may be the busy one.
    fn is_whole(&self, serving: i32, window: TimeDelta) -> bool {
        let half = window.num_seconds() * i64::from(serving) / 2;
        serving > 0 && self.containers >= serving && self.container_seconds >= half && self.container_seconds > 0
    }
}

/// What the rule may still add to the month's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    /// What it may add, in the currency's unit.
    pub budget: Decimal,
    /// What it has added, as if every added container had used all that it may.
    pub spent: Decimal,
    /// What one container costs in an hour in which it uses all that it may.
    pub an_hour: Decimal,
}

impl Purse {
    /// Whether it pays for so many added containers until they may be taken away again.
    fn pays_for(&self, added: i32, pause: TimeDelta) -> bool {
        let seconds = pause.num_seconds() * i64::from(added.max(0));
        self.spent + cost_of(seconds, self.an_hour) <= self.budget
    }
}

/// What is known of an environment at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How many containers are wanted.
    pub replicas: i32,
    /// How many its plan allows.
    pub most: i32,
    /// How many requests are sent to.
    pub serving: i32,
    /// How long ago the number last changed; `None` when it never did.
    pub unchanged_for: Option<TimeDelta>,
    /// What was used within the rule's window; `None` when it is not known.
    pub load: Option<Load>,
    /// `None` without a budget.
    pub purse: Option<Purse>,
}

/// Why a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The containers used so much of their processor.
    Cpu(i64),
    /// So many of a hundred requests waited.
    Queue(i64),
    /// The containers used so little that fewer are enough.
    Calm(i64),
    /// The number was outside of the rule's bounds.
    Bounds,
}

impl Why {
    /// Returns the word kept with the event.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Queue(_) => "queue",
            Self::Calm(_) => "calm",
            Self::Bounds => "bounds",
        }
    }

    /// Returns its percentage, if it has one.
    #[must_use]
    pub fn percent(self) -> Option<i64> {
        match self {
            Self::Cpu(percent) | Self::Queue(percent) | Self::Calm(percent) => Some(percent),
            Self::Bounds => None,
        }
    }
}

/// Why a number stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It is right.
    Right,
    /// Not enough is known.
    Unknown,
    /// It changed a moment ago.
    Paused,
    /// What was asked for last does not serve yet.
    Awaited,
    /// The rule or the plan allows no more.
    AtMost,
    /// The month's budget does not pay for one more.
    Budget,
}

impl Stay {
    /// Returns the word for the staff's pages.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
            Self::Awaited => "awaited",
            Self::AtMost => "at most",
            Self::Budget => "budget",
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Stay(Stay),
    /// So many are wanted from now on.
    Go {
        /// How many.
        to: i32,
        /// Why.
        why: Why,
    },
}

/// Decides. One container at a time, so that what each one brought is seen before the next.
#[must_use]
pub fn decide(rule: &Rule, moment: &Moment) -> Decision {
    let (low, high) = rule.bounds(moment.most);
    if moment.replicas < low || moment.replicas > high {
        return Decision::Go { to: moment.replicas.clamp(low, high), why: Why::Bounds };
    }
    let Some(load) = moment.load.filter(|load| load.is_whole(moment.serving, rule.window)) else {
        return Decision::Stay(Stay::Unknown);
    };
    let (cpu, queue) = (load.cpu_percent(), load.queue_percent());
    if cpu > i64::from(rule.target_percent) {
        return more(rule, moment, high, Why::Cpu(cpu));
    }
    if queue > i64::from(rule.queue_percent) {
        return more(rule, moment, high, Why::Queue(queue));
    }
    if moment.replicas > low && is_calm(rule, moment.replicas, cpu, queue) {
        return if is_over(rule.pause_fewer, rule, moment) {
            Decision::Go { to: moment.replicas - 1, why: Why::Calm(cpu) }
        } else {
            Decision::Stay(Stay::Paused)
        };
    }
    Decision::Stay(Stay::Right)
}

fn more(rule: &Rule, moment: &Moment, high: i32, why: Why) -> Decision {
    let to = moment.replicas + 1;
    Decision::Stay(if to > high {
        Stay::AtMost
    } else if moment.serving < moment.replicas {
        Stay::Awaited
    } else if !is_over(rule.pause_more, rule, moment) {
        Stay::Paused
    } else if moment.purse.is_some_and(|purse| !purse.pays_for(to - rule.minimum, rule.pause_fewer)) {
        Stay::Budget
    } else {
        return Decision::Go { to, why };
    })
}

/// Whether a pause is over. What lies within the window still speaks of the number before.
fn is_over(pause: TimeDelta, rule: &Rule, moment: &Moment) -> bool {
    moment.unchanged_for.is_none_or(|time| time >= pause.max(rule.window))
}

/// Whether one container fewer would have enough to spare.
fn is_calm(rule: &Rule, replicas: i32, cpu: i64, queue: i64) -> bool {
    let target = i64::from(rule.target_percent);
    // Rounded up: what is not quite so calm is not calm.
    let is_light = (cpu + 1) * i64::from(replicas) * 100 < target * CALM_PERCENT * i64::from(replicas - 1);
    is_light && queue * 2 <= i64::from(rule.queue_percent)
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
