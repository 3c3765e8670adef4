//! Whether an upstream takes requests, as those that were sent there found out. Pure: the caller brings the clock.
//!
//! One that refuses connections, or falls silent (`line.rs`), is left alone for a second, then for twice as long each time, up to half a minute; then one
//! request a second tries it. When one gets through it is back, with few requests at first.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How long it is left alone after the first refusal.
const FIRST_PAUSE_MS: u64 = 1_000;

/// The longest pause.
const LONGEST_PAUSE_MS: u64 = 30_000;

/// A try may take so long; then another request may try.
const TRY_MS: u64 = 1_000;

/// For so long after its return it gets fewer requests than the others.
const WARM_UP_MS: u64 = 10_000;

/// The first moments of that time count as this much, so that it gets some.
const LEAST_WARM_MS: u64 = 500;

/// What is known of one upstream.
#[derive(Debug, Default)]
pub struct Health {
    /// Refusals, one after the other; 0 when the last request got through.
    refusals: AtomicU32,
    /// When it may be tried again, in milliseconds.
    try_at: AtomicU64,
    /// When it came back, in milliseconds; 0 when it never was away.
    back_at: AtomicU64,
}

fn milliseconds(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl Health {
    /// It refused a connection, or did not answer when one was asked for.
    pub fn refused(&self, now: Duration) {
        let before = self.refusals.fetch_add(1, Relaxed);
        let pause = FIRST_PAUSE_MS.saturating_mul(1 << before.min(16)).min(LONGEST_PAUSE_MS);
        self.try_at.fetch_max(milliseconds(now) + pause, Relaxed);
    }

    /// A connection to it died in silence. All of them do, at about the same time: that is one refusal.
    pub fn fell_silent(&self, now: Duration) {
        if self.is_in() {
            self.refused(now);
        }
    }

    /// A request got through.
    pub fn answered(&self, now: Duration) {
        if self.refusals.load(Relaxed) > 0 {
            self.refusals.store(0, Relaxed);
            self.try_at.store(0, Relaxed);
            self.back_at.store(milliseconds(now).max(1), Relaxed);
        }
    }

    /// Whether it takes requests as far as anybody knows.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.refusals.load(Relaxed) == 0
    }

    /// Whether this request is to try it, one of many: it was away for long enough.
    pub fn is_to_be_tried(&self, now: Duration) -> bool {
        if self.is_in() {
            return false;
        }
        let (now, at) = (milliseconds(now), self.try_at.load(Relaxed));
        now >= at && self.try_at.compare_exchange(at, now + TRY_MS, Relaxed, Relaxed).is_ok()
    }

    /// Returns how busy it is to be thought of with so many open requests: more than it is, soon after its return.
    #[must_use]
    pub fn load(&self, outstanding: u32, now: Duration) -> u64 {
        let own = u64::from(outstanding + 1) * WARM_UP_MS;
        match self.back_at.load(Relaxed) {
            0 => own,
            back_at => {
                let warm = milliseconds(now).saturating_sub(back_at).clamp(LEAST_WARM_MS, WARM_UP_MS);
                own * WARM_UP_MS / warm
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_secs(60) + Duration::from_millis(milliseconds)
    }

    #[test]
    fn who_refuses_is_left_alone_for_longer_and_longer_and_then_tried_by_one() {
        let health = Health::default();
        assert!(health.is_in() && !health.is_to_be_tried(at(0)));
        health.refused(at(0));
        assert!(!health.is_in() && !health.is_to_be_tried(at(999)));
        assert!(health.is_to_be_tried(at(1_000)));
        assert!(!health.is_to_be_tried(at(1_000)), "one tries, the others do not");
        assert!(health.is_to_be_tried(at(2_000)), "the first one was never heard of again");
        health.refused(at(2_000));
        assert!(!health.is_to_be_tried(at(3_999)));
        assert!(health.is_to_be_tried(at(4_000)));
        let mut now = 4_000;
        for _ in 0..40 {
            health.refused(at(now));
            now += LONGEST_PAUSE_MS;
            assert!(health.is_to_be_tried(at(now)), "half a minute is the longest pause");
        }
        health.answered(at(now));
        assert!(health.is_in());
        health.refused(at(now));
        assert!(health.is_to_be_tried(at(now + 1_000)), "it begins anew");
    }

    #[test]
    fn connections_that_die_in_silence_together_are_one_refusal() {
        let health = Health::default();
        for _ in 0..64 {
            health.fell_silent(at(0));
        }
        assert!(!health.is_in() && health.is_to_be_tried(at(1_000)));
    }

    #[test]
    fn who_comes_back_gets_few_requests_at_first() {
        let (old, back) = (Health::default(), Health::default());
        back.refused(at(0));
        back.answered(at(5_000));
        // With nothing to do it is as busy as another with so many requests:
        let as_busy_as = |milliseconds: u64| {
            (0..100).find(|open| old.load(*open, at(milliseconds)) >= back.load(0, at(milliseconds))).unwrap() + 1
        };
        assert_eq!([5_000, 6_000, 10_000, 15_000, 99_000].map(as_busy_as), [20, 10, 2, 1, 1]);
    }
}
