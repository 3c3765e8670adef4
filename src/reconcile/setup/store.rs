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

/// Makes an image the one that new environments of its version run. The one before is retired: it serves who has it.
pub async fn set_current_image(
    db: &mut PgConnection,
    reference: &str,
    digest: &str,
    version: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE images SET state = 'retired' WHERE odoo_version = $1 AND digest <> $2 AND state = 'current'",
        version,
        digest
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO images (id, reference, digest, odoo_version, state, created_at)
        VALUES ($1, $2, $3, $4, 'current', $5)
            ON CONFLICT (digest) DO UPDATE SET state = 'current', reference = excluded.reference
        "#,
        ImageId::new(now) as ImageId,
        reference,
        digest,
        version,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
