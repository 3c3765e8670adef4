//! What a month costs: the one function that invoices, pages and estimates are made with (docs/billing.md has the rules).
//!
//! Everything but `account.rs` and `store.rs` is pure: no clock, no database, no floating point. The same facts give the same
//! charges, in whatever order they come.

pub mod account;
mod corrections;
pub mod discounts;
mod forecast;
mod measure;
mod parts;
pub mod proof;
mod rate;
mod so_far;
mod store;
#[cfg(test)]
mod tests;
mod tiers;
mod what_if;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::base::ids::{EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::plans::Meter;

pub use corrections::{Charged, correct};
pub use forecast::{Pace, forecast};
pub use measure::{decimals, raw_per_step};
pub use rate::rate;
pub use so_far::{Line, SoFar, so_far};
pub use what_if::Parts;

/// From one instant until another: `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
}

impl Span {
    /// Returns what both have in common, if it lasts.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from < both.until).then_some(both)
    }

    /// How long it lasts, in microseconds.
    #[must_use]
    pub fn micros(self) -> i128 {
        i128::from(self.until.timestamp_micros()) - i128::from(self.from.timestamp_micros())
    }
}

/// Whose an environment was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The account's that is rated.
    Ours,
    /// Another account's: it takes its share of an hour that both had it in, and nothing is charged for it here.
    Another,
}

/// A stretch of time in which an environment was on one plan version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    /// Which environment.
    pub environment: EnvironmentId,
    /// Which edition of which plan.
    pub plan_version: PlanVersionId,
    /// From when until when; one that has no end yet is cut at now.
    pub span: Span,
    /// Whose it was.
    pub owner: Owner,
}

/// What was used of one meter in an hour; or in more than an hour, when the environment did not change in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usage {
    /// Which environment.
    pub environment: EnvironmentId,
    /// Of what.
    pub meter: Meter,
    /// When.
    pub span: Span,
    /// How much, in the meter's raw unit: microseconds, byte-seconds, bytes, requests.
    pub raw: i128,
}

/// What a plan version costs in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// The base price of a whole month.
    pub monthly: Money,
    /// What is included, and what more costs. A meter that is missing is included without limit.
    pub meters: BTreeMap<Meter, Rates>,
}

/// What is included of one meter in a whole month, and what each unit beyond it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// How much is in the base price, in the unit of prices (at most four decimals).
    pub included: Decimal,
    /// From so many units beyond what is included, each costs so much; the first begins at 0 (six decimals).
    pub prices: Vec<(Decimal, Decimal)>,
}

/// Everything that a period's charges follow from, but for what remained of earlier periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The month, from its first instant until the next one's.
    pub period: Span,
    /// In which currency the account pays.
    pub currency: Currency,
    /// Who was on which plan.
    pub segments: Vec<Segment>,
    /// While the account tried us without paying.
    pub trial: Option<Span>,
    /// What was used.
    pub usage: Vec<Usage>,
    /// What the plan versions cost.
    pub tariffs: BTreeMap<PlanVersionId, Tariff>,
}

/// What remains below a ten-thousandth of a unit and was not billed yet, in raw units. It is billed when it has become enough.
pub type Carries = BTreeMap<(EnvironmentId, Meter), i128>;

/// What is rated together in a period: everything that an environment was on one plan version for, in the trial or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// Which environment.
    pub environment: EnvironmentId,
    /// On what.
    pub plan_version: PlanVersionId,
    /// Whether it was in the trial: rated like all else, and not to be paid.
    pub is_trial: bool,
}

/// Why something is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Because it was used in the period.
    Usual,
    /// It would be, if it had not been in the trial.
    Trial,
    /// Because more is known now about a period that is closed.
    Correction,
}

impl Class {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Trial => "trial",
            Self::Correction => "correction",
        }
    }
}

/// What is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The base price.
    Base,
    /// What was used of a meter within what is included: nothing is to be paid for it.
    Included(Meter),
    /// What was used beyond that, at the plan's first, second, third … price, counted from 1.
    Beyond(Meter, i32),
}

impl What {
    /// Returns the meter, if it is of one.
    #[must_use]
    pub fn meter(self) -> Option<Meter> {
        match self {
            Self::Base => None,
            Self::Included(meter) | Self::Beyond(meter, _) => Some(meter),
        }
    }

    /// Returns which price, if it is of a meter; 0 for what is included.
    #[must_use]
    pub fn tier(self) -> Option<i32> {
        match self {
            Self::Base => None,
            Self::Included(_) => Some(0),
            Self::Beyond(_, tier) => Some(tier),
        }
    }
}

/// One thing that is charged. `net` is before discounts: those come later, and are a matter of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Of what.
    pub item: Item,
    /// Why.
    pub class: Class,
    /// 0 when it is first charged; corrections count up.
    pub revision: i32,
    /// The base price, or which price of which meter.
    pub what: What,
    /// From the first instant of the item in its period until the last one.
    pub span: Span,
    /// All that was used of the meter, in raw units; of the base price: microseconds on the plan.
    pub used_raw: i128,
    /// What remained unbilled before, in raw units. Together with the next one on the last row of an item's meter, else 0.
    pub carry_in_raw: i128,
    /// What remains unbilled now.
    pub carry_out_raw: i128,
    /// In the unit of prices, four decimals; 1 of a base price, -1 of one that is given back.
    pub quantity: Decimal,
    /// Six decimals.
    pub unit_price: Decimal,
    /// Quantity × price, rounded to the coin.
    pub net: Money,
}

impl Charge {
    /// Whether it can stand on an invoice: it is not only told, and it is something.
    #[must_use]
    pub fn is_billable(&self) -> bool {
        self.class != Class::Trial && !matches!(self.what, What::Included(_)) && !self.quantity.is_zero()
    }
}

/// What a period costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// In a fixed order: by environment, by time, the base price first, then meter by meter.
    pub charges: Vec<Charge>,
    /// What remains for the next period.
    pub carries: Carries,
}

impl Rated {
    /// Returns what is to be paid for it, before discounts and taxes.
    pub fn net(&self, currency: Currency) -> Result<Money, RatingError> {
        let billable = self.charges.iter().filter(|charge| charge.is_billable());
        let minor = billable.map(|charge| charge.net.minor).try_fold(0_i64, i64::checked_add);
        Ok(Money::new(minor.ok_or(RatingError::TooLarge)?, currency))
    }
}

/// Why nothing can be said of a period. Each is a fault of ours: the account waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// A number has no room.
    #[error("a quantity or an amount is too large")]
    TooLarge,
    /// Usage is kept by hours, so a period must not begin or end within one.
    #[error("the period is empty or does not begin and end with an hour")]
    BadPeriod,
    /// It would be charged twice.
    #[error("environment {0} is on two plans at once")]
    Overlap(EnvironmentId),
    /// Usage below zero, counted twice, or partly of another period.
    #[error("the usage of environment {0} cannot be right")]
    BadUsage(EnvironmentId),
    /// The plan is not sold in the account's currency.
    #[error("plan version {0} has no price in the account's currency")]
    NoTariff(PlanVersionId),
    /// Prices that do not begin at 0, do not ascend, or are finer than they can be.
    #[error("the prices of plan version {0} cannot be right")]
    BadTariff(PlanVersionId),
}
