//! What customers ask about cards.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, AttemptId, CardWishId, DocumentId, SellerId, UserId};
use crate::base::money::Money;
use crate::db::StoreError;
use crate::payments::wishes::{Kind, State, UnderWay, Wish};

struct Row {
    id: CardWishId,
    account: AccountId,
    document: Option<DocumentId>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    language: String,
    state: String,
    outcome: String,
    session: Option<String>,
    page_url: Option<String>,
    back_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Wish {
    fn from(row: Row) -> Self {
        let bought = row.amount_minor.zip(row.currency.and_then(|code| code.parse().ok()));
        let bought = bought.map(|(minor, currency)| Kind::TopUp(Money::new(minor, currency)));
        Self {
            id: row.id,
            account: row.account,
            kind: row.document.map(Kind::Pay).or(bought).unwrap_or(Kind::Save),
            language: row.language,
            state: match row.state.as_str() {
                "asked" => State::Asked,
                "ready" => State::Ready { page_url: row.page_url.unwrap_or_default() },
                "done" => State::Done(row.outcome),
                _ => State::Ended(row.outcome),
            },
            session: row.session,
            back_at: row.back_at,
            created_at: row.created_at,
        }
    }
}

/// Inserts a wish unless the same one is open. False when it is.
pub async fn insert(
    db: &mut PgConnection,
    id: CardWishId,
    (account, by): (AccountId, UserId),
    kind: Kind,
    (language, now): (&str, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "
        INSERT INTO card_wishes (id, account_id, asked_by, kind, document_id, language, created_at, amount_minor, currency)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO NOTHING
        ",
        id as CardWishId,
        account as AccountId,
        by as UserId,
        kind.word(),
        kind.document() as Option<DocumentId>,
        language,
        now,
        kind.amount().map(|amount| amount.minor),
        kind.amount().map(|amount| amount.currency.code())
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest wish of an account for the same thing.
pub async fn newest(db: &mut PgConnection, account: AccountId, kind: Kind) -> Result<Option<CardWishId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT id AS "id: CardWishId"
          FROM card_wishes
         WHERE account_id = $1
           AND kind = $2
           AND document_id IS NOT DISTINCT FROM $3
           AND amount_minor IS NOT DISTINCT FROM $4
         ORDER BY state IN ('asked', 'ready') DESC, created_at DESC
         LIMIT 1
        "#,
        account as AccountId,
        kind.word(),
        kind.document() as Option<DocumentId>,
        kind.amount().map(|amount| amount.minor)
    )
    .fetch_optional(db)
    .await?)
}

/// An account's wish.
pub async fn find(db: &mut PgConnection, account: AccountId, id: CardWishId) -> Result<Option<Wish>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: CardWishId", account_id AS "account: AccountId", document_id AS "document: DocumentId", amount_minor, currency
             , language, state, outcome, session_id AS session, page_url, back_at, created_at
          FROM card_wishes
         WHERE id = $1
           AND account_id = $2
        "#,
        id as CardWishId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Wish::from))
}

/// Any account's wish.
pub async fn find_of_any_account(db: &mut PgConnection, id: CardWishId) -> Result<Option<Wish>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id AS "id: CardWishId", account_id AS "account: AccountId", document_id AS "document: DocumentId", amount_minor, currency
             , language, state, outcome, session_id AS session, page_url, back_at, created_at
          FROM card_wishes
         WHERE id = $1
        "#,
        id as CardWishId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Wish::from))
}

/// The same, held until the end of the transaction.
pub async fn lock(db: &mut PgConnection, id: CardWishId) -> Result<Option<Wish>, StoreError> {
    sqlx::query!("SELECT FROM card_wishes WHERE id = $1 FOR UPDATE", id as CardWishId).execute(&mut *db).await?;
    find_of_any_account(db, id).await
}

/// Notes the payment at Stripe with which credit was bought.
pub async fn set_intent(db: &mut PgConnection, id: CardWishId, intent: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE card_wishes SET intent_id = $2 WHERE id = $1", id as CardWishId, intent).execute(db).await?;
    Ok(())
}

/// Notes that the browser came back. False when nothing waits any more.
pub async fn set_back(
    db: &mut PgConnection,
    account: AccountId,
    id: CardWishId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE card_wishes SET back_at = $3 WHERE id = $1 AND account_id = $2 AND state = 'ready'",
        id as CardWishId,
        account as AccountId,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the wish that has been due the longest, until `until`: to be made, or to be asked about.
pub async fn take(db: &mut PgConnection, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Wish>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        UPDATE card_wishes
           SET held_until = $2
         WHERE id = (
                SELECT id
                  FROM card_wishes
                 WHERE state IN ('asked', 'ready')
                   AND (held_until IS NULL OR held_until <= $1)
                   AND (next_at IS NULL OR next_at <= $1 OR back_at IS NOT NULL)
                 ORDER BY created_at
                 LIMIT 1
                   FOR UPDATE SKIP LOCKED
         )
     RETURNING id AS "id: CardWishId", account_id AS "account: AccountId", document_id AS "document: DocumentId", amount_minor, currency
             , language, state, outcome, session_id AS session, page_url, back_at, created_at
        "#,
        now,
        until
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Wish::from))
}

/// Leaves a wish alone until an instant: something did not work.
pub async fn put_back(db: &mut PgConnection, id: CardWishId, until: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE card_wishes SET held_until = $2 WHERE id = $1", id as CardWishId, until).execute(db).await?;
    Ok(())
}

/// Notes that Stripe was asked, and when it is asked again. Whoever came back meanwhile is still to be asked for.
pub async fn set_looked(db: &mut PgConnection, wish: &Wish, next_at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE card_wishes
           SET next_at = $2
             , held_until = NULL
             , back_at = CASE WHEN back_at IS DISTINCT FROM $3 THEN back_at END
         WHERE id = $1
           AND state = 'ready'
        ",
        wish.id as CardWishId,
        next_at,
        wish.back_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says where the page is that was made.
pub async fn set_ready(
    db: &mut PgConnection,
    id: CardWishId,
    (session, page_url): (&str, &str),
    (expires_at, next_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE card_wishes
           SET state = 'ready'
             , session_id = $2
             , page_url = $3
             , expires_at = $4
             , next_at = $5
             , held_until = NULL
         WHERE id = $1
           AND state = 'asked'
        ",
        id as CardWishId,
        session,
        page_url,
        expires_at,
        next_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says what became of a wish, once.
pub async fn end(db: &mut PgConnection, id: CardWishId, is_done: bool, outcome: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "
        UPDATE card_wishes
           SET state = CASE WHEN $2::boolean THEN 'done' ELSE 'ended' END
             , outcome = $3
             , next_at = NULL
             , back_at = NULL
         WHERE id = $1
           AND (state IN ('asked', 'ready') OR (state = 'ended' AND $2::boolean))
        ",
        id as CardWishId,
        is_done,
        outcome
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The same for the wish that an attempt was made for.
pub async fn end_of_attempt(db: &mut PgConnection, attempt: AttemptId) -> Result<(), StoreError> {
    let wish = sqlx::query_scalar!(
        r#"SELECT wish_id AS "wish?: CardWishId" FROM payment_attempts WHERE id = $1"#,
        attempt as AttemptId
    )
    .fetch_optional(&mut *db)
    .await?;
    match wish.flatten() {
        Some(wish) => end(db, wish, true, "paid").await,
        None => Ok(()),
    }
}

/// Pages that ask for another amount than is open on their invoice by now.
pub async fn stale(db: &mut PgConnection) -> Result<Vec<(CardWishId, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT w.id AS "id: CardWishId"
             , w.session_id AS "session!"
          FROM card_wishes w
          JOIN payment_attempts a ON a.wish_id = w.id AND a.state IN ('created', 'unknown')
          JOIN documents d ON d.id = w.document_id
         WHERE w.state = 'ready'
           AND left_of(d) <> a.amount_minor
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.session)).collect())
}

/// How an invoice is being paid by card at this moment.
pub async fn under_way(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> Result<Option<UnderWay>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT (SELECT id FROM card_wishes
                 WHERE account_id = $1 AND document_id = $2 AND state IN ('asked', 'ready')) AS "wish: CardWishId"
             , EXISTS (SELECT FROM payment_attempts
                        WHERE account_id = $1 AND document_id = $2 AND ended_at IS NULL) AS "is_open!"
        "#,
        account as AccountId,
        document as DocumentId
    )
    .fetch_one(db)
    .await?;
    Ok(row.wish.map(UnderWay::Page).or(row.is_open.then_some(UnderWay::Card)))
}

/// Who sells to an account, and who the account is at Stripe for it.
pub struct Buyer {
    pub seller: SellerId,
    pub currency: String,
    pub account_name: String,
    pub customer: Option<String>,
}

/// Who sells to an account: whoever issued the invoice, or sells in its currency.
pub async fn buyer(
    db: &mut PgConnection,
    account: AccountId,
    document: Option<DocumentId>,
) -> Result<Option<Buyer>, StoreError> {
    Ok(sqlx::query_as!(
        Buyer,
        r#"
        SELECT sellers.id AS "seller: SellerId"
             , sellers.currency AS "currency!"
             , accounts.name AS account_name
             , stripe_customers.customer_id AS "customer?"
          FROM accounts
          LEFT JOIN documents ON documents.id = $2 AND documents.account_id = accounts.id
          JOIN sellers ON CASE WHEN documents.id IS NULL THEN sellers.currency = accounts.currency ELSE sellers.id = documents.seller_id END
          LEFT JOIN stripe_customers ON stripe_customers.account_id = accounts.id AND stripe_customers.seller_id = sellers.id
         WHERE accounts.id = $1
        "#,
        account as AccountId,
        document as Option<DocumentId>
    )
    .fetch_optional(db)
    .await?)
}

/// Keeps who an account is at Stripe. Returns whoever it was first.
pub async fn keep_customer(
    db: &mut PgConnection,
    (account, seller): (AccountId, SellerId),
    customer: &str,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    sqlx::query!(
        "
        INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, seller_id) DO NOTHING
        ",
        account as AccountId,
        seller as SellerId,
        customer,
        now
    )
    .execute(&mut *db)
    .await?;
    Ok(sqlx::query_scalar!(
        "SELECT customer_id FROM stripe_customers WHERE account_id = $1 AND seller_id = $2",
        account as AccountId,
        seller as SellerId
    )
    .fetch_one(db)
    .await?)
}

/// An invoice that is to be paid on a page.
pub struct Payable {
    pub number: String,
    pub open_minor: i64,
    pub currency: String,
    pub no: i32,
    pub is_under_way: bool,
}

/// Locks an invoice that is to be paid on a page.
pub async fn lock_payable(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> Result<Option<Payable>, StoreError> {
    sqlx::query!("SELECT FROM documents WHERE id = $1 FOR UPDATE", document as DocumentId).execute(&mut *db).await?;
    Ok(sqlx::query_as!(
        Payable,
        r#"
        SELECT COALESCE(d.number, '') AS "number!"
             , left_of(d) AS "open_minor!"
             , d.currency
             , (SELECT COALESCE(max(attempt_no), 0) + 1 FROM payment_attempts WHERE document_id = d.id) AS "no!"
             , EXISTS (SELECT FROM payment_attempts WHERE document_id = d.id AND ended_at IS NULL) AS "is_under_way!"
          FROM documents d
         WHERE d.id = $1
           AND d.account_id = $2
           AND d.kind = 'invoice'
           AND d.state = 'final'
        "#,
        document as DocumentId,
        account as AccountId
    )
    .fetch_optional(db)
    .await?)
}
