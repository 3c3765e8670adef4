//! What a budget has come to, and what follows. Pure.

use chrono::TimeDelta;

use super::Budget;
use crate::base::money::Money;
use crate::billing::restrictions::Rest;

/// Something that its people are told of once in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The month will cost more if everything goes on as it does.
    Forecast,
    /// Half of it is used.
    Half,
    /// Three quarters.
    ThreeQuarters,
    /// Nine tenths.
    NineTenths,
    /// All of it.
    All,
    /// All of it, and development and test rest.
    Cap,
    /// All of it, and production rests too.
    CapAll,
}

impl Level {
    /// All of them, the less urgent first.
    pub const ALL: [Self; 7] =
        [Self::Forecast, Self::Half, Self::ThreeQuarters, Self::NineTenths, Self::All, Self::Cap, Self::CapAll];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::Half => "50",
            Self::ThreeQuarters => "75",
            Self::NineTenths => "90",
            Self::All => "100",
            Self::Cap => "cap",
            Self::CapAll => "cap_all",
        }
    }

    /// Returns the level of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// Returns how many hundredths of the budget are used then; `None` where it is no matter of what is used.
    #[must_use]
    pub fn percent(self) -> Option<u8> {
        match self {
            Self::Half => Some(50),
            Self::ThreeQuarters => Some(75),
            Self::NineTenths => Some(90),
            Self::All | Self::Cap | Self::CapAll => Some(100),
            Self::Forecast => None,
        }
    }
}

/// Returns how many whole hundredths of a budget are used.
#[must_use]
pub fn percent(budget: Money, so_far: Money) -> i128 {
    (i128::from(so_far.minor) * 100).div_euclid(i128::from(budget.minor).max(1))
}

/// Returns what holds now, the less urgent first.
#[must_use]
pub fn levels(budget: &Budget, so_far: Money, forecast: Money) -> Vec<Level> {
    let used = percent(budget.amount, so_far);
    let holds = |level: &Level| match level {
        // What has come true is foreseen no longer.
        Level::Forecast => forecast.minor > budget.amount.minor && used < 100,
        Level::Cap => used >= 100 && budget.is_cap && !budget.caps_production,
        Level::CapAll => used >= 100 && budget.is_cap && budget.caps_production,
        Level::Half | Level::ThreeQuarters | Level::NineTenths | Level::All => {
            level.percent().is_some_and(|percent| used >= percent.into())
        }
    };
    Level::ALL.into_iter().filter(holds).collect()
}

/// Returns which of the levels that are new are worth a mail: the estimate, and of what is used the most urgent only.
#[must_use]
pub fn to_tell(new: &[Level]) -> Vec<Level> {
    let used = new.iter().copied().filter(|level| *level != Level::Forecast).max();
    new.iter().copied().filter(|level| *level == Level::Forecast).chain(used).collect()
}

/// Returns what is to rest.
#[must_use]
pub fn rest(budget: &Budget, so_far: Money) -> Rest {
    let is_reached = budget.is_cap && percent(budget.amount, so_far) >= 100;
    Rest { others: is_reached, production: is_reached && budget.caps_production, account: false }
}

/// Returns when to look again: sooner where something is near.
#[must_use]
pub fn look_again_in(budget: &Budget, so_far: Money, forecast: Money) -> TimeDelta {
    let is_near = percent(budget.amount, so_far) >= 45 || forecast.minor > budget.amount.minor;
    if is_near { TimeDelta::minutes(5) } else { TimeDelta::minutes(30) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::money::Currency;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::Eur)
    }

    fn budget(minor: i64, is_cap: bool) -> Budget {
        Budget { amount: eur(minor), is_cap, caps_production: false }
    }

    #[test]
    fn a_level_is_reached_with_the_cent_and_not_one_before() {
        for (so_far, held) in [(4_999, vec![]), (5_000, vec![Level::Half]), (7_499, vec![Level::Half])] {
            assert_eq!(levels(&budget(10_000, true), eur(so_far), eur(so_far)), held, "{so_far}");
        }
        let all = levels(&budget(10_000, true), eur(10_000), eur(12_000));
        assert_eq!(all, Level::ALL[1..6], "what came true is no forecast");
        assert_eq!(levels(&budget(10_000, false), eur(9_999), eur(10_001)).first(), Some(&Level::Forecast));
        assert_eq!(levels(&budget(10_000, false), eur(0), eur(10_000)), [], "exactly the budget is within it");
        // Money given back in the month may come to less than nothing.
        assert_eq!(levels(&budget(100, true), eur(-50), eur(0)), []);
    }

    #[test]
    fn of_several_levels_at_once_one_mail_tells() {
        assert_eq!(to_tell(&Level::ALL[..6]), [Level::Forecast, Level::Cap]);
        assert_eq!(to_tell(&[Level::Half, Level::ThreeQuarters]), [Level::ThreeQuarters]);
        assert_eq!(to_tell(&[]), []);
    }

    #[test]
    fn production_rests_only_where_that_was_ticked() {
        let rests = |budget: Budget, so_far| rest(&budget, eur(so_far));
        assert_eq!(rests(budget(100, true), 99), Rest::default());
        assert_eq!(rests(budget(100, true), 100), Rest { others: true, production: false, account: false });
        let all = Budget { caps_production: true, ..budget(100, true) };
        assert_eq!(rests(all, 100), Rest { others: true, production: true, account: false });
        assert_eq!(rests(Budget { is_cap: false, ..all }, 100), Rest::default());
    }

    proptest! {
        #[test]
        fn what_costs_more_has_reached_no_less(amount in 100_i64..1_000_000, one in 0_i64..2_000_000, more in 0_i64..2_000_000) {
            let (less, most) = (one.min(more), one.max(more));
            let used = |so_far| {
                let held = levels(&budget(amount, true), eur(so_far), eur(0));
                held.into_iter().collect::<std::collections::BTreeSet<_>>()
            };
            prop_assert!(used(less).is_subset(&used(most)));
        }
    }
}
