//! What a month would have cost on another plan: other facts, the same rating. Pure.

use super::{Carries, Facts, Owner, Rated, RatingError, Tariff, What, rate};
use crate::base::ids::PlanVersionId;
use crate::base::money::{Currency, Money};

/// A month's cost, in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Base prices, for the time that there was.
    pub base: Money,
    /// What was used beyond what is included.
    pub beyond: Money,
    /// Both.
    pub total: Money,
}

impl Parts {
    /// Adds up what was rated.
    pub fn of(rated: &Rated, currency: Currency) -> Result<Self, RatingError> {
        let base = rated.charges.iter().filter(|charge| charge.is_billable() && charge.what == What::Base);
        let base = base.map(|charge| charge.net.minor).try_fold(0_i64, i64::checked_add);
        let base = Money::new(base.ok_or(RatingError::TooLarge)?, currency);
        let total = rated.net(currency)?;
        let beyond = Money::new(total.minor.checked_sub(base.minor).ok_or(RatingError::TooLarge)?, currency);
        Ok(Self { base, beyond, total })
    }
}

/// Returns what a month comes to without the trial: with it, every plan would have cost the same.
pub fn as_it_was(facts: &Facts, carries: &Carries) -> Result<Parts, RatingError> {
    let facts = Facts { trial: None, ..facts.clone() };
    Parts::of(&rate(&facts, carries)?, facts.currency)
}

/// Returns what the same time and the same usage would have come to on one plan version, without the trial.
pub fn on_plan(
    facts: &Facts,
    carries: &Carries,
    (version, tariff): (PlanVersionId, &Tariff),
) -> Result<Parts, RatingError> {
    let mut facts = Facts { trial: None, ..facts.clone() };
    for segment in facts.segments.iter_mut().filter(|segment| segment.owner == Owner::Ours) {
        segment.plan_version = version;
    }
    facts.tariffs.insert(version, tariff.clone());
    Parts::of(&rate(&facts, carries)?, facts.currency)
}
