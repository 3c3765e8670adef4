//! Reads what FOCUS speaks of: only what never changes once its period is closed or its document is final.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::super::Filter;
use crate::base::ids::{AccountId, ChargeId, DocumentId, EnvironmentId};
use crate::db::StoreError;

/// A charge of a closed period, with what stands on paper of it.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Which.
    pub id: ChargeId,
    /// The customer.
    pub account: AccountId,
    /// What it is charged for.
    pub environment: EnvironmentId,
    /// usual, correction or trial.
    pub class: String,
    /// `None`: the base price.
    pub meter: Option<String>,
    /// Which of the plan's prices; 0 is what is included.
    pub tier: Option<i32>,
    /// Since when.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub until_at: DateTime<Utc>,
    /// In the meter's unit.
    pub quantity: Decimal,
    /// For each.
    pub unit_price: Decimal,
    /// The currency.
    pub currency: String,
    /// The period that it is billed in.
    pub period_from: DateTime<Utc>,
    /// Its end.
    pub period_until: DateTime<Utc>,
    /// Who sold, by name.
    pub issuer: String,
    /// Who bought, by name.
    pub customer: String,
    /// The environment's name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The name in its address.
    pub host: String,
    /// The plan's code.
    pub plan: String,
    /// The plan's version.
    pub version: i32,
    /// The invoice, once it stands on one.
    pub number: Option<String>,
    /// The line of it.
    pub line_no: Option<i32>,
    /// That line's kind.
    pub line_kind: Option<String>,
    /// That line's meter.
    pub line_meter: Option<String>,
    /// The days on which it was used.
    pub days: Option<Vec<NaiveDate>>,
    /// How much on each.
    pub quantities: Option<Vec<Decimal>>,
}

/// The newest number of each series when a file was begun: numbers are given in the order in which documents are committed.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    sellers: Vec<Uuid>,
    years: Vec<i32>,
    numbers: Vec<i64>,
}

/// Returns the newest number of each series.
pub async fn newest_documents(db: &mut PgConnection) -> Result<Newest, StoreError> {
    let rows =
        sqlx::query!("SELECT seller_id, year, last_no FROM document_series WHERE last_no > 0").fetch_all(db).await?;
    let mut newest = Newest::default();
    for row in rows {
        newest.sellers.push(row.seller_id);
        newest.years.push(row.year);
        newest.numbers.push(row.last_no);
    }
    Ok(newest)
}

/// Returns charges of closed periods that ended in the days, after one, by their ids, with no later documents than the newest that
/// are asked for. What a credit note gives back that waited while its period was closed counts in the note's month: what was said
/// of a closed period stays.
pub async fn list_focus_charges(
    db: &mut PgConnection,
    filter: &Filter,
    newest: &Newest,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Charge>, StoreError> {
    Ok(sqlx::query_as!(
        Charge,
        r#"
        SELECT c.id             AS "id: ChargeId"
             , c.account_id     AS "account: AccountId"
             , c.environment_id AS "environment: EnvironmentId"
             , c.class
             , c.meter
             , c.tier
             , c.from_at
             , c.until_at
             , c.quantity
             , c.unit_price
             , c.currency
             , COALESCE(g.from_at, p.from_at)   AS "period_from!"
             , COALESCE(g.until_at, p.until_at) AS "period_until!"
             , COALESCE(g.issuer, f.issuer)     AS "issuer!"
             , COALESCE(g.customer, f.customer) AS "customer!"
             , n.name
             , n.kind
             , n.host
             , pl.code          AS plan
             , v.version
             , d.number         AS "number?"
             , l.line_no        AS "line_no?"
             , l.kind           AS "line_kind?"
             , l.meter          AS "line_meter?"
             , q.days           AS "days?"
             , q.quantities     AS "quantities?: Vec<Decimal>"
          FROM (
              -- The page first: what belongs to it is looked up for its rows alone.
              (SELECT i.id
                 FROM charges i
                 JOIN billing_periods o ON o.id = i.period_id
                 LEFT JOIN charge_lines x ON x.charge_id = i.id
                 LEFT JOIN documents y ON y.id = x.document_id
                 LEFT JOIN document_facts h ON h.document_id = y.id
                WHERE o.state = 'closed'
                  AND o.until_at > $1
                  AND o.until_at <= $2
                  AND COALESCE(h.until_at, o.until_at) <= $2
                  AND ($3::uuid IS NULL OR i.account_id = $3)
                  AND i.id > $4
                  -- What waits for a person is told once it is given back; what was dropped, of the other credit note.
                  AND (y.id IS NULL
                       OR EXISTS (SELECT
                                    FROM UNNEST($6::uuid[], $7::int[], $8::bigint[]) AS newest (seller_id, year, no)
                                   WHERE (newest.seller_id, newest.year) = (y.seller_id, y.series_year)
                                     AND y.no <= newest.no))
                ORDER BY i.id
                LIMIT $5)
              UNION ALL
              (SELECT i.id
                 FROM document_facts h
                 JOIN documents y ON y.id = h.document_id AND y.kind = 'credit_note' AND y.state = 'final'
                 JOIN charge_lines x ON x.document_id = y.id
                 JOIN charges i ON i.id = x.charge_id
                 JOIN billing_periods o ON o.id = i.period_id
                WHERE h.until_at > $1
                  AND h.until_at <= $2
                  AND o.state = 'closed'
                  AND o.until_at <= $1
                  AND ($3::uuid IS NULL OR i.account_id = $3)
                  AND i.id > $4
                  AND EXISTS (SELECT
                                FROM UNNEST($6::uuid[], $7::int[], $8::bigint[]) AS newest (seller_id, year, no)
                               WHERE (newest.seller_id, newest.year) = (y.seller_id, y.series_year)
                                 AND y.no <= newest.no)
                ORDER BY i.id
                LIMIT $5)
               ORDER BY id
               LIMIT $5
          ) AS page
          JOIN charges c ON c.id = page.id
          JOIN billing_periods p ON p.id = c.period_id
          JOIN period_facts f ON f.period_id = p.id
          JOIN environment_facts n ON n.period_id = p.id AND n.environment_id = c.environment_id
          JOIN plan_versions v ON v.id = c.plan_version_id
          JOIN plans pl ON pl.id = v.plan_id
          LEFT JOIN charge_lines cl ON cl.charge_id = c.id
          LEFT JOIN documents d ON d.id = cl.document_id AND d.state = 'final'
          LEFT JOIN document_facts g ON g.document_id = d.id
          LEFT JOIN document_lines l ON l.document_id = d.id AND l.line_no = cl.line_no
          LEFT JOIN charge_days q ON q.charge_id = c.id
         ORDER BY c.id
        "#,
        filter.from_at(),
        filter.until_at(),
        filter.account.map(AccountId::uuid),
        after,
        limit,
        &newest.sellers,
        &newest.years,
        &newest.numbers,
    )
    .fetch_all(db)
    .await?)
}

/// A final document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Which.
    pub id: DocumentId,
    /// The customer.
    pub account: AccountId,
    /// invoice or `credit_note`.
    pub kind: String,
    /// Its number.
    pub number: String,
    /// The currency.
    pub currency: String,
    /// When it became final.
    pub finalised_at: DateTime<Utc>,
    /// Its date.
    pub issued_on: NaiveDate,
    /// When it has to be paid.
    pub due_on: NaiveDate,
    /// Who sold, by name.
    pub issuer: String,
    /// Who bought, by name.
    pub customer: String,
    /// What the customer calls the order.
    pub purchase_order: String,
    /// The period that it counts in.
    pub from_at: DateTime<Utc>,
    /// Its end.
    pub until_at: DateTime<Utc>,
    /// The invoice that a credit note takes back.
    pub cited: Option<String>,
    /// That invoice's period.
    pub cited_from: Option<DateTime<Utc>>,
    /// Its end.
    pub cited_until: Option<DateTime<Utc>>,
}

/// Returns final documents whose periods ended in the days, after one, by their ids; none later than the newest.
pub async fn list_documents(
    db: &mut PgConnection,
    filter: &Filter,
    newest: &Newest,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Document>, StoreError> {
    Ok(sqlx::query_as!(
        Document,
        r#"
        SELECT d.id            AS "id: DocumentId"
             , d.account_id    AS "account: AccountId"
             , d.kind
             , d.number        AS "number!"
             , d.currency
             , d.finalised_at  AS "finalised_at!"
             , d.issued_on     AS "issued_on!"
             , d.due_on        AS "due_on!"
             , f.issuer
             , f.customer
             , f.purchase_order
             , f.from_at
             , f.until_at
             , o.number        AS "cited?"
             , g.from_at       AS "cited_from?"
             , g.until_at      AS "cited_until?"
          FROM documents d
          JOIN document_facts f ON f.document_id = d.id
          LEFT JOIN documents o ON o.id = d.corrects_id
          LEFT JOIN document_facts g ON g.document_id = o.id
         WHERE d.state = 'final'
           AND f.until_at > $1
           AND f.until_at <= $2
           AND ($3::uuid IS NULL OR d.account_id = $3)
           AND d.id > $4
           AND EXISTS (SELECT
                         FROM UNNEST($6::uuid[], $7::int[], $8::bigint[]) AS newest (seller_id, year, no)
                        WHERE (newest.seller_id, newest.year) = (d.seller_id, d.series_year)
                          AND d.no <= newest.no)
         ORDER BY d.id
         LIMIT $5
        "#,
        filter.from_at(),
        filter.until_at(),
        filter.account.map(AccountId::uuid),
        after,
        limit,
        &newest.sellers,
        &newest.years,
        &newest.numbers,
    )
    .fetch_all(db)
    .await?)
}

/// A line of a document.
#[derive(Clone, Debug)]
pub struct DocumentLine {
    /// Of which.
    pub document: DocumentId,
    /// Its number.
    pub line_no: i32,
    /// What kind of line it is.
    pub kind: String,
    /// What it is about.
    pub environment: Option<EnvironmentId>,
    /// The meter.
    pub meter: Option<String>,
    /// What the customer reads.
    pub title: String,
    /// Since when.
    pub from_at: Option<DateTime<Utc>>,
    /// Until when.
    pub until_at: Option<DateTime<Utc>>,
    /// The line's amount, in coins.
    pub net_minor: i64,
    /// Whether charges stand on it.
    pub has_charges: bool,
}

/// Returns the lines of documents.
pub async fn list_focus_lines(db: &mut PgConnection, documents: &[Uuid]) -> Result<Vec<DocumentLine>, StoreError> {
    Ok(sqlx::query_as!(
        DocumentLine,
        r#"
        SELECT l.document_id    AS "document: DocumentId"
             , l.line_no
             , l.kind
             , l.environment_id AS "environment: EnvironmentId"
             , l.meter
             , l.title
             , l.from_at
             , l.until_at
             , l.net_minor
             , EXISTS (SELECT FROM charge_lines c WHERE c.document_id = l.document_id AND c.line_no = l.line_no) AS "has_charges!"
          FROM document_lines l
         WHERE l.document_id = ANY($1)
         ORDER BY l.document_id, l.line_no
        "#,
        documents,
    )
    .fetch_all(db)
    .await?)
}

/// The VAT of one category and rate on a document.
#[derive(Clone, Debug)]
pub struct Vat {
    /// Of which.
    pub document: DocumentId,
    /// The category.
    pub category: String,
    /// The rate.
    pub rate: Decimal,
    /// The amount, in coins.
    pub amount_minor: i64,
}

/// Returns the VAT of documents.
pub async fn list_vat(db: &mut PgConnection, documents: &[Uuid]) -> Result<Vec<Vat>, StoreError> {
    Ok(sqlx::query_as!(
        Vat,
        r#"
        SELECT document_id AS "document: DocumentId"
             , category
             , rate
             , amount_minor
          FROM document_vat
         WHERE document_id = ANY($1)
         ORDER BY document_id, category, rate
        "#,
        documents,
    )
    .fetch_all(db)
    .await?)
}

/// A period of a seller.
#[derive(Clone, Debug)]
pub struct Month {
    /// Who sold, by name.
    pub issuer: String,
    /// Since when.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub until_at: DateTime<Utc>,
    /// When it was first spoken of.
    pub created_at: DateTime<Utc>,
    /// When something about it changed the last time.
    pub updated_at: DateTime<Utc>,
    /// Whether nothing more is billed in it.
    pub is_closed: bool,
}

/// Returns the periods that ended in the days, each once.
pub async fn list_months(db: &mut PgConnection, filter: &Filter, now: DateTime<Utc>) -> Result<Vec<Month>, StoreError> {
    Ok(sqlx::query_as!(
        Month,
        r#"
        SELECT m.issuer             AS "issuer!"
             , m.from_at            AS "from_at!"
             , m.until_at           AS "until_at!"
             , min(m.created_at)    AS "created_at!"
             , max(m.updated_at)    AS "updated_at!"
             , bool_and(m.is_closed) AS "is_closed!"
          FROM (
              SELECT COALESCE(f.issuer, NULLIF(s.details #>> '{seller,name}', ''), s.code) AS issuer
                   , p.from_at, p.until_at, p.created_at, COALESCE(p.closed_at, p.created_at) AS updated_at
                   , p.state = 'closed' AS is_closed
                FROM billing_periods p
                JOIN sellers s ON s.id = p.seller_id
                LEFT JOIN period_facts f ON f.period_id = p.id
               WHERE p.until_at > $1
                 AND p.until_at <= $2
                 AND ($3::uuid IS NULL OR p.account_id = $3)
              UNION ALL
              SELECT f.issuer, f.from_at, f.until_at, d.finalised_at, d.finalised_at, f.until_at <= $4
                FROM document_facts f
                JOIN documents d ON d.id = f.document_id
               WHERE f.until_at > $1
                 AND f.until_at <= $2
                 AND ($3::uuid IS NULL OR d.account_id = $3)
          ) AS m
         GROUP BY m.issuer, m.from_at, m.until_at
         ORDER BY m.from_at, m.until_at, m.issuer
        "#,
        filter.from_at(),
        filter.until_at(),
        filter.account.map(AccountId::uuid),
        now,
    )
    .fetch_all(db)
    .await?)
}
