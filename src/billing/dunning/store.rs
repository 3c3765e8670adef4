//! Who owes what since when, what was done about it, and what is restricted because of it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::Debtor;
use super::rule::{Schedule, Step, Unpaid};
use crate::base::ids::{AccountId, DocumentId, StaffId};
use crate::base::money::Money;
use crate::db::StoreError;

/// An invoice that is not paid in full, or that cannot be written because the customer's address is missing.
pub struct OpenRow {
    pub document: DocumentId,
    /// Empty: it is not written yet.
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Money,
    pub timezone: String,
    pub schedule: Schedule,
}

/// An account's open invoices, the one due the longest first. What waits for the customer's details counts as if it had been
/// issued when that was found.
pub async fn open(db: &mut PgConnection, account: AccountId) -> Result<Vec<OpenRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "document: DocumentId"
             , COALESCE(documents.number, '') AS "number!"
             , COALESCE(documents.due_on, (documents.held_at AT TIME ZONE sellers.timezone)::date + sellers.payment_days) AS "due_on!"
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
           AND (documents.held ->> 'reason' = 'buyer'
                OR documents.id IN (SELECT document_id FROM open_invoices WHERE account_id = $1))
         ORDER BY 3, documents.id
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

/// What was done about these invoices. What was done before one was written does not count once it is.
pub async fn done(db: &mut PgConnection, account: AccountId) -> Result<Vec<(DocumentId, Step, NaiveDate)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT dunning_steps.document_id AS "document: DocumentId"
             , dunning_steps.step
             , dunning_steps.done_on
          FROM dunning_steps
          JOIN documents ON documents.id = dunning_steps.document_id
         WHERE dunning_steps.account_id = $1
           AND dunning_steps.was_draft = (documents.state = 'draft')
        "#,
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
        INSERT INTO dunning_steps (document_id, account_id, step, done_on, done_at, was_draft)
        SELECT $1, $2, $3, $4, $5, state = 'draft' FROM documents WHERE id = $1
            ON CONFLICT (document_id, step, was_draft) DO NOTHING
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

/// Which accounts are looked at.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Invoices that were due before this day are overdue.
    pub today: NaiveDate,
    /// Accounts that were looked at later than this, and before now, are left out when nothing has happened since and nothing is
    /// restricted.
    pub looked_before: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// At most so many.
    pub limit: i64,
}

/// Accounts of which something may be due: an invoice is past its day, or waits for an address, or something was done before.
/// Those where something happened come first, then those that have waited the longest.
pub async fn accounts(db: &mut PgConnection, wanted: Wanted) -> Result<Vec<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        WITH debtors AS (
            SELECT account_id FROM open_invoices WHERE due_on < $1
             UNION
            SELECT documents.account_id
              FROM documents
              JOIN sellers ON sellers.id = documents.seller_id
             WHERE documents.state = 'draft'
               AND documents.kind = 'invoice'
               AND documents.held ->> 'reason' = 'buyer'
               AND documents.held_at::date + sellers.payment_days < $1
             UNION
            SELECT account_id FROM dunning_states
        )
        SELECT debtors.account_id AS "id!: AccountId"
          FROM debtors
          LEFT JOIN dunning_looks looks ON looks.account_id = debtors.account_id
          LEFT JOIN dunning_states states ON states.account_id = debtors.account_id
          LEFT JOIN (SELECT DISTINCT account_id FROM dunning_hints) AS hints ON hints.account_id = debtors.account_id
         WHERE $2::timestamptz IS NULL
            OR looks.looked_at IS NULL
            OR looks.looked_at NOT BETWEEN $2 AND $3
            OR states.step NOT IN ('warn', 'warn_again')
            OR hints.account_id IS NOT NULL
         ORDER BY hints.account_id IS NULL, looks.looked_at NULLS FIRST, debtors.account_id
         LIMIT $4
        "#,
        wanted.today,
        wanted.looked_before.map(|times| times.0),
        wanted.looked_before.map(|times| times.1),
        wanted.limit
    )
    .fetch_all(db)
    .await?)
}

/// Notes that an account is looked at: what happens from now on is seen by the next look. Hints are only ever added by whoever
/// pays, so that nobody waits for anybody here.
pub async fn note_look(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM dunning_hints WHERE account_id = $1", account as AccountId).execute(&mut *db).await?;
    sqlx::query!(
        r#"
        INSERT INTO dunning_looks (account_id, looked_at)
        VALUES ($1, $2)
            ON CONFLICT (account_id)
            DO UPDATE SET looked_at = excluded.looked_at
        "#,
        account as AccountId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets hints about accounts that owe nothing.
pub async fn forget_hints(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        DELETE FROM dunning_hints
         WHERE account_id NOT IN (SELECT account_id FROM open_invoices)
           AND account_id NOT IN (SELECT account_id FROM dunning_states)
           AND account_id NOT IN (SELECT account_id FROM documents WHERE state = 'draft')
        "#
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether an invoice is still to be paid; one that `waits` (had no number when it was asked for): whether it still does.
pub async fn is_open(db: &mut PgConnection, document: DocumentId, waits: bool) -> Result<bool, StoreError> {
    let open = sqlx::query_scalar!(
        r#"SELECT left_of(documents) > 0 AND ($2 = (state = 'draft')) AS "is_open!" FROM documents WHERE id = $1"#,
        document as DocumentId,
        waits
    );
    // A draft that is gone is not waited for any more.
    Ok(open.fetch_optional(db).await?.unwrap_or(false))
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
