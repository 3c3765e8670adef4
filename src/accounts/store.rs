//! The only SQL about accounts, people, logins, links and tries.

mod links;
mod people;
mod sessions;
mod throttles;

use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;

pub use links::*;
pub use people::*;
pub use sessions::*;
pub use throttles::*;

use crate::db::StoreError;

/// Takes a connection from the pool.
pub async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
    Ok(pool.acquire().await?)
}
