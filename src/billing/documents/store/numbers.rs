//! Series of numbers, as whoever puts a database back needs them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::db::StoreError;

/// The newest number of each series in use.
pub async fn newest_numbers(db: &mut PgConnection) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query!("SELECT prefix, last_no FROM document_series WHERE last_no > 0").fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.prefix, row.last_no)).collect())
}

/// Locks a series and returns its newest number. One of a seller's year that has none yet is made.
pub async fn lock_newest_number(db: &mut PgConnection, prefix: &str) -> Result<Option<i64>, StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO document_series (seller_id, year, prefix, last_sha256)
        SELECT sellers.id, split_part($1, '-', 2)::integer, $1
             , COALESCE((SELECT last_sha256 FROM document_series WHERE seller_id = sellers.id ORDER BY year DESC LIMIT 1), '')
          FROM sellers
         WHERE $1 ~ '^[A-Z]+-[0-9]{4}-$'
           AND sellers.code = split_part($1, '-', 1)
           AND NOT EXISTS (SELECT
                             FROM document_series
                            WHERE seller_id = sellers.id
                              AND year >= split_part($1, '-', 2)::integer)
        "#,
        prefix
    )
    .execute(&mut *db)
    .await?;
    Ok(sqlx::query_scalar!("SELECT last_no FROM document_series WHERE prefix = $1 FOR UPDATE", prefix)
        .fetch_optional(db)
        .await?)
}

/// Notes numbers that were given and are lost: from the one after the first until the second.
pub async fn insert_gap(
    db: &mut PgConnection,
    prefix: &str,
    (known, number): (i64, i64),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO document_gaps (seller_id, year, from_no, until_no, reason, noted_at)
        SELECT seller_id, year, $2::bigint + 1, $3, $4, $5 FROM document_series WHERE prefix = $1
        "#,
        prefix,
        known,
        number,
        reason,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has a series go on after a number.
pub async fn skip_to(db: &mut PgConnection, prefix: &str, number: i64) -> Result<(), StoreError> {
    sqlx::query!("UPDATE document_series SET last_no = $2 WHERE prefix = $1", prefix, number).execute(db).await?;
    Ok(())
}
