//! Who owes what since when, what was done about it, and what is restricted because of it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::rule::{Schedule, Step, Unpaid};
use super::Debtor;
use crate::base::ids::{AccountId, DocumentId, StaffId};
use crate::base::money::Money;
use crate::db::StoreError;

/// An invoice that is not paid in full.
pub struct OpenRow {
    pub document: DocumentId,
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Money,
    pub timezone: String,
    pub schedule: Schedule,
}

/// An account's open invoices, the one due the longest first.
pub async fn open(db: &mut PgConnection, account: AccountId) -> Result<Vec<OpenRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "document: DocumentId"
             , documents.number AS "number!"
             , documents.due_on AS "due_on!"
             , documents.currency
             , left_of(documents) AS "open!"
             , sellers.timezone
             , CASE WHEN days.seller_id IS NOT NULL
                    THEN ARRAY[days.warn_days, days.warn_again_days, days.sleep_days, days.throttle_days, days.narrow_days, days.stop_days]
               END AS days
          FROM documents
          JOIN sellers ON sellers.id = documents.seller_id
          LEFT JOIN dunning_schedules AS days ON days.seller_id = documents.seller_id
         WHERE documents.account_id = $1
           AND documents.kind = 'invoice'
           AND documents.state = 'final'
           AND left_of(documents) > 0
         ORDER BY documents.due_on, documents.id
        "#,
        account as AccountId
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().filter_map(|row| {
        let days = row.days.and_then(|days| {
            let days: Vec<u32> = days.into_iter().filter_map(|days| u32::try_from(days).ok()).collect();
            Some(Schedule(days.try_into().ok()?))
        });
        Some(OpenRow {
            document: row.document,
            number: row.number,
            due_on: row.due_on,
            open: Money::new(row.open, row.currency.parse().ok()?),
            timezone: row.timezone,
            schedule: days.unwrap_or_default(),
        })
    });
    Ok(open.collect())
}

/// What was done about these invoices.
pub async fn done(db: &mut PgConnection, account: AccountId) -> Result<Vec<(DocumentId, Step, NaiveDate)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT document_id AS "document: DocumentId", step, done_on FROM dunning_steps WHERE account_id = $1"#,
        account as AccountId
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.document, Step::from_word(&row.step)?, row.done_on))).collect())
}

/// How far an account is, and until which day nothing is done: the newest delay counts.
pub async fn state(db: &mut PgConnection, account: AccountId) -> Result<(Option<Step>, Option<NaiveDate>), StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT (SELECT step FROM dunning_states WHERE account_id = $1) AS step
             , (SELECT until_on FROM dunning_delays WHERE account_id = $1 ORDER BY granted_at DESC, id DESC LIMIT 1) AS until_on
        "#,
        account as AccountId
    )
    .fetch_one(db)
    .await?;
    Ok((row.step.as_deref().and_then(Step::from_word), row.until_on))
}

/// Writes a step down. False when it was taken before.
pub async fn insert_step(
    db: &mut PgConnection,
    (document, account): (DocumentId, AccountId),
    step: Step,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO dunning_steps (document_id, account_id, step, done_on, done_at)
        VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (document_id, step) DO NOTHING
        "#,
        document as DocumentId,
        account as AccountId,
        step.word(),
        today,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down how far an account is.
pub async fn put_state(
    db: &mut PgConnection,
    account: AccountId,
    step: Step,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO dunning_states (account_id, step, since)
        VALUES ($1, $2, $3)
            ON CONFLICT (account_id)
            DO UPDATE SET step = excluded.step, since = excluded.since
        "#,
        account as AccountId,
        step.word(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets how far an account was: it has paid.
pub async fn delete_state(db: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM dunning_states WHERE account_id = $1", account as AccountId).execute(db).await?;
    Ok(())
}

/// Makes true how many requests in a second production gets. Returns whether anything changed.
pub async fn limit(db: &mut PgConnection, account: AccountId, limit: Option<i32>) -> Result<bool, StoreError> {
    let differing = sqlx::query_scalar!(
        r#"
        SELECT environments.id
          FROM environments
          LEFT JOIN dunning_limits ON dunning_limits.environment_id = environments.id
         WHERE environments.account_id = $1
           AND dunning_limits.requests_per_second
               IS DISTINCT FROM CASE WHEN environments.kind = 'production' AND environments.status <> 'deleted' THEN $2::integer END
        "#,
        account as AccountId,
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    if differing.is_empty() {
        return Ok(false);
    }
    sqlx::query!("DELETE FROM dunning_limits WHERE environment_id = ANY($1)", &differing).execute(&mut *db).await?;
    sqlx::query!(
        r#"
        INSERT INTO dunning_limits (environment_id, requests_per_second)
        SELECT id, $2::integer
          FROM environments
         WHERE id = ANY($1) AND kind = 'production' AND status <> 'deleted' AND $2::integer IS NOT NULL
        "#,
        &differing,
        limit
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Accounts of which something may be due: an invoice is past its day, or something was done before.
pub async fn accounts(db: &mut PgConnection, today: NaiveDate) -> Result<Vec<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT documents.account_id AS "id!: AccountId"
          FROM documents
         WHERE documents.kind = 'invoice'
           AND documents.state = 'final'
           AND documents.due_on < $1
           AND left_of(documents) > 0
         UNION
        SELECT account_id FROM dunning_states
        "#,
        today
    )
    .fetch_all(db)
    .await?)
}

/// What is still open on an invoice, in the smallest coin.
pub async fn open_minor(db: &mut PgConnection, document: DocumentId) -> Result<i64, StoreError> {
    let open = sqlx::query_scalar!(
        r#"SELECT left_of(documents) AS "open!" FROM documents WHERE id = $1"#,
        document as DocumentId
    );
    Ok(open.fetch_one(db).await?)
}

/// Gives an account until a day.
pub async fn insert_delay(
    db: &mut PgConnection,
    account: AccountId,
    until: NaiveDate,
    (by, reason): (StaffId, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO dunning_delays (account_id, until_on, granted_by, reason, granted_at) VALUES ($1, $2, $3, $4, $5)",
        account as AccountId,
        until,
        by as StaffId,
        reason,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether there is such an account.
pub async fn is_account(db: &mut PgConnection, account: AccountId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM accounts WHERE id = $1) AS "is_there!""#,
        account as AccountId
    )
    .fetch_one(db)
    .await?)
}

/// Names and newest delays of accounts.
pub async fn debtors(db: &mut PgConnection, ids: &[AccountId]) -> Result<Vec<Debtor>, StoreError> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT accounts.id AS "id: AccountId"
             , accounts.name
             , delay.reason AS "reason?"
             , delay.by AS "by?"
          FROM accounts
          LEFT JOIN LATERAL (SELECT dunning_delays.reason, staff.name AS by
                               FROM dunning_delays
                               JOIN staff ON staff.id = dunning_delays.granted_by
                              WHERE dunning_delays.account_id = accounts.id
                              ORDER BY granted_at DESC, dunning_delays.id DESC
                              LIMIT 1) AS delay ON true
         WHERE accounts.id = ANY($1)
         ORDER BY accounts.name, accounts.id
        "#,
        &ids
    )
    .fetch_all(db)
    .await?;
    let debtors = rows.into_iter().map(|row| Debtor {
        account: row.id,
        name: row.name,
        delay_reason: row.reason.unwrap_or_default(),
        delay_by: row.by.unwrap_or_default(),
        standing: None,
    });
    Ok(debtors.collect())
}

/// Puts what was done beside the invoices.
#[must_use]
pub fn unpaid(open: &[OpenRow], done: &[(DocumentId, Step, NaiveDate)]) -> Vec<Unpaid> {
    open.iter()
        .map(|row| Unpaid {
            document: row.document,
            due_on: row.due_on,
            done: done.iter().filter(|(of, _, _)| *of == row.document).map(|(_, step, on)| (*step, *on)).collect(),
        })
        .collect()
}
