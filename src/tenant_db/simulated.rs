//! A make-believe server of tenants' databases: only names and states, for benchmarks and model tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{DatabaseName, DatabaseSize, DatabaseState, Error, Inventory, Result, RoleName, Schedule};
use crate::base::secret::Secret;

/// A server in memory.
#[derive(Clone, Debug, Default)]
pub struct Simulated(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    databases: BTreeMap<DatabaseName, i64>,
    roles: BTreeSet<RoleName>,
    is_away: bool,
}

/// What a fresh Odoo takes.
const FRESH_BYTES: i64 = 80 * 1024 * 1024;

impl Simulated {
    /// Makes the server stop answering, or answer again.
    pub fn set_away(&self, is_away: bool) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_away = is_away;
    }

    /// Puts a complete database and its role there, without the work of making them.
    pub fn put(&self, database: DatabaseName, role: RoleName) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.databases.insert(database, FRESH_BYTES);
        state.roles.insert(role);
    }

    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.is_away { Err(Error::Unreachable("the simulated server is away".into())) } else { Ok(state) }
    }
}

#[expect(clippy::unused_async, reason = "the same shape as the real server")]
impl Simulated {
    pub(super) async fn create_role(&self, role: &RoleName, _: &Secret<String>, _: u32) -> Result<()> {
        self.state()?.roles.insert(role.clone());
        Ok(())
    }

    pub(super) async fn role_exists(&self, role: &RoleName) -> Result<bool> {
        Ok(self.state()?.roles.contains(role))
    }

    pub(super) async fn look(&self, database: &DatabaseName) -> Result<DatabaseState> {
        let is_there = self.state()?.databases.contains_key(database);
        Ok(if is_there { DatabaseState::Ready } else { DatabaseState::Missing })
    }

    pub(super) async fn clone_template(
        &self,
        template: &DatabaseName,
        database: &DatabaseName,
        role: &RoleName,
    ) -> Result<()> {
        let mut state = self.state()?;
        let Some(bytes) = state.databases.get(template).copied() else {
            return Err(Error::NotFound("the simulated server has no such template".into()));
        };
        if !state.roles.contains(role) {
            return Err(Error::NotFound("the simulated server has no such role".into()));
        }
        state.databases.entry(database.clone()).or_insert(bytes);
        Ok(())
    }

    pub(super) async fn run_as_tenant(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        _: &Secret<String>,
        _: &[String],
    ) -> Result<()> {
        let state = self.state()?;
        if state.databases.contains_key(database) && state.roles.contains(role) {
            return Ok(());
        }
        Err(Error::NotFound("the simulated server has no such database or role".into()))
    }

    pub(super) async fn schedule(&self, _: &DatabaseName, _: &RoleName, _: &Secret<String>) -> Result<Schedule> {
        self.state().map(|_| Schedule::default())
    }

    pub(super) async fn rotate(&self, _: &RoleName, _: &Secret<String>, _: u32) -> Result<()> {
        self.state().map(drop)
    }

    pub(super) async fn fence(&self, role: &RoleName) -> Result<()> {
        self.state()?.roles.remove(role);
        Ok(())
    }

    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<()> {
        self.state()?.databases.remove(database);
        Ok(())
    }

    pub(super) async fn drop_role(&self, role: &RoleName) -> Result<()> {
        self.state()?.roles.remove(role);
        Ok(())
    }

    pub(super) async fn sizes(&self) -> Result<BTreeMap<DatabaseName, DatabaseSize>> {
        Ok(self.state()?.databases.iter().map(|(name, bytes)| (name.clone(), DatabaseSize { bytes: *bytes })).collect())
    }

    pub(super) async fn list(&self) -> Result<Inventory> {
        let state = self.state()?;
        Ok(Inventory { databases: state.databases.keys().cloned().collect(), roles: state.roles.clone() })
    }

    pub(super) async fn create_for_template(&self, template: &DatabaseName, _: &Secret<String>) -> Result<()> {
        let mut state = self.state()?;
        state.databases.insert(template.clone(), FRESH_BYTES);
        state.roles.insert(RoleName::builder(template));
        Ok(())
    }

    pub(super) async fn seal_template(&self, template: &DatabaseName) -> Result<()> {
        if self.state()?.databases.contains_key(template) {
            return Ok(());
        }
        Err(Error::NotFound("the simulated server has no such template".into()))
    }

    pub(super) async fn drop_template(&self, template: &DatabaseName) -> Result<()> {
        let mut state = self.state()?;
        state.databases.remove(template);
        state.roles.remove(&RoleName::builder(template));
        Ok(())
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.state().map(drop)
    }
}
