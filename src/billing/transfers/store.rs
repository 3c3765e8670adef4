//! Receipts, and the invoices that they may pay. Rows say what the bank said; the database lets only what is done with them change.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::matching::Invoice;
use super::statement::Line;
use super::{Pays, Receipt, Source, State};
use crate::base::ids::{AccountId, BankReceiptId, DocumentId, PaymentId, SellerId, StaffId};
use crate::base::money::{Currency, Money};
use crate::db::StoreError;

/// Inserts a receipt unless the same one is there. Of two who enter it at once, one gets true.
pub async fn insert(
    db: &mut PgConnection,
    (id, seller, line): (BankReceiptId, SellerId, &Line),
    (source, by): (Source, StaffId),
    (account, pays): (Option<AccountId>, &[Pays]),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO bank_receipts
             ( id, seller_id, account_id, amount_minor, currency, value_on, bank_ref, payer, payer_iban, remittance
             , source, proposal, entered_by, created_at )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (seller_id, bank_ref, value_on, amount_minor) DO NOTHING
        "#,
        id as BankReceiptId,
        seller as SellerId,
        account as Option<AccountId>,
        line.amount.minor,
        line.amount.currency.code(),
        line.value_on,
        line.bank_ref,
        line.payer,
        line.payer_iban,
        line.remittance,
        source.word(),
        Json(pays) as _,
        by as StaffId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Which receipt.
#[derive(Clone, Copy)]
pub enum Which<'a> {
    /// By its id.
    Id(BankReceiptId),
    /// The one that says the same.
    Same(SellerId, &'a Line),
    /// Those in this state, the newest first.
    In(State, i64),
}

/// Receipts, with the names of people and customers.
pub async fn list(db: &mut PgConnection, which: Which<'_>) -> Result<Vec<Receipt>, StoreError> {
    let (id, same, state) = match which {
        Which::Id(id) => (Some(id), None, None),
        Which::Same(seller, line) => (None, Some((seller, line)), None),
        Which::In(state, limit) => (None, None, Some((state, limit))),
    };
    let rows = sqlx::query!(
        r#"
        SELECT bank_receipts.id AS "id: BankReceiptId"
             , bank_receipts.seller_id AS "seller: SellerId"
             , bank_receipts.account_id AS "account: AccountId"
             , accounts.name AS "account_name?"
             , bank_receipts.amount_minor
             , bank_receipts.currency
             , bank_receipts.value_on
             , bank_receipts.bank_ref
             , bank_receipts.payer
             , bank_receipts.payer_iban
             , bank_receipts.remittance
             , bank_receipts.source
             , bank_receipts.proposal AS "proposal: Json<Vec<Pays>>"
             , (SELECT string_agg(documents.number, ', ' ORDER BY documents.number)
                  FROM documents
                 WHERE documents.id IN (SELECT (pays ->> 'document')::uuid
                                          FROM jsonb_array_elements(bank_receipts.proposal) AS pays)) AS numbers
             , bank_receipts.state
             , bank_receipts.entered_by AS "entered_by: StaffId"
             , entering.name AS entered_name
             , ending.name AS "ended_name?"
             , bank_receipts.refusal
             , bank_receipts.created_at
             , bank_receipts.ended_at
          FROM bank_receipts
          JOIN staff AS entering ON entering.id = bank_receipts.entered_by
          LEFT JOIN staff AS ending ON ending.id = bank_receipts.ended_by
          LEFT JOIN accounts ON accounts.id = bank_receipts.account_id
         WHERE ($1::uuid IS NULL OR bank_receipts.id = $1)
           AND ($2::uuid IS NULL OR (bank_receipts.seller_id, bank_receipts.bank_ref, bank_receipts.value_on, bank_receipts.amount_minor)
                                  = ($2, $3, $4::date, $5::bigint))
           AND ($6::text IS NULL OR bank_receipts.state = $6)
         ORDER BY coalesce(bank_receipts.ended_at, bank_receipts.created_at) DESC, bank_receipts.id DESC
         LIMIT $7
        "#,
        id.map(BankReceiptId::uuid),
        same.map(|(seller, _)| seller.uuid()),
        same.map(|(_, line)| line.bank_ref.as_str()),
        same.map(|(_, line)| line.value_on),
        same.map(|(_, line)| line.amount.minor),
        state.map(|(state, _)| state.word()),
        state.map_or(1, |(_, limit)| limit),
    )
    .fetch_all(db)
    .await?;
    let receipts = rows.into_iter().filter_map(|row| {
        Some(Receipt {
            id: row.id,
            seller: row.seller,
            account: row.account,
            account_name: row.account_name.unwrap_or_default(),
            line: Line {
                amount: Money::new(row.amount_minor, row.currency.parse().ok()?),
                value_on: row.value_on,
                bank_ref: row.bank_ref,
                payer: row.payer,
                payer_iban: row.payer_iban,
                remittance: row.remittance,
            },
            source: Source::from_word(&row.source)?,
            pays: row.proposal.0,
            numbers: row.numbers.unwrap_or_default(),
            state: State::from_word(&row.state)?,
            entered_by: row.entered_by,
            entered_name: row.entered_name,
            ended_name: row.ended_name.unwrap_or_default(),
            refusal: row.refusal,
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    });
    Ok(receipts.collect())
}

/// Holds a receipt until the end of the transaction. False when there is none.
pub async fn lock(db: &mut PgConnection, id: BankReceiptId) -> Result<bool, StoreError> {
    let row = sqlx::query!("SELECT FROM bank_receipts WHERE id = $1 FOR UPDATE", id as BankReceiptId);
    Ok(row.fetch_optional(db).await?.is_some())
}

/// Writes down whom a receipt is from and what it pays.
pub async fn choose(
    db: &mut PgConnection,
    id: BankReceiptId,
    account: AccountId,
    pays: &[Pays],
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE bank_receipts SET account_id = $2, proposal = $3 WHERE id = $1 AND state = 'entered'",
        id as BankReceiptId,
        account as AccountId,
        Json(pays) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down that a receipt is booked, by whom, and who confirmed it.
pub async fn book(
    db: &mut PgConnection,
    id: BankReceiptId,
    payment: PaymentId,
    (by, approved_by): (StaffId, Option<StaffId>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE bank_receipts
           SET state = 'booked'
             , payment_id = $2
             , ended_by = $3
             , approved_by = $4
             , ended_at = $5
         WHERE id = $1
        "#,
        id as BankReceiptId,
        payment as PaymentId,
        by as StaffId,
        approved_by as Option<StaffId>,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down that a receipt is not booked, and why.
pub async fn refuse(
    db: &mut PgConnection,
    id: BankReceiptId,
    (by, reason): (StaffId, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE bank_receipts SET state = 'refused', refusal = $3, ended_by = $2, ended_at = $4 WHERE id = $1",
        id as BankReceiptId,
        by as StaffId,
        reason,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a refused receipt up again; from now on this person answers for it.
pub async fn reopen(db: &mut PgConnection, id: BankReceiptId, by: StaffId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE bank_receipts
           SET state = 'entered'
             , refusal = ''
             , ended_by = NULL
             , ended_at = NULL
             , entered_by = $2
         WHERE id = $1
        "#,
        id as BankReceiptId,
        by as StaffId
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A seller's final invoices: those with these numbers, paid or not, or all that are open. The oldest first.
pub async fn invoices(
    db: &mut PgConnection,
    seller: SellerId,
    numbers: Option<&[String]>,
) -> Result<Vec<Invoice>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT documents.id AS "id: DocumentId"
             , documents.account_id AS "account: AccountId"
             , accounts.name AS account_name
             , documents.number AS "number!"
             , left_of(documents) AS "open!"
          FROM documents
          JOIN accounts ON accounts.id = documents.account_id
         WHERE documents.seller_id = $1
           AND documents.kind = 'invoice'
           AND documents.state = 'final'
           AND (documents.number = ANY($2)
                OR ($2 IS NULL AND documents.id IN (SELECT document_id FROM open_invoices)))
         ORDER BY documents.due_on, documents.no
        "#,
        seller as SellerId,
        numbers as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    let invoices = rows.into_iter().map(|row| Invoice {
        id: row.id,
        account: row.account,
        account_name: row.account_name,
        number: row.number,
        open: row.open,
    });
    Ok(invoices.collect())
}

/// Which customers paid from these bank accounts before, or are called like these payers: `(account or name, customer)`.
pub async fn payers(
    db: &mut PgConnection,
    ibans: &[String],
    names: &[String],
) -> Result<Vec<(String, AccountId)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT payer_iban AS "key!", account_id AS "account!: AccountId"
          FROM bank_receipts
         WHERE state = 'booked' AND payer_iban = ANY($1) AND payer_iban <> ''
         UNION
        SELECT called.key, called.account_id
          FROM (SELECT upper(regexp_replace(accounts.name, '[^[:alnum:]]', '', 'g')) AS key, id AS account_id FROM accounts
                 UNION ALL
                SELECT upper(regexp_replace(legal_name, '[^[:alnum:]]', '', 'g')), account_id FROM billing_profiles) AS called
         WHERE called.key = ANY($2) AND length(called.key) >= 3
        "#,
        ibans,
        names
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.account)).collect())
}

/// A receipt that may report the same money as another one.
pub struct Reported {
    pub account: Option<AccountId>,
    pub amount_minor: i64,
    pub value_on: NaiveDate,
    pub source: Source,
}

/// What was reported of these days and not refused.
pub async fn receipts_between(
    db: &mut PgConnection,
    seller: SellerId,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<Reported>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT account_id AS "account: AccountId", amount_minor, value_on, source
          FROM bank_receipts
         WHERE seller_id = $1 AND state <> 'refused' AND value_on BETWEEN $2 AND $3
        "#,
        seller as SellerId,
        from,
        until
    )
    .fetch_all(db)
    .await?;
    let reported = rows.into_iter().filter_map(|row| {
        let source = Source::from_word(&row.source)?;
        Some(Reported { account: row.account, amount_minor: row.amount_minor, value_on: row.value_on, source })
    });
    Ok(reported.collect())
}

/// An account's name and currency.
pub async fn account(db: &mut PgConnection, id: AccountId) -> Result<Option<(String, Currency)>, StoreError> {
    let row =
        sqlx::query!("SELECT name, currency FROM accounts WHERE id = $1", id as AccountId).fetch_optional(db).await?;
    Ok(row.and_then(|row| Some((row.name, row.currency.parse().ok()?))))
}
