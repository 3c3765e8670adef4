//! What a new number adds to what is known. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::sampling::SAMPLE_EVERY;
use super::{Kind, Meter, Observation, Quality};

/// The longest time after which a number may still come in.
pub const LATE_WINDOW: TimeDelta = TimeDelta::days(35);
/// How far ahead of ours the clock of whoever took a number may be.
pub const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// A lower number that comes this soon after a higher one was only late: two workers took them at once.
const LATE: TimeDelta = TimeDelta::seconds(30);

/// Where a source stands: its last accepted sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// How many samples were accepted.
    pub last_seq: i64,
    /// The last number.
    pub last_value: i64,
    /// When it was read.
    pub last_observed_at: DateTime<Utc>,
    /// Whether the environment was counted by another source before: what that one did not show is lost.
    pub follows_another: bool,
}

/// A number that was accepted, and what it adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// One more than the one before.
    pub seq: i64,
    /// The beginning of what it speaks of.
    pub from_at: DateTime<Utc>,
    /// The end of it; the same instant when all of it happened at once.
    pub until_at: DateTime<Utc>,
    /// When it was read; never before the one before.
    pub observed_at: DateTime<Utc>,
    /// The number.
    pub value: i64,
    /// What was used, in the meter's raw unit.
    pub quantity: i64,
    /// How much it can be relied on.
    pub quality: Quality,
}

/// What becomes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It adds something, or says that nothing was used.
    Accepted(Sample),
    /// It says nothing that is not known: it came again, or late.
    Duplicate,
    /// It cannot be right.
    Refused(Reason),
}

/// Why a number cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A counter fell without beginning anew.
    WentBack,
    /// Less than nothing.
    Negative,
    /// It is of a container that a newer generation of the same service has taken over from.
    Fenced,
    /// It was taken longer ago than [`LATE_WINDOW`].
    TooLate,
    /// It was taken in the future: whoever took it has a clock that is wrong.
    TooEarly,
}

impl Reason {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WentBack => "went_back",
            Self::Negative => "negative",
            Self::Fenced => "fenced",
            Self::TooLate => "too_late",
            Self::TooEarly => "too_early",
        }
    }

    /// Reads the word kept in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::WentBack, Self::Negative, Self::Fenced, Self::TooLate, Self::TooEarly];
        all.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Says why a number that was taken at `observed_at` is not even looked at now.
///
/// What a counter used is not lost by it: the next number that comes in time shows it.
#[must_use]
pub fn out_of_time(observed_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<Reason> {
    if observed_at > now + AHEAD {
        Some(Reason::TooEarly)
    } else if observed_at < now - LATE_WINDOW {
        Some(Reason::TooLate)
    } else {
        None
    }
}

/// Says whether a number of one generation is fenced: a newer one had been seen before it was taken.
///
/// It depends on the instants alone and not on the order in which numbers come in. What a container used until the moment at
/// which its successor is first seen is still counted.
#[must_use]
pub fn is_fenced(generation: i64, observed_at: DateTime<Utc>, seen: &[(i64, DateTime<Utc>)]) -> bool {
    seen.iter().any(|(newer, seen_at)| *newer > generation && *seen_at < observed_at)
}

/// Returns where a source stands before its first number.
///
/// A counter that was at work before it was this environment's begins with the number it shows; others begin at 0.
#[must_use]
pub fn opened(first: &Observation) -> Cursor {
    let begins_here = first.is_inherited || first.meter.kind() == Kind::Gauge;
    Cursor {
        last_seq: 0,
        last_value: if begins_here { first.value.max(0) } else { 0 },
        last_observed_at: if begins_here { first.observed_at } else { first.opened_at.min(first.observed_at) },
        follows_another: false,
    }
}

/// Decides what a number adds.
#[must_use]
pub fn judge(cursor: &Cursor, observation: &Observation) -> Verdict {
    if observation.value < 0 {
        return Verdict::Refused(Reason::Negative);
    }
    match observation.meter.kind() {
        Kind::Counter => counted(cursor, observation),
        Kind::Gauge => held(cursor, observation),
    }
}

fn counted(cursor: &Cursor, new: &Observation) -> Verdict {
    let is_newer = new.observed_at > cursor.last_observed_at || cursor.last_seq == 0;
    if new.value < cursor.last_value {
        let is_late = new.observed_at <= cursor.last_observed_at + LATE;
        return if is_late { Verdict::Duplicate } else { Verdict::Refused(Reason::WentBack) };
    }
    if new.value == cursor.last_value && !is_newer {
        return Verdict::Duplicate;
    }
    // A clock that stepped back: what was used is placed at the last instant that is known.
    let until_at = new.observed_at.max(cursor.last_observed_at);
    let gap = until_at - cursor.last_observed_at;
    let quality = if cursor.last_seq == 0 && cursor.follows_another {
        Quality::LowerBound
    } else if new.meter == Meter::Cpu && gap > SAMPLE_EVERY * 2 {
        Quality::Interpolated
    } else {
        Quality::Measured
    };
    Verdict::Accepted(Sample {
        seq: cursor.last_seq + 1,
        from_at: until_at - gap.min(new.meter.reach()),
        until_at,
        observed_at: until_at,
        value: new.value,
        quantity: new.value - cursor.last_value,
        quality,
    })
}

fn held(cursor: &Cursor, new: &Observation) -> Verdict {
    if new.observed_at <= cursor.last_observed_at && cursor.last_seq > 0 {
        return Verdict::Duplicate;
    }
    let gap = new.observed_at - cursor.last_observed_at;
    let held_for = gap.min(new.meter.reach());
    let micros = held_for.num_microseconds().unwrap_or(0);
    let quantity = i128::from(cursor.last_value) * i128::from(micros) / 1_000_000;
    Verdict::Accepted(Sample {
        seq: cursor.last_seq + 1,
        from_at: cursor.last_observed_at,
        until_at: cursor.last_observed_at + held_for,
        observed_at: new.observed_at,
        value: new.value,
        // A petabyte held for ten minutes is far below the limit.
        quantity: i64::try_from(quantity).unwrap_or(i64::MAX),
        quality: if gap > held_for { Quality::LowerBound } else { Quality::Measured },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::ids::EnvironmentId;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn seen(meter: Meter, second: i64, value: i64) -> Observation {
        Observation {
            environment: EnvironmentId::new(at(0)),
            meter,
            source: "container:a".to_owned(),
            opened_at: at(0),
            is_inherited: false,
            observed_at: at(second),
            value,
        }
    }

    /// Judges one number after the other and returns what was accepted.
    fn all(observations: &[Observation]) -> Vec<Sample> {
        let mut cursor = opened(&observations[0]);
        let mut accepted = Vec::new();
        for observation in observations {
            if let Verdict::Accepted(sample) = judge(&cursor, observation) {
                cursor = Cursor {
                    last_seq: sample.seq,
                    last_value: sample.value,
                    last_observed_at: sample.observed_at,
                    ..cursor
                };
                accepted.push(sample);
            }
        }
        accepted
    }

    #[test]
    fn a_counter_that_was_at_work_before_begins_with_what_it_shows() {
        let mut first = seen(Meter::Cpu, 60, 5000);
        first.is_inherited = true;
        let samples = all(&[first, seen(Meter::Cpu, 120, 5100)]);
        assert_eq!(samples.iter().map(|sample| sample.quantity).collect::<Vec<_>>(), [0, 100]);
        let samples = all(&[seen(Meter::Cpu, 60, 5000)]);
        assert_eq!((samples[0].quantity, samples[0].from_at), (5000, at(0)));
    }

    #[test]
    fn a_gap_loses_nothing_of_a_counter_and_says_that_it_was_spread() {
        let samples = all(&[seen(Meter::Cpu, 60, 10), seen(Meter::Cpu, 6 * 3600, 1010)]);
        assert_eq!((samples[1].quantity, samples[1].quality), (1000, Quality::Interpolated));
        assert_eq!((samples[1].from_at, samples[1].until_at), (at(60), at(6 * 3600)));
    }

    #[test]
    fn a_gauge_is_held_for_two_intervals_and_no_longer() {
        let samples = all(&[seen(Meter::Memory, 0, 10), seen(Meter::Memory, 60, 20), seen(Meter::Memory, 6 * 3600, 5)]);
        assert_eq!(samples.iter().map(|sample| sample.quantity).collect::<Vec<_>>(), [0, 600, 2400]);
        assert_eq!(samples[2].until_at, at(180));
        assert_eq!(samples[2].quality, Quality::LowerBound);
    }

    #[test]
    fn a_counter_that_falls_is_refused_unless_it_was_only_late() {
        let cursor = Cursor { last_seq: 3, last_value: 100, last_observed_at: at(60), follows_another: false };
        assert_eq!(judge(&cursor, &seen(Meter::Cpu, 61, 99)), Verdict::Duplicate);
        assert_eq!(judge(&cursor, &seen(Meter::Cpu, 120, 99)), Verdict::Refused(Reason::WentBack));
        assert_eq!(judge(&cursor, &seen(Meter::Cpu, 120, -1)), Verdict::Refused(Reason::Negative));
    }

    #[test]
    fn a_number_comes_in_within_thirty_five_days_and_no_more_than_five_minutes_before_its_time() {
        let now = at(0);
        assert_eq!(out_of_time(now - LATE_WINDOW, now), None);
        assert_eq!(out_of_time(now - LATE_WINDOW - TimeDelta::seconds(1), now), Some(Reason::TooLate));
        assert_eq!(out_of_time(now + AHEAD, now), None);
        assert_eq!(out_of_time(now + AHEAD + TimeDelta::seconds(1), now), Some(Reason::TooEarly));
    }

    #[test]
    fn an_older_generation_counts_until_a_newer_one_is_seen() {
        let seen = [(1, at(0)), (3, at(120)), (2, at(60))];
        for (generation, second, is_refused) in [
            (1, 60, false),
            (1, 61, true),
            (2, 61, false),
            (2, 120, false),
            (2, 121, true),
            (3, 9999, false),
            (4, 9999, false),
        ] {
            assert_eq!(is_fenced(generation, at(second), &seen), is_refused, "{generation} at {second}");
        }
        assert!(!is_fenced(0, at(9999), &[]));
    }

    #[test]
    fn what_a_proxy_shows_after_a_quiet_night_happened_just_now() {
        let samples = all(&[seen(Meter::Requests, 60, 10), seen(Meter::Requests, 8 * 3600, 11)]);
        assert_eq!((samples[1].from_at, samples[1].quantity), (at(8 * 3600 - 60), 1));
    }

    proptest! {
        #[test]
        fn a_counter_adds_up_to_its_last_number_whatever_the_clock_does(steps in prop::collection::vec((0..1000_i64, -7200..7200_i64), 1..60)) {
            let (mut value, mut second) = (0, 0);
            let mut observations = Vec::new();
            for (more, seconds) in steps {
                value += more;
                second = (second + seconds).max(0);
                observations.push(seen(Meter::Cpu, second, value));
                // Each comes again, and the one before comes late.
                observations.push(seen(Meter::Cpu, second, value));
            }
            let samples = all(&observations);
            prop_assert_eq!(samples.iter().map(|sample| sample.quantity).sum::<i64>(), value);
            for pair in samples.windows(2) {
                prop_assert!(pair[0].until_at <= pair[1].from_at && pair[1].from_at <= pair[1].until_at);
            }
        }
    }
}
