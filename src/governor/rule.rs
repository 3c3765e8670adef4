//! Who gives way to the others: whoever has used much for some time. Pure.

use std::collections::BTreeMap;

use crate::tenant_db::DatabaseName;

/// What sessions of a database gain while none of them runs, as a part of all processors.
const PART: f64 = 0.25;
/// How much of it may be used at once, in seconds' worth: a large report goes on for this long before it gives way.
const SAVED_SECONDS: f64 = 2.0;

/// How a database's sessions stand to the others'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// All of these are equal.
    #[default]
    Usual,
    /// It has used much: what the usual ones need comes first.
    Heavy,
}

/// Heavy sessions that got less than this part of all processors may hold a lock that others wait for.
const STARVED: f64 = 0.02;

/// Whether heavy sessions are let on for the next look, though others want to run: they got next to nothing in the last one, in
/// which they were not (`was_let_on`). So the longest time for which one can hold a lock is some tenths of a second. Longer pauses were
/// tried: others that wait for such a lock waited for seconds.
#[must_use]
pub fn are_let_on(was_let_on: bool, used: f64, seconds: f64, processors: f64) -> bool {
    !was_let_on && used < STARVED * seconds * processors
}

/// What the sessions of a database did since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Use {
    /// Seconds of a processor.
    pub seconds: f64,
    /// How many of them run at this moment, or would if they could.
    pub running: u32,
}

impl Use {
    /// What is taken from its account. With more sessions than processors a database takes as many turns of the others', and pays for
    /// all of them: a crowd gives way at once, and a single report as late as ever.
    fn price(self, processors: f64) -> f64 {
        self.seconds * (f64::from(self.running) / processors).max(1.0)
    }
}

/// What databases have used lately.
#[derive(Debug, Default)]
pub struct Databases(BTreeMap<DatabaseName, Account>);

#[derive(Clone, Copy, Debug)]
struct Account {
    /// Seconds of a processor that it may use at once.
    saved: f64,
    standing: Standing,
}

impl Databases {
    /// Takes what each database's sessions did since the last time, `seconds` ago. Those that are not named did nothing.
    pub fn used(&mut self, used: &BTreeMap<DatabaseName, Use>, seconds: f64, processors: f64) {
        let (most, gain) = (PART * processors * SAVED_SECONDS, PART * processors * seconds);
        for database in used.keys() {
            self.0.entry(database.clone()).or_insert(Account { saved: most, standing: Standing::Usual });
        }
        for (database, account) in &mut self.0 {
            let used = used.get(database).copied().unwrap_or_default();
            // Who is not done uses little only because it gets little.
            let gain = if used.running > 0 { 0.0 } else { gain };
            account.saved = (account.saved + gain - used.price(processors)).clamp(-most, most);
            if account.saved < 0.0 {
                account.standing = Standing::Heavy;
            } else if account.saved > most / 2.0 {
                account.standing = Standing::Usual;
            }
        }
        // Who has all of it back is like one that was never seen.
        self.0.retain(|database, account| account.saved < most || used.contains_key(database));
    }

    /// Returns how a database stands.
    #[must_use]
    pub fn standing(&self, database: &DatabaseName) -> Standing {
        self.0.get(database).map_or(Standing::Usual, |account| account.standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DatabaseName {
        DatabaseName::parse(text).unwrap()
    }

    /// One second on two processors, in four looks.
    fn a_second(databases: &mut Databases, used: &[(&str, f64)]) {
        let of = |used: f64| Use { seconds: used / 4.0, running: u32::from(used > 0.0) };
        let used = used.iter().map(|(database, used)| (name(database), of(*used))).collect();
        for _ in 0..4 {
            databases.used(&used, 0.25, 2.0);
        }
    }

    #[test]
    fn a_database_that_takes_all_processors_gives_way_within_a_second_and_nobody_else_does() {
        let mut databases = Databases::default();
        a_second(&mut databases, &[("greedy", 1.8), ("modest", 0.2)]);
        assert_eq!(databases.standing(&name("greedy")), Standing::Heavy);
        assert_eq!(databases.standing(&name("modest")), Standing::Usual);
    }

    #[test]
    fn whoever_rests_in_between_may_use_a_third_of_a_processor_of_two_for_ever() {
        let mut databases = Databases::default();
        for look in 0..4000 {
            let running = u32::from(look % 4 == 0);
            let used = Use { seconds: 0.33 * f64::from(running), running };
            databases.used(&BTreeMap::from([(name("steady"), used)]), 0.25, 2.0);
            assert_eq!(databases.standing(&name("steady")), Standing::Usual, "{look}");
        }
    }

    #[test]
    fn whoever_never_rests_gives_way_however_little_it_gets() {
        let mut databases = Databases::default();
        for _ in 0..6 {
            a_second(&mut databases, &[("greedy", 0.2)]);
        }
        assert_eq!(databases.standing(&name("greedy")), Standing::Heavy);
    }

    #[test]
    fn whoever_used_much_for_long_is_forgiven_three_seconds_after_it_ends_and_then_forgotten() {
        let mut databases = Databases::default();
        for _ in 0..1000 {
            a_second(&mut databases, &[("greedy", 2.0)]);
        }
        a_second(&mut databases, &[]);
        assert_eq!(databases.standing(&name("greedy")), Standing::Heavy);
        for _ in 0..3 {
            a_second(&mut databases, &[]);
        }
        assert_eq!(databases.standing(&name("greedy")), Standing::Usual);
        a_second(&mut databases, &[]);
        assert!(databases.0.is_empty());
    }

    #[test]
    fn whoever_gets_nothing_because_it_gives_way_is_not_forgiven_for_that() {
        let mut databases = Databases::default();
        a_second(&mut databases, &[("greedy", 2.0)]);
        for _ in 0..100 {
            a_second(&mut databases, &[("greedy", 0.01)]);
        }
        assert_eq!(databases.standing(&name("greedy")), Standing::Heavy);
    }

    /// How many looks of a tenth of a second it takes until a database gives way that takes all of two processors.
    fn looks_until_heavy(running: u32) -> usize {
        let mut databases = Databases::default();
        let used = BTreeMap::from([(name("one"), Use { seconds: 0.1 * f64::from(running.min(2)), running })]);
        let looks = (1..100).find(|_| {
            databases.used(&used, 0.1, 2.0);
            databases.standing(&name("one")) == Standing::Heavy
        });
        looks.unwrap()
    }

    #[test]
    fn a_crowd_gives_way_at_the_first_look_and_a_single_report_after_a_second() {
        assert_eq!([24, 12, 4, 2, 1].map(looks_until_heavy), [1, 1, 3, 6, 11]);
    }

    #[test]
    fn a_crowd_that_gets_next_to_nothing_is_not_taken_for_one_that_takes_everything() {
        let mut databases = Databases::default();
        let used = BTreeMap::from([(name("victim"), Use { seconds: 0.004, running: 6 })]);
        for _ in 0..20 {
            databases.used(&used, 0.1, 2.0);
            assert_eq!(databases.standing(&name("victim")), Standing::Usual);
        }
    }

    #[test]
    fn heavy_sessions_that_get_nothing_are_let_on_for_every_second_look_and_those_that_get_something_are_not() {
        assert!(are_let_on(false, 0.0, 0.1, 2.0));
        assert!(!are_let_on(true, 0.0, 0.1, 2.0));
        assert!(!are_let_on(false, 0.01, 0.1, 2.0));
    }
}
