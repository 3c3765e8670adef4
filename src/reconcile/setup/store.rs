//! The rows of an installation.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{DatabaseServerId, ImageId};
use crate::db::StoreError;

/// Gives this database its installation's id, once.
pub async fn insert_installation(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO installation (id, created_at) VALUES ($1, $2) ON CONFLICT (only_one) DO NOTHING",
        Uuid::new_v4(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Registers a database server, once.
pub async fn insert_database_server(db: &mut PgConnection, name: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO database_servers (id, name, state, created_at) VALUES ($1, $2, 'active', $3) ON CONFLICT (name) DO NOTHING",
        DatabaseServerId::new(now) as DatabaseServerId,
        name,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An image.
pub struct NewImage<'a> {
    /// Its name.
    pub reference: &'a str,
    /// Its content.
    pub digest: &'a str,
    /// By which name every machine gets it.
    pub pinned: Option<&'a str>,
    /// The version of Odoo in it.
    pub version: &'a str,
}

/// Returns by which name machines get an image that is registered already.
pub async fn pinned(db: &mut PgConnection, digest: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT pinned FROM images WHERE digest = $1", digest).fetch_optional(db).await?.flatten())
}

/// Makes an image the one that new environments of its version run. The one before is retired: it serves who has it.
pub async fn set_current_image(
    db: &mut PgConnection,
    image: &NewImage<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE images SET state = 'retired' WHERE odoo_version = $1 AND digest <> $2 AND state = 'current'",
        image.version,
        image.digest
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO images (id, reference, digest, odoo_version, state, created_at, pinned)
        VALUES ($1, $2, $3, $4, 'current', $5, $6)
            ON CONFLICT (digest) DO UPDATE
           SET state = 'current'
             , reference = excluded.reference
             , pinned = coalesce(excluded.pinned, images.pinned)
        "#,
        ImageId::new(now) as ImageId,
        image.reference,
        image.digest,
        image.version,
        now,
        image.pinned
    )
    .execute(db)
    .await?;
    Ok(())
}
