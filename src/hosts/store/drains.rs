//! What else staff say when they empty a host.

use sqlx::postgres::PgConnection;

use crate::base::ids::HostId;
use crate::db::StoreError;

/// Writes down whether environments may run in fewer containers while a host is emptied.
pub async fn set_may_have_fewer(db: &mut PgConnection, id: HostId, may: bool) -> Result<(), StoreError> {
    sqlx::query!("UPDATE hosts SET may_have_fewer = $2 WHERE id = $1", id as HostId, may).execute(db).await?;
    Ok(())
}
