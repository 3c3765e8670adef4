//! How often a certificate authority is asked for customers' domains. Pure.
//!
//! An authority gives so many certificates, and they are everybody's here (Let's Encrypt: 300 orders in three hours, 5 for
//! the same name in a week). Whoever adds and removes names all day is not to use up what others need to renew theirs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::store::Asked;
use crate::certificates::renewal;

/// How many certificates one name gets in [`renewal::AT_LEAST`], whoever adds and removes it: a domain that is moved to
/// another instance gets its second one at once.
const MOST_FOR_ONE_NAME: i64 = 2;
/// How many orders one account causes in a day.
const MOST_BY_ONE_ACCOUNT: i64 = 30;
/// How many orders everybody causes in three hours before first certificates wait: the rest is for renewals.
const MOST_BY_ALL: i64 = 200;

/// For so long orders are remembered.
pub const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// Whoever waits is looked at so often.
pub const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(15);

/// Returns since when orders are counted for the name, by the account, and by everybody.
#[must_use]
pub fn since(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>) {
    (now - renewal::AT_LEAST, now - TimeDelta::days(1), now - TimeDelta::hours(3))
}

/// Whether a first certificate may be ordered after so much was asked.
#[must_use]
pub fn allows(asked: Asked) -> bool {
    asked.granted_for_name < MOST_FOR_ONE_NAME && asked.by_account < MOST_BY_ONE_ACCOUNT && asked.by_all < MOST_BY_ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_an_account_and_everybody_have_each_their_share() {
        let asked = |granted_for_name, by_account, by_all| Asked { granted_for_name, by_account, by_all };
        assert!(allows(asked(0, 0, 0)) && allows(asked(1, 29, 199)));
        for too_often in [asked(2, 2, 2), asked(0, 30, 30), asked(0, 0, 200)] {
            assert!(!allows(too_often), "{too_often:?}");
        }
    }
}
