//! Periods, trials and charges.

mod billed;
mod waiting;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;

use super::Period;
use super::lines::Names;
use crate::base::ids::{AccountId, ChargeId, DocumentId, EnvironmentId, PeriodId, PlanVersionId, SellerId};
use crate::billing::documents::Whose;
use crate::billing::rating::{Charge, Item, Span};
use crate::billing::sellers::Seller;
use crate::db::StoreError;
use crate::plans;

pub use billed::{base_prices, list_billed, usual_net};
pub use waiting::{drop_draft, hold, list_waiting, release_draft, release_period, try_again, try_later};

/// Gives every account of a seller that has something to be charged for, and had no trial yet, its trial.
pub async fn begin_trials(db: &mut PgConnection, seller: &Seller, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO trials (account_id, from_at, until_at)
        SELECT segments.account_id, min(segments.from_at), min(segments.from_at) + make_interval(days => $2)
          FROM environment_segments segments
          JOIN accounts ON accounts.id = segments.account_id
         WHERE accounts.currency = $1
           AND $2 > 0
           AND NOT EXISTS (SELECT FROM trials WHERE trials.account_id = segments.account_id)
           AND NOT EXISTS (SELECT FROM billing_periods WHERE account_id = segments.account_id AND state = 'closed')
         GROUP BY segments.account_id
        HAVING min(segments.from_at) <= $3
            ON CONFLICT DO NOTHING
        "#,
        seller.currency.code(),
        seller.trial_days,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An account whose next month is to be opened.
pub struct ToOpen {
    /// Which one.
    pub account: AccountId,
    /// Where the month begins.
    pub from: DateTime<Utc>,
    /// Whether it follows another one.
    pub follows: bool,
    /// Months that begin from then on are not opened: everything was deleted, and nothing will be corrected any more.
    pub before: Option<DateTime<Utc>>,
}

/// Accounts of a seller whose newest month is over, or who have none yet. Who has left gets months until `late` after the one in
/// which that was, because so long it may be corrected.
pub async fn list_to_open(
    db: &mut PgConnection,
    seller: &Seller,
    late: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Vec<ToOpen>, StoreError> {
    let rows = sqlx::query_as!(
        ToOpen,
        r#"
        SELECT accounts.id AS "account: AccountId"
             , COALESCE(newest.until_at, first.from_at) AS "from!"
             , newest.until_at IS NOT NULL AS "follows!"
             , CASE WHEN NOT first.is_open THEN GREATEST(first.until_at, left_in.until_at + make_interval(days => $3)) END AS before
          FROM accounts
          JOIN LATERAL (SELECT min(from_at) AS from_at, bool_or(until_at IS NULL) AS is_open, max(until_at) AS until_at
                          FROM environment_segments
                         WHERE account_id = accounts.id) AS first ON first.from_at IS NOT NULL
          LEFT JOIN LATERAL (SELECT until_at
                               FROM billing_periods
                              WHERE account_id = accounts.id
                              ORDER BY from_at DESC
                              LIMIT 1) AS newest ON true
          LEFT JOIN LATERAL (SELECT until_at
                               FROM billing_periods
                              WHERE account_id = accounts.id
                                AND from_at < first.until_at
                                AND NOT first.is_open
                              ORDER BY from_at DESC
                              LIMIT 1) AS left_in ON true
         WHERE accounts.currency = $1
           AND COALESCE(newest.until_at, first.from_at) <= $2
           AND (newest.until_at IS NULL OR first.is_open
                OR newest.until_at < GREATEST(first.until_at, left_in.until_at + make_interval(days => $3)))
        "#,
        seller.currency.code(),
        now,
        i32::try_from(late.num_days()).unwrap_or(i32::MAX)
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Opens a month; what is there already stays.
pub async fn insert_period(
    db: &mut PgConnection,
    id: PeriodId,
    (account, seller): (AccountId, &Seller),
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO billing_periods (id, account_id, seller_id, currency, from_at, until_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        "#,
        id as PeriodId,
        account as AccountId,
        seller.id as SellerId,
        seller.currency.code(),
        from,
        until,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

struct PeriodRow {
    id: PeriodId,
    account: AccountId,
    seller: SellerId,
    currency: String,
    from_at: DateTime<Utc>,
    until_at: DateTime<Utc>,
}

impl PeriodRow {
    fn parsed(self) -> anyhow::Result<Period> {
        Ok(Period {
            id: self.id,
            account: self.account,
            whose: Whose { account: self.account, seller: self.seller, currency: self.currency.parse()? },
            span: Span { from: self.from_at, until: self.until_at },
        })
    }
}

/// Takes the oldest month that ended before `ended`, was not rated, and whose earlier months are all rated. Each is taken by
/// one worker. Months with hours that are still to be derived wait for them.
pub async fn lock_due(db: &mut PgConnection, ended: DateTime<Utc>) -> anyhow::Result<Option<Period>> {
    let row = sqlx::query_as!(
        PeriodRow,
        r#"
        SELECT id AS "id: PeriodId"
             , account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , currency
             , from_at
             , until_at
          FROM billing_periods
         WHERE state = 'open'
           AND rated_at IS NULL
           AND until_at <= $1
           AND NOT EXISTS (SELECT
                             FROM billing_periods earlier
                            WHERE earlier.account_id = billing_periods.account_id
                              AND earlier.until_at <= billing_periods.from_at
                              AND earlier.state = 'open')
           AND NOT EXISTS (SELECT
                             FROM usage_due
                             JOIN environments ON environments.id = usage_due.environment_id
                            WHERE environments.account_id = billing_periods.account_id
                              AND usage_due.hour < billing_periods.until_at)
         ORDER BY until_at, id
         LIMIT 1
           FOR UPDATE SKIP LOCKED
        "#,
        ended
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(PeriodRow::parsed).transpose()
}

/// Notes that a month's charges and drafts are written, and why it waits, if it does.
pub async fn note_rated(
    db: &mut PgConnection,
    id: PeriodId,
    parked: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE billing_periods SET rated_at = $3, parked = $2 WHERE id = $1", id as PeriodId, parked, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Closed months of the account, of the same seller, that ended less than `late` before this one begins.
pub async fn list_closed_before(
    db: &mut PgConnection,
    period: &Period,
    late: TimeDelta,
) -> anyhow::Result<Vec<Period>> {
    let rows = sqlx::query_as!(
        PeriodRow,
        r#"
        SELECT id AS "id: PeriodId"
             , account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , currency
             , from_at
             , until_at
          FROM billing_periods
         WHERE account_id = $1
           AND state = 'closed'
           AND until_at > $2
           AND until_at <= $3
           AND seller_id = $4
         ORDER BY from_at
        "#,
        period.account as AccountId,
        period.span.from - late,
        period.span.from,
        period.whose.seller as SellerId
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    rows.into_iter().map(PeriodRow::parsed).collect()
}

/// Inserts charges, each with the period that it speaks of.
pub async fn insert_charges(
    db: &mut PgConnection,
    period: &Period,
    charges: &[(ChargeId, PeriodId, Charge)],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let big = |raw: i128| Decimal::try_from_i128_with_scale(raw, 0);
    let mut used = Vec::with_capacity(charges.len());
    let (mut carry_in, mut carry_out) = (Vec::new(), Vec::new());
    for (.., charge) in charges {
        used.push(big(charge.used_raw)?);
        carry_in.push(big(charge.carry_in_raw)?);
        carry_out.push(big(charge.carry_out_raw)?);
    }
    sqlx::query!(
        r#"
        INSERT INTO charges (id, account_id, period_id, of_period_id, environment_id, plan_version_id, class, revision, meter, tier
                           , from_at, until_at, used_raw, carry_in_raw, carry_out_raw, quantity, unit_price, currency, net_minor
                           , created_at)
        SELECT id, $1, $2, of_period_id, environment_id, plan_version_id, class, revision, meter, tier
             , from_at, until_at, used_raw, carry_in_raw, carry_out_raw, quantity, unit_price, $3, net_minor, $4
          FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::int[], $11::text[], $12::int[]
                    , $13::timestamptz[], $14::timestamptz[], $15::numeric[], $16::numeric[], $17::numeric[], $18::numeric[]
                    , $19::numeric[], $20::bigint[])
            AS charged (id, of_period_id, environment_id, plan_version_id, class, revision, meter, tier
                      , from_at, until_at, used_raw, carry_in_raw, carry_out_raw, quantity, unit_price, net_minor)
        "#,
        period.account as AccountId,
        period.id as PeriodId,
        period.whose.currency.code(),
        now,
        &charges.iter().map(|it| it.0.uuid()).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.1.uuid()).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.item.environment.uuid()).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.item.plan_version.uuid()).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.class.code().to_owned()).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.revision).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.what.meter().map(|meter| meter.code().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &charges.iter().map(|it| it.2.what.tier()).collect::<Vec<_>>() as &[Option<i32>],
        &charges.iter().map(|it| it.2.span.from).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.span.until).collect::<Vec<_>>(),
        &used,
        &carry_in,
        &carry_out,
        &charges.iter().map(|it| it.2.quantity).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.unit_price).collect::<Vec<_>>(),
        &charges.iter().map(|it| it.2.net.minor).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map_err(StoreError::from)?;
    Ok(())
}

/// What environments and plans are called.
pub async fn names(db: &mut PgConnection, items: impl Iterator<Item = &Item>) -> anyhow::Result<Names> {
    let items: BTreeSet<Item> = items.copied().collect();
    let environments = sqlx::query!(
        r#"SELECT id AS "id: EnvironmentId", name FROM environments WHERE id = ANY($1)"#,
        &items.iter().map(|item| item.environment.uuid()).collect::<Vec<_>>()
    )
    .fetch_all(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let versions: Vec<PlanVersionId> = items.iter().map(|item| item.plan_version).collect();
    Ok(Names {
        environments: environments.into_iter().map(|row| (row.id, row.name)).collect(),
        plans: plans::names(db, &versions).await?,
    })
}

/// Closes the month of a document that became final, when nothing of the month is left that is not. A credit note that waits for
/// a person does not keep the month open: its invoice is out.
pub async fn close_of(db: &mut PgConnection, document: DocumentId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE billing_periods
           SET state = 'closed'
             , closed_at = $2
             , parked = NULL
         WHERE state = 'open'
           -- One month, whatever the planner thinks of how many are open.
           AND id = ANY (ARRAY (SELECT DISTINCT charges.period_id
                                  FROM charge_lines
                                  JOIN charges ON charges.id = charge_lines.charge_id
                                 WHERE charge_lines.document_id = $1))
           AND NOT EXISTS (SELECT
                             FROM charges
                             JOIN charge_lines ON charge_lines.charge_id = charges.id
                             JOIN documents ON documents.id = charge_lines.document_id
                            WHERE charges.period_id = billing_periods.id
                              AND documents.state = 'draft'
                              AND NOT (documents.kind = 'credit_note' AND documents.held IS NOT NULL))
        "#,
        document as DocumentId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Closes months that were rated and of which nothing is still to become final: nothing is to be paid (no number is used for
/// nothing), or what is left are credit notes that wait for a person.
pub async fn close_empty(db: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE billing_periods
           SET state = 'closed'
             , closed_at = $1
         WHERE state = 'open'
           AND rated_at IS NOT NULL
           AND parked IS NULL
           AND NOT EXISTS (SELECT
                             FROM charges
                             JOIN charge_lines ON charge_lines.charge_id = charges.id
                             JOIN documents ON documents.id = charge_lines.document_id
                            WHERE charges.period_id = billing_periods.id
                              AND documents.state = 'draft'
                              AND NOT (documents.kind = 'credit_note' AND documents.held IS NOT NULL))
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The month of an account that `now` lies in.
pub async fn open_period(
    db: &mut PgConnection,
    account: AccountId,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Period>> {
    let row = sqlx::query_as!(
        PeriodRow,
        r#"
        SELECT id AS "id: PeriodId"
             , account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , currency
             , from_at
             , until_at
          FROM billing_periods
         WHERE account_id = $1
           AND from_at <= $2
           AND until_at > $2
        "#,
        account as AccountId,
        now
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(PeriodRow::parsed).transpose()
}

/// The newest month of an account that is closed.
pub async fn last_closed(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Period>> {
    let row = sqlx::query_as!(
        PeriodRow,
        r#"
        SELECT id AS "id: PeriodId"
             , account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , currency
             , from_at
             , until_at
          FROM billing_periods
         WHERE account_id = $1
           AND state = 'closed'
         ORDER BY from_at DESC
         LIMIT 1
        "#,
        account as AccountId
    )
    .fetch_optional(db)
    .await
    .map_err(StoreError::from)?;
    row.map(PeriodRow::parsed).transpose()
}
