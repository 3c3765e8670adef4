//! How a sandbox's time goes, what its customer uses, and when it pays. Pure.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use crate::plans::{Kind, Meter, cost};

/// How long a sandbox's clock goes at most: ten years.
pub const LIFE: TimeDelta = TimeDelta::days(3653);
/// The hour (UTC) at which each day is looked at: after a month has ended everywhere, and its samples are in.
const LOOKS_AT: u32 = 4;
/// The hour (UTC) at which an invented customer begins.
const BEGINS_AT: u32 = 9;
/// How long after its end a month's invoice has been written.
const BILLED_AFTER: TimeDelta = TimeDelta::hours(6);
/// Whoever pays in time does so some days before it has to be.
const EARLY: u64 = 2;
/// Whoever pays late does so when production is throttled: that comes twenty days after the due date.
const LATE: u64 = 22;
/// Days until a card that was refused is tried again, as cards of customers are.
pub const CARD_PAUSES: [u64; 3] = [3, 5, 7];

/// How far a clock is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// By a day.
    Day,
    /// Until the month's invoice is written.
    MonthEnd,
    /// By a month.
    Month,
    /// By a year.
    Year,
}

impl Advance {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::MonthEnd, Self::Month, Self::Year];

    /// Returns the word of forms.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::MonthEnd => "month-end",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// How much an invented customer uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Hardly anything.
    Idle,
    /// A shop: by day, and not on Sundays.
    Shop,
    /// More than is included, day and night.
    Busy,
}

impl Usage {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Idle, Self::Shop, Self::Busy];

    /// Returns the word of the database and of forms.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Shop => "shop",
            Self::Busy => "busy",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// How an invented customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pays {
    /// By transfer, before it has to be.
    InTime,
    /// By transfer, once it hurts.
    Late,
    /// Not at all.
    Never,
    /// By a card, at once.
    Card,
    /// By a card that pays nothing.
    Declined,
}

impl Pays {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::InTime, Self::Late, Self::Never, Self::Card, Self::Declined];

    /// Returns the word of the database and of forms.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::InTime => "in_time",
            Self::Late => "late",
            Self::Never => "never",
            Self::Card => "card",
            Self::Declined => "declined",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Returns the day on which an invoice is paid; `None`: never.
    #[must_use]
    pub fn pays_on(self, issued_on: NaiveDate, due_on: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::InTime => Some((due_on - Days::new(EARLY)).max(issued_on)),
            Self::Late => Some(due_on + Days::new(LATE)),
            Self::Card => Some(issued_on),
            Self::Never | Self::Declined => None,
        }
    }
}

/// Returns the days on which a card that pays nothing is tried, and of each when it is tried again: the last one never.
#[must_use]
pub fn card_tries(issued_on: NaiveDate) -> Vec<(NaiveDate, Option<NaiveDate>)> {
    let mut days = vec![issued_on];
    for pause in CARD_PAUSES {
        days.push(days[days.len() - 1] + Days::new(pause));
    }
    let next = |at: usize| days.get(at + 1).copied();
    days.iter().enumerate().map(|(at, day)| (*day, next(at))).collect()
}

/// Returns the instant at which a customer begins who begins on a day.
#[must_use]
pub fn begins(on: NaiveDate) -> DateTime<Utc> {
    (on.and_time(NaiveTime::MIN) + TimeDelta::hours(i64::from(BEGINS_AT))).and_utc()
}

/// Returns where a clock is wanted to go, by the calendar of the company that sells.
#[must_use]
pub fn target(clock_at: DateTime<Utc>, how: Advance, zone: Tz) -> DateTime<Utc> {
    match how {
        Advance::Day => clock_at + TimeDelta::days(1),
        Advance::MonthEnd => {
            let (first, next) = cost::month(clock_at, zone);
            // On the first of a month, before its look, the month that has just ended is what is waited for.
            if first + BILLED_AFTER > clock_at { first + BILLED_AFTER } else { next + BILLED_AFTER }
        }
        Advance::Month => clock_at + Months::new(1),
        Advance::Year => clock_at + Months::new(12),
    }
}

/// Returns the next instant at which something is looked at, on the way to where the clock is wanted.
#[must_use]
pub fn next_step(clock_at: DateTime<Utc>, wanted_at: DateTime<Utc>) -> DateTime<Utc> {
    let today = (clock_at.date_naive().and_time(NaiveTime::MIN) + TimeDelta::hours(i64::from(LOOKS_AT))).and_utc();
    let next = if today > clock_at { today } else { today + TimeDelta::days(1) };
    next.min(wanted_at)
}

/// Returns the whole hours that went by between two looks: each exactly once, however the looks lie.
pub fn hours(from: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let begin = |at: DateTime<Utc>| at - TimeDelta::microseconds(at.timestamp_micros().rem_euclid(3_600_000_000));
    let (mut at, end) = (begin(from), begin(until));
    std::iter::from_fn(move || {
        let hour = (at < end).then_some(at);
        at += TimeDelta::hours(1);
        hour
    })
}

/// Returns what an environment uses in an hour, in raw units. One that rests keeps its database and does nothing.
#[must_use]
pub fn used(usage: Usage, kind: Kind, meter: Meter, hour: DateTime<Utc>, zone: Tz, rests: bool) -> i64 {
    const CORE_SECOND: i64 = 1_000_000;
    const MEGABYTE: i64 = 1_000_000;
    let local = hour.with_timezone(&zone);
    let is_day = (8..20).contains(&local.hour());
    let is_open = is_day && local.weekday() != Weekday::Sun;
    if rests && meter != Meter::Database {
        return 0;
    }
    let pick = |is_high: bool, high: i64, low: i64| if is_high { high } else { low };
    let quantity = match (usage, meter) {
        (Usage::Idle, Meter::Cpu) => 20 * CORE_SECOND,
        (Usage::Idle, Meter::Requests) => 5,
        (Usage::Idle, Meter::Egress) => MEGABYTE,
        (Usage::Idle, Meter::Database) => 300 * MEGABYTE * 3600,
        (Usage::Shop, Meter::Cpu) => pick(is_open, 900, 60) * CORE_SECOND,
        (Usage::Shop, Meter::Requests) => pick(is_open, 1_500, 40),
        (Usage::Shop, Meter::Egress) => pick(is_open, 60, 2) * MEGABYTE,
        (Usage::Shop, Meter::Database) => 4_000 * MEGABYTE * 3600,
        (Usage::Busy, Meter::Cpu) => pick(is_day, 5_400, 1_200) * CORE_SECOND,
        (Usage::Busy, Meter::Requests) => pick(is_day, 16_000, 2_500),
        (Usage::Busy, Meter::Egress) => pick(is_day, 400, 50) * MEGABYTE,
        (Usage::Busy, Meter::Database) => 60_000 * MEGABYTE * 3600,
    };
    // What is tried out is a tenth of what a business does.
    if kind == Kind::Production { quantity } else { quantity / 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn every_day_is_looked_at_once_and_the_clock_stops_where_it_is_wanted() {
        let wanted = at("2026-03-03T09:00:00Z");
        let mut steps = vec![at("2026-03-01T09:00:00Z")];
        while steps[steps.len() - 1] < wanted {
            steps.push(next_step(steps[steps.len() - 1], wanted));
        }
        let days: Vec<String> = steps.iter().map(|step| step.format("%d %H").to_string()).collect();
        assert_eq!(days, ["01 09", "02 04", "03 04", "03 09"]);
        let all: Vec<_> = steps.windows(2).flat_map(|pair| hours(pair[0], pair[1]).collect::<Vec<_>>()).collect();
        assert_eq!(all, hours(steps[0], wanted).collect::<Vec<_>>(), "no hour twice, and none left out");
        assert_eq!(all.len(), 48);
    }

    #[test]
    fn a_month_s_end_is_when_its_invoice_is_written_and_the_clock_only_goes_forward() {
        let zone = Tz::Europe__Paris;
        let end = target(at("2026-01-15T09:00:00Z"), Advance::MonthEnd, zone);
        assert_eq!(end, at("2026-02-01T05:00:00Z"));
        assert_eq!(target(end, Advance::MonthEnd, zone), at("2026-03-01T05:00:00Z"));
        assert_eq!(target(at("2026-01-31T23:30:00Z"), Advance::MonthEnd, zone), at("2026-02-01T05:00:00Z"));
        assert_eq!(target(at("2026-01-31T09:00:00Z"), Advance::Month, zone), at("2026-02-28T09:00:00Z"));
        for how in Advance::ALL {
            for day in 0..400 {
                let now = at("2027-12-31T04:00:00Z") + TimeDelta::hours(7 * day);
                assert!(target(now, how, zone) > now, "{how:?} at {now}");
            }
        }
    }

    #[test]
    fn who_pays_late_pays_after_production_was_throttled_and_a_card_is_tried_four_times() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (issued, due) = (day("2026-02-01"), day("2026-02-16"));
        assert_eq!(Pays::InTime.pays_on(issued, due), Some(day("2026-02-14")));
        assert_eq!(Pays::InTime.pays_on(issued, issued), Some(issued), "never before there is an invoice");
        assert_eq!(Pays::Late.pays_on(issued, due), Some(day("2026-03-10")));
        assert_eq!(Pays::Never.pays_on(issued, due), None);
        let tries: Vec<_> =
            card_tries(issued).into_iter().map(|(on, next)| (on.day(), next.map(|on| on.day()))).collect();
        assert_eq!(tries, [(1, Some(4)), (4, Some(9)), (9, Some(16)), (16, None)]);
    }

    #[test]
    fn what_rests_uses_its_database_only_and_sunday_is_quiet() {
        let (noon, sunday) = (at("2026-01-05T11:00:00Z"), at("2026-01-04T11:00:00Z"));
        let cpu = |hour, rests| used(Usage::Shop, Kind::Production, Meter::Cpu, hour, Tz::Europe__Paris, rests);
        assert!(cpu(noon, false) > 10 * cpu(sunday, false));
        assert_eq!(cpu(noon, true), 0);
        assert!(used(Usage::Shop, Kind::Test, Meter::Database, noon, Tz::UTC, true) > 0);
    }

    #[test]
    fn every_word_is_read_as_it_is_written() {
        assert!(Usage::ALL.into_iter().all(|it| Usage::from_word(it.word()) == Some(it)));
        assert!(Pays::ALL.into_iter().all(|it| Pays::from_word(it.word()) == Some(it)));
        assert!(Advance::ALL.into_iter().all(|it| Advance::from_word(it.word()) == Some(it)));
    }
}
