//! How many requests in a second: a bucket from which each takes one, and which fills again steadily.
//!
//! One number says all: the time at which the bucket would be full again. The caller brings the clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds for one request.
    each: u64,
    /// Nanoseconds from empty to one less than full.
    depth: u64,
}

impl Rate {
    /// So many in a second in the long run, and what comes together in `burst_seconds` at once after a pause. `None` for
    /// none: there is no limit then.
    #[must_use]
    pub fn per_second(requests: u32, burst_seconds: u32) -> Option<Self> {
        let each = 1_000_000_000_u64.checked_div(requests.into())?;
        let depth = (u64::from(burst_seconds.max(1)) * 1_000_000_000).saturating_sub(each);
        Some(Self { each, depth })
    }
}

/// What is left of an environment's requests.
#[derive(Debug, Default)]
pub struct Bucket {
    full_at: AtomicU64,
}

impl Bucket {
    /// Takes one request, or returns how long it takes until there is one. `now` is the time since some fixed moment.
    pub fn take(&self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut full_at = self.full_at.load(Relaxed);
        loop {
            let from = full_at.max(now);
            let missing = from - now;
            if missing > rate.depth {
                return Err(Duration::from_nanos(missing - rate.depth));
            }
            match self.full_at.compare_exchange_weak(full_at, from + rate.each, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => full_at = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_hours(1) + Duration::from_millis(milliseconds)
    }

    /// How many of so many are let through.
    fn of(bucket: &Bucket, rate: Rate, requests: usize, now: Duration) -> usize {
        (0..requests).filter(|_| bucket.take(rate, now).is_ok()).count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_so_many_in_a_second() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(10, 5).unwrap());
        assert_eq!(of(&bucket, rate, 99, at(0)), 50);
        assert_eq!(bucket.take(rate, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(rate, at(60)), Err(Duration::from_millis(40)));
        assert_eq!(of(&bucket, rate, 99, at(100)), 1);
        let steady: usize = (1..=100).map(|tenth| of(&bucket, rate, 9, at(100 + tenth * 100))).sum();
        assert_eq!(steady, 100, "ten seconds of pressure");
        assert_eq!(of(&bucket, rate, 99, at(60_000)), 50, "it is full after a pause, and never more than full");
    }

    #[test]
    fn another_rate_holds_at_once_and_none_is_no_limit() {
        let bucket = Bucket::default();
        let (slow, fast) = (Rate::per_second(1, 2).unwrap(), Rate::per_second(100, 2).unwrap());
        assert_eq!(of(&bucket, slow, 9, at(0)), 2);
        assert_eq!(of(&bucket, fast, 9, at(500)), 9);
        assert_eq!(Rate::per_second(0, 10), None);
    }

    #[test]
    fn a_clock_that_steps_back_lets_nobody_through_who_would_not_have_been() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(10, 1).unwrap());
        assert_eq!(of(&bucket, rate, 99, at(1_000)), 10);
        assert_eq!(of(&bucket, rate, 99, at(0)), 0);
        assert_eq!(of(&bucket, rate, 99, at(2_000)), 10);
    }

    #[test]
    fn threads_share_one_bucket() {
        let (bucket, rate) = (Bucket::default(), Rate::per_second(1_000, 1).unwrap());
        let let_through: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| of(&bucket, rate, 2_000, at(0)))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(let_through, 1_000);
    }
}
