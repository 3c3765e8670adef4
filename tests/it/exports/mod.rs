//! Files for accountants: what is in them, who may have them, and that they are whole.

mod contents;
mod files;
mod late_notes;
mod moments;
mod pages;

use sqlx::{Executor, PgPool};

/// Two sellers, three customers, two months: see tests/scripts/exports.
const WORLD: [&str; 2] =
    [include_str!("../../scripts/exports/functions.sql"), include_str!("../../scripts/exports/world.sql")];

/// Bills October and November 2026 of `acme`, `atlas` and `newby`.
pub async fn bill(db: &PgPool) {
    let mut connection = db.acquire().await.unwrap();
    for sql in WORLD {
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
    }
    // The functions live as long as the session.
    connection.close().await.unwrap();
}

/// The id that the world gives a thing.
pub async fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(db: &PgPool, name: &str) -> T {
    let id: String = sqlx::query_scalar("SELECT md5($1)::uuid::text").bind(name).fetch_one(db).await.unwrap();
    id.parse().unwrap()
}
