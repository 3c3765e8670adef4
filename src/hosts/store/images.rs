//! Which host has which image.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::base::ids::{HostId, ImageId};
use crate::db::StoreError;
use crate::hosts::{Load, Supply};

/// Adds to each host what is known of its images.
pub(super) async fn add(db: &mut PgConnection, loads: &mut [Load]) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        r#"SELECT host_id AS "host: HostId", image_id AS "image: ImageId", state FROM host_images ORDER BY host_id, image_id"#
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let load = loads.iter_mut().find(|load| load.host.id == row.host);
        if let (Some(load), Some(supply)) = (load, Supply::from_word(&row.state)) {
            load.images.insert(row.image, supply);
        }
    }
    Ok(())
}

/// An image on a host, for staff.
#[derive(Clone, Debug)]
pub struct SupplyRow {
    /// The image's content.
    pub digest: String,
    /// `coming`, `here` or `lacking`.
    pub state: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why it could not be got.
    pub failure: Option<String>,
}

/// Returns what a host has and lacks of what is needed, the newest image first.
pub async fn supplies_of(db: &mut PgConnection, host: HostId) -> Result<Vec<SupplyRow>, StoreError> {
    Ok(sqlx::query_as!(
        SupplyRow,
        r#"
        SELECT images.digest
             , host_images.state
             , host_images.since
             , host_images.failure
          FROM host_images
          JOIN images ON images.id = host_images.image_id
         WHERE host_images.host_id = $1
         ORDER BY images.created_at DESC, images.id
        "#,
        host as HostId
    )
    .fetch_all(db)
    .await?)
}

/// Notes that machines other than this one lack what is in no registry, so that nothing is placed there meanwhile.
pub async fn note_out_of_reach(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO host_images (host_id, image_id, state, since, failure)
        SELECT hosts.id, images_in_use.id, 'lacking', $1, 'it is in no registry'
          FROM hosts, images_in_use
         WHERE images_in_use.pinned IS NULL
           AND hosts.docker_endpoint LIKE 'tcp:%'
            ON CONFLICT DO NOTHING
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
