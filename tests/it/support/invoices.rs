//! Final invoices, made by SQL through the same guards as real ones.

use chrono::{Datelike, NaiveDate};
use sayoo::base::ids::{AccountId, DocumentId, PaymentId, SellerId};
use sayoo::base::money::Money;
use sayoo::billing::ledger::{self, Entry, Journal, Posting, Role, chart};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::portal::World;

/// Our company that sells in a currency, with its books. Made when it is not there.
pub async fn seller(world: &World, currency: &str) -> SellerId {
    let (code, country) = if currency == "MAD" { ("MA", "MA") } else { ("FR", "FR") };
    let now = world.portal.clock.now();
    sqlx::query(
        "INSERT INTO sellers (id, code, country, currency, timezone, created_at)
         VALUES ($1, $2, $3, $4, 'Africa/Casablanca', $5) ON CONFLICT DO NOTHING",
    )
    .bind(SellerId::new(now).uuid())
    .bind(code)
    .bind(country)
    .bind(currency)
    .bind(now)
    .execute(&world.db)
    .await
    .unwrap();
    let id: SellerId = sqlx::query_scalar("SELECT id FROM sellers WHERE currency = $1")
        .bind(currency)
        .fetch_one(&world.db)
        .await
        .unwrap();
    for role in Role::ALL {
        let (account, name) = chart::account(country, role);
        sqlx::query(
            "INSERT INTO ledger_accounts (seller_id, role, code, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(id.uuid())
        .bind(role.word())
        .bind(account)
        .bind(name)
        .execute(&world.db)
        .await
        .unwrap();
    }
    id
}

/// An invoice of one line without VAT, final and in the ledger. It is issued today, or on the day on which it was due.
pub async fn final_invoice(world: &World, account: AccountId, gross: Money, due_on: NaiveDate) -> DocumentId {
    let seller = seller(world, gross.currency.code()).await;
    let now = world.portal.clock.now();
    let issued_on = now.date_naive().min(due_on);
    let id = DocumentId::new(now);
    let mut tx = world.db.begin().await.unwrap();
    insert_draft(&mut tx, (id, account, seller), gross).await;
    let series = sqlx::query(
        "INSERT INTO document_series (seller_id, year, prefix)
         SELECT id, $2, code || '-' || $2 || '-' FROM sellers WHERE id = $1
             ON CONFLICT (seller_id, year) DO UPDATE SET year = excluded.year
         RETURNING prefix, last_no, last_sha256",
    )
    .bind(seller.uuid())
    .bind(issued_on.year())
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    let no: i64 = series.get::<i64, _>("last_no") + 1;
    let number = format!("{}{no:06}", series.get::<String, _>("prefix"));
    let canonical = serde_json::json!({
        "number": number,
        "currency": gross.currency.code(),
        "totals": { "gross": gross.exact().to_string() },
    });
    sqlx::query(
        "UPDATE documents
            SET state = 'final', series_year = $2, no = $3, number = $4, issued_on = $5, due_on = $6, finalised_at = $7
              , canonical = $8, previous_sha256 = $9, sha256 = sha256($9 || convert_to($8, 'UTF8'))
          WHERE id = $1",
    )
    .bind(id.uuid())
    .bind(issued_on.year())
    .bind(no)
    .bind(&number)
    .bind(issued_on)
    .bind(due_on)
    .bind(now)
    .bind(canonical.to_string())
    .bind(series.get::<Vec<u8>, _>("last_sha256"))
    .execute(&mut *tx)
    .await
    .unwrap();
    let minus = Money::new(-gross.minor, gross.currency);
    let entry = Entry {
        seller,
        journal: Journal::Sales,
        effective_on: issued_on,
        source: ("document", id.uuid()),
        template: "final",
        label: number,
        postings: vec![
            Posting { role: Role::Receivable, account: Some(account), amount: gross },
            Posting { role: Role::Revenue, account: None, amount: minus },
        ],
    };
    ledger::post(&mut tx, &entry, now).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn insert_draft(db: &mut PgConnection, (id, account, seller): (DocumentId, AccountId, SellerId), gross: Money) {
    sqlx::query(
        "INSERT INTO documents (id, account_id, seller_id, kind, currency, net_minor, vat_minor, gross_minor, created_at)
         VALUES ($1, $2, $3, 'invoice', $4, $5, 0, $5, now())",
    )
    .bind(id.uuid())
    .bind(account.uuid())
    .bind(seller.uuid())
    .bind(gross.currency.code())
    .bind(gross.minor)
    .execute(&mut *db)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO document_lines (document_id, line_no, kind, title, quantity, unit, unit_price, net_minor, vat_category, vat_rate)
         VALUES ($1, 1, 'base_fee', 'Hosting', $2::bigint / 100.0, 'month', 1, $2, 'O', 0)",
    )
    .bind(id.uuid())
    .bind(gross.minor)
    .execute(&mut *db)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO document_vat (document_id, category, rate, base_minor, amount_minor) VALUES ($1, 'O', 0, $2, 0)",
    )
    .bind(id.uuid())
    .bind(gross.minor)
    .execute(db)
    .await
    .unwrap();
}

/// The number of a document.
pub async fn number(world: &World, id: DocumentId) -> String {
    sqlx::query_scalar("SELECT number FROM documents WHERE id = $1").bind(id.uuid()).fetch_one(&world.db).await.unwrap()
}

/// What is still open on an invoice.
pub async fn open(world: &World, id: DocumentId) -> i64 {
    sqlx::query_scalar(
        "SELECT (gross_minor - coalesce((SELECT sum(amount_minor) FROM allocations WHERE document_id = documents.id), 0))::bigint
           FROM documents WHERE id = $1",
    )
    .bind(id.uuid())
    .fetch_one(&world.db)
    .await
    .unwrap()
}

/// What stands in the ledger for a customer, as `(owed, credit)`, both above zero.
pub async fn standing(world: &World, account: AccountId) -> (i64, i64) {
    let of = async |role: &str| -> i64 {
        sqlx::query_scalar(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM postings
               JOIN ledger_accounts ON ledger_accounts.id = ledger_account_id
              WHERE account_id = $1 AND role = $2",
        )
        .bind(account.uuid())
        .bind(role)
        .fetch_one(&world.db)
        .await
        .unwrap()
    };
    (of("receivable").await, -of("customer_credit").await)
}

/// Everybody's money in the books: how often each transfer is there.
pub async fn payments(world: &World) -> Vec<(Uuid, i64)> {
    sqlx::query_as("SELECT account_id, amount_minor FROM payments ORDER BY created_at, id")
        .fetch_all(&world.db)
        .await
        .unwrap()
}

/// Writes down that the bank spoke of a payment, as if it had been entered and booked by pages.
pub async fn as_the_bank_said(db: &mut PgConnection, payment: PaymentId) {
    for sql in [
        "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
         SELECT '00000000-0000-7000-8000-0000000000bb', 'bank@example.com', 'bank@example.com', 'Bo', '', 'en', '', now()
             ON CONFLICT DO NOTHING",
        "INSERT INTO bank_receipts (id, seller_id, account_id, amount_minor, currency, value_on, bank_ref, source, entered_by, created_at)
         SELECT id, seller_id, account_id, amount_minor, currency, received_on, external_ref, 'staff', '00000000-0000-7000-8000-0000000000bb', created_at
           FROM payments WHERE id = $1",
        "UPDATE bank_receipts SET state = 'booked', payment_id = id, ended_by = entered_by, ended_at = created_at WHERE id = $1",
    ] {
        let query = sqlx::query(sql);
        let query = if sql.contains("$1") { query.bind(payment.uuid()) } else { query };
        query.execute(&mut *db).await.unwrap();
    }
}
