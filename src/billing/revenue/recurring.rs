//! Monthly recurring revenue and how it moves. Pure: what each customer's was before a month and at its end goes in.
//!
//! A month's movements are told by customer: whoever had two instances and has one has contracted. So what came and went within
//! one month is not told, and movements add up to the difference, to the coin.

use crate::billing::rating::Span;

/// What one customer's recurring revenue was before a month and at its end, in the currency's smallest coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Just before the month's first instant.
    pub before: i64,
    /// Just before the first instant after it.
    pub after: i64,
    /// Whether it was above zero at any time before the month.
    pub was_customer: bool,
}

/// How a customer's recurring revenue moved in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// Pays for the first time ever.
    New,
    /// Pays again, after a time without.
    Reactivation,
    /// Pays more.
    Expansion,
    /// Pays less.
    Contraction,
    /// Pays no more.
    Churn,
}

impl Move {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::New, Self::Reactivation, Self::Expansion, Self::Contraction, Self::Churn];

    /// Returns the word in keys and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reactivation => "reactivation",
            Self::Expansion => "expansion",
            Self::Contraction => "contraction",
            Self::Churn => "churn",
        }
    }
}

impl Change {
    /// Returns how it moved; `None` when it did not.
    #[must_use]
    pub fn kind(self) -> Option<Move> {
        match (self.before, self.after) {
            (before, after) if before == after => None,
            (0, _) if self.was_customer => Some(Move::Reactivation),
            (0, _) => Some(Move::New),
            (_, 0) => Some(Move::Churn),
            (before, after) if after > before => Some(Move::Expansion),
            _ => Some(Move::Contraction),
        }
    }
}

/// What recurs at an instant, or by how much it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// In the currency's smallest coin.
    pub minor: i64,
    /// Of how many customers.
    pub customers: i64,
}

impl Total {
    fn plus(self, minor: i64, customers: i64) -> Option<Self> {
        Some(Self { minor: self.minor.checked_add(minor)?, customers: self.customers.checked_add(customers)? })
    }
}

/// One month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// From when until when; the present one until now.
    pub span: Span,
    /// What recurred before it.
    pub start: Total,
    /// What recurs at its end.
    pub end: Total,
    moves: [Total; 5],
}

impl Month {
    /// Adds up what moved; `None` when a number has no room.
    #[must_use]
    pub fn after(start: Total, span: Span, changes: &[Change]) -> Option<Self> {
        let mut month = Self { span, start, end: start, moves: [Total::default(); 5] };
        for change in changes {
            let Some(kind) = change.kind() else { continue };
            let by = change.after.checked_sub(change.before)?;
            let place = &mut month.moves[kind as usize];
            *place = place.plus(by, 1)?;
            let customers = i64::from(change.after > 0) - i64::from(change.before > 0);
            month.end = month.end.plus(by, customers)?;
        }
        Some(month)
    }

    /// Returns by how much it moved in one way, below zero for what went, and of how many customers.
    #[must_use]
    pub fn moved(&self, kind: Move) -> Total {
        self.moves[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;

    /// A stretch of time in which a customer pays so much, in days: `[from, until)`.
    type Stay = (i64, i64, i64);

    /// What a customer did: stretches on plans, and a trial.
    type History = (Vec<Stay>, Option<(i64, i64)>);

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    /// What recurs just before an instant: the definition, in the plainest words.
    fn before(history: &History, at: i64) -> i64 {
        let is_trial = history.1.is_some_and(|(from, until)| from < at && until >= at);
        let paid = history.0.iter().filter(|(from, until, _)| *from < at && *until >= at).map(|stay| stay.2);
        if is_trial { 0 } else { paid.sum() }
    }

    /// The months of these customers, as the database's rows would make them.
    fn months(histories: &[History], bounds: &[i64]) -> Vec<Month> {
        let total = |at: i64| {
            let each: Vec<i64> = histories.iter().map(|history| before(history, at)).collect();
            let customers = each.iter().filter(|minor| **minor > 0).count();
            Total { minor: each.iter().sum(), customers: i64::try_from(customers).unwrap() }
        };
        let mut found: Vec<Month> = Vec::new();
        for pair in bounds.windows(2) {
            let changes: Vec<Change> = histories
                .iter()
                .map(|history| Change {
                    before: before(history, pair[0]),
                    after: before(history, pair[1]),
                    was_customer: (0..=pair[0]).any(|at| before(history, at) > 0),
                })
                .collect();
            let start = found.last().map_or_else(|| total(pair[0]), |month| month.end);
            let month = Month::after(start, Span { from: day(pair[0]), until: day(pair[1]) }, &changes).unwrap();
            assert_eq!(month.end, total(pair[1]), "what was there and what moved is what is there");
            found.push(month);
        }
        found
    }

    fn history() -> impl Strategy<Value = History> {
        let stay =
            (0..360_i64, 1..200_i64, 0..5_i64).prop_map(|(from, length, price)| (from, from + length, price * 990));
        (prop::collection::vec(stay, 0..5), prop::option::of((0..300_i64, 1..40_i64)))
            .prop_map(|(stays, trial)| (stays, trial.map(|(from, length)| (from, from + length))))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn movements_always_sum_to_the_coin(histories in prop::collection::vec(history(), 0..30)) {
            let bounds: Vec<i64> = (0..=13).map(|month| month * 30).collect();
            for month in months(&histories, &bounds) {
                let moved: i64 = Move::ALL.iter().map(|kind| month.moved(*kind).minor).sum();
                prop_assert_eq!(month.start.minor + moved, month.end.minor);
                let came = month.moved(Move::New).customers + month.moved(Move::Reactivation).customers;
                prop_assert_eq!(month.start.customers + came - month.moved(Move::Churn).customers, month.end.customers);
                for kind in [Move::New, Move::Reactivation, Move::Expansion] {
                    prop_assert!(month.moved(kind).minor >= month.moved(kind).customers);
                }
                for kind in [Move::Contraction, Move::Churn] {
                    prop_assert!(month.moved(kind).minor <= -month.moved(kind).customers);
                }
            }
        }

        #[test]
        fn a_customer_is_new_once_and_comes_back_only_after_having_left(history in history()) {
            let bounds: Vec<i64> = (0..=20).map(|month| month * 30).collect();
            let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
            for month in months(std::slice::from_ref(&history), &bounds) {
                for kind in Move::ALL {
                    *seen.entry(kind.word()).or_default() += month.moved(kind).customers;
                }
                // Whoever pays came once more than they left.
                let came = seen["new"] + seen["reactivation"];
                prop_assert_eq!(came - seen["churn"], month.end.customers);
            }
            prop_assert!(seen["new"] <= 1);
        }

        #[test]
        fn it_does_not_matter_where_months_are_cut(histories in prop::collection::vec(history(), 0..10), cut in 1..399_i64) {
            let whole = months(&histories, &[0, 400]);
            let parts = months(&histories, &[0, cut, 400]);
            prop_assert_eq!(whole.last().map(|month| month.end), parts.last().map(|month| month.end));
        }
    }

    #[test]
    fn who_comes_after_a_trial_is_new_and_who_comes_again_is_not() {
        // On trial in the first month, pays in the second, leaves in the third, is back on a smaller plan in the fifth.
        let alice: History = (vec![(5, 70, 4_200), (130, 400, 990)], Some((5, 33)));
        // There for a week within one month only, and back much later.
        let bob: History = (vec![(40, 47, 990), (100, 400, 990)], None);
        let bounds: Vec<i64> = (0..=6).map(|month| month * 30).collect();
        let months = months(&[alice, bob], &bounds);
        let moved = |number: usize, kind: Move| months[number].moved(kind).minor;
        assert_eq!(months[0].end, Total::default(), "a trial is not revenue");
        assert_eq!((moved(1, Move::New), months[1].end.minor), (4_200, 4_200));
        assert_eq!((moved(2, Move::Churn), months[2].end.customers), (-4_200, 0));
        assert_eq!(
            (moved(3, Move::Reactivation), moved(3, Move::New)),
            (990, 0),
            "Bob was a customer in the second month"
        );
        assert_eq!(moved(4, Move::Reactivation), 990);
        assert_eq!(months[5].end, Total { minor: 1_980, customers: 2 });
    }

    #[test]
    fn what_has_no_room_is_refused() {
        let span = Span { from: day(0), until: day(30) };
        let change = Change { before: 0, after: i64::MAX, was_customer: false };
        assert_eq!(Month::after(Total::default(), span, &[change, change]), None);
    }
}
