//! When certificates are renewed, and when a failed try is repeated. Pure; chance comes from outside.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// The first pause after an authority refused or did not answer; each further one is twice as long. Authorities count
/// failures: five an hour for one name is what the largest one allows.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(12);

/// Between two certificates for one name, whatever they say: a clock that is wrong must not empty an authority's patience.
pub const AT_LEAST: TimeDelta = TimeDelta::hours(6);

/// Returns when the next certificate is ordered: when a third of the life is left, and up to a twelfth of the life earlier,
/// so that certificates that were got together are not renewed together. `luck` is between 0 and 1.
#[must_use]
pub fn renew_at(not_before: DateTime<Utc>, not_after: DateTime<Utc>, luck: f64) -> DateTime<Utc> {
    let life = not_after - not_before;
    not_after - life / 3 - part(life / 12, luck)
}

/// Returns how long to wait after so many failures in a row.
#[must_use]
pub fn pause(failures: u32, luck: f64) -> TimeDelta {
    let doublings = failures.saturating_sub(1).min(10);
    let pause = (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
    pause + part(pause / 4, luck)
}

/// The longest that an authority may have us wait: its limits are counted by the week.
const LONGEST_TOLD: TimeDelta = TimeDelta::days(8);

/// Returns how long an authority that has limits wants us to wait. The library keeps no `Retry-After`; Let's Encrypt says the
/// same instant in its sentence (`…, retry after 2026-12-01 10:00:00 UTC: see …`).
#[must_use]
pub fn told_to_wait(reason: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let (_, after) = reason.split_once("retry after ")?;
    let at = NaiveDateTime::parse_from_str(after.get(..19)?, "%Y-%m-%d %H:%M:%S").ok()?.and_utc();
    Some((at - now).clamp(TimeDelta::zero(), LONGEST_TOLD))
}

fn part(of: TimeDelta, luck: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "chance needs no exactness")]
    TimeDelta::seconds((of.num_seconds() as f64 * luck.clamp(0.0, 1.0)) as i64)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_certificate_is_renewed_with_a_third_of_its_life_left_or_a_little_more() {
        let life = 90 * 24;
        assert_eq!(renew_at(at(0), at(life), 0.0), at(60 * 24));
        assert_eq!(renew_at(at(0), at(life), 1.0), at(60 * 24 - life / 12));
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let minutes: Vec<i64> = [1, 2, 3, 4, 5, 6, 7, 100].map(|failures| pause(failures, 0.0).num_minutes()).to_vec();
        assert_eq!(minutes, [15, 30, 60, 120, 240, 480, 720, 720]);
        assert_eq!(pause(1, 1.0), TimeDelta::minutes(15) + TimeDelta::seconds(225));
    }

    #[test]
    fn an_authority_that_says_when_is_not_asked_before() {
        let now = DateTime::parse_from_rfc3339("2026-11-27T10:00:00Z").unwrap().to_utc();
        let said = |at: &str| format!("rateLimited: too many certificates already issued in the last 168h0m0s, {at}");
        for (reason, expected) in [
            (
                said("retry after 2026-11-28 11:30:00 UTC: see https://letsencrypt.org/"),
                Some(TimeDelta::minutes(1_530)),
            ),
            (said("retry after 2026-11-27 09:00:00 UTC"), Some(TimeDelta::zero())),
            (said("retry after 2036-11-27 09:00:00 UTC"), Some(TimeDelta::days(8))),
            (said("retry after a while"), None),
            (said("retry after é"), None),
            ("caa: forbidden".to_owned(), None),
        ] {
            assert_eq!(told_to_wait(&reason, now), expected, "{reason}");
        }
    }

    /// A stream of numbers between 0 and 1 that is always the same.
    struct Luck(u64);

    impl Luck {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1_u32 << 31)
        }
    }

    #[test]
    fn in_ten_years_of_a_thousand_domains_none_expires_although_a_third_of_all_tries_fails() {
        let mut luck = Luck(7);
        let end = at(10 * 365 * 24);
        let (life, orders_in_three_hours) = (TimeDelta::days(90), 300);
        // Everybody comes on the first day.
        let mut due: BTreeMap<(DateTime<Utc>, u32), (DateTime<Utc>, u32)> =
            (0..1_000).map(|domain| ((at(0), domain), (at(0) + life, 0))).collect();
        let mut orders: VecDeque<DateTime<Utc>> = VecDeque::new();
        let mut renewals = 0;
        while let Some(((now, domain), (not_after, failures))) = due.pop_first() {
            if now > end {
                break;
            }
            assert!(now < not_after, "domain {domain} expired");
            while orders.front().is_some_and(|order| *order <= now - TimeDelta::hours(3)) {
                orders.pop_front();
            }
            let is_limited = orders.len() >= orders_in_three_hours;
            if !is_limited {
                orders.push_back(now);
            }
            if is_limited || luck.next() < 0.3 {
                due.insert((now + pause(failures + 1, luck.next()), domain), (not_after, failures + 1));
            } else {
                renewals += 1;
                due.insert((renew_at(now, now + life, luck.next()), domain), (now + life, 0));
            }
        }
        assert!((60_000..75_000).contains(&renewals), "{renewals}");
    }
}
