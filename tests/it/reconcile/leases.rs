//! Who may write, and what happens to those who may not any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sayoo::base::clock::Clock;
use sayoo::db::StoreError;
use sayoo::reconcile::driver::{Driver, Outcome, Task};
use sayoo::reconcile::lease::{FenceError, Lease};
use sayoo::reconcile::store;
use sqlx::PgPool;
use uuid::Uuid;

async fn due(db: &PgPool, subject: Uuid, clock: &Clock) {
    store::nudge(&mut db.acquire().await.unwrap(), "test", subject, clock.now()).await.unwrap();
}

async fn claim(db: &PgPool, clock: &Clock) -> Vec<Lease> {
    store::claim(&mut db.acquire().await.unwrap(), "test", 10, clock.now()).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_that_slept_too_long_writes_nothing(db: PgPool) {
    let clock = Clock::manual(Clock::System.now());
    for _ in 0..50 {
        due(&db, Uuid::new_v4(), &clock).await;
    }
    let asleep = claim(&db, &clock).await;
    assert!(claim(&db, &clock).await.iter().all(|lease| asleep.iter().all(|other| other.subject != lease.subject)));
    clock.advance(TimeDelta::seconds(60));
    let awake = claim(&db, &clock).await;
    for lease in &asleep {
        if awake.iter().any(|taken| taken.subject == lease.subject) {
            assert!(matches!(lease.begin(&db).await, Err(FenceError::Lost)));
            assert!(matches!(lease.hold(&db, &clock).await, Err(FenceError::Lost)));
        }
    }
    for lease in &awake {
        lease.begin(&db).await.unwrap().commit().await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_becomes_wanted_during_a_turn_is_looked_at_right_after_it(db: PgPool) {
    let clock = Clock::System;
    let subject = Uuid::new_v4();
    due(&db, subject, &clock).await;
    let lease = claim(&db, &clock).await.remove(0);
    due(&db, subject, &clock).await;
    let ended = store::Ended { due_at: clock.now() + TimeDelta::hours(1), is_settled: true, now: clock.now() };
    store::release(&mut db.acquire().await.unwrap(), &lease, &ended).await.unwrap();
    assert_eq!(claim(&db, &clock).await.len(), 1);
}

/// Panics for one subject, works for the others.
struct Careless {
    bad: Uuid,
    done: Arc<AtomicUsize>,
}

impl Task for Careless {
    const NAME: &'static str = "test";
    const AT_ONCE: usize = 4;
    const LIMIT: Duration = Duration::from_secs(5);

    async fn refresh(&self, _: &mut sqlx::PgConnection, _: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        assert!(lease.subject != self.bad, "careless");
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Settled(Duration::from_secs(60)))
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_panic_with_one_subject_does_not_harm_the_others(db: PgPool) {
    // It stands still: whoever panicked is not due again while the others work, however long they take.
    let clock = Clock::manual(Clock::System.now());
    let (bad, done) = (Uuid::new_v4(), Arc::new(AtomicUsize::new(0)));
    for subject in [bad, Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()] {
        due(&db, subject, &clock).await;
    }
    Driver::new(Careless { bad, done: Arc::clone(&done) }, db.clone(), clock).settle().await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 3);
    let (attempts, error): (i32, String) = sqlx::query_as("SELECT attempts, last_error FROM turns WHERE subject = $1")
        .bind(bad)
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!((attempts, error.as_str()), (1, "the turn panicked"));
}
