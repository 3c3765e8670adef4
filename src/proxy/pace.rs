//! Whether a visitor for whom others wait is too slow. Pure.

use super::Limits;

/// What a visitor's slowness costs the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Nobody waits for this visitor.
    Nothing,
    /// A connection.
    Little,
    /// What others could have instead, and they wait.
    Much,
}

/// How a visitor did so far.
#[derive(Debug, Default)]
pub struct Pace {
    /// Since when it is waited for, and the bytes then.
    slow: Option<(u64, u64)>,
    /// The same for a stretch of the time in which it costs much. What it sent before that does not count for it.
    stretch: Option<(u64, u64)>,
}

impl Pace {
    /// Whether it was too slow for too long. To be asked at each tick, with all bytes that moved so far.
    pub fn is_too_slow(&mut self, now: u64, moved: u64, cost: Cost, limits: &Limits) -> bool {
        if cost == Cost::Nothing {
            *self = Self::default();
            return false;
        }
        let rate = |(since, before): (u64, u64), floor: u64| {
            let elapsed = now.saturating_sub(since);
            (elapsed > limits.slow_ms).then(|| (moved - before) * 1000 >= floor * elapsed)
        };
        let slow = *self.slow.get_or_insert((now, moved));
        match rate(slow, limits.slowest_bytes_per_second) {
            Some(true) => {
                // What was moved faster than that lets it stand still for as long as anybody may, and not for hours.
                let (since, before) = slow;
                let enough = limits.slowest_bytes_per_second * (now.saturating_sub(since) + limits.slow_ms) / 1000;
                self.slow = Some((since, before.max(moved.saturating_sub(enough))));
            }
            Some(false) => return true,
            None => {}
        }
        if cost == Cost::Little {
            self.stretch = None;
            return false;
        }
        let stretch = *self.stretch.get_or_insert((now, moved));
        match rate(stretch, limits.slowest_while_others_wait) {
            Some(true) => self.stretch = Some((now, moved)),
            Some(false) => return true,
            None => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a visitor is too slow, at so many bytes in each second.
    fn ends(cost: Cost, bytes: impl Fn(u64) -> u64) -> Option<u64> {
        let (mut pace, limits, mut moved) = (Pace::default(), Limits::default(), 0);
        (0..600).find(|second| {
            moved += bytes(*second);
            pace.is_too_slow(second * 1000, moved, cost, &limits)
        })
    }

    #[test]
    fn who_costs_much_has_to_be_faster_and_cannot_do_it_in_advance() {
        assert_eq!(ends(Cost::Nothing, |_| 0), None);
        assert_eq!(ends(Cost::Little, |_| 499), Some(16));
        assert_eq!(ends(Cost::Little, |_| 500), None);
        assert_eq!(ends(Cost::Much, |_| 500), Some(16));
        assert_eq!(ends(Cost::Much, |_| 16 * 1024), None);
        let begins_fast = |second| if second < 20 { 10_000_000 } else { 1_000 };
        assert_eq!(ends(Cost::Little, begins_fast), None);
        let stops = |second| if second < 20 { 10_000_000 } else { 0 };
        assert_eq!(ends(Cost::Little, stops), Some(35));
        assert!(ends(Cost::Much, begins_fast).is_some_and(|second| second < 50));
    }
}
