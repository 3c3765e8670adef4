//! How many containers an environment runs in: by hand, or by a rule within bounds that its people set.
//!
//! Containers hold no data, so that nothing moves when their number changes: the worker makes and removes them.

pub mod rule;
mod store;
mod verbs;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::plans::{Meter, Offer, Version};

pub use verbs::{apply_rule, scale, scale_of_any_account, set_rule, set_rule_of_any_account};

/// What the schema allows any plan. Whoever asks for more typed a wrong number.
pub const MOST: i32 = 16;

/// Hours of the month that prices are made with: 365 × 24 ÷ 12.
const HOURS_OF_MONTH: i64 = 730;

/// When containers are added and taken away by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is followed.
    pub is_on: bool,
    /// It never goes below.
    pub minimum: i32,
    /// It never goes beyond, nor beyond the plan.
    pub maximum: i32,
    /// More than this percentage of the containers' processor adds one.
    pub target_percent: i32,
    /// More than this percentage of requests that waited for a place adds one.
    pub queue_percent: i32,
    /// What both are averages of.
    pub window: TimeDelta,
    /// How long after any change one may be added.
    pub pause_more: TimeDelta,
    /// How long after any change one may be taken away.
    pub pause_fewer: TimeDelta,
    /// What it may add to a month's cost.
    pub budget: Option<Money>,
}

impl Rule {
    /// Returns what a rule says before people say otherwise, on a plan with so many containers at most.
    #[must_use]
    pub fn usual(most: i32) -> Self {
        Self {
            is_on: false,
            minimum: 1,
            maximum: most.max(1),
            target_percent: 70,
            queue_percent: 5,
            window: TimeDelta::minutes(5),
            pause_more: TimeDelta::minutes(5),
            pause_fewer: TimeDelta::minutes(30),
            budget: None,
        }
    }

    /// Whether one may wait for so long after a change: from a minute to a day.
    #[must_use]
    pub fn is_pause(pause: TimeDelta) -> bool {
        (TimeDelta::minutes(1)..=TimeDelta::days(1)).contains(&pause)
    }

    /// Returns the bounds that hold on a plan with so many containers at most.
    #[must_use]
    pub fn bounds(&self, most: i32) -> (i32, i32) {
        let high = self.maximum.min(most).max(1);
        (self.minimum.clamp(1, high), high)
    }
}

/// What people may set of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether it is followed.
    pub is_on: bool,
    /// It never goes below.
    pub minimum: i32,
    /// It never goes beyond.
    pub maximum: i32,
    /// More than this percentage of the containers' processor adds one.
    pub target_percent: i32,
    /// More than this percentage of requests that waited for a place adds one.
    pub queue_percent: i32,
    /// How long after any change one may be added.
    pub pause_more: TimeDelta,
    /// How long after any change one may be taken away.
    pub pause_fewer: TimeDelta,
    /// What it may add to a month's cost, in the account's currency.
    pub budget: Option<Money>,
}

/// What stands in the way of a number or a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is being deleted.
    #[error("the environment is being deleted")]
    BeingDeleted,
    /// Staff keep it from running.
    #[error("the environment is suspended")]
    Suspended,
    /// None is no number of containers: what shall not run is stopped.
    #[error("an environment has at least one container")]
    TooFew,
    /// Its plan allows fewer.
    #[error("the plan allows at most {most}")]
    BeyondPlan {
        /// So many.
        most: i32,
    },
    /// The minimum is greater than the maximum.
    #[error("the minimum is greater than the maximum")]
    Crossed,
    /// It is outside of what makes sense.
    #[error("the target is from 10 to 95 percent")]
    Target,
    /// It is outside of what makes sense.
    #[error("the part of the requests that waited is from 1 to 100 percent")]
    Queue,
    /// One of the pauses is outside of what makes sense.
    #[error("a pause is from 1 minute to a day")]
    Pause,
    /// It is less than nothing, or of another currency.
    #[error("the budget is no amount of the account's currency")]
    Budget,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ScalingError {
    /// Something that the person can understand.
    #[error("the change was refused")]
    Refused(#[from] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Who changes the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A person, with a reason if there is one.
    Person {
        /// As the history shows it; empty for staff.
        name: &'a str,
        /// Staff give one.
        reason: Option<&'a str>,
    },
    /// The rule.
    Rule(rule::Why),
}

/// A number of containers that is wanted instead of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// Before.
    pub from: i32,
    /// From now on.
    pub to: i32,
    /// Whether the number is now the least of a rule that is on.
    pub is_minimum: bool,
}

/// How an environment stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which one.
    pub id: EnvironmentId,
    /// Whose.
    pub account: AccountId,
    /// How many containers are wanted.
    pub replicas: i32,
    /// When that number last changed.
    pub scaled_at: Option<DateTime<Utc>>,
    /// Its plan.
    pub plan_version: PlanVersionId,
    /// How many that allows.
    pub most: i32,
    /// How many requests are sent to.
    pub serving: i32,
    /// Whether it is to run and does.
    pub is_running: bool,
    /// Whether it is being deleted, or is gone.
    pub is_going: bool,
    /// Whether staff keep it from running.
    pub is_suspended: bool,
    /// Its rule, if anybody ever set one.
    pub rule: Option<Rule>,
    /// What the rule has added this month.
    pub month: Option<Month>,
}

impl Standing {
    /// Returns the rule, or what one says before anybody sets it.
    #[must_use]
    pub fn rule_or_usual(&self) -> Rule {
        self.rule.clone().unwrap_or_else(|| Rule::usual(self.most))
    }

    /// Refuses what no number changes.
    pub fn refuse(&self) -> Result<(), Refusal> {
        match (self.is_going, self.is_suspended) {
            (true, _) => Err(Refusal::BeingDeleted),
            (false, true) => Err(Refusal::Suspended),
            (false, false) => Ok(()),
        }
    }

    /// Refuses a number that the environment cannot have.
    pub fn refuse_number(&self, number: i32) -> Result<(), Refusal> {
        self.refuse()?;
        if number < 1 {
            return Err(Refusal::TooFew);
        }
        if number > self.most { Err(Refusal::BeyondPlan { most: self.most }) } else { Ok(()) }
    }
}

/// What a rule added in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its first instant.
    pub began_at: DateTime<Utc>,
    /// Seconds of containers beyond the minimum.
    pub container_seconds: i64,
}

/// Returns how an environment of the account stands.
pub async fn find(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Standing>> {
    let found = find_of_any_account(db, id).await?;
    Ok(found.filter(|standing| standing.account == account))
}

/// Returns how an environment stands, for staff.
pub async fn find_of_any_account(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Option<Standing>> {
    store::find_of_any_account(db, id).await.context("read how many containers are wanted")
}

/// Locks an environment until the transaction ends, and returns how it stands, for the worker.
pub async fn lock_of_any_account(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Option<Standing>> {
    store::lock_of_any_account(db, id).await.context("lock an environment")
}

/// Returns what is at a name below the instances' domain.
pub async fn named(db: &mut PgConnection, subdomain: &str) -> anyhow::Result<Option<EnvironmentId>> {
    store::named(db, subdomain).await.context("look for a name")
}

/// Returns what one container costs in an hour in which it uses all that its plan gives it, beyond what is included.
#[must_use]
pub fn an_hour(version: &Version, currency: Currency) -> Decimal {
    let cpu = version.allowances_in(currency).into_iter().find(|allowance| allowance.meter == Meter::Cpu);
    let cores = Decimal::new(i64::from(version.resources.cpu_millis), 3);
    cpu.map_or(Decimal::ZERO, |allowance| allowance.unit_price * cores)
}

/// Returns the same for a whole month.
#[must_use]
pub fn a_month(version: &Version, currency: Currency) -> Money {
    Money::rounded(an_hour(version, currency) * Decimal::from(HOURS_OF_MONTH), currency)
}

/// Returns what containers cost that were there for so many seconds, all told.
#[must_use]
pub fn cost_of(container_seconds: i64, an_hour: Decimal) -> Decimal {
    Decimal::from(container_seconds) * an_hour / Decimal::from(3600)
}

/// Returns the first plan on offer that allows more containers than `most`.
#[must_use]
pub fn roomier(offers: &[Offer], most: i32) -> Option<&Offer> {
    offers.iter().find(|offer| offer.version.resources.max_replicas > most)
}
