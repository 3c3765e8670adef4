//! What lets a history happen again as it did: turns in an order, each at a moment of its own.
//!
//! What is left to chance is what nothing is decided by: runtimes' codes, passwords, the ports of this machine.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::clock::Clock;
use sayoo::db::StoreError;
use sayoo::reconcile::driver::{Outcome, Task};
use sayoo::reconcile::environments::Environments;
use sayoo::reconcile::lease::Lease;
use sqlx::{PgConnection, PgPool};

use super::installation::{How, Installation};
use super::reference::{Model, history};
use crate::matrix::world::{Shop, World};

/// Looks after environments as the worker does, but one after the other, always in the same order.
pub struct InTurn {
    task: Environments,
    clock: Clock,
}

impl InTurn {
    pub fn new(task: Environments, clock: Clock) -> Self {
        Self { task, clock }
    }
}

impl Task for InTurn {
    const NAME: &'static str = Environments::NAME;
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Environments::LIMIT;

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.task.refresh(db, now).await?;
        // Of what is due since the same moment whoever was ordered first is first.
        let sql = "UPDATE turns SET due_at = $2 - place * interval '1 microsecond'
                     FROM (SELECT subject, row_number() OVER (ORDER BY due_at DESC, subject DESC) AS place
                             FROM turns WHERE task = $1 AND due_at <= $2) AS due
                    WHERE turns.task = $1 AND turns.subject = due.subject";
        sqlx::query(sql).bind(Self::NAME).bind(now).execute(db).await?;
        Ok(())
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        self.clock.advance(TimeDelta::milliseconds(1));
        self.task.turn(lease).await
    }
}

/// Tells what has happened, to the microsecond and to the last call of the outside world.
pub async fn told(world: &World, shops: &[Shop]) -> String {
    let mut told = format!("{} calls\n", world.engine.calls());
    for (number, shop) in shops.iter().enumerate() {
        for sql in [
            "SELECT status || ' ' || status_since || ' ' || wanted_generation FROM environments WHERE id = $1",
            "SELECT at || ' ' || kind FROM environment_events WHERE environment_id = $1 ORDER BY id",
            "SELECT placed_at || ' ' || explanation FROM placements JOIN runtimes ON runtimes.id = runtime_id
              WHERE environment_id = $1 ORDER BY placements.id",
            "SELECT hostname || ' ' || state || ' ' || array_to_string(ARRAY(SELECT split_part(it, ':', 1) FROM unnest(upstreams) AS it), ' ')
               FROM routes WHERE environment_id = $1",
            "SELECT state || ' ' || service_generation || ' ' || login_generation FROM runtimes
              WHERE environment_id = $1 ORDER BY created_at",
        ] {
            for text in world.texts_of(sql, shop.id).await {
                let _ = writeln!(told, "{number}: {text}");
            }
        }
    }
    told
}

/// How many histories are let happen again, and how many events each has.
const HISTORIES: u64 = 12;
const STEPS: usize = 40;

async fn happens(db: &PgPool, seed: u64) -> String {
    let (mut installation, mut model) = (Installation::new(db.clone(), How::InTurn).await, Model::default());
    for event in history(seed, STEPS) {
        installation.happens(&mut model, event).await.unwrap();
    }
    installation.told().await
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_same_number_tells_the_same_to_the_last_call(db: PgPool) {
    for seed in 0..super::number_from("SAYOO_MODEL_AGAIN", HISTORIES) {
        let (first, second) = (happens(&db, seed).await, happens(&db, seed).await);
        assert_eq!(first, second, "seed {seed}");
    }
}
