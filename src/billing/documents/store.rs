//! The tables of documents. What is final is never written again: the database refuses it.

mod crediting;
mod doubts;
mod numbers;
mod reading;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

pub use crediting::{given_back, lock, say_which_lines};
pub use doubts::{beyond, country_before, keep_evidence, left};
pub use numbers::{insert_gap, lock_newest_number, newest_numbers, skip_to};
pub use reading::{Wanted, file, find, list, place, search};

use super::finalise::Group;
use super::{Kind, NewLine, Whose};
use crate::base::ids::{AccountId, DocumentId, EnvironmentId, PeriodId, SellerId};
use crate::base::money::Currency;
use crate::billing::sellers::Seller;
use crate::billing::vat;
use crate::db::StoreError;

/// A draft to be.
pub struct NewDocument<'a> {
    pub id: DocumentId,
    pub whose: Whose,
    pub kind: Kind,
    pub period: Option<PeriodId>,
    pub corrects: Option<DocumentId>,
    pub reason: &'a str,
}

/// A line as it is kept.
#[derive(Clone, Debug)]
pub struct Row {
    pub line_no: i32,
    pub kind: String,
    pub environment: Option<EnvironmentId>,
    pub meter: Option<String>,
    pub title: String,
    pub detail: String,
    pub from_at: Option<DateTime<Utc>>,
    pub until_at: Option<DateTime<Utc>>,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub net_minor: i64,
    pub vat_category: String,
    pub vat_rate: Decimal,
}

/// A draft that is held until the end of the transaction.
#[derive(Clone, Debug)]
pub struct Draft {
    pub id: DocumentId,
    pub whose: Whose,
    pub kind: Kind,
    pub corrects: Option<(String, NaiveDate)>,
    /// Whether somebody of ours looked at it and let it go on.
    pub is_released: bool,
    /// From when until when: the month, or the cited invoice's.
    pub period: (DateTime<Utc>, DateTime<Utc>),
    pub lines: Vec<Row>,
}

/// A series of numbers, held until the end of the transaction.
pub struct Series {
    pub year: i32,
    pub prefix: String,
    pub last_no: i64,
    pub last_on: Option<NaiveDate>,
    pub last_sha256: Vec<u8>,
}

/// What a document gets when it becomes final.
pub struct Sealed<'a> {
    pub year: i32,
    pub no: i64,
    pub number: &'a str,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub canonical: &'a str,
    pub sha256: &'a [u8],
    pub previous_sha256: &'a [u8],
    /// Net and VAT.
    pub amounts: (i64, i64),
}

/// Inserts a draft.
pub async fn insert_draft(
    db: &mut PgConnection,
    new: &NewDocument<'_>,
    net_minor: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO documents (id, account_id, seller_id, kind, period_id, corrects_id, reason, currency
                             , net_minor, vat_minor, gross_minor, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $9, $10)
        "#,
        new.id as DocumentId,
        new.whose.account as AccountId,
        new.whose.seller as SellerId,
        new.kind.word(),
        new.period as Option<PeriodId>,
        new.corrects as Option<DocumentId>,
        new.reason,
        new.whose.currency.code(),
        net_minor,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts the lines of a draft, and which charges and discounts they tell of.
pub async fn insert_lines(db: &mut PgConnection, document: DocumentId, lines: &[NewLine]) -> Result<(), StoreError> {
    let numbers: Vec<i32> = (1..=i32::try_from(lines.len()).unwrap_or(i32::MAX)).collect();
    let text = |of: fn(&NewLine) -> String| lines.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        r#"
        INSERT INTO document_lines (document_id, line_no, kind, environment_id, meter, title, detail, from_at, until_at
                                  , quantity, unit, unit_price, net_minor, vat_category, vat_rate)
        SELECT $1, *
          FROM unnest($2::int[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[]
                    , $10::numeric[], $11::text[], $12::numeric[], $13::bigint[], $14::text[], $15::numeric[])
        "#,
        document as DocumentId,
        &numbers,
        &text(|line| line.kind.to_owned()),
        &lines.iter().map(|line| line.environment.map(EnvironmentId::uuid)).collect::<Vec<_>>() as &[Option<uuid::Uuid>],
        &lines.iter().map(|line| line.meter.map(str::to_owned)).collect::<Vec<_>>() as &[Option<String>],
        &text(|line| line.title.clone()),
        &text(|line| line.detail.clone()),
        &lines.iter().map(|line| line.span.map(|span| span.0)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &lines.iter().map(|line| line.span.map(|span| span.1)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &lines.iter().map(|line| line.quantity).collect::<Vec<_>>(),
        &text(|line| line.unit.to_owned()),
        &lines.iter().map(|line| line.unit_price).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.net.minor).collect::<Vec<_>>(),
        &text(|line| line.vat.0.clone()),
        &lines.iter().map(|line| line.vat.1).collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    let billed: Vec<_> =
        numbers.iter().zip(lines).filter_map(|(number, line)| Some((line.charge?.uuid(), *number))).collect();
    sqlx::query!(
        r#"
        INSERT INTO charge_lines (charge_id, document_id, line_no)
        SELECT charge_id, $1, line_no
          FROM unnest($2::uuid[], $3::int[]) AS billed (charge_id, line_no)
        "#,
        document as DocumentId,
        &billed.iter().map(|billed| billed.0).collect::<Vec<_>>(),
        &billed.iter().map(|billed| billed.1).collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    let told: Vec<_> =
        numbers.iter().zip(lines).filter_map(|(number, line)| Some((line.discount?.uuid(), *number))).collect();
    if told.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO discount_lines (discount_id, document_id, line_no)
        SELECT discount_id, $1, line_no
          FROM unnest($2::uuid[], $3::int[]) AS told (discount_id, line_no)
        "#,
        document as DocumentId,
        &told.iter().map(|told| told.0).collect::<Vec<_>>(),
        &told.iter().map(|told| told.1).collect::<Vec<_>>()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a draft and reads it; `None` when it is final or not there.
pub async fn lock_draft(db: &mut PgConnection, id: DocumentId) -> anyhow::Result<Option<Draft>> {
    let row = sqlx::query!(
        r#"
        SELECT documents.account_id AS "account: AccountId"
             , documents.seller_id AS "seller: SellerId"
             , documents.kind
             , documents.currency
             , documents.is_released
             , cited.number AS "cited_number?"
             , cited.issued_on AS "cited_on?"
             , periods.from_at
             , periods.until_at
          FROM documents
          LEFT JOIN documents cited ON cited.id = documents.corrects_id
          JOIN billing_periods periods ON periods.id = COALESCE(documents.period_id, cited.period_id)
         WHERE documents.id = $1
           AND documents.state = 'draft'
           FOR UPDATE OF documents
        "#,
        id as DocumentId
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(None) };
    let whose = Whose { account: row.account, seller: row.seller, currency: row.currency.parse()? };
    Ok(Some(Draft {
        id,
        whose,
        kind: if row.kind == "invoice" { Kind::Invoice } else { Kind::CreditNote },
        corrects: row.cited_number.zip(row.cited_on),
        is_released: row.is_released,
        period: (row.from_at, row.until_at),
        lines: lines(db, id).await?,
    }))
}

/// The lines of an invoice that is final, and whose it is.
pub async fn lines_of(db: &mut PgConnection, invoice: DocumentId) -> anyhow::Result<Option<(Whose, Vec<Row>)>> {
    let row = sqlx::query!(
        r#"
        SELECT account_id AS "account: AccountId"
             , seller_id AS "seller: SellerId"
             , currency
          FROM documents
         WHERE id = $1
           AND kind = 'invoice'
           AND state = 'final'
        "#,
        invoice as DocumentId
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(None) };
    let whose = Whose { account: row.account, seller: row.seller, currency: row.currency.parse()? };
    Ok(Some((whose, lines(db, invoice).await?)))
}

/// The lines of a draft, and its currency; `None` when it is final or not there.
pub async fn lines_of_draft(db: &mut PgConnection, draft: DocumentId) -> anyhow::Result<Option<(Currency, Vec<Row>)>> {
    let currency =
        sqlx::query_scalar!("SELECT currency FROM documents WHERE id = $1 AND state = 'draft'", draft as DocumentId)
            .fetch_optional(&mut *db)
            .await
            .map_err(StoreError::from)?;
    let Some(currency) = currency else { return Ok(None) };
    Ok(Some((currency.parse()?, lines(db, draft).await?)))
}

async fn lines(db: &mut PgConnection, document: DocumentId) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT line_no
             , kind
             , environment_id AS "environment: EnvironmentId"
             , meter
             , title
             , detail
             , from_at
             , until_at
             , quantity
             , unit
             , unit_price
             , net_minor
             , vat_category
             , vat_rate
          FROM document_lines
         WHERE document_id = $1
         ORDER BY line_no
        "#,
        document as DocumentId
    )
    .fetch_all(db)
    .await?;
    let line = rows.into_iter().map(|row| Row {
        line_no: row.line_no,
        kind: row.kind,
        environment: row.environment,
        meter: row.meter,
        title: row.title,
        detail: row.detail,
        from_at: row.from_at,
        until_at: row.until_at,
        quantity: row.quantity,
        unit: row.unit,
        unit_price: row.unit_price,
        net_minor: row.net_minor,
        vat_category: row.vat_category,
        vat_rate: row.vat_rate,
    });
    Ok(line.collect())
}

/// Locks the series that the next document of a day gets its number from. A clock that was set back does not go back to an
/// older year's.
pub async fn lock_series(db: &mut PgConnection, seller: &Seller, today: NaiveDate) -> Result<Series, StoreError> {
    // Whoever is about to end the old year's series has it: the new one begins with its last hash.
    let locked = lock_newest_series(db, seller).await?;
    if locked.is_some_and(|series| series.year >= today.year()) {
        // Read again: whoever had it until now may have begun the next year's.
        return Ok(lock_newest_series(db, seller).await?.ok_or(sqlx::Error::RowNotFound)?);
    }
    sqlx::query!(
        r#"
        INSERT INTO document_series (seller_id, year, prefix, last_sha256)
        SELECT $1, $2, $3
               -- The chain goes on from the year before.
             , COALESCE((SELECT last_sha256 FROM document_series WHERE seller_id = $1 ORDER BY year DESC LIMIT 1), '')
         WHERE NOT EXISTS (SELECT FROM document_series WHERE seller_id = $1 AND year >= $2)
            ON CONFLICT DO NOTHING
        "#,
        seller.id as SellerId,
        today.year(),
        format!("{}-{}-", seller.code, today.year())
    )
    .execute(&mut *db)
    .await?;
    Ok(lock_newest_series(db, seller).await?.ok_or(sqlx::Error::RowNotFound)?)
}

async fn lock_newest_series(db: &mut PgConnection, seller: &Seller) -> Result<Option<Series>, StoreError> {
    Ok(sqlx::query_as!(
        Series,
        r#"
        SELECT year, prefix, last_no, last_on, last_sha256
          FROM document_series
         WHERE seller_id = $1
         ORDER BY year DESC
         LIMIT 1
           FOR UPDATE
        "#,
        seller.id as SellerId
    )
    .fetch_optional(db)
    .await?)
}

/// Writes the VAT of a draft's lines, and of all of them together.
pub(super) async fn write_taxes(
    db: &mut PgConnection,
    id: DocumentId,
    lines: &[Row],
    (groups, seller_country): (&[Group], &str),
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE document_lines
           SET vat_category = taxed.category
             , vat_rate = taxed.rate
          FROM unnest($2::int[], $3::text[], $4::numeric[]) AS taxed (line_no, category, rate)
         WHERE document_lines.document_id = $1
           AND document_lines.line_no = taxed.line_no
           AND (document_lines.vat_category, document_lines.vat_rate) <> (taxed.category, taxed.rate)
        "#,
        id as DocumentId,
        &lines.iter().map(|line| line.line_no).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.vat_category.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|line| line.vat_rate).collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO document_vat (document_id, category, rate, base_minor, amount_minor, reason_code)
        SELECT $1, *
          FROM unnest($2::text[], $3::numeric[], $4::bigint[], $5::bigint[], $6::text[])
        "#,
        id as DocumentId,
        &groups.iter().map(|group| group.category.code().to_owned()).collect::<Vec<_>>(),
        &groups.iter().map(|group| group.rate).collect::<Vec<_>>(),
        &groups.iter().map(|group| group.base.minor).collect::<Vec<_>>(),
        &groups.iter().map(|group| group.amount.minor).collect::<Vec<_>>(),
        &groups
            .iter()
            .map(|group| vat::reason(seller_country, group.category).map_or(String::new(), |(code, _)| code.to_owned()))
            .collect::<Vec<_>>()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a draft final. The database takes the number from its series, or refuses.
pub async fn seal(
    db: &mut PgConnection,
    id: DocumentId,
    sealed: &Sealed<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE documents
           SET state = 'final'
             , held = NULL
             , held_at = NULL
             , held_try_at = NULL
             , held_details = NULL
             , series_year = $2
             , no = $3
             , number = $4
             , issued_on = $5
             , due_on = $6
             , canonical = $7
             , sha256 = $8
             , previous_sha256 = $9
             , net_minor = $10::bigint
             , vat_minor = $11::bigint
             , gross_minor = $10::bigint + $11::bigint
             , finalised_at = $12
         WHERE id = $1
        "#,
        id as DocumentId,
        sealed.year,
        sealed.no,
        sealed.number,
        sealed.issued_on,
        sealed.due_on,
        sealed.canonical,
        sealed.sha256,
        sealed.previous_sha256,
        sealed.amounts.0,
        sealed.amounts.1,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks drafts that may become final: oldest first. Those that wait for somebody, or that another worker has, are left out.
pub async fn list_drafts(
    db: &mut PgConnection,
    seller: SellerId,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<DocumentId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT documents.id AS "id: DocumentId"
          FROM documents
         WHERE documents.seller_id = $1
           AND documents.state = 'draft'
           AND (documents.held IS NULL OR documents.held_try_at <= $3)
         ORDER BY documents.created_at, documents.kind, documents.id
         LIMIT $2
           FOR UPDATE SKIP LOCKED
        "#,
        seller as SellerId,
        limit,
        now
    )
    .fetch_all(db)
    .await?)
}

/// Keeps a paper; what is there already stays.
pub async fn insert_file(
    db: &mut PgConnection,
    id: DocumentId,
    kind: &str,
    content: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO document_files (document_id, kind, content, sha256, created_at)
        VALUES ($1, $2, $3, sha256($3), $4)
        ON CONFLICT (document_id, kind) DO NOTHING
        "#,
        id as DocumentId,
        kind,
        content,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
