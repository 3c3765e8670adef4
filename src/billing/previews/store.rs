//! Previews of new versions of plans.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Looked, Open, Preview, Row, Sum};
use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId};
use crate::base::money::Money;
use crate::db::StoreError;

/// Inserts a preview that is asked for.
pub async fn insert(
    db: &mut PgConnection,
    (version, compared): (PlanVersionId, PlanVersionId),
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO plan_previews (id, plan_version_id, compared_version_id, asked_by, asked_at)
        VALUES (gen_random_uuid(), $1, $2, $3, $4)
        "#,
        version as PlanVersionId,
        compared as PlanVersionId,
        by,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest preview of a version.
pub async fn find(db: &mut PgConnection, version: PlanVersionId) -> Result<Option<Preview>, StoreError> {
    Ok(sqlx::query_as!(
        Preview,
        r#"
        SELECT newest.id AS "id!"
             , newest.compared_version_id AS "compared!: PlanVersionId"
             , newest.asked_at AS "asked_at!"
             , newest.done_at
             , count(it.environment_id) AS "environments!"
             , count(DISTINCT it.account_id) AS "accounts!"
             , count(it.looked_at) AS "looked_at!"
             , count(it.looked_at) FILTER (WHERE it.before_minor IS NULL AND it.problem = '') AS "without_month!"
             , count(it.looked_at) FILTER (WHERE it.problem <> '') AS "failed!"
          FROM (SELECT *
                  FROM plan_previews
                 WHERE plan_version_id = $1
                 ORDER BY asked_at DESC, id DESC
                 LIMIT 1) AS newest
          LEFT JOIN plan_preview_rows AS it ON it.preview_id = newest.id
         GROUP BY newest.id, newest.compared_version_id, newest.asked_at, newest.done_at
        "#,
        version as PlanVersionId
    )
    .fetch_optional(db)
    .await?)
}

/// What all of it comes to.
pub async fn sums(db: &mut PgConnection, preview: Uuid) -> anyhow::Result<Vec<Sum>> {
    let rows = sqlx::query!(
        r#"
        SELECT currency AS "currency!"
             , count(*) AS "count!"
             , sum(before_minor)::bigint AS "before!"
             , sum(after_minor)::bigint AS "after!"
          FROM plan_preview_rows
         WHERE preview_id = $1
           AND before_minor IS NOT NULL
         GROUP BY currency
         ORDER BY currency
        "#,
        preview
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let currency = row.currency.parse()?;
            let (before, after) = (Money::new(row.before, currency), Money::new(row.after, currency));
            Ok(Sum { count: row.count, before, after })
        })
        .collect()
}

/// Some environments, the biggest differences first; dirhams are not compared with euros, but their number is.
pub async fn rows(db: &mut PgConnection, preview: Uuid, (offset, limit): (i64, i64)) -> anyhow::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"
        SELECT it.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , it.environment_id AS "environment: EnvironmentId"
             , environments.name
             , it.from_at
             , it.currency
             , it.before_minor
             , it.after_minor
             , it.problem
          FROM plan_preview_rows AS it
          JOIN accounts ON accounts.id = it.account_id
          JOIN environments ON environments.id = it.environment_id
         WHERE it.preview_id = $1
           AND it.looked_at IS NOT NULL
         ORDER BY abs(it.after_minor - it.before_minor) DESC NULLS LAST, it.environment_id
        OFFSET $2
         LIMIT $3
        "#,
        preview,
        offset,
        limit
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter()
        .map(|row| {
            let parts = match (row.currency, row.before_minor, row.after_minor) {
                (Some(currency), Some(before), Some(after)) => {
                    let currency = currency.parse()?;
                    Some((Money::new(before, currency), Money::new(after, currency)))
                }
                _ => None,
            };
            Ok(Row {
                account: row.account,
                account_name: row.account_name,
                environment: row.environment,
                name: row.name,
                month: row.from_at,
                parts,
                problem: row.problem,
            })
        })
        .collect()
}

/// Takes the oldest preview that is not done.
pub async fn lock_open(db: &mut PgConnection) -> Result<Option<Open>, StoreError> {
    Ok(sqlx::query_as!(
        Open,
        r#"
        SELECT id
             , plan_version_id AS "version: PlanVersionId"
             , compared_version_id AS "compared: PlanVersionId"
             , listed_at IS NOT NULL AS "is_listed!"
          FROM plan_previews
         WHERE done_at IS NULL
         ORDER BY asked_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED
        "#
    )
    .fetch_optional(db)
    .await?)
}

/// Writes down what is charged on the compared version now. Earlier previews of the version are forgotten.
pub async fn list(db: &mut PgConnection, open: &Open, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        DELETE FROM plan_previews
         WHERE plan_version_id = $1
           AND id <> $2
           AND asked_at <= (SELECT asked_at FROM plan_previews WHERE id = $2)
        "#,
        open.version as PlanVersionId,
        open.id
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO plan_preview_rows (preview_id, environment_id, account_id)
        SELECT $1, environment_id, account_id
          FROM environment_segments
         WHERE plan_version_id = $2
           AND until_at IS NULL
            ON CONFLICT DO NOTHING
        "#,
        open.id,
        open.compared as PlanVersionId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("UPDATE plan_previews SET listed_at = $2 WHERE id = $1", open.id, now).execute(db).await?;
    Ok(())
}

/// Some environments that were not looked at.
pub async fn to_look_at(
    db: &mut PgConnection,
    preview: Uuid,
    limit: i64,
) -> Result<Vec<(AccountId, EnvironmentId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT account_id AS "account: AccountId"
             , environment_id AS "environment: EnvironmentId"
          FROM plan_preview_rows
         WHERE preview_id = $1
           AND looked_at IS NULL
         ORDER BY account_id, environment_id
         LIMIT $2
        "#,
        preview,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.environment)).collect())
}

/// Notes what was found of an environment.
pub async fn put(
    db: &mut PgConnection,
    (preview, environment): (Uuid, EnvironmentId),
    looked: &Looked,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE plan_preview_rows
           SET looked_at = $3
             , currency = $4
             , from_at = $5
             , before_minor = $6
             , after_minor = $7
             , problem = $8
         WHERE preview_id = $1
           AND environment_id = $2
        "#,
        preview,
        environment as EnvironmentId,
        now,
        looked.month.map(|(currency, _)| currency.code()),
        looked.month.map(|(_, from)| from),
        looked.minors.map(|(before, _)| before),
        looked.minors.map(|(_, after)| after),
        looked.problem
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that everything was looked at.
pub async fn end(db: &mut PgConnection, preview: Uuid, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE plan_previews SET done_at = $2 WHERE id = $1", preview, now).execute(db).await?;
    Ok(())
}
