//! When a machine that is lost again and again is used again. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// So many losses…
const MANY: usize = 3;
/// …in so long are no accident: a cable, a power supply, a network.
const WITHIN: TimeDelta = TimeDelta::hours(1);
/// So long after the last one it may be used again.
const HOLD: TimeDelta = TimeDelta::minutes(30);

/// Returns until when a machine takes nothing new because it was lost too often.
#[must_use]
pub fn held_until(lost_times: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let last = lost_times.iter().max()?;
    let close = lost_times.iter().filter(|at| *last - **at < WITHIN).count();
    let until = *last + HOLD;
    (close >= MANY && now < until).then_some(until)
}

/// Returns that as a sentence for the log and for the host's state.
#[must_use]
pub fn complaint(lost_times: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<String> {
    let until = held_until(lost_times, now)?.format("%H:%M");
    Some(format!("lost {MANY} times within an hour: it takes nothing new before {until} UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_loss_within_an_hour_holds_a_machine_down_for_half_an_hour() {
        let at = |minutes: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        assert_eq!(held_until(&[], at(0)), None);
        assert_eq!(held_until(&[at(0), at(10)], at(11)), None);
        assert_eq!(held_until(&[at(0), at(10), at(59)], at(60)), Some(at(89)));
        assert_eq!(held_until(&[at(0), at(10), at(59)], at(89)), None);
        assert_eq!(held_until(&[at(0), at(10), at(60)], at(61)), None, "not within an hour");
        let said = complaint(&[at(0), at(10), at(20)], at(21)).unwrap();
        assert_eq!(said, "lost 3 times within an hour: it takes nothing new before 00:50 UTC");
    }
}
