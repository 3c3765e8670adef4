//! The control database: pools, migrations, rights, and waking other processes.

use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::{PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{Executor, Row};

use crate::base::secret::Secret;

/// Every migration, in order. `sayoo migrate` and the tests run exactly these.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A query failed: the database is away, or a rule of the schema refused.
#[derive(Debug, thiserror::Error)]
#[error("the control database refused or did not answer")]
pub struct StoreError(#[from] sqlx::Error);

impl StoreError {
    /// Returns the name of the constraint that refused, when one did.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.0.as_database_error().and_then(sqlx::error::DatabaseError::constraint)
    }
}

/// Whether the control database could not be reached, or has no room for anything new, so that it is worth trying again
/// soon.
#[must_use]
pub fn is_away(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<sqlx::Error>()).any(|cause| match cause {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        // Of the classes of SQLSTATE, 53: no disk, memory or connection is left; 57P: it stops or starts.
        sqlx::Error::Database(cause) => {
            cause.code().is_some_and(|code| code.starts_with("53") || code.starts_with("57P"))
        }
        _ => false,
    })
}

/// Whether a transaction failed because of what others did at the same moment (a deadlock, a conflict), so that the same one may
/// work when it is done again.
#[must_use]
pub fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<sqlx::Error>()).any(|cause| match cause {
        // Of the classes of SQLSTATE, 40: a transaction was rolled back. 55P03: somebody else has what it wanted.
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| code.starts_with("40") || code == "55P03"),
        _ => false,
    })
}

/// Where processes listen and what they are told: only that something changed, never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The worker looks at what is due.
    Work,
    /// The proxy reads all routes again. Sent by a trigger.
    Routes,
    /// The proxy reads certificates and answers to challenges again. Sent by triggers.
    Certificates,
    /// Pages that show an environment look again. Sent by triggers, with the environment's id.
    EnvironmentEvents,
    /// Pages that show what became of a wish about cards look again. Sent by a trigger, with the wish's id.
    CardWishes,
}

impl Channel {
    /// Returns the name used with `NOTIFY` and `LISTEN`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Routes => "routes",
            Self::Certificates => "certificates",
            Self::EnvironmentEvents => "environment_events",
            Self::CardWishes => "card_wishes",
        }
    }
}

/// Returns what every pool is made with: a connection that comes back in the middle of a transaction is not handed on.
///
/// Whoever is cut off while it begins one (a turn that took too long, a visitor who went away) leaves it open, because sqlx
/// 0.9 does not know of it yet. The next one's writes would be part of it, seem to be kept, and be lost with it.
#[must_use]
pub fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).after_release(|connection, _| {
        Box::pin(async move {
            // Outside of a transaction each statement is one of its own, which began when the statement did.
            let row = connection.fetch_one("SELECT transaction_timestamp() = statement_timestamp()").await?;
            let is_outside: bool = row.try_get(0)?;
            if !is_outside {
                tracing::info!("closes a connection on which a transaction was left open");
            }
            Ok(is_outside)
        })
    })
}

/// Opens a pool. Does not wait for the database: the first query does.
pub fn pool(url: &Secret<String>, connections: u32) -> anyhow::Result<PgPool> {
    pool_options(connections)
        .acquire_timeout(Duration::from_secs(5))
        // A process that is held up in the middle of a transaction keeps others from its rows no longer than this.
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("SET idle_in_transaction_session_timeout = '30s'").await?;
                Ok(())
            })
        })
        .connect_lazy(url.expose())
        .context("[database] has an address that cannot be read")
}

/// Tells the worker that something is wanted. Delivered when the transaction commits, and only then.
pub async fn wake(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_notify('work', '')").fetch_one(db).await?;
    Ok(())
}

/// Waits to be woken. Connects by itself, and again when the connection is lost.
pub struct Listener {
    pool: PgPool,
    channel: Channel,
    inner: Option<PgListener>,
}

impl Listener {
    /// Makes a listener. Nothing is connected before the first wait.
    #[must_use]
    pub fn new(pool: &PgPool, channel: Channel) -> Self {
        Self { pool: pool.clone(), channel, inner: None }
    }

    /// Waits until somebody wakes us, at most for `limit`. Whoever waits looks again in both cases.
    pub async fn wait(&mut self, limit: Duration) {
        if self.inner.is_none() {
            self.inner = self.connect().await.ok();
            // What happened while nobody listened was not heard: look at once.
            if self.inner.is_some() {
                return;
            }
        }
        let Some(inner) = &mut self.inner else { return tokio::time::sleep(limit).await };
        if let Ok(Err(_)) = tokio::time::timeout(limit, inner.recv()).await {
            self.inner = None;
        }
    }

    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.channel.name()).await?;
        Ok(listener)
    }
}

/// Brings the schema up to date and gives each role its rights. Safe to run again.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    MIGRATOR.run(pool).await.context("apply the migrations")?;
    sqlx::raw_sql(include_str!("grants.sql")).execute(pool).await.context("give the roles their rights")?;
    Ok(())
}
