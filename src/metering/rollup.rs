//! Usage by hour, derived from samples. Pure: the same samples always give the same hours.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::Quality;

/// What one sample speaks of: a quantity spread evenly over `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The beginning.
    pub from: DateTime<Utc>,
    /// The end; the same instant when all of it happened at once.
    pub until: DateTime<Utc>,
    /// The quantity, in the meter's raw unit.
    pub quantity: i64,
    /// How much it can be relied on.
    pub quality: Quality,
}

/// Usage in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Its beginning.
    pub hour: DateTime<Utc>,
    /// The quantity, in the meter's raw unit.
    pub quantity: i64,
    /// How many seconds of it samples speak of.
    pub covered_seconds: i32,
    /// The worst of its samples.
    pub quality: Quality,
}

/// Returns the beginning of the hour that an instant lies in.
#[must_use]
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    // Cannot fail: an hour is positive and instants of this era are far from the limits.
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

/// Returns the beginning of the day (UTC) that an instant lies in.
#[must_use]
pub fn day_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::days(1)).unwrap_or(at)
}

/// Returns from when until when a period has whole days (UTC); `(until, until)` when it has none.
#[must_use]
pub fn whole_days(from: DateTime<Utc>, until: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let first = if day_of(from) == from { from } else { day_of(from) + TimeDelta::days(1) };
    let last = day_of(until);
    if first < last { (first, last) } else { (until, until) }
}

/// Returns every hour that a slice touches.
#[must_use]
pub fn hours_of(from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut hours = vec![hour_of(from)];
    let mut next = hour_of(from) + TimeDelta::hours(1);
    while next < until {
        hours.push(next);
        next += TimeDelta::hours(1);
    }
    hours
}

/// Derives one hour; `None` when no sample speaks of it.
#[must_use]
pub fn derive(hour: DateTime<Utc>, slices: &[Slice]) -> Option<Hour> {
    let end = hour + TimeDelta::hours(1);
    let within: Vec<&Slice> = slices.iter().filter(|slice| touches(slice, hour, end)).collect();
    let quality = within.iter().map(|slice| slice.quality).max()?;
    Some(Hour {
        hour,
        quantity: within.iter().map(|slice| share(slice, hour, end)).sum(),
        covered_seconds: covered_seconds(&within, hour, end),
        quality,
    })
}

fn touches(slice: &Slice, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
    if slice.from == slice.until {
        return from <= slice.from && slice.from < until;
    }
    slice.from < until && from < slice.until
}

/// Returns the part of a slice's quantity that lies in `[from, until)`.
///
/// Computed as the difference of two sums from the slice's beginning, so that the parts add up to the whole exactly.
fn share(slice: &Slice, from: DateTime<Utc>, until: DateTime<Utc>) -> i64 {
    let whole = micros(slice.until - slice.from);
    if whole == 0 {
        return slice.quantity;
    }
    let until_then = |at: DateTime<Utc>| i128::from(slice.quantity) * micros(at - slice.from).clamp(0, whole) / whole;
    // A part is never larger than the whole.
    i64::try_from(until_then(until) - until_then(from)).unwrap_or(slice.quantity)
}

fn micros(time: TimeDelta) -> i128 {
    time.num_microseconds().map_or(0, i128::from)
}

/// Returns the seconds of the hour that at least one slice covers: two containers at once cover it once.
fn covered_seconds(slices: &[&Slice], hour: DateTime<Utc>, end: DateTime<Utc>) -> i32 {
    let mut spans: Vec<_> = slices.iter().map(|slice| (slice.from.max(hour), slice.until.min(end))).collect();
    spans.sort_unstable();
    let mut covered = TimeDelta::zero();
    let mut reached = hour;
    for (from, until) in spans {
        covered += (until - from.max(reached)).max(TimeDelta::zero());
        reached = reached.max(until);
    }
    i32::try_from(covered.num_seconds()).unwrap_or(3600)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        // The beginning of an hour.
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn slice(from: i64, until: i64, quantity: i64) -> Slice {
        Slice { from: at(from), until: at(until), quantity, quality: Quality::Measured }
    }

    #[test]
    fn a_period_has_its_whole_days_and_its_ends() {
        let midnight = day_of(at(0)).timestamp() - at(0).timestamp();
        let (day, hour) = (86_400, 3600);
        let whole = |from: i64, until: i64| {
            let (first, last) = whole_days(at(midnight + from), at(midnight + until));
            (first.timestamp() - at(midnight).timestamp(), last.timestamp() - at(midnight).timestamp())
        };
        assert_eq!(whole(0, 3 * day), (0, 3 * day));
        assert_eq!(whole(-hour, 3 * day + hour), (0, 3 * day));
        assert_eq!(whole(hour, day), (day, day), "none");
        assert_eq!(whole(hour, 2 * day - hour), (2 * day - hour, 2 * day - hour), "none, though midnight lies within");
        assert_eq!(whole(hour, hour), (hour, hour));
    }

    #[test]
    fn a_slice_over_a_boundary_is_shared_by_time() {
        let slices = [slice(3540, 3660, 100)];
        let (first, second) = (derive(at(0), &slices).unwrap(), derive(at(3600), &slices).unwrap());
        assert_eq!((first.quantity, first.covered_seconds), (50, 60));
        assert_eq!((second.quantity, second.covered_seconds), (50, 60));
        assert_eq!(derive(at(7200), &slices), None);
    }

    #[test]
    fn two_containers_at_once_add_up_and_cover_the_hour_once() {
        let hour = derive(at(0), &[slice(0, 3600, 10), slice(0, 3600, 20), slice(1800, 3600, 5)]).unwrap();
        assert_eq!((hour.quantity, hour.covered_seconds), (35, 3600));
    }

    #[test]
    fn what_happened_at_once_is_in_exactly_one_hour() {
        let slices = [slice(3600, 3600, 7)];
        assert_eq!(derive(at(0), &slices), None);
        assert_eq!(derive(at(3600), &slices).unwrap().quantity, 7);
        assert_eq!(hours_of(at(3600), at(3600)), [at(3600)]);
        assert_eq!(hours_of(at(0), at(7200)), [at(0), at(3600)]);
    }

    proptest! {
        #[test]
        fn hours_add_up_to_the_samples_exactly(parts in prop::collection::vec((0..20_000_i64, 0..50_000_i64, 0..1_000_000_i64), 1..30)) {
            let slices: Vec<Slice> = parts.iter().map(|(from, length, quantity)| slice(*from, from + length, *quantity)).collect();
            let hours: Vec<Hour> = (0..24).filter_map(|hour| derive(at(hour * 3600), &slices)).collect();
            prop_assert_eq!(hours.iter().map(|hour| hour.quantity).sum::<i64>(), slices.iter().map(|slice| slice.quantity).sum::<i64>());
            prop_assert!(hours.iter().all(|hour| (0..=3600).contains(&hour.covered_seconds) && hour.quantity >= 0));
            let mut shuffled = slices.clone();
            shuffled.reverse();
            let again: Vec<Hour> = (0..24).filter_map(|hour| derive(at(hour * 3600), &shuffled)).collect();
            prop_assert_eq!(hours, again);
        }
    }
}
