//! Makes sandboxes, moves their clocks, and drops them. Works in its own time beside everything else: one sandbox at a time, some
//! seconds in a turn.
//!
//! A step is done in the sandbox's database first and noted in ours afterwards: what was interrupted is done again, and everything
//! in it happens once. Nothing in here reaches an engine, a mail server or Stripe.

mod databases;
mod life;
mod payer;
mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

pub use self::databases::Databases;
use self::life::Life;
use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::store::ONLY_SUBJECT;
use crate::base::chain;
use crate::base::clock::Clock;
use crate::base::crash;
use crate::base::ids::SandboxId;
use crate::config::Public;
use crate::db::StoreError;
use crate::sandboxes::{self, LEFT_ALONE, Sandbox, State, rule};

/// How long a turn moves a clock before it lets others have theirs.
const MOVE_FOR: Duration = Duration::from_secs(5);
/// Time between two looks at the server, and for what was left alone.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Until a database is tried again in which somebody else is still at work.
const AFTER_OTHERS: Duration = Duration::from_secs(1);

/// The task.
pub struct Sandboxes {
    db: PgPool,
    clock: Clock,
    public: Arc<Public>,
    databases: Option<Databases>,
}

impl Sandboxes {
    /// Makes the task; without databases it only says that there are none.
    #[must_use]
    pub fn new(db: PgPool, clock: Clock, public: Arc<Public>, databases: Option<Databases>) -> Self {
        Self { db, clock, public, databases }
    }

    /// Looks whether the server lets us, and for sandboxes that nobody wants any more.
    async fn look_around(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let looked = match &self.databases {
            None => None,
            Some(databases) => Some(databases.check().await),
        };
        let (state, problem) = match &looked {
            None => ("missing", String::new()),
            Some(Ok(())) => ("ready", String::new()),
            Some(Err(error)) => ("failing", chain::of_any(error)),
        };
        let now = self.clock.now();
        let mut tx = lease.begin(&self.db).await?;
        store::put_server(&mut tx, state, &problem, now).await.context("say whether sandboxes can be made")?;
        store::remove_left_alone(&mut tx, now - LEFT_ALONE, now).await.context("remove what was left alone")?;
        let known = store::ids(&mut tx).await.context("list sandboxes")?;
        tx.commit().await?;
        if let (Some(databases), Some(Ok(()))) = (&self.databases, &looked) {
            databases.drop_others(&known).await?;
        }
        Ok(Outcome::Settled(LOOK_EVERY))
    }

    async fn work(&self, lease: &Lease, databases: &Databases, sandbox: &Sandbox) -> anyhow::Result<Outcome> {
        match sandbox.state() {
            State::Ready => Ok(Outcome::Over),
            State::Leaving => {
                databases.drop_one(sandbox.id).await?;
                let mut tx = lease.begin(&self.db).await?;
                store::delete(&mut tx, sandbox.id).await.context("forget a sandbox")?;
                tx.commit().await?;
                Ok(Outcome::Over)
            }
            State::Making => {
                let life = self.open(databases, sandbox).await?;
                let Some(_alone) = databases.alone(sandbox.id).await? else { return Ok(Outcome::Later(AFTER_OTHERS)) };
                let mut control = self.db.acquire().await.context("reach the control database")?;
                life.begin(&mut control).await?;
                drop(control);
                crash::point("sandbox:made");
                self.note(lease, &life, sandbox.starts_at).await?;
                life.close().await;
                Ok(Outcome::Again)
            }
            State::Advancing => {
                let life = self.open(databases, sandbox).await?;
                let Some(_alone) = databases.alone(sandbox.id).await? else { return Ok(Outcome::Later(AFTER_OTHERS)) };
                let is_there = self.advance(lease, &life, sandbox).await?;
                life.close().await;
                Ok(if is_there { Outcome::Over } else { Outcome::Again })
            }
        }
    }

    async fn open(&self, databases: &Databases, sandbox: &Sandbox) -> anyhow::Result<Life> {
        if sandbox.clock_at.is_none() {
            databases.create(sandbox.id).await?;
        }
        Life::new(sandbox.clone(), databases.pool(sandbox.id), &self.public)
    }

    /// Moves the clock for a while. Whether it is where it was wanted.
    async fn advance(&self, lease: &Lease, life: &Life, sandbox: &Sandbox) -> anyhow::Result<bool> {
        let began = Instant::now();
        life.take_over().await?;
        let mut clock_at = sandbox.clock_at.context("a sandbox that advances has a clock")?;
        loop {
            let next = rule::next_step(clock_at, sandbox.wanted_at);
            life.step(clock_at, next).await?;
            crash::point("sandbox:stepped");
            clock_at = next;
            let is_there = clock_at >= sandbox.wanted_at;
            if is_there || began.elapsed() >= MOVE_FOR {
                self.note(lease, life, clock_at).await?;
                return Ok(is_there);
            }
            let mut tx = lease.begin(&self.db).await?;
            store::note_clock(&mut tx, sandbox.id, clock_at, None).await.context("note where a clock is")?;
            tx.commit().await?;
        }
    }

    /// Notes where the clock is and what was seen by then, both or neither.
    async fn note(&self, lease: &Lease, life: &Life, clock_at: DateTime<Utc>) -> anyhow::Result<()> {
        let report = serde_json::to_value(life.report(clock_at).await?).context("write a report")?;
        let mut tx = lease.begin(&self.db).await?;
        store::note_clock(&mut tx, life.id(), clock_at, Some(&report)).await.context("note where a clock is")?;
        tx.commit().await?;
        Ok(())
    }
}

impl Task for Sandboxes {
    const NAME: &'static str = "sandboxes";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(120);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        super::store::make_known(db, Self::NAME, now).await?;
        if self.databases.is_some() { store::refresh(db, now).await } else { Ok(()) }
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        if lease.subject == ONLY_SUBJECT {
            return self.look_around(lease).await;
        }
        let Some(databases) = &self.databases else { return Ok(Outcome::Later(LOOK_EVERY)) };
        let id: SandboxId = lease.subject.to_string().parse()?;
        let found = sandboxes::find(&mut *self.db.acquire().await.context("reach the control database")?, id).await?;
        let Some(sandbox) = found else { return Ok(Outcome::Over) };
        let done = self.work(lease, databases, &sandbox).await;
        if let Err(error) = &done {
            let mut tx = lease.begin(&self.db).await?;
            store::note_problem(&mut tx, id, &chain::of_any(error)).await.context("note what is wrong")?;
            tx.commit().await?;
        }
        done
    }
}
