//! The Odoos with our books: where they are, and whether they answer.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::staff::Link;
use crate::base::ids::SellerId;
use crate::db::StoreError;

/// Keeps where a company's Odoo is. Another one is tried at once.
pub async fn name_link(
    db: &mut PgConnection,
    seller: SellerId,
    (address, database): (&str, &str),
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO book_links (seller_id, address, database)
        VALUES ($1, $2, $3)
        ON CONFLICT (seller_id) DO UPDATE
           SET address = excluded.address, database = excluded.database, failures = 0, problem = '', not_before = NULL, seen_at = NULL
         WHERE (book_links.address, book_links.database) <> (excluded.address, excluded.database)
        ",
        seller as SellerId,
        address,
        database
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the Odoos of all other companies.
pub async fn forget_links(db: &mut PgConnection, known: &[SellerId]) -> Result<(), StoreError> {
    let known: Vec<_> = known.iter().map(|seller| seller.uuid()).collect();
    sqlx::query!("DELETE FROM book_links WHERE seller_id <> ALL($1)", &known).execute(db).await?;
    Ok(())
}

/// Counts one more time without an answer, and returns how many there were in a row.
pub async fn count_failure(db: &mut PgConnection, seller: SellerId) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE book_links SET failures = failures + 1 WHERE seller_id = $1 RETURNING failures",
        seller as SellerId
    )
    .fetch_optional(db)
    .await?
    .unwrap_or(1))
}

/// Leaves an Odoo alone for a while.
pub async fn set_away(
    db: &mut PgConnection,
    seller: SellerId,
    problem: &str,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE book_links SET problem = $2, not_before = $3 WHERE seller_id = $1",
        seller as SellerId,
        problem,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that an Odoo answered.
pub async fn set_seen(db: &mut PgConnection, seller: SellerId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE book_links SET seen_at = $2, failures = 0, problem = '', not_before = NULL WHERE seller_id = $1",
        seller as SellerId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The Odoos, and how much is there and is not.
pub async fn links(db: &mut PgConnection) -> Result<Vec<Link>, StoreError> {
    Ok(sqlx::query_as!(
        Link,
        r#"
        SELECT s.code AS seller
             , l.address
             , l.database
             , l.seen_at
             , l.problem
             , l.not_before
             , (SELECT count(*) FROM book_pushes p WHERE p.seller_id = l.seller_id AND p.state = 'done') AS "carried!"
             , (SELECT count(*) FROM book_pushes p WHERE p.seller_id = l.seller_id AND p.state = 'due') AS "due!"
             , (SELECT count(*) FROM book_pushes p WHERE p.seller_id = l.seller_id AND p.state = 'parked') AS "parked!"
          FROM book_links l
          JOIN sellers s ON s.id = l.seller_id
         ORDER BY s.code
        "#
    )
    .fetch_all(db)
    .await?)
}
