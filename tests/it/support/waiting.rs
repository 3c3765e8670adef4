//! Waiting until somebody waits: for what must happen in the same instant.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::engine::pause;

/// Waits until so many connections to this database wait for a lock.
pub async fn waiters(db: &PgPool, count: i64) {
    let began = Instant::now();
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(db)
        .await
        .unwrap();
        if waiting >= count {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{waiting} wait instead of {count}");
        pause().await;
    }
}
