//! What the self-audit asks, and what it found.

mod charges;
mod documents;
mod hours;
mod items;
mod metering;
mod money;
mod received;
mod usage;
mod vat;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Check, Outcome, Report, checks};
use crate::base::ids::{AccountId, SelfAuditId};
use crate::db::StoreError;

/// Every rule, in the order in which they are shown.
pub static CHECKS: [&[Check]; 8] = [
    documents::CHECKS,
    charges::CHECKS,
    usage::CHECKS,
    money::CHECKS,
    vat::CHECKS,
    received::CHECKS,
    metering::CHECKS,
    hours::CHECKS,
];

/// Notes that a look began. `None` when another one has the night; one that began before `given_up` and did not end is taken over.
pub async fn begin(
    db: &mut PgConnection,
    id: SelfAuditId,
    night: Option<NaiveDate>,
    (since, now): (DateTime<Utc>, DateTime<Utc>),
    given_up: DateTime<Utc>,
) -> Result<Option<SelfAuditId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        INSERT INTO self_audits AS known (id, night, since, began_at)
        VALUES ($1, $2, $3, $4)
            ON CONFLICT (night) DO UPDATE
           SET began_at = excluded.began_at
             , since = excluded.since
         WHERE known.ended_at IS NULL
           AND known.began_at < $5
        RETURNING id AS "id: SelfAuditId"
        "#,
        id as SelfAuditId,
        night,
        since,
        now,
        given_up
    )
    .fetch_optional(db)
    .await?)
}

/// Asks a rule of everybody's rows. A row about which it cannot say that it is right is wrong.
#[expect(clippy::disallowed_methods, reason = "each rule is a query of its own; tests ask all of them")]
pub async fn ask(db: &mut PgConnection, id: SelfAuditId, check: &Check) -> Result<(), StoreError> {
    forget(db, id, check.code).await?;
    // The rules are texts of this program: nothing of anybody else is in them.
    let sql = format!(
        "
        INSERT INTO self_audit_parts (self_audit_id, code, account_id, looked_at, wrong, example)
        SELECT $1
             , $2
             , looked.account_id
             , count(*)
             , count(*) FILTER (WHERE looked.is_wrong IS NOT FALSE)
             , left(min(COALESCE(looked.subject, '?')) FILTER (WHERE looked.is_wrong IS NOT FALSE), 200)
          FROM ({}) AS looked (account_id, subject, is_wrong)
         WHERE $3::timestamptz IS NOT NULL
         GROUP BY looked.account_id
        ",
        check.sql
    );
    let since = since_of(db, id).await?;
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.uuid()).bind(check.code).bind(since).execute(db).await?;
    Ok(())
}

async fn since_of(db: &mut PgConnection, id: SelfAuditId) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT since FROM self_audits WHERE id = $1", id as SelfAuditId).fetch_one(db).await?)
}

async fn forget(db: &mut PgConnection, id: SelfAuditId, code: &str) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM self_audit_parts WHERE self_audit_id = $1 AND code = $2", id as SelfAuditId, code)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a rule could not be asked.
pub async fn note_unasked(db: &mut PgConnection, id: SelfAuditId, code: &str, why: &str) -> Result<(), StoreError> {
    forget(db, id, code).await?;
    sqlx::query!(
        r#"
        INSERT INTO self_audit_parts (self_audit_id, code, account_id, looked_at, wrong, example)
        VALUES ($1, $2, NULL, 1, 1, left($3, 200))
        "#,
        id as SelfAuditId,
        code,
        why
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds up what a rule said of everybody's rows.
pub async fn add_up(
    db: &mut PgConnection,
    id: SelfAuditId,
    (position, code): (i32, &str),
    millis: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO self_audit_checks (self_audit_id, position, code, looked_at, wrong, examples, millis)
        SELECT $1
             , $2
             , $3
             , COALESCE(sum(looked_at), 0)
             , COALESCE(sum(wrong), 0)
             , ARRAY (SELECT example
                        FROM self_audit_parts
                       WHERE self_audit_id = $1
                         AND code = $3
                         AND wrong > 0
                       ORDER BY example
                       LIMIT 5)
             , $4
          FROM self_audit_parts
         WHERE self_audit_id = $1
           AND code = $3
            ON CONFLICT (self_audit_id, code) DO UPDATE
           SET looked_at = excluded.looked_at
             , wrong = excluded.wrong
             , examples = excluded.examples
             , millis = excluded.millis
        "#,
        id as SelfAuditId,
        position,
        code,
        millis
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a look ended. What older ones said of single customers is forgotten, and all of what is older than `before`.
pub async fn end(
    db: &mut PgConnection,
    id: SelfAuditId,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE self_audits SET ended_at = $2 WHERE id = $1", id as SelfAuditId, now)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        DELETE FROM self_audit_parts
         WHERE self_audit_id IN (SELECT id FROM self_audits WHERE id <> $1 AND ended_at IS NOT NULL)
        "#,
        id as SelfAuditId
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("DELETE FROM self_audits WHERE began_at < $1", before).execute(db).await?;
    Ok(())
}

/// The newest look that came to its end.
pub async fn newest(db: &mut PgConnection) -> Result<Option<Report>, StoreError> {
    let Some((id, report)) = newest_look(db).await? else { return Ok(None) };
    Ok(Some(Report { outcomes: outcomes(db, id).await?, ..report }))
}

/// What each rule came to in one look.
async fn outcomes(db: &mut PgConnection, id: SelfAuditId) -> Result<Vec<Outcome>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT code, looked_at, wrong, examples, millis
          FROM self_audit_checks
         WHERE self_audit_id = $1
         ORDER BY position
        "#,
        id as SelfAuditId
    )
    .fetch_all(db)
    .await?;
    let outcomes = rows.into_iter().map(|row| Outcome {
        rules: rules_of(&row.code),
        code: row.code,
        looked_at: row.looked_at,
        wrong: row.wrong,
        examples: row.examples,
        took: TimeDelta::milliseconds(row.millis),
    });
    Ok(outcomes.collect())
}

/// What it said of one customer's rows.
pub async fn newest_of(db: &mut PgConnection, account: AccountId) -> Result<Option<Report>, StoreError> {
    let Some((id, report)) = newest_look(db).await? else { return Ok(None) };
    let rows = sqlx::query!(
        r#"
        SELECT parts.code, parts.looked_at, parts.wrong, parts.example
          FROM self_audit_parts parts
          JOIN self_audit_checks checks ON (checks.self_audit_id, checks.code) = (parts.self_audit_id, parts.code)
         WHERE parts.account_id = $1
           AND parts.self_audit_id = $2
         ORDER BY checks.position
        "#,
        account as AccountId,
        id as SelfAuditId
    )
    .fetch_all(db)
    .await?;
    let outcomes = rows.into_iter().map(|row| Outcome {
        rules: rules_of(&row.code),
        code: row.code,
        looked_at: row.looked_at,
        wrong: row.wrong,
        examples: row.example.into_iter().collect(),
        took: TimeDelta::zero(),
    });
    Ok(Some(Report { outcomes: outcomes.collect(), ..report }))
}

async fn newest_look(db: &mut PgConnection) -> Result<Option<(SelfAuditId, Report)>, StoreError> {
    look(db, None).await
}

/// One look that came to its end.
pub async fn report(db: &mut PgConnection, id: SelfAuditId) -> Result<Option<Report>, StoreError> {
    let Some((id, report)) = look(db, Some(id)).await? else { return Ok(None) };
    Ok(Some(Report { outcomes: outcomes(db, id).await?, ..report }))
}

/// One look, or the newest.
async fn look(db: &mut PgConnection, which: Option<SelfAuditId>) -> Result<Option<(SelfAuditId, Report)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT id AS "id: SelfAuditId", since, began_at, ended_at AS "ended_at!"
          FROM self_audits
         WHERE ended_at IS NOT NULL
           AND id = COALESCE($1, id)
         ORDER BY ended_at DESC, id DESC
         LIMIT 1
        "#,
        which as Option<SelfAuditId>
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let (began_at, ended_at, since) = (row.began_at, row.ended_at, row.since);
        (row.id, Report { began_at, ended_at, since, outcomes: Vec::new() })
    }))
}

fn rules_of(code: &str) -> &'static str {
    checks().find(|check| check.code == code).map_or("", |check| check.rules)
}
