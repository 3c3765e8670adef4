//! What is in a sandbox's own database: what it begins with, the hours that its customer used, and what happened.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::World;
use crate::base::ids::{AccountId, DocumentId, EnvironmentId, UserId};
use crate::db::StoreError;
use crate::plans::Kind;
use crate::sandboxes::Sandbox;
use crate::sandboxes::report::Event;

/// Writes what a sandbox knows of the real world. The rows are copies: the same numbers, in another database. Every version is sold
/// there from when its customer begins, also where that is before the version was made, or where it is for a later day.
pub async fn copy(db: &mut PgConnection, world: &World, starts_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("INSERT INTO sellers SELECT * FROM jsonb_populate_record(NULL::sellers, $1)", world.seller)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "INSERT INTO ledger_accounts SELECT * FROM jsonb_populate_recordset(NULL::ledger_accounts, $1)",
        world.ledger_accounts
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO dunning_schedules SELECT * FROM jsonb_populate_recordset(NULL::dunning_schedules, $1)",
        world.dunning_schedule
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("INSERT INTO plans SELECT * FROM jsonb_populate_recordset(NULL::plans, $1)", world.plans)
        .execute(&mut *db)
        .await?;
    // What was sold may not be on offer any more: here it is.
    sqlx::query!("UPDATE plans SET is_offered = true").execute(&mut *db).await?;
    // Nothing is added to a version that is published: they are drafts until all of it is there.
    sqlx::query!(
        r#"
        INSERT INTO plan_versions
        SELECT (jsonb_populate_record(NULL::plan_versions, it || '{"state": "draft", "published_at": null, "valid_from": null}')).*
          FROM jsonb_array_elements($1::jsonb) it
        "#,
        world.versions
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("INSERT INTO plan_prices SELECT * FROM jsonb_populate_recordset(NULL::plan_prices, $1)", world.prices)
        .execute(&mut *db)
        .await?;
    sqlx::query!("INSERT INTO plan_meters SELECT * FROM jsonb_populate_recordset(NULL::plan_meters, $1)", world.meters)
        .execute(&mut *db)
        .await?;
    sqlx::query!("INSERT INTO plan_tiers SELECT * FROM jsonb_populate_recordset(NULL::plan_tiers, $1)", world.tiers)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        UPDATE plan_versions
           SET state = 'published'
             , published_at = LEAST(it.published_at, $2)
          FROM jsonb_populate_recordset(NULL::plan_versions, $1) it
         WHERE it.id = plan_versions.id
        "#,
        world.versions,
        starts_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the customer is there.
pub async fn is_begun(db: &mut PgConnection, account: AccountId) -> Result<bool, StoreError> {
    let found =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM accounts WHERE id = $1) AS "there!""#, account as AccountId);
    Ok(found.fetch_one(db).await?)
}

/// Inserts the customer: an organisation and its owner, whose address is nobody's.
pub async fn insert_customer(
    db: &mut PgConnection,
    (account, user): (AccountId, UserId),
    (name, email): (&str, &str),
    sandbox: &Sandbox,
    timezone: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at)
        VALUES ($1, $2, $2, $3, '', $4, $5, $5)
        "#,
        user as UserId,
        email,
        name,
        sandbox.language.code(),
        sandbox.starts_at
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO accounts (id, name, currency, country, timezone, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        account as AccountId,
        name,
        sandbox.currency.code(),
        sandbox.country,
        timezone,
        sandbox.starts_at
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)",
        account as AccountId,
        user as UserId,
        sandbox.starts_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says that every environment runs: no worker brings them up here.
pub async fn run_all(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE environments SET status = 'running', status_since = $1, first_ready_at = $1 WHERE status = 'ordered'",
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The environments with their kinds, and whether something keeps each from working now.
pub async fn environments(db: &mut PgConnection) -> anyhow::Result<Vec<(EnvironmentId, Kind, bool)>> {
    let rows = sqlx::query!(
        r#"
        SELECT environments.id AS "id: EnvironmentId"
             , kind
             , EXISTS (SELECT FROM suspensions
                        WHERE suspensions.account_id = environments.account_id
                          AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                          AND lifted_at IS NULL) AS "rests!"
          FROM environments
         WHERE wanted <> 'deleted'
         ORDER BY environments.id
        "#
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)
    .context("list environments")?;
    rows.into_iter().map(|row| Ok((row.id, row.kind.parse()?, row.rests))).collect()
}

/// Hours that were used: of which environment and meter, when, and how much.
#[derive(Default)]
pub struct Hours {
    pub environments: Vec<Uuid>,
    pub meters: Vec<String>,
    pub beginnings: Vec<DateTime<Utc>>,
    pub quantities: Vec<i64>,
}

/// Writes hours and their days. What is there stays.
pub async fn insert_hours(db: &mut PgConnection, used: &Hours) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
        SELECT environment_id, meter, hour, quantity, 3600, 'measured'
          FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) AS used (environment_id, meter, hour, quantity)
            ON CONFLICT DO NOTHING
        "#,
        &used.environments,
        &used.meters,
        &used.beginnings,
        &used.quantities
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO usage_days (environment_id, meter, day, quantity)
        SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
          FROM usage_hours
         WHERE hour >= date_trunc('day', (SELECT min(hour) FROM unnest($1::timestamptz[]) AS hour) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
         GROUP BY 1, 2, 3
            ON CONFLICT (environment_id, meter, day) DO UPDATE
           SET quantity = excluded.quantity
        "#,
        &used.beginnings
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Final invoices whose card was refused fewer times than so: with their numbers, days of issue, and how often it was.
pub async fn refusals(
    db: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(DocumentId, String, chrono::NaiveDate, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "id: DocumentId"
             , number AS "number!"
             , issued_on AS "issued_on!"
             , (SELECT count(*) FROM audit_log
                 WHERE action = 'sandbox.card-refused' AND detail ->> 'document' = documents.id::text) AS "times!"
          FROM documents
         WHERE account_id = $1
           AND kind = 'invoice'
           AND state = 'final'
         ORDER BY issued_on, no
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number, row.issued_on, row.times)).collect())
}

/// What happened until an instant, oldest first.
pub async fn events(db: &mut PgConnection, until: DateTime<Utc>) -> Result<Vec<Event>, StoreError> {
    Ok(sqlx::query_as!(
        Event,
        r#"
        SELECT at AS "at!"
             , kind AS "kind!"
             , about AS "about!"
             , detail AS "detail!"
             , amount AS amount_minor
          FROM (
            SELECT created_at AS at, 'begun' AS kind, name AS about, '' AS detail, NULL::bigint AS amount, 0 AS place, id::text AS tie
              FROM accounts
             UNION ALL
            SELECT from_at, 'trial', to_char(until_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '', NULL, 1, ''
              FROM trials
             UNION ALL
            SELECT LEAST(until_at, ended_at), 'trial-ended', '', '', NULL, 2, ''
              FROM trials
             UNION ALL
            SELECT finalised_at, CASE kind WHEN 'invoice' THEN 'invoice' ELSE 'credit-note' END, number, due_on::text, gross_minor, 3
                 , number
              FROM documents
             WHERE state = 'final'
             UNION ALL
            SELECT held_at, 'held', held ->> 'reason', '', gross_minor, 4, id::text
              FROM documents
             WHERE held IS NOT NULL
             UNION ALL
            SELECT rated_at, 'held', parked ->> 'reason', '', NULL, 4, id::text
              FROM billing_periods
             WHERE parked IS NOT NULL
             UNION ALL
            SELECT at, CASE action WHEN 'dunning.restored' THEN 'restored' WHEN 'sandbox.released' THEN 'released' ELSE 'refused' END
                 , COALESCE(detail ->> 'number', detail ->> 'reason', ''), '', NULL, 5, to_char(seq, 'FM000000000000')
              FROM audit_log
             WHERE action IN ('dunning.restored', 'sandbox.released', 'sandbox.card-refused')
             UNION ALL
            SELECT created_at, 'payment', external_ref, method, amount_minor, 6, external_ref
              FROM payments
             UNION ALL
            SELECT done_at, 'step', step, number, NULL, 7, dunning_steps.document_id::text
              FROM dunning_steps
              JOIN documents ON documents.id = dunning_steps.document_id
             UNION ALL
            SELECT suspended_at, 'rests', COALESCE(environments.name, ''), origin, NULL, 8, COALESCE(environments.name, '')
              FROM suspensions
              LEFT JOIN environments ON environments.id = suspensions.environment_id
             UNION ALL
            SELECT lifted_at, 'given-back', COALESCE(environments.name, ''), origin, NULL, 8, COALESCE(environments.name, '')
              FROM suspensions
              LEFT JOIN environments ON environments.id = suspensions.environment_id
             UNION ALL
            SELECT alerted_at, 'budget', level, '', so_far_minor, 9, level
              FROM budget_alerts
             UNION ALL
            SELECT caught_at, 'mail', subject, recipient, NULL, 10, subject
              FROM caught_mails
          ) AS happened
         WHERE at <= $1
         ORDER BY at, place, tie
        "#,
        until
    )
    .fetch_all(db)
    .await?)
}

/// Gives back jobs that were held when somebody was interrupted: whoever is alone here holds none.
pub async fn free_jobs(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE jobs SET lease_token = NULL, leased_until = NULL WHERE leased_until IS NOT NULL AND state = 'due'"
    )
    .execute(db)
    .await?;
    Ok(())
}
