//! When which step is taken about an account's unpaid invoices. Pure: the page that shows the dates and the worker that keeps them ask the same function.

use chrono::{Days, NaiveDate};

use crate::base::ids::DocumentId;

/// What is done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A mail says that an invoice is overdue, and what comes when.
    Warn,
    /// A second mail.
    WarnAgain,
    /// Development and test environments rest, and nobody wakes them.
    Sleep,
    /// Production gets few requests in a second.
    Throttle,
    /// Production gets fewer still.
    Narrow,
    /// Everything is suspended. Nothing is deleted.
    Stop,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Warn, Self::WarnAgain, Self::Sleep, Self::Throttle, Self::Narrow, Self::Stop];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::WarnAgain => "warn_again",
            Self::Sleep => "sleep",
            Self::Throttle => "throttle",
            Self::Narrow => "narrow",
            Self::Stop => "stop",
        }
    }

    /// Returns the step of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// Returns the key of what it means, for people.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Warn => "dunning-step-warn",
            Self::WarnAgain => "dunning-step-warn-again",
            Self::Sleep => "dunning-step-sleep",
            Self::Throttle => "dunning-step-throttle",
            Self::Narrow => "dunning-step-narrow",
            Self::Stop => "dunning-step-stop",
        }
    }

    /// Whether it takes something away.
    #[must_use]
    pub fn restricts(self) -> bool {
        self >= Self::Sleep
    }

    /// How many requests in a second production gets.
    #[must_use]
    pub fn requests_per_second(self) -> Option<i32> {
        match self {
            Self::Warn | Self::WarnAgain | Self::Sleep => None,
            Self::Throttle => Some(5),
            Self::Narrow | Self::Stop => Some(1),
        }
    }
}

/// Days beyond the due date, for each step in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule(pub [u32; 6]);

impl Default for Schedule {
    fn default() -> Self {
        Self([1, 5, 10, 20, 30, 45])
    }
}

/// An invoice that is not paid in full, and what was done about it on which days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpaid {
    /// Which one.
    pub document: DocumentId,
    /// Until when it was to be paid.
    pub due_on: NaiveDate,
    /// Steps that were taken.
    pub done: Vec<(Step, NaiveDate)>,
}

impl Unpaid {
    /// Whether it is not paid in time.
    #[must_use]
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.due_on < today
    }
}

/// Returns the invoice that decides: the one that has been due the longest.
#[must_use]
pub fn oldest(unpaid: &[Unpaid]) -> Option<&Unpaid> {
    unpaid.iter().min_by_key(|invoice| (invoice.due_on, invoice.document))
}

/// Returns the steps to come with their days, the next one first; nothing when everything is paid.
///
/// Between two steps lie at least the days that were announced, however late the first one was taken: nobody is restricted who
/// was not warned so many days before, whatever clocks do. Nothing comes before `not_before`.
#[must_use]
pub fn schedule(
    unpaid: &[Unpaid],
    schedule: Schedule,
    not_before: Option<NaiveDate>,
    today: NaiveDate,
) -> Vec<(Step, NaiveDate)> {
    let Some(invoice) = oldest(unpaid) else { return Vec::new() };
    let mut coming = Vec::new();
    let mut before: Option<(NaiveDate, u32)> = None;
    for (step, days) in Step::ALL.into_iter().zip(schedule.0) {
        let done = invoice.done.iter().find(|(done, _)| *done == step);
        let day = done.map_or_else(
            || {
                let planned = invoice.due_on + Days::new(days.into());
                let spaced = before.map_or(planned, |(day, at)| day + Days::new((days - at).into()));
                planned.max(spaced).max(today).max(not_before.unwrap_or(today))
            },
            |(_, day)| *day,
        );
        if done.is_none() {
            coming.push((step, day));
        }
        before = Some((day, days));
    }
    coming
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(number)
    }

    fn unpaid(due: u64, done: &[(Step, u64)]) -> Unpaid {
        Unpaid {
            document: DocumentId::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()),
            due_on: day(due),
            done: done.iter().map(|(step, at)| (*step, day(*at))).collect(),
        }
    }

    fn dates(invoice: Unpaid, not_before: Option<u64>, today: u64) -> Vec<NaiveDate> {
        let steps = schedule(&[invoice], Schedule::default(), not_before.map(day), day(today));
        steps.into_iter().map(|(_, day)| day).collect()
    }

    #[test]
    fn days_are_known_before_anything_is_overdue() {
        assert_eq!(dates(unpaid(10, &[]), None, 0), [11, 15, 20, 30, 40, 55].map(day));
        assert_eq!(schedule(&[], Schedule::default(), None, day(0)), []);
    }

    #[test]
    fn a_clock_that_jumps_a_month_keeps_the_announced_days() {
        assert_eq!(dates(unpaid(10, &[]), None, 50), [50, 54, 59, 69, 79, 94].map(day));
        assert_eq!(dates(unpaid(10, &[(Step::Warn, 50)]), None, 90), [90, 95, 105, 115, 130].map(day));
    }

    #[test]
    fn a_delay_moves_what_comes_and_not_what_was_done() {
        assert_eq!(dates(unpaid(10, &[(Step::Warn, 11)]), Some(60), 12), [60, 65, 75, 85, 100].map(day));
    }

    #[test]
    fn the_invoice_that_is_due_the_longest_decides() {
        let both = [unpaid(30, &[]), unpaid(10, &[(Step::Warn, 11)])];
        assert_eq!(schedule(&both, Schedule::default(), None, day(12))[0], (Step::WarnAgain, day(15)));
    }

    proptest! {
        /// A worker that looks on any days, after any pauses, takes the steps in their order, each once, never two on one day,
        /// and never restricts earlier than the announced days after a warning.
        #[test]
        fn however_often_somebody_looks_steps_keep_their_distance(due in 0_u64..40, pauses in prop::collection::vec(0_u64..60, 1..60)) {
            let days = Schedule::default();
            let mut invoice = unpaid(due, &[]);
            let mut today = 0;
            for pause in pauses {
                today += pause;
                let next = schedule(&[invoice.clone()], days, None, day(today)).first().copied();
                if let Some((step, on)) = next.filter(|(_, on)| *on <= day(today)) {
                    prop_assert_eq!(on, day(today));
                    invoice.done.push((step, on));
                }
            }
            for (place, (step, on)) in invoice.done.iter().enumerate() {
                prop_assert_eq!(*step, Step::ALL[place]);
                prop_assert!(*on >= day(due + u64::from(days.0[place])));
                if place > 0 {
                    let distance = u64::from(days.0[place] - days.0[place - 1]);
                    prop_assert!(*on >= invoice.done[place - 1].1 + Days::new(distance));
                }
            }
        }
    }
}
