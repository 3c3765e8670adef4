//! A make-believe server of tenants' databases: only names and states, for benchmarks and model tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{
    Activity, DatabaseName, DatabaseSize, DatabaseState, Error, Inventory, Member, Result, RoleName, Schedule, Session,
    Sessions, Words,
};
use crate::base::faults::{Faults, Kind, Untrue};
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
    roles: BTreeMap<RoleName, Login>,
}

#[derive(Clone, Debug)]
struct Login {
    may_log_in: bool,
    password: Secret<String>,
    /// Of the newest order.
    generation: u64,
    /// How often its sessions were ended.
    ends: u64,
}

#[derive(Clone, Debug)]
struct Inside {
    bytes: i64,
    /// Whether it was handed over to its tenant.
    is_ready: bool,
    /// What it says of who used it.
    users: Vec<Activity>,
    /// What was done in it once and last as its tenant, and how new that order was.
    told: Vec<String>,
    generation: i64,
}

/// What is in a statement of which a second run changes nothing: `odoo/personalise.sql`.
const ONCE: &str = "$personalise$";
/// What a fresh Odoo takes.
const FRESH_BYTES: i64 = 80 * 1024 * 1024;

impl Known {
    fn may_log_in(&self, role: &RoleName) -> bool {
        self.roles.get(role).is_some_and(|login| login.may_log_in)
    }

    /// Gives a role a password, unless it has had a newer order.
    fn let_in(&mut self, role: &RoleName, password: &Secret<String>, generation: u64) -> Result<()> {
        if self.roles.get(role).is_some_and(|login| login.generation > generation) {
            return Err(newer());
        }
        let ends = self.roles.get(role).map_or(0, |login| login.ends);
        let login = Login { may_log_in: true, password: password.clone(), generation, ends };
        self.roles.insert(role.clone(), login);
        Ok(())
    }
}

impl Inside {
    fn fresh(bytes: i64, is_ready: bool) -> Self {
        Self { bytes, is_ready, users: Vec::new(), told: Vec::new(), generation: 0 }
    }

    fn tell(&mut self, words: &Words) {
        let is_once = |statement: &String| statement.contains(ONCE);
        let (once, again): (Vec<String>, Vec<String>) = words.statements.iter().cloned().partition(is_once);
        self.told.retain(is_once);
        if self.told.is_empty() {
            self.told = once;
        }
        self.told.extend(again);
        self.generation = words.generation;
    }
}

impl Simulated {
    /// Makes a server that meets the same faults as others.
    #[must_use]
    pub fn with_faults(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Returns the same server for somebody to whom nothing happens: a test that looks what is so.
    #[must_use]
    pub fn undisturbed(&self) -> Self {
        Self { faults: Faults::default(), ..self.clone() }
    }

    /// Makes the server stop answering, or answer again.
    pub fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Puts a complete database and its role there, without the work of making them.
    pub fn put(&self, database: DatabaseName, role: RoleName) {
        let mut state = self.lock();
        state.known.databases.insert(database, Inside::fresh(FRESH_BYTES, true));
        let login = Login { may_log_in: true, password: Secret::new(String::new()), generation: 0, ends: 0 };
        state.known.roles.insert(role, login);
    }

    /// Has somebody use an Odoo.
    pub fn use_by(&self, database: &DatabaseName, activity: Activity) {
        if let Some(inside) = self.lock().known.databases.get_mut(database) {
            inside.users.push(activity);
        }
    }

    /// Returns the statements that were run in a database as its tenant: what is done once, and the last ones.
    #[must_use]
    pub fn told(&self, database: &DatabaseName) -> Vec<String> {
        self.lock().known.databases.get(database).map(|inside| inside.told.clone()).unwrap_or_default()
    }

    /// Returns every role that may log in, with its password and how often its sessions were ended: to see that nobody who was
    /// held up gave it an old one, or ended what somebody else has begun.
    #[must_use]
    pub fn logins(&self) -> BTreeMap<RoleName, (String, u64)> {
        let state = self.lock();
        let open = state.known.roles.iter().filter(|(_, login)| login.may_log_in);
        open.map(|(role, login)| (role.clone(), (login.password.expose().clone(), login.ends))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.is_away { Err(away()) } else { Ok(state) }
    }

    async fn answer<T: Send>(&self, verb: &'static str, body: impl Fn(&Known) -> Result<T> + Send + Sync) -> Result<T> {
        let act = || body(&self.begin()?.known);
        let untrue = |answer| match answer {
            Untrue::OfAMomentAgo => body(&self.begin()?.before),
            Untrue::Empty => body(&Known::default()),
        };
        self.faults.call(verb, Kind::Look, act, untrue, away).await
    }

    async fn change<T: Send>(
        &self,
        verb: &'static str,
        body: impl Fn(&mut Known) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let act = || {
            let mut state = self.begin()?;
            if self.faults.is_watched() {
                state.before = state.known.clone();
            }
            body(&mut state.known)
        };
        self.faults.call(verb, Kind::Change, act, |_| Err(away()), away).await
    }
}

fn away() -> Error {
    Error::Unreachable("the simulated server does not answer".into())
}

fn newer() -> Error {
    Error::Conflict("the simulated server has had a newer order".into())
}

fn nothing() -> Error {
    Error::NotFound("the simulated server has no such database or role".into())
}

impl Simulated {
    pub(super) async fn create_role(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        _: u32,
        generation: u64,
    ) -> Result<()> {
        self.change("create_role", |known| known.let_in(role, password, generation)).await
    }

    pub(super) async fn role_exists(&self, role: &RoleName) -> Result<bool> {
        self.answer("role_exists", |known| Ok(known.may_log_in(role))).await
    }

    pub(super) async fn look(&self, database: &DatabaseName) -> Result<DatabaseState> {
        self.answer("look", |known| {
            Ok(match known.databases.get(database) {
                None => DatabaseState::Missing,
                Some(inside) if inside.is_ready => DatabaseState::Ready,
                Some(_) => DatabaseState::HalfMade,
            })
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
            if known.databases.get(database).is_none_or(|inside| !inside.is_ready) {
                known.databases.insert(database.clone(), Inside::fresh(bytes, false));
            }
            Ok(())
        })
        .await?;
        // Between these two it is half made.
        self.change("hand_over", |known| {
            known.databases.get_mut(database).ok_or_else(nothing)?.is_ready = true;
            Ok(())
        })
        .await
    }

    pub(super) async fn run_as_tenant(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        _: &Secret<String>,
        words: &Words,
    ) -> Result<()> {
        self.change("run_as_tenant", |known| {
            let has_role = known.may_log_in(role);
            let inside = known.databases.get_mut(database).filter(|_| has_role).ok_or_else(nothing)?;
            if inside.generation > words.generation {
                return Err(newer());
            }
            inside.tell(words);
            Ok(())
        })
        .await
    }

    pub(super) async fn schedule(&self, _: &DatabaseName, _: &RoleName, _: &Secret<String>) -> Result<Schedule> {
        self.answer("schedule", |_| Ok(Schedule::default())).await
    }

    pub(super) async fn active_users(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        _: &Secret<String>,
        (since, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Activity>> {
        self.answer("active users", |known| {
            let inside = known.databases.get(database).filter(|_| known.may_log_in(role)).ok_or_else(nothing)?;
            Ok(inside.users.iter().filter(|seen| seen.at >= since && seen.at <= until).copied().collect())
        })
        .await
    }

    pub(super) async fn sessions(&self) -> Result<Sessions> {
        self.answer("sessions", |_| Ok(Sessions::default())).await
    }

    pub(super) async fn end_session(&self, _: &Session) -> Result<bool> {
        self.answer("end session", |_| Ok(false)).await
    }

    pub(super) async fn rotate(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        _: u32,
        generation: u64,
    ) -> Result<()> {
        self.change("rotate", |known| {
            if !known.roles.contains_key(role) {
                return Ok(());
            }
            known.let_in(role, password, generation)?;
            known.roles.entry(role.clone()).and_modify(|login| login.ends += 1);
            Ok(())
        })
        .await
    }

    pub(super) async fn fence(&self, role: &RoleName, generation: u64) -> Result<()> {
        self.change("fence", |known| match known.roles.get_mut(role) {
            Some(login) if login.generation > generation => Err(newer()),
            Some(login) => {
                (login.may_log_in, login.generation, login.ends) = (false, generation, login.ends + 1);
                Ok(())
            }
            None => Ok(()),
        })
        .await
    }

    pub(super) async fn create_member(&self, member: &Member) -> Result<()> {
        self.change("create_member", |known| {
            if !known.roles.contains_key(&member.owner) || !known.databases.contains_key(&member.database) {
                return Err(nothing());
            }
            let closed = Login { may_log_in: false, password: Secret::new(String::new()), generation: 0, ends: 0 };
            known.roles.entry(member.role.clone()).or_insert(closed);
            Ok(())
        })
        .await
    }

    pub(super) async fn admit_member(&self, member: &RoleName, password: &Secret<String>, _: u32) -> Result<()> {
        self.change("admit_member", |known| {
            if known.roles.contains_key(member) { known.let_in(member, password, 0) } else { Err(nothing()) }
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
            known.databases.insert(template.clone(), Inside::fresh(FRESH_BYTES, true));
            known.let_in(&RoleName::builder(template), &Secret::new(String::new()), 0)
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
