//! The sessions of tenants' databases: whose process is whose, what it uses, in which group it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context;

use super::groups::Groups;
use super::processes::{Process, children, first_process};
use super::rule::{Databases, Standing, Use, are_let_on};
use super::titles::{Works, works_for};
use crate::tenant_db::DatabaseName;

/// So many looks pass between two in which groups are removed.
const TIDY_EVERY: u32 = 100;

/// What is known of a server's sessions.
#[derive(Debug)]
pub struct Sessions {
    groups: Groups,
    data: PathBuf,
    processors: f64,
    looks: u32,
    known: BTreeMap<i32, Session>,
    used: Databases,
    /// Whether heavy sessions have their weight at this moment, instead of giving way to everything.
    let_on: bool,
}

#[derive(Debug)]
struct Session {
    process: Process,
    database: DatabaseName,
    /// The group that it was put into.
    standing: Option<Standing>,
}

/// What was seen in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether the server runs on this machine.
    pub is_running: bool,
    /// How many processes work for tenants' databases.
    pub sessions: usize,
    /// The databases that give way to the others.
    pub heavy: BTreeSet<DatabaseName>,
}

impl Sessions {
    /// Knows of none yet. `data` is the server's folder.
    #[must_use]
    pub fn new(groups: Groups, data: PathBuf, processors: f64) -> Self {
        Self { groups, data, processors, looks: 0, known: BTreeMap::new(), used: Databases::default(), let_on: false }
    }

    /// Looks at each process of the server and puts it where it belongs. `seconds` have passed since the last look.
    pub fn look(&mut self, seconds: f64) -> anyhow::Result<Seen> {
        let server = first_process(&self.data);
        let there: Vec<Process> =
            server.map(children).unwrap_or_default().into_iter().filter_map(Process::look).collect();
        // A number may have gone to a process of somebody else's between the two looks.
        let used = self.learn(there.into_iter().filter(|process| Some(process.parent) == server));
        let of_heavy = |name: &DatabaseName| self.used.standing(name) == Standing::Heavy;
        let used_by_heavy = used.iter().filter(|(name, _)| of_heavy(name)).map(|(_, used)| used.seconds).sum();
        self.used.used(&used, seconds, self.processors);
        let done = self.arrange().and_then(|()| self.let_on(used_by_heavy, seconds));
        self.looks += 1;
        if self.looks.is_multiple_of(TIDY_EVERY) {
            self.tidy();
        }
        done?;
        let heavy = self.known.values().filter(|it| it.standing == Some(Standing::Heavy));
        let heavy = heavy.map(|session| session.database.clone()).collect();
        Ok(Seen { is_running: server.is_some(), sessions: self.known.len(), heavy })
    }

    /// Sees that heavy sessions that hold a lock get to let go of it.
    fn let_on(&mut self, used: f64, seconds: f64) -> anyhow::Result<()> {
        let wanted = self.known.values().any(|it| it.standing == Some(Standing::Heavy))
            && are_let_on(self.let_on, used, seconds, self.processors);
        if wanted != self.let_on {
            self.groups.give_way(!wanted)?;
            self.let_on = wanted;
        }
        Ok(())
    }

    /// Removes the groups of databases that nobody works in.
    pub fn tidy(&self) {
        let needed = self.known.values().filter_map(|it| Some((it.database.clone(), it.standing?)));
        self.groups.tidy(&needed.collect());
    }

    /// Takes the place of what was known, and returns what each database used meanwhile.
    fn learn(&mut self, there: impl Iterator<Item = Process>) -> BTreeMap<DatabaseName, Use> {
        let (mut known, mut used) = (BTreeMap::new(), BTreeMap::<DatabaseName, Use>::new());
        for process in there {
            let before = self.known.remove(&process.pid).filter(|it| it.process.began == process.began);
            let (database, standing, until_then) = match before {
                Some(before) => (before.database, before.standing, before.process.used),
                None => match self.database_of(&process, &known) {
                    // What was used before the governor began is not of this moment.
                    Some(database) => (database, None, if self.looks == 0 { process.used } else { 0.0 }),
                    None => continue,
                },
            };
            let of = used.entry(database.clone()).or_default();
            of.seconds += (process.used - until_then).max(0.0);
            of.running += u32::from(process.is_running);
            known.insert(process.pid, Session { process, database, standing });
        }
        self.known = known;
        used
    }

    /// A session comes before those that help it, because it began earlier: the kernel lists them in that order.
    fn database_of(&self, process: &Process, known: &BTreeMap<i32, Session>) -> Option<DatabaseName> {
        match works_for(&process.title())? {
            Works::For(database) => Some(database),
            Works::Beside(leader) => {
                known.get(&leader).or_else(|| self.known.get(&leader)).map(|session| session.database.clone())
            }
        }
    }

    /// Puts those that stand elsewhere than they should into their group.
    fn arrange(&mut self) -> anyhow::Result<()> {
        let mut done = Ok(());
        for session in self.known.values_mut() {
            let wanted = self.used.standing(&session.database);
            if session.standing == Some(wanted) || !session.process.is_there() {
                continue;
            }
            match self.groups.put(session.process.pid, &session.database, wanted) {
                Ok(()) => session.standing = Some(wanted),
                // It ended just now.
                Err(_) if !session.process.is_there() => {}
                Err(error) => done = Err(error).context("put a session into the group of its database"),
            }
        }
        done
    }
}
