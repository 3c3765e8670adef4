//! What the doctor asks databases. Reads only.

use sqlx::PgConnection;

use crate::db::StoreError;

/// Returns the version of the newest migration that was applied.
pub async fn newest_migration(db: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    // Not checked while compiling: the table is the migrator's own, not one of the schema.
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(db).await?)
}

/// Whether the role may read a table.
pub async fn may_read(db: &mut PgConnection, table: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT has_table_privilege($1, 'SELECT') AS "may!""#, table).fetch_one(db).await?)
}

/// Returns the name of the database that one is connected to.
pub async fn database(db: &mut PgConnection) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT current_database()::text AS "name!""#).fetch_one(db).await?)
}

/// Whether the connected role may enter a database; `None` when there is none of that name.
pub async fn may_enter(db: &mut PgConnection, name: &str) -> Result<Option<bool>, StoreError> {
    let may = sqlx::query_scalar!(
        r#"SELECT has_database_privilege(oid, 'CONNECT') AS "may!" FROM pg_database WHERE datname::text = $1"#,
        name
    );
    Ok(may.fetch_optional(db).await?)
}

/// What a role is.
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether nothing is forbidden to it.
    pub is_superuser: bool,
    /// Whether it may make databases.
    pub makes_databases: bool,
    /// Whether it may make roles.
    pub makes_roles: bool,
}

/// Returns what the connected role is.
pub async fn role(db: &mut PgConnection) -> Result<Role, StoreError> {
    Ok(sqlx::query_as!(
        Role,
        r#"
        SELECT rolname::text AS "name!"
             , rolsuper AS "is_superuser!"
             , rolcreatedb AS "makes_databases!"
             , rolcreaterole AS "makes_roles!"
          FROM pg_roles
         WHERE rolname = current_user
        "#,
    )
    .fetch_one(db)
    .await?)
}

/// Returns the databases that anybody with a login may connect to.
pub async fn open_databases(db: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT datname::text AS "name!"
          FROM pg_database
         WHERE datallowconn
           AND has_database_privilege('public', oid, 'CONNECT')
         ORDER BY datname
        "#,
    )
    .fetch_all(db)
    .await?)
}

/// Returns the digest of the current image that is registered.
pub async fn current_image(db: &mut PgConnection) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT digest FROM images WHERE state = 'current' ORDER BY created_at DESC LIMIT 1")
        .fetch_optional(db)
        .await?)
}

/// Returns the images that somebody needs, by the names by which machines get them.
pub async fn images_in_use(db: &mut PgConnection) -> Result<Vec<Option<String>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT pinned FROM images_in_use ORDER BY id").fetch_all(db).await?)
}
