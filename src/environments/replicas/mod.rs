//! In how many containers an environment runs, for those who look at it. Where they are is nothing for customers.

mod store;

use anyhow::Context;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};

/// Returns how many containers of an environment the public is sent to now.
pub async fn running(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> anyhow::Result<i32> {
    store::running(db, account, id).await.context("count the containers of an environment")
}
