//! Who used an Odoo: internal users with a session on a day, counted exactly and kept as hashes.
//!
//! What a database says of its sessions is asked again until it is answered, from where the last answer ended: a look that fails
//! is a gap for a while and never a zero.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use super::counting::LATE_WINDOW;
use super::store;
use crate::base::ids::{EnvironmentId, RuntimeId};
use crate::db::StoreError;
use crate::tenant_db::Activity;

/// Time between two looks at an environment.
pub const EVERY: TimeDelta = TimeDelta::hours(1);
/// How far a look reaches back before the last one: what Odoo had written and not committed then.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// An environment whose database is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The environment.
    pub environment: EnvironmentId,
    /// What runs it.
    pub runtime: RuntimeId,
    /// Since when it is the customer's.
    pub claimed_at: DateTime<Utc>,
    /// Until when its answers reach; `None` before the first one.
    pub read_until: Option<DateTime<Utc>>,
}

impl Due {
    /// Returns since when its database is asked.
    #[must_use]
    pub fn since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let known = self.read_until.map_or(self.claimed_at, |until| until - OVERLAP);
        known.max(self.claimed_at).max(now - LATE_WINDOW)
    }
}

/// Takes environments that have not been asked for an hour.
pub async fn take_due(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, StoreError> {
    store::take_users_due(db, now, now - EVERY, limit).await
}

/// Keeps an answer that was asked for at `now`. The same again changes nothing.
pub async fn keep(tx: &mut PgConnection, due: &Due, seen: &[Activity], now: DateTime<Utc>) -> Result<(), StoreError> {
    // Whoever answers may say anything.
    let (since, whole) = (due.since(now), |activity: &&Activity| activity.user > 1);
    let within = |activity: &&Activity| activity.at >= since - TimeDelta::seconds(1) && activity.at <= now;
    let seen: Vec<Activity> = seen.iter().filter(whole).filter(within).copied().collect();
    store::keep_users(tx, due.environment, &seen).await?;
    store::note_look(tx, due.environment, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_begins_where_the_last_answer_ended_and_never_before_the_customer_came() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let due = |claimed: TimeDelta, read: Option<TimeDelta>| Due {
            environment: EnvironmentId::new(now),
            runtime: RuntimeId::new(now),
            claimed_at: now - claimed,
            read_until: read.map(|read| now - read),
        };
        let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
        assert_eq!(due(day, None).since(now), now - day);
        assert_eq!(due(day, Some(hour)).since(now), now - hour - OVERLAP);
        assert_eq!(due(hour, Some(hour)).since(now), now - hour, "not before it was the customer's");
        assert_eq!(due(day * 90, Some(day * 80)).since(now), now - LATE_WINDOW);
    }
}
