//! What is unpaid, by how long it is overdue. Pure.

use chrono::NaiveDate;

/// How long an invoice is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// It has time yet, or is due today.
    NotDue,
    /// For 1 to 30 days.
    Month,
    /// For 31 to 60 days.
    TwoMonths,
    /// For 61 to 90 days.
    ThreeMonths,
    /// For longer.
    Longer,
}

impl Age {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [Self::NotDue, Self::Month, Self::TwoMonths, Self::ThreeMonths, Self::Longer];

    /// Returns how long it is overdue today.
    #[must_use]
    pub fn of(due_on: NaiveDate, today: NaiveDate) -> Self {
        match (today - due_on).num_days() {
            ..=0 => Self::NotDue,
            1..=30 => Self::Month,
            31..=60 => Self::TwoMonths,
            61..=90 => Self::ThreeMonths,
            _ => Self::Longer,
        }
    }

    /// Returns the word in keys.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotDue => "not-due",
            Self::Month => "30",
            Self::TwoMonths => "60",
            Self::ThreeMonths => "90",
            Self::Longer => "longer",
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    #[test]
    fn an_invoice_grows_older_on_the_day_after_a_bound() {
        let due = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let of = |days| Age::of(due, due + Days::new(days));
        assert_eq!(Age::of(due, due.pred_opt().unwrap()), Age::NotDue);
        let bounds = [0, 1, 30, 31, 60, 61, 90, 91, 5_000].map(of);
        let ages =
            [Age::NotDue, Age::Month, Age::Month, Age::TwoMonths, Age::TwoMonths, Age::ThreeMonths, Age::ThreeMonths];
        assert_eq!(bounds[..7], ages);
        assert_eq!(bounds[7..], [Age::Longer, Age::Longer]);
    }
}
