//! The images that are needed, and what machines have of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{HostId, ImageId};
use crate::db::StoreError;
use crate::hosts::Supply;
use crate::reconcile::store::ONLY_SUBJECT;

/// An image that somebody needs.
#[derive(Clone, Debug)]
pub struct Needed {
    /// Which one.
    pub id: ImageId,
    /// The name that it was registered by.
    pub reference: String,
    /// Its content.
    pub digest: String,
    /// By which name every machine gets it.
    pub pinned: Option<String>,
}

/// Returns the images that somebody needs.
pub async fn needed(db: &mut PgConnection) -> Result<Vec<Needed>, StoreError> {
    Ok(sqlx::query_as!(
        Needed,
        r#"SELECT id AS "id!: ImageId", reference AS "reference!", digest AS "digest!", pinned FROM images_in_use ORDER BY id"#
    )
    .fetch_all(db)
    .await?)
}

/// Makes the look at the registry due when other images are needed than at the last one.
pub async fn refresh_registry(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT $1, $2, $3, needed.marker
          FROM (SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') AS marker FROM images_in_use) AS needed
          LEFT JOIN turns ON turns.task = $1 AND turns.subject = $2
         WHERE turns.subject IS NULL
            OR turns.marker IS DISTINCT FROM needed.marker
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
        "#,
        task,
        ONLY_SUBJECT,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the look at a machine due when other images are needed than at the last one, or one can be got now.
pub async fn refresh_machines(db: &mut PgConnection, task: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT $1, hosts.id, $2, needed.marker
          FROM hosts
         CROSS JOIN (SELECT coalesce(string_agg(id || coalesce(pinned, ''), ' ' ORDER BY id), '') AS marker
                       FROM images_in_use) AS needed
          LEFT JOIN turns ON turns.task = $1 AND turns.subject = hosts.id
         WHERE hosts.state IN ('active', 'cordoned')
           AND hosts.wanted <> 'gone'
           AND (turns.subject IS NULL OR turns.marker IS DISTINCT FROM needed.marker)
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
        "#,
        task,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes which images nobody needs, and since when.
pub async fn note_use(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE images
           SET unused_since = CASE WHEN in_use.id IS NULL THEN $1::timestamptz END
          FROM images AS same
          LEFT JOIN images_in_use AS in_use ON in_use.id = same.id
         WHERE same.id = images.id
           AND (images.unused_since IS NULL) = (in_use.id IS NULL)
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes by which name machines get an image.
pub async fn set_pinned(db: &mut PgConnection, id: ImageId, pinned: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE images SET pinned = $2 WHERE id = $1", id as ImageId, pinned).execute(db).await?;
    Ok(())
}

/// An image that somebody needs, as a machine has it.
#[derive(Clone, Debug)]
pub struct Supplied {
    /// Which one.
    pub id: ImageId,
    /// Its content.
    pub digest: String,
    /// By which name every machine gets it.
    pub pinned: Option<String>,
    /// How it was found last.
    pub state: Option<String>,
    /// Why it could not be got.
    pub failure: Option<String>,
}

/// Returns the images that somebody needs as a machine has them: the present ones first, since most new work runs them.
pub async fn supplied(db: &mut PgConnection, host: HostId) -> Result<Vec<Supplied>, StoreError> {
    Ok(sqlx::query_as!(
        Supplied,
        r#"
        SELECT images.id AS "id: ImageId"
             , images.digest
             , images.pinned
             , host_images.state AS "state?"
             , host_images.failure
          FROM images
          JOIN images_in_use ON images_in_use.id = images.id
          LEFT JOIN host_images ON host_images.image_id = images.id AND host_images.host_id = $1
         ORDER BY images.state <> 'current', images.created_at DESC
        "#,
        host as HostId
    )
    .fetch_all(db)
    .await?)
}

/// Notes whether a machine has an image.
pub async fn set_supply(
    db: &mut PgConnection,
    (host, image): (HostId, ImageId),
    (how, failure): (Supply, Option<&str>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO host_images (host_id, image_id, state, since, failure)
        VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (host_id, image_id)
            DO UPDATE SET state = excluded.state
                        , failure = excluded.failure
                        , since = CASE WHEN host_images.state = excluded.state THEN host_images.since ELSE excluded.since END
        "#,
        host as HostId,
        image as ImageId,
        how.as_str(),
        now,
        failure
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns what a machine has although nobody has needed it since then.
pub async fn unneeded(db: &mut PgConnection, host: HostId, since: DateTime<Utc>) -> Result<Vec<Needed>, StoreError> {
    Ok(sqlx::query_as!(
        Needed,
        r#"
        SELECT images.id AS "id: ImageId"
             , images.reference
             , images.digest
             , images.pinned
          FROM host_images
          JOIN images ON images.id = host_images.image_id
         WHERE host_images.host_id = $1
           AND images.unused_since <= $2
           AND NOT EXISTS (SELECT FROM images_in_use WHERE images_in_use.id = images.id)
        "#,
        host as HostId,
        since
    )
    .fetch_all(db)
    .await?)
}

/// Forgets what a machine had.
pub async fn forget_supply(db: &mut PgConnection, host: HostId, image: ImageId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM host_images WHERE host_id = $1 AND image_id = $2", host as HostId, image as ImageId)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the names in the registry of what nobody has needed since then.
pub async fn unneeded_names(db: &mut PgConnection, since: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT images.pinned AS "pinned!"
          FROM images
         WHERE images.pinned IS NOT NULL
           AND images.unused_since <= $1
           AND NOT EXISTS (SELECT FROM images_in_use WHERE images_in_use.pinned = images.pinned)
         ORDER BY images.created_at
        "#,
        since
    )
    .fetch_all(db)
    .await?)
}
