//! Suspensions because of money.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Cause, Rest};
use crate::base::ids::AccountId;
use crate::db::StoreError;

/// Lifts what does not rest any more for this cause.
pub async fn lift(
    db: &mut PgConnection,
    account: AccountId,
    cause: Cause,
    rest: Rest,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    // Looked for first: a statement that changes nothing would tell every proxy to read its routes again.
    let ids = sqlx::query_scalar!(
        r#"
        SELECT suspensions.id
          FROM suspensions
          LEFT JOIN environments ON environments.id = suspensions.environment_id
         WHERE suspensions.account_id = $1
           AND suspensions.origin = $2
           AND suspensions.lifted_at IS NULL
           AND NOT CASE WHEN suspensions.environment_id IS NULL THEN $5::boolean
                        WHEN environments.kind = 'production' THEN $4::boolean
                        ELSE $3::boolean END
        "#,
        account as AccountId,
        cause.origin(),
        rest.others,
        rest.production,
        rest.account
    )
    .fetch_all(&mut *db)
    .await?;
    if ids.is_empty() {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE suspensions SET lifted_at = $2, lifted_reason = $3 WHERE id = ANY($1)",
        &ids,
        now,
        cause.reason()
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Suspends what rests for this cause and is not suspended for it.
pub async fn suspend(
    db: &mut PgConnection,
    account: AccountId,
    cause: Cause,
    rest: Rest,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let missing = sqlx::query_scalar!(
        r#"
        SELECT environments.id AS "id?"
          FROM environments
         WHERE environments.account_id = $1
           AND environments.status <> 'deleted'
           AND CASE WHEN environments.kind = 'production' THEN $4::boolean ELSE $3::boolean END
           AND NOT EXISTS (SELECT FROM suspensions
                            WHERE suspensions.environment_id = environments.id AND origin = $2 AND lifted_at IS NULL)
         UNION ALL
        SELECT NULL
         WHERE $5::boolean
           AND NOT EXISTS (SELECT FROM suspensions
                            WHERE account_id = $1 AND environment_id IS NULL AND origin = $2 AND lifted_at IS NULL)
        "#,
        account as AccountId,
        cause.origin(),
        rest.others,
        rest.production,
        rest.account
    )
    .fetch_all(&mut *db)
    .await?;
    if missing.is_empty() {
        return Ok(false);
    }
    sqlx::query!(
        r#"
        INSERT INTO suspensions (id, account_id, environment_id, reason, origin, suspended_at)
        SELECT gen_random_uuid(), $1, environment_id, $3, $5, $4
          FROM unnest($2::uuid[]) AS missing (environment_id)
            ON CONFLICT DO NOTHING
        "#,
        account as AccountId,
        &missing as &[Option<uuid::Uuid>],
        cause.reason(),
        now,
        cause.origin()
    )
    .execute(db)
    .await?;
    Ok(true)
}
