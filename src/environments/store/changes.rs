//! Changes of what a customer wants of an environment.

use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
use crate::environments::Wanted;

/// Changes what is wanted; a new generation.
pub async fn set_wanted(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    wanted: Wanted,
) -> Result<(), StoreError> {
    let purge_after = match wanted {
        Wanted::Deleted { purge_after } => Some(purge_after),
        Wanted::Running | Wanted::Stopped => None,
    };
    sqlx::query!(
        r#"
        UPDATE environments
           SET wanted = $3
             , purge_after = $4
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId,
        wanted.code(),
        purge_after
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks for one more restart.
pub async fn add_restart(db: &mut PgConnection, account: AccountId, id: EnvironmentId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE environments
           SET restarts = restarts + 1
             , wanted_generation = wanted_generation + 1
         WHERE id = $1
           AND account_id = $2
        "#,
        id as EnvironmentId,
        account as AccountId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Changes the name; a new generation, because the address may have changed with it.
pub async fn set_name(
    db: &mut PgConnection,
    account: AccountId,
    id: EnvironmentId,
    name: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environments SET name = $3, wanted_generation = wanted_generation + 1 WHERE id = $1 AND account_id = $2",
        id as EnvironmentId,
        account as AccountId,
        name
    )
    .execute(db)
    .await?;
    Ok(())
}
