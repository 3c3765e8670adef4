//! Environments: what customers want to run, and what was last seen of it.
//!
//! Nothing here touches a container or a tenant's database: use cases change rows and wake the worker.

pub mod history;
pub mod listing;
pub mod logs;
pub mod maintenance;
pub mod names;
pub mod opening;
pub mod orders;
pub mod plan_changes;
pub mod plan_moves;
pub mod progress;
pub mod quota;
pub mod removal;
pub mod renaming;
pub mod replicas;
pub mod scaling;
pub mod sentence;
pub mod steering;
mod store;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::audit::Actor;
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId, UserId};
use crate::base::names::Subdomain;

pub use crate::plans::Kind;

/// The member of an account who asks for something.
#[derive(Clone, Debug)]
pub struct By {
    /// The account that everything is looked up in.
    pub account: AccountId,
    /// The person.
    pub user: UserId,
    /// The person's name, as the history shows it.
    pub name: String,
    /// The same for the audit log.
    pub actor: Actor,
}

/// What the customer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To be reachable.
    Running,
    /// To be kept, but not run.
    Stopped,
    /// To be gone after this instant; until then it can be undone.
    Deleted {
        /// When it is too late.
        purge_after: DateTime<Utc>,
    },
}

impl Wanted {
    /// Returns the word kept in the row.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted { .. } => "deleted",
        }
    }

    /// Reads the columns of a row; a combination that cannot be is an error.
    pub fn parse(code: &str, purge_after: Option<DateTime<Utc>>) -> anyhow::Result<Self> {
        Ok(match (code, purge_after) {
            ("running", None) => Self::Running,
            ("stopped", None) => Self::Stopped,
            ("deleted", Some(purge_after)) => Self::Deleted { purge_after },
            _ => bail!("wanted {code:?} with purge_after {purge_after:?} cannot be"),
        })
    }
}

/// What the worker last saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The worker has not looked at it yet.
    Ordered,
    /// Its database is being made.
    Preparing,
    /// Its containers are starting.
    Starting,
    /// It answers.
    Running,
    /// Nobody used it for a while: it answers as soon as somebody does.
    Asleep,
    /// Somebody wants it again: its containers are starting.
    Waking,
    /// Its containers are stopping.
    Stopping,
    /// It does not run; everything is kept.
    Stopped,
    /// Staff keep it from running.
    Suspended,
    /// It should run and does not.
    Failing,
    /// It is being removed.
    Deleting,
    /// Nothing is left.
    Deleted,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ordered,
        Self::Preparing,
        Self::Starting,
        Self::Running,
        Self::Asleep,
        Self::Waking,
        Self::Stopping,
        Self::Stopped,
        Self::Suspended,
        Self::Failing,
        Self::Deleting,
        Self::Deleted,
    ];

    /// Returns the word kept in the row.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Preparing => "preparing",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Asleep => "asleep",
            Self::Waking => "waking",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Suspended => "suspended",
            Self::Failing => "failing",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = anyhow::Error;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|status| status.code() == code);
        found.with_context(|| format!("{code:?} is no status"))
    }
}

/// Why staff keep an environment from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// In the staff's words.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// One Odoo, as its customer may see it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Which one.
    pub id: EnvironmentId,
    /// Whose.
    pub account: AccountId,
    /// What it belongs to.
    pub project: ProjectId,
    /// What it is for.
    pub kind: Kind,
    /// What its people call it.
    pub name: String,
    /// Its address below the instances' domain; none once it is gone.
    pub subdomain: Option<Subdomain>,
    /// What it runs on and what it costs.
    pub plan_version: PlanVersionId,
    /// What the customer wants.
    pub wanted: Wanted,
    /// Grows with each change of what is wanted.
    pub wanted_generation: i64,
    /// The company in Odoo.
    pub company: String,
    /// The language in Odoo.
    pub language: String,
    /// The country in Odoo.
    pub country: String,
    /// The applications that were ordered.
    pub apps: Vec<String>,
    /// The Odoo user that *Open Odoo* logs in as.
    pub admin_email: String,
    /// What the worker last saw.
    pub status: Status,
    /// Since when it is so.
    pub status_since: DateTime<Utc>,
    /// The key of a sentence that says why, when there is something to say.
    pub status_reason: Option<String>,
    /// Since when staff keep it from running, and why.
    pub suspension: Option<Suspension>,
    /// When it answered for the first time.
    pub first_ready_at: Option<DateTime<Utc>>,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
}

impl Environment {
    /// Whether it is being made: ordered, and never ready so far.
    #[must_use]
    pub fn is_being_made(&self) -> bool {
        self.first_ready_at.is_none() && self.wanted == Wanted::Running && self.status != Status::Suspended
    }

    /// Whether *Open Odoo* leads somewhere. What sleeps is woken by it.
    #[must_use]
    pub fn can_be_opened(&self) -> bool {
        let is_there = matches!(self.status, Status::Running | Status::Asleep | Status::Waking);
        is_there && self.wanted == Wanted::Running && self.suspension.is_none()
    }

    /// Whether it sleeps, and waking it is a matter of a click.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.status == Status::Asleep && self.can_be_opened()
    }
}

/// Returns the account's environment, or `None`: also when it exists but belongs to another account.
pub async fn find(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Environment>> {
    store::find(db, account, id).await.context("read an environment")
}

/// Locks the account's environment until the transaction ends, and returns what is wanted of it.
pub async fn lock(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<Option<Wanted>> {
    Ok(store::lock(db, account, id).await.context("lock an environment")?.map(|environment| environment.wanted))
}

/// Returns how many seconds environments lately took from the order to the first answer, when there were any.
pub async fn usual_seconds(db: &mut PgConnection) -> anyhow::Result<Option<f64>> {
    store::usual_seconds_of_any_account(db).await.context("read how long creations take")
}
