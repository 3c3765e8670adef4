//! Databases and login roles of tenants, on their own Postgres server. `postgres.rs` has all the SQL.
//!
//! One database for each runtime, owned by the platform's role; one login role for each runtime and generation,
//! which may connect nowhere else. Every verb may be repeated.

pub mod names;
mod postgres;
mod scram;
mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use names::{DatabaseName, RoleName};
pub use postgres::{BUILDER_CONNECTIONS, Postgres};
pub use simulated::Simulated;

use crate::base::secret::Secret;

/// A server of tenants' databases: a real one, or a simulated one for scale. Cheap to copy.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of them, and nearly all are the large one")]
pub enum TenantDb {
    /// A Postgres server.
    Postgres(Postgres),
    /// A make-believe server in memory, for benchmarks and model tests.
    Simulated(Simulated),
}

/// Why the server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database or role that was named is not there.
    #[error("the tenants' database server has no such thing")]
    NotFound(#[source] Cause),
    /// Somebody else is at work on it right now: look again.
    #[error("somebody else is at work on this database")]
    Conflict(#[source] Cause),
    /// No answer, or none in time: nothing is known about whether it was done.
    #[error("the tenants' database server does not answer")]
    Unreachable(#[source] Cause),
    /// The disk is full, or another limit of the machine is reached.
    #[error("the tenants' database server has no room")]
    DiskFull(#[source] Cause),
    /// The server understood and said no: asking the same again will not help.
    #[error("the tenants' database server refused")]
    Rejected(#[source] Cause),
}

/// What the server, or the road to it, said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result of asking the server.
pub type Result<T> = std::result::Result<T, Error>;

/// How far a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseState {
    /// There is none.
    Missing,
    /// Its making was interrupted. No tenant has ever been able to connect: [`TenantDb::clone_template`] makes it anew.
    HalfMade,
    /// It is complete.
    Ready,
}

/// Everything on the server that is named like ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Databases with the sign that we made them, templates among them.
    pub databases: BTreeSet<DatabaseName>,
    /// Login roles with the sign that we made them.
    pub roles: BTreeSet<RoleName>,
}

/// What a database looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseSize {
    /// Its size on disk.
    pub bytes: i64,
}

/// What a tenant's own role is to do in its database, all or nothing.
#[derive(Clone, Debug)]
pub struct Words {
    /// How new the order is. The first statement refuses it when a newer one was carried out.
    pub generation: i64,
    /// What is done.
    pub statements: Vec<String>,
}

/// What an Odoo's own database says that it is about to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// When its next scheduled action is due; in the past when one is late. Those that are an hour late do not count:
    /// Odoo does not run them.
    pub next_at: Option<DateTime<Utc>>,
    /// Whether a statement or a transaction is under way.
    pub is_at_work: bool,
}

/// A time at which a person was seen in an Odoo, as its own database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Odoo's own number of the person.
    pub user: i64,
    /// When.
    pub at: DateTime<Utc>,
}

/// A tenant's session on the server, as it looks from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its process.
    pub pid: i32,
    /// When it began: a later process may have the same number.
    pub began_at: DateTime<Utc>,
    /// When its transaction began, on the server's clock.
    pub transaction_at: Option<DateTime<Utc>>,
    /// Whose it is.
    pub database: DatabaseName,
    /// What it does.
    pub doing: Doing,
    /// How long its transaction has been open; zero without one.
    pub transaction: Duration,
    /// How long ago its last statement began.
    pub statement: Duration,
    /// How long it has been doing what it does.
    pub state_for: Duration,
    /// Its temporary files.
    pub temporary_bytes: i64,
    /// How many locks of the server's table it holds.
    pub locks: i64,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A statement is under way.
    Work,
    /// A statement is under way, and waits for somebody else's lock.
    Waiting,
    /// Nothing, with a transaction open.
    IdleInTransaction,
    /// Nothing.
    Nothing,
}

/// All tenants' sessions at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// Each of them.
    pub all: Vec<Session>,
    /// How full the queue of notifications is that all databases of the server share, from 0 to 1.
    pub notifications: f64,
    /// How many locks there is room for in the table that all databases of the server share; zero where that is not known.
    pub lock_room: i64,
}

/// A login role beside the one that owns everything in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its own name.
    pub role: RoleName,
    /// The role that it acts as.
    pub owner: RoleName,
    /// The only database that it may connect to.
    pub database: DatabaseName,
}

/// Hands a call to whichever server there is.
macro_rules! ask {
    ($server:expr, $verb:ident($($argument:expr),*)) => {
        match $server {
            TenantDb::Postgres(server) => server.$verb($($argument),*).await,
            TenantDb::Simulated(server) => server.$verb($($argument),*).await,
        }
    };
}

impl TenantDb {
    /// Makes a login role that may connect nowhere yet, or gives it this password and limit if it exists.
    ///
    /// `generation` says how new the order is, as it does for [`TenantDb::rotate`] and [`TenantDb::fence`]: once a newer one
    /// was carried out for the role, it is refused with [`Error::Conflict`].
    pub async fn create_role(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        connections: u32,
        generation: u64,
    ) -> Result<()> {
        ask!(self, create_role(role, password, connections, generation))
    }

    /// Whether the login role exists and may log in.
    pub async fn role_exists(&self, role: &RoleName) -> Result<bool> {
        ask!(self, role_exists(role))
    }

    /// Looks at a database.
    pub async fn look(&self, database: &DatabaseName) -> Result<DatabaseState> {
        ask!(self, look(database))
    }

    /// Makes a database from a template and hands everything in it to the tenant's role, which alone may connect.
    ///
    /// What an interrupted clone left is thrown away first; a finished one is left alone.
    pub async fn clone_template(
        &self,
        template: &DatabaseName,
        database: &DatabaseName,
        role: &RoleName,
    ) -> Result<()> {
        ask!(self, clone_template(template, database, role))
    }

    /// Runs statements in one transaction, as the tenant's own role: the platform never acts in a tenant's database itself.
    pub async fn run_as_tenant(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
        words: &Words,
    ) -> Result<()> {
        ask!(self, run_as_tenant(database, role, password, words))
    }

    /// Asks an Odoo's database what is due in it, as the tenant's own role. What it says is the tenant's word.
    pub async fn schedule(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
    ) -> Result<Schedule> {
        ask!(self, schedule(database, role, password))
    }

    /// Asks an Odoo's database which internal users had a session between two instants, as the tenant's own role. What it says is
    /// the tenant's word; what has another shape is an error.
    pub async fn active_users(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Activity>> {
        ask!(self, active_users(database, role, password, between))
    }

    /// Gives a role that exists another password and ends every session that was begun with the one before: whoever
    /// holds the old password is off the database when this returns, and stays off.
    pub async fn rotate(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        connections: u32,
        generation: u64,
    ) -> Result<()> {
        ask!(self, rotate(role, password, connections, generation))
    }

    /// Stops a role from logging in and ends its sessions: whoever uses it is off the database when this returns.
    pub async fn fence(&self, role: &RoleName, generation: u64) -> Result<()> {
        ask!(self, fence(role, generation))
    }

    /// Makes a role for one more container of a database, which lets nobody in yet; one that exists stays as it is. Whatever
    /// it makes belongs to the owner, whose rights it has; it may connect to this database alone.
    pub async fn create_member(&self, member: &Member) -> Result<()> {
        ask!(self, create_member(member))
    }

    /// Lets whoever has the password in by a role made by [`TenantDb::create_member`]. One that was removed meanwhile is not
    /// made again, and one that was shut out stays so.
    pub async fn admit_member(&self, member: &RoleName, password: &Secret<String>, connections: u32) -> Result<()> {
        ask!(self, admit_member(member, password, connections))
    }

    /// Removes a login role made by [`TenantDb::create_member`]. Whoever uses it is off the database when this returns, also
    /// who was only just being let in, and stays off. One that is not there is removed already.
    pub async fn drop_member(&self, member: &RoleName, database: &DatabaseName) -> Result<()> {
        ask!(self, drop_member(member, database))
    }

    /// Removes a database, whoever is connected. One that is not there is removed already.
    pub async fn drop_database(&self, database: &DatabaseName) -> Result<()> {
        ask!(self, drop_database(database))
    }

    /// Removes a login role; its database must be gone. One that is not there is removed already.
    pub async fn drop_role(&self, role: &RoleName) -> Result<()> {
        ask!(self, drop_role(role))
    }

    /// Returns the size of every database of ours.
    pub async fn sizes(&self) -> Result<BTreeMap<DatabaseName, DatabaseSize>> {
        ask!(self, sizes())
    }

    /// Lists every database and role that we made.
    pub async fn list(&self) -> Result<Inventory> {
        ask!(self, list())
    }

    /// Makes an empty database for a template and the role that fills it, named by [`RoleName::builder`].
    /// What an earlier try left in it is thrown away.
    pub async fn create_for_template(&self, template: &DatabaseName, password: &Secret<String>) -> Result<()> {
        ask!(self, create_for_template(template, password))
    }

    /// Closes a template that has been filled: nobody connects to it again, it is only copied.
    pub async fn seal_template(&self, template: &DatabaseName) -> Result<()> {
        ask!(self, seal_template(template))
    }

    /// Removes a template and the role that filled it.
    pub async fn drop_template(&self, template: &DatabaseName) -> Result<()> {
        ask!(self, drop_template(template))
    }

    /// Looks at the sessions of tenants, from outside.
    pub async fn sessions(&self) -> Result<Sessions> {
        ask!(self, sessions())
    }

    /// Ends a session if its transaction is still the one that was seen. Returns whether it was.
    pub async fn end_session(&self, session: &Session) -> Result<bool> {
        ask!(self, end_session(session))
    }

    /// Asks for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        ask!(self, ping())
    }
}
