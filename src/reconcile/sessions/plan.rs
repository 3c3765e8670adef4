//! Which sessions take more than one tenant may keep from the others. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::tenant_db::{DatabaseName, Doing, Session, Sessions};

/// So many statements of one tenant at work for so long keep the processors from the others, whatever they are. Odoo itself gives
/// up a request after two minutes, and has one scheduled action at a time.
const CROWD: usize = 8;
const CROWD_FOR: Duration = Duration::from_mins(2);
/// From here on open transactions are ended that keep what was notified in the queue of all: once it is full, no tenant's
/// transaction that notifies somebody is committed any more, which is every second one of Odoo.
const QUEUE_AT_MOST: f64 = 0.1;
/// Younger ones are not what fills it.
const QUEUE_AFTER: Duration = Duration::from_mins(1);

/// From half of it on, the table of locks that all databases share is kept from filling up: then hardly any tenant's statement
/// would be carried out. Until then a large upgrade may take what it needs.
const LOCKS_AT_MOST: i64 = 2;
/// And then nobody keeps more than this part of it.
const LOCKS_OF_ONE: i64 = 8;

/// What a session may do. What is zero has no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a transaction may be open with nothing going on in it.
    pub idle: Duration,
    /// How long a transaction may be open.
    pub transaction: Duration,
    /// How many bytes of temporary files all sessions of a database may have.
    pub temporary_bytes: i64,
}

/// Why a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A transaction with nothing going on in it.
    Idle,
    /// A transaction that was open for too long.
    Long,
    /// Too many long statements at once.
    Crowd,
    /// Too much written to temporary files.
    Temporary,
    /// It kept the queue of notifications from being emptied.
    Queue,
    /// Too many locks.
    Locks,
}

impl Why {
    /// Returns the word in events and keys of texts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Long => "long",
            Self::Crowd => "crowd",
            Self::Temporary => "temporary",
            Self::Queue => "queue",
            Self::Locks => "locks",
        }
    }
}

/// Returns the sessions to end.
#[must_use]
pub fn too_much<'a>(seen: &'a Sessions, limits: &Limits) -> Vec<(&'a Session, Why)> {
    let crowded = crowds(&seen.all);
    let mut found: Vec<(&Session, Why)> = Vec::new();
    for session in &seen.all {
        let why = if is_over(limits.idle, session.state_for) && session.doing == Doing::IdleInTransaction {
            Why::Idle
        } else if is_over(limits.transaction, session.transaction) {
            Why::Long
        } else if is_of_a_crowd(session) && crowded.contains(&&session.database) {
            Why::Crowd
        } else if seen.notifications >= QUEUE_AT_MOST && session.transaction >= QUEUE_AFTER {
            Why::Queue
        } else {
            continue;
        };
        found.push((session, why));
    }
    let writers = largest(&seen.all, limits.temporary_bytes, |session| session.temporary_bytes);
    found.extend(writers.into_iter().map(|session| (session, Why::Temporary)));
    if seen.all.iter().map(|session| session.locks).sum::<i64>() > seen.lock_room / LOCKS_AT_MOST {
        let hoarders = largest(&seen.all, seen.lock_room / LOCKS_OF_ONE, |session| session.locks);
        found.extend(hoarders.into_iter().map(|session| (session, Why::Locks)));
    }
    found.sort_by_key(|(session, why)| (session.pid, *why));
    found.dedup_by_key(|(session, _)| session.pid);
    found
}

fn is_over(limit: Duration, time: Duration) -> bool {
    !limit.is_zero() && time >= limit
}

/// Whoever waits for a lock takes nothing from anybody: a long upgrade makes many wait.
fn is_of_a_crowd(session: &Session) -> bool {
    session.doing == Doing::Work && session.statement >= CROWD_FOR
}

fn crowds(all: &[Session]) -> Vec<&DatabaseName> {
    let mut counts: BTreeMap<&DatabaseName, usize> = BTreeMap::new();
    for session in all.iter().filter(|session| is_of_a_crowd(session)) {
        *counts.entry(&session.database).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count >= CROWD).map(|(database, _)| database).collect()
}

/// The sessions that have most of something, of each database that has too much: as few as bring it below the limit.
fn largest(all: &[Session], limit: i64, of: impl Fn(&Session) -> i64) -> Vec<&Session> {
    let mut sums: BTreeMap<&DatabaseName, i64> = BTreeMap::new();
    for session in all {
        *sums.entry(&session.database).or_default() += of(session);
    }
    let mut largest: Vec<&Session> = all.iter().filter(|session| of(session) > 0).collect();
    largest.sort_by_key(|session| std::cmp::Reverse(of(session)));
    largest.retain(|session| {
        let sum = sums.entry(&session.database).or_default();
        let is_too_much = limit > 0 && *sum > limit;
        if is_too_much {
            *sum -= of(session);
        }
        is_too_much
    });
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    const LIMITS: Limits =
        Limits { idle: Duration::from_mins(10), transaction: Duration::from_mins(60), temporary_bytes: 8 << 30 };

    fn session(pid: i32, database: &str) -> Session {
        Session {
            pid,
            began_at: Clock::System.now(),
            transaction_at: None,
            database: DatabaseName::parse(database).unwrap(),
            doing: Doing::Nothing,
            transaction: Duration::ZERO,
            statement: Duration::ZERO,
            state_for: Duration::from_hours(9),
            temporary_bytes: 0,
            locks: 0,
        }
    }

    fn ended(all: Vec<Session>, notifications: f64) -> Vec<(i32, Why)> {
        let seen = Sessions { all, notifications, lock_room: 1000 };
        too_much(&seen, &LIMITS).into_iter().map(|(session, why)| (session.pid, why)).collect()
    }

    #[test]
    fn a_session_that_does_nothing_may_do_so_for_ever() {
        assert_eq!(ended(vec![session(1, "one"), session(2, "two")], 0.9), []);
    }

    #[test]
    fn a_transaction_ends_when_it_was_open_for_too_long_and_sooner_with_nothing_going_on() {
        let of = |pid, doing, minutes, state| Session {
            doing,
            transaction: Duration::from_mins(minutes),
            state_for: Duration::from_mins(state),
            ..session(pid, "one")
        };
        let all = vec![
            of(1, Doing::Work, 59, 59),
            of(2, Doing::Work, 60, 1),
            of(3, Doing::IdleInTransaction, 59, 9),
            of(4, Doing::IdleInTransaction, 10, 10),
            of(5, Doing::Waiting, 60, 60),
        ];
        assert_eq!(ended(all, 0.0), [(2, Why::Long), (4, Why::Idle), (5, Why::Long)]);
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let of = Session {
            doing: Doing::IdleInTransaction,
            transaction: Duration::from_hours(99),
            temporary_bytes: 1 << 40,
            ..session(1, "one")
        };
        let seen = Sessions { all: vec![of], ..Sessions::default() };
        let limits = Limits { idle: Duration::ZERO, transaction: Duration::ZERO, temporary_bytes: 0 };
        assert_eq!(too_much(&seen, &limits), []);
    }

    #[test]
    fn eight_long_statements_of_one_tenant_are_a_crowd_and_those_that_wait_for_a_lock_are_not() {
        let crowd = |database, count: i32, doing| {
            (1..=count).map(move |pid| Session { doing, statement: CROWD_FOR, ..session(pid, database) })
        };
        assert_eq!(ended(crowd("one", 7, Doing::Work).collect(), 0.0), []);
        assert_eq!(ended(crowd("one", 9, Doing::Waiting).collect(), 0.0), []);
        assert_eq!(ended(crowd("one", 4, Doing::Work).chain(crowd("two", 4, Doing::Work)).collect(), 0.0), []);
        assert_eq!(ended(crowd("one", 8, Doing::Work).collect(), 0.0).len(), 8);
    }

    #[test]
    fn while_the_queue_of_notifications_fills_no_transaction_stays_open_for_a_minute() {
        let of = |pid, seconds| Session {
            doing: Doing::Work,
            transaction: Duration::from_secs(seconds),
            ..session(pid, "one")
        };
        assert_eq!(ended(vec![of(1, 59), of(2, 60)], 0.09), []);
        assert_eq!(ended(vec![of(1, 59), of(2, 60)], 0.1), [(2, Why::Queue)]);
    }

    #[test]
    fn of_too_many_temporary_files_the_largest_go_until_it_is_enough() {
        let of = |pid, database, gb: i64| Session {
            doing: Doing::Work,
            temporary_bytes: gb << 30,
            ..session(pid, database)
        };
        let all = vec![of(1, "one", 3), of(2, "one", 4), of(3, "one", 4), of(4, "two", 8), of(5, "two", 0)];
        assert_eq!(ended(all, 0.0), [(2, Why::Temporary)]);
    }

    #[test]
    fn once_half_of_all_locks_are_taken_nobody_keeps_more_than_an_eighth_and_until_then_an_upgrade_may() {
        let of = |pid, database, locks| Session { locks, ..session(pid, database) };
        assert_eq!(ended(vec![of(1, "one", 500)], 0.0), []);
        let all = vec![of(1, "one", 100), of(2, "one", 350), of(3, "two", 125), of(4, "one", 20)];
        assert_eq!(ended(all, 0.0), [(2, Why::Locks)]);
        let all = (1..=24).map(|pid| of(pid, "one", 40)).collect();
        assert_eq!(ended(all, 0.0).len(), 21, "many that hold few each");
    }
}
