//! Spares: runtimes that no environment has.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::RuntimeId;
use crate::db::StoreError;

/// Makes due every spare that is not looked after yet, or has been given up since.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT 'spares', runtimes.id, $1, runtimes.wanted
          FROM runtimes
          LEFT JOIN turns ON turns.task = 'spares' AND turns.subject = runtimes.id
         WHERE runtimes.environment_id IS NULL
           AND runtimes.state <> 'gone'
           AND (turns.subject IS NULL OR turns.marker <> runtimes.wanted)
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
                        , unsettled_at = NULL
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the spare is to be kept; `None` when it is no spare, or gone.
pub async fn is_wanted(db: &mut PgConnection, id: RuntimeId) -> Result<Option<bool>, StoreError> {
    let wanted = sqlx::query_scalar!(
        r#"
        SELECT wanted = 'running' AS "is_wanted!"
          FROM runtimes
         WHERE id = $1
           AND environment_id IS NULL
           AND state <> 'gone'
        "#,
        id as RuntimeId
    )
    .fetch_optional(db)
    .await?;
    Ok(wanted)
}

/// Notes that a spare must not be handed out now.
pub async fn set_building(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE runtimes SET state = 'building' WHERE id = $1 AND environment_id IS NULL AND state = 'ready'",
        id as RuntimeId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a spare up.
pub async fn give_up(db: &mut PgConnection, id: RuntimeId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE runtimes SET wanted = 'gone' WHERE id = $1 AND environment_id IS NULL", id as RuntimeId)
        .execute(db)
        .await?;
    Ok(())
}
