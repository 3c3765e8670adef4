//! The routes, as far as they say how many containers serve.

use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;

/// Returns how many containers of an environment the public is sent to.
pub async fn running(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT coalesce(max(cardinality(routes.upstreams)), 0) AS "count!"
          FROM environments
          JOIN routes ON routes.environment_id = environments.id AND routes.state = 'serving'
         WHERE environments.account_id = $1
           AND environments.id = $2
        "#,
        account as AccountId,
        id as EnvironmentId,
    )
    .fetch_one(db)
    .await?)
}
