//! A make-believe server of tenants' databases: only names and states, for benchmarks and model tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{DatabaseName, DatabaseSize, DatabaseState, Error, Inventory, Member, Result, RoleName, Schedule};
use crate::base::faults::{Faults, Kind};
use crate::base::secret::Secret;

/// A server in memory. Copies share their state.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct State {
    known: Known,
    /// As it was before the last change.
    before: Known,
    is_away: bool,
}

#[derive(Clone, Debug, Default)]
struct Known {
    databases: BTreeMap<DatabaseName, Inside>,
    /// Whether each may log in.
    roles: BTreeMap<RoleName, bool>,
}

#[derive(Clone, Debug)]
struct Inside {
    bytes: i64,
    /// What was done in it last as its tenant.
    told: Vec<String>,
}

/// What a fresh Odoo takes.
const FRESH_BYTES: i64 = 80 * 1024 * 1024;

impl Known {
    fn may_log_in(&self, role: &RoleName) -> bool {
        self.roles.get(role).copied().unwrap_or(false)
    }
}

impl Inside {
    fn fresh(bytes: i64) -> Self {
        Self { bytes, told: Vec::new() }
    }
}

impl Simulated {
    /// Makes a server that meets the same faults as others.
    #[must_use]
    pub fn with_faults(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Makes the server stop answering, or answer again.
    pub fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Puts a complete database and its role there, without the work of making them.
    pub fn put(&self, database: DatabaseName, role: RoleName) {
        let mut state = self.lock();
        state.known.databases.insert(database, Inside::fresh(FRESH_BYTES));
        state.known.roles.insert(role, true);
    }

    /// Returns the statements that were run last in a database as its tenant.
    #[must_use]
    pub fn told(&self, database: &DatabaseName) -> Vec<String> {
        self.lock().known.databases.get(database).map(|inside| inside.told.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.is_away { Err(away()) } else { Ok(state) }
    }

    async fn answer<T>(&self, verb: &'static str, body: impl Fn(&Known) -> Result<T> + Send + Sync) -> Result<T> {
        let act = || body(&self.begin()?.known);
        let stale = || body(&self.begin()?.before);
        self.faults.call(verb, Kind::Look, act, stale, away).await
    }

    async fn change<T>(&self, verb: &'static str, body: impl Fn(&mut Known) -> Result<T> + Send + Sync) -> Result<T> {
        let act = || {
            let mut state = self.begin()?;
            if self.faults.is_watched() {
                state.before = state.known.clone();
            }
            body(&mut state.known)
        };
        self.faults.call(verb, Kind::Change, act, || Err(away()), away).await
    }
}

fn away() -> Error {
    Error::Unreachable("the simulated server does not answer".into())
}

fn nothing() -> Error {
    Error::NotFound("the simulated server has no such database or role".into())
}

impl Simulated {
    pub(super) async fn create_role(&self, role: &RoleName, _: &Secret<String>, _: u32) -> Result<()> {
        self.change("create_role", |known| {
            known.roles.insert(role.clone(), true);
            Ok(())
        })
        .await
    }

    pub(super) async fn role_exists(&self, role: &RoleName) -> Result<bool> {
        self.answer("role_exists", |known| Ok(known.may_log_in(role))).await
    }

    pub(super) async fn look(&self, database: &DatabaseName) -> Result<DatabaseState> {
        self.answer("look", |known| {
            let is_there = known.databases.contains_key(database);
            Ok(if is_there { DatabaseState::Ready } else { DatabaseState::Missing })
        })
        .await
    }

    pub(super) async fn clone_template(
        &self,
        template: &DatabaseName,
        database: &DatabaseName,
        role: &RoleName,
    ) -> Result<()> {
        self.change("clone_template", |known| {
            let bytes = known.databases.get(template).ok_or_else(nothing)?.bytes;
            if !known.roles.contains_key(role) {
                return Err(nothing());
            }
            known.databases.entry(database.clone()).or_insert(Inside::fresh(bytes));
            Ok(())
        })
        .await
    }

    pub(super) async fn run_as_tenant(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        _: &Secret<String>,
        statements: &[String],
    ) -> Result<()> {
        self.change("run_as_tenant", |known| {
            let has_role = known.may_log_in(role);
            let inside = known.databases.get_mut(database).filter(|_| has_role).ok_or_else(nothing)?;
            inside.told = statements.to_vec();
            Ok(())
        })
        .await
    }

    pub(super) async fn schedule(&self, _: &DatabaseName, _: &RoleName, _: &Secret<String>) -> Result<Schedule> {
        self.answer("schedule", |_| Ok(Schedule::default())).await
    }

    pub(super) async fn rotate(&self, _: &RoleName, _: &Secret<String>, _: u32) -> Result<()> {
        self.change("rotate", |_| Ok(())).await
    }

    pub(super) async fn fence(&self, role: &RoleName) -> Result<()> {
        self.change("fence", |known| {
            if let Some(may_log_in) = known.roles.get_mut(role) {
                *may_log_in = false;
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn create_member(&self, member: &Member, _: &Secret<String>, _: u32) -> Result<()> {
        self.change("create_member", |known| {
            if !known.roles.contains_key(&member.owner) || !known.databases.contains_key(&member.database) {
                return Err(nothing());
            }
            known.roles.insert(member.role.clone(), true);
            Ok(())
        })
        .await
    }

    pub(super) async fn drop_member(&self, member: &RoleName, _: &DatabaseName) -> Result<()> {
        self.change("drop_member", |known| {
            known.roles.remove(member);
            Ok(())
        })
        .await
    }

    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<()> {
        self.change("drop_database", |known| {
            known.databases.remove(database);
            Ok(())
        })
        .await
    }

    pub(super) async fn drop_role(&self, role: &RoleName) -> Result<()> {
        self.change("drop_role", |known| {
            known.roles.remove(role);
            Ok(())
        })
        .await
    }

    pub(super) async fn sizes(&self) -> Result<BTreeMap<DatabaseName, DatabaseSize>> {
        self.answer("sizes", |known| {
            let size = |inside: &Inside| DatabaseSize { bytes: inside.bytes };
            Ok(known.databases.iter().map(|(name, inside)| (name.clone(), size(inside))).collect())
        })
        .await
    }

    pub(super) async fn list(&self) -> Result<Inventory> {
        self.answer("list_databases", |known| {
            Ok(Inventory {
                databases: known.databases.keys().cloned().collect(),
                roles: known.roles.keys().cloned().collect(),
            })
        })
        .await
    }

    pub(super) async fn create_for_template(&self, template: &DatabaseName, _: &Secret<String>) -> Result<()> {
        self.change("create_for_template", |known| {
            known.databases.insert(template.clone(), Inside::fresh(FRESH_BYTES));
            known.roles.insert(RoleName::builder(template), true);
            Ok(())
        })
        .await
    }

    pub(super) async fn seal_template(&self, template: &DatabaseName) -> Result<()> {
        self.change("seal_template", |known| {
            let is_there = known.databases.contains_key(template);
            if is_there { Ok(()) } else { Err(nothing()) }
        })
        .await
    }

    pub(super) async fn drop_template(&self, template: &DatabaseName) -> Result<()> {
        self.change("drop_template", |known| {
            known.databases.remove(template);
            known.roles.remove(&RoleName::builder(template));
            Ok(())
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.answer("ping", |_| Ok(())).await
    }
}
