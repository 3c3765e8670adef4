//! The subdomains table.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::base::names::Subdomain;
use crate::db::StoreError;

/// Whether the name is in use, or rests and was another account's.
pub async fn is_taken(
    db: &mut PgConnection,
    account: AccountId,
    name: &Subdomain,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
               SELECT FROM subdomains
                WHERE name = $1
                  AND (environment_id IS NOT NULL OR (account_id <> $2 AND free_after > $3))
               ) AS "is_taken!"
        "#,
        name.as_str(),
        account as AccountId,
        now
    )
    .fetch_one(db)
    .await?)
}

/// Takes the name for an environment; `false` when somebody else has it. Of two at the same instant, the second waits
/// for the first here and is then refused.
pub async fn claim(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    name: &Subdomain,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let claimed = sqlx::query!(
        r#"
        INSERT INTO subdomains (name, environment_id, account_id)
        VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE
           SET environment_id = EXCLUDED.environment_id
             , account_id = EXCLUDED.account_id
             , freed_at = NULL
             , free_after = NULL
         WHERE subdomains.environment_id IS NULL
           AND (subdomains.account_id = EXCLUDED.account_id OR subdomains.free_after <= $4)
        "#,
        name.as_str(),
        environment as EnvironmentId,
        account as AccountId,
        now
    )
    .execute(db)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Frees the environment's name.
pub async fn free(
    db: &mut PgConnection,
    environment: EnvironmentId,
    now: DateTime<Utc>,
    free_after: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE subdomains SET environment_id = NULL, freed_at = $2, free_after = $3 WHERE environment_id = $1",
        environment as EnvironmentId,
        now,
        free_after
    )
    .execute(db)
    .await?;
    Ok(())
}
