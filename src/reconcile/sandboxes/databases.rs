//! Where the databases of sandboxes are: on a server where a role of their own may make databases, and reaches none of ours.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};

use super::store;
use crate::base::ids::SandboxId;
use crate::base::secret::Secret;
use crate::db;

/// A server that is well answers in this time; making a database is copying some megabytes.
const LIMIT: Duration = Duration::from_secs(30);
/// What works in a sandbox at the same time: a look and its jobs.
const CONNECTIONS: u32 = 5;
/// The lock that whoever works in a sandbox holds there.
const ALONE: i64 = 7_263_262_369;

/// The databases of sandboxes.
#[derive(Clone, Debug)]
pub struct Databases {
    options: PgConnectOptions,
    prefix: String,
}

impl Databases {
    /// Names the server; nothing is sent before the first call.
    pub fn new(url: &Secret<String>, installation: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url.expose()).context("[database] sandbox_url cannot be read")?;
        // A process that is held up in the middle of a transaction keeps its locks no longer than this.
        let options =
            options.application_name("sayoo-sandbox").options([("idle_in_transaction_session_timeout", "60s")]);
        Ok(Self { options, prefix: format!("{installation}_sandbox_") })
    }

    /// Returns what a sandbox's database is called.
    #[must_use]
    pub fn name(&self, id: SandboxId) -> String {
        format!("{}{}", self.prefix, id.uuid().simple())
    }

    /// Fails unless the role may make databases.
    pub(super) async fn check(&self) -> anyhow::Result<()> {
        let mut db = connect(&self.options).await?;
        ensure!(
            store::databases::may_create(&mut db).await?,
            "the role of [database] sandbox_url may not make databases"
        );
        Ok(())
    }

    /// Makes a sandbox's database with our tables in it. What is there already stays.
    pub(super) async fn create(&self, id: SandboxId) -> anyhow::Result<()> {
        let mut db = connect(&self.options).await?;
        store::databases::create(&mut db, &self.name(id)).await.context("make the database of a sandbox")?;
        let pool = self.pool(id);
        db::MIGRATOR.run(&pool).await.context("make the tables of a sandbox")?;
        pool.close().await;
        Ok(())
    }

    /// Drops a sandbox's database, whoever is in it.
    pub(super) async fn drop_one(&self, id: SandboxId) -> anyhow::Result<()> {
        let mut db = connect(&self.options).await?;
        store::databases::drop(&mut db, &self.name(id)).await.context("drop the database of a sandbox")
    }

    /// Drops databases of sandboxes that are not known any more: of before the control database was put back, for example.
    pub(super) async fn drop_others(&self, known: &[SandboxId]) -> anyhow::Result<()> {
        let mut db = connect(&self.options).await?;
        let names: Vec<String> = known.iter().map(|id| self.name(*id)).collect();
        for name in store::databases::others(&mut db, &self.prefix, &names).await.context("list databases")? {
            tracing::info!(name, "drops the database of a sandbox that is not known");
            store::databases::drop(&mut db, &name).await.context("drop a database that is not known")?;
        }
        Ok(())
    }

    /// Returns the way into a sandbox.
    pub(super) fn pool(&self, id: SandboxId) -> PgPool {
        let options = self.options.clone().database(&self.name(id));
        db::pool_options(CONNECTIONS).acquire_timeout(LIMIT).connect_lazy_with(options)
    }

    /// Returns a connection by which one is alone at work in a sandbox as long as one keeps it. `None` while somebody else is: a
    /// worker that was held up, or the session of one that was killed.
    pub(super) async fn alone(&self, id: SandboxId) -> anyhow::Result<Option<PgConnection>> {
        let mut db = connect(&self.options.clone().database(&self.name(id))).await?;
        let is_ours = store::databases::try_lock(&mut db, ALONE).await.context("lock a sandbox")?;
        Ok(is_ours.then_some(db))
    }
}

async fn connect(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connecting = tokio::time::timeout(LIMIT, PgConnection::connect_with(options)).await;
    connecting.context("the server of sandboxes does not answer")?.context("reach the server of sandboxes")
}
