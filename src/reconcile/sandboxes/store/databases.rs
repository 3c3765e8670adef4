//! Databases of sandboxes, as their server knows them.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::db::StoreError;

/// Whether the role may make databases.
pub async fn may_create(db: &mut PgConnection) -> Result<bool, StoreError> {
    let may =
        sqlx::query_scalar!(r#"SELECT rolcreatedb OR rolsuper AS "may!" FROM pg_roles WHERE rolname = current_user"#);
    Ok(may.fetch_one(db).await?)
}

/// Makes an empty database that nobody else may enter, unless it is there.
pub async fn create(db: &mut PgConnection, name: &str) -> Result<(), StoreError> {
    let is_there =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname::text = $1) AS "there!""#, name)
            .fetch_one(&mut *db)
            .await?;
    // The name is made of the installation's (letters, digits, hyphens) and a number.
    if !is_there {
        run(db, format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")).await?;
    }
    run(db, format!("REVOKE ALL ON DATABASE \"{name}\" FROM PUBLIC")).await
}

/// Drops a database, whoever is in it.
pub async fn drop(db: &mut PgConnection, name: &str) -> Result<(), StoreError> {
    run(db, format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await
}

/// The databases of ours with a prefix, less those that are known.
pub async fn others(db: &mut PgConnection, prefix: &str, known: &[String]) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT datname::text AS "name!"
          FROM pg_database
         WHERE starts_with(datname::text, $1)
           AND NOT datname::text = ANY($2)
           AND pg_get_userbyid(datdba) = current_user
         ORDER BY datname
        "#,
        prefix,
        known
    )
    .fetch_all(db)
    .await?)
}

/// Takes a lock that lasts as long as the connection. False when somebody else has it.
pub async fn try_lock(db: &mut PgConnection, key: i64) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "ours!""#, key).fetch_one(db).await?)
}

async fn run(db: &mut PgConnection, statement: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}
