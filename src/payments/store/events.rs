//! What Stripe told us.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db::StoreError;
use crate::payments::stripe::Event;

/// An event that is held for a while.
pub struct Taken {
    pub id: String,
    pub payload: serde_json::Value,
    pub tries: i32,
}

/// Inserts an event. One with a note is done with. False when it is there already.
pub async fn insert_event(
    db: &mut PgConnection,
    event: &Event,
    payload: &serde_json::Value,
    note: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        INSERT INTO stripe_events (event_id, kind, created, livemode, payload, received_at, next_at, processed_at, note)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
        ON CONFLICT (event_id) DO NOTHING
        ",
        event.id,
        event.kind,
        DateTime::from_timestamp(event.created, 0).unwrap_or(now),
        event.livemode,
        payload,
        now,
        (!note.is_empty()).then_some(now),
        note
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the event that has been due the longest, until `until`.
pub async fn take_event(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Taken>, StoreError> {
    Ok(sqlx::query_as!(
        Taken,
        "
        UPDATE stripe_events
           SET tries = tries + 1, next_at = $2, again_at = NULL
         WHERE event_id = (
                SELECT event_id
                  FROM stripe_events
                 WHERE (processed_at IS NULL AND next_at <= $1)
                    OR again_at IS NOT NULL
                 ORDER BY next_at, event_id
                 LIMIT 1
                   FOR UPDATE SKIP LOCKED
         )
     RETURNING event_id AS id, payload, tries
        ",
        now,
        until
    )
    .fetch_optional(db)
    .await?)
}

/// Notes what became of an event.
pub async fn set_processed(
    db: &mut PgConnection,
    event: &str,
    note: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE stripe_events SET processed_at = $3, note = $2 WHERE event_id = $1", event, note, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts an event back until `again`.
pub async fn put_event_back(
    db: &mut PgConnection,
    event: &str,
    note: &str,
    again: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE stripe_events SET next_at = $3, note = $2 WHERE event_id = $1", event, note, again)
        .execute(db)
        .await?;
    Ok(())
}

/// When Stripe was asked for events.
pub async fn polled_at(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT polled_at FROM stripe_polls").fetch_optional(db).await?)
}

/// Notes when Stripe was asked for events.
pub async fn set_polled_at(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO stripe_polls (polled_at) VALUES ($1) ON CONFLICT (is_only) DO UPDATE SET polled_at = excluded.polled_at",
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
