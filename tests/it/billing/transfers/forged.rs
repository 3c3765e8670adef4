//! Whoever steals the login of pages: money that the bank did not speak of stands nowhere.

use sayoo::base::money::{Currency, Money};
use sqlx::{AssertSqlSafe, PgPool};

use super::transfer;
use crate::staff::records::{Attempt, Somebody};
use crate::support::invoices::{final_invoice, number, open, payments, seller, standing};
use crate::support::portal::World;

/// A payment of a million with everything that the books ask of one: what a thief would write.
const FORGED: &str = "
    INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
    SELECT '00000000-0000-7000-8000-00000000000a', account_id, seller_id, :method, 1000000, currency, received_on, 'forged', now() FROM payments;
    INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
    SELECT '00000000-0000-7000-8000-00000000000b', seller_id, 0, received_on, 'bank', 'payment', id, 'received', 'forged', now()
      FROM payments WHERE external_ref = 'forged';
    INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
    SELECT '00000000-0000-7000-8000-00000000000b', sides.position, books.id, sides.account_id, sides.amount_minor, 'MAD'
      FROM payments
     CROSS JOIN LATERAL (VALUES (1, 'bank', NULL, 1000000), (2, 'customer_credit', account_id, -1000000)) AS sides (position, role, account_id, amount_minor)
      JOIN ledger_accounts books ON books.seller_id = payments.seller_id AND books.role = sides.role
     WHERE external_ref = 'forged';
    SET CONSTRAINTS ALL IMMEDIATE";

/// Credit out of nothing: an entry of no payment at all.
const ENTRY: &str = "
    INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
    SELECT '00000000-0000-7000-8000-00000000000b', seller_id, 0, received_on, 'misc', :source, :id, :template, 'forged', now() FROM payments;
    INSERT INTO postings (entry_id, position, ledger_account_id, account_id, amount_minor, currency)
    SELECT '00000000-0000-7000-8000-00000000000b', sides.position, books.id, sides.account_id, sides.amount_minor, 'MAD'
      FROM payments
     CROSS JOIN LATERAL (VALUES (1, 'loss', NULL, 100), (2, 'receivable', account_id, -100)) AS sides (position, role, account_id, amount_minor)
      JOIN ledger_accounts books ON books.seller_id = payments.seller_id AND books.role = sides.role;
    SET CONSTRAINTS ALL IMMEDIATE";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_login_of_pages_books_what_the_bank_said_and_invents_no_money(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let world = World::served_by(db.clone(), web.name()).await;
    let alice = world.customer("alice").await;
    let due = "2026-12-07".parse().unwrap();
    let invoice = final_invoice(&world, alice.account, Money::new(12_000, Currency::Mad), due).await;
    let company = seller(&world, "MAD").await.to_string();
    let sam = world.staff().await;

    // What pages do, they may: a transfer is entered, booked and pays.
    let done = sam.post("/staff/transfers/new", &transfer(&company, "120", "B1", &number(&world, invoice).await)).await;
    sam.get(&done.location).await.assert_says(200, "booked");
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (0, (0, 0)));

    // The forged one has nothing wrong but who writes it: the owner's login could.
    let mut tx = db.begin().await.unwrap();
    let forged = FORGED.replace(":method", "'transfer'");
    sqlx::raw_sql(AssertSqlSafe(forged.clone())).execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    let as_card = FORGED.replace(":method", "'card'");
    let gift = FORGED.replace(":method", "'gift'");
    let entry = |source: &str, id: &str, template: &str| {
        ENTRY.replace(":source", source).replace(":id", id).replace(":template", template)
    };
    let of_payment = entry("'payment'", "id", "'another'");
    let of_nothing = entry("'test'", "gen_random_uuid()", "'received'");
    let as_allocation = entry("'allocation'", "id", "'allocated'");
    let taken_back = "INSERT INTO allocations (id, account_id, payment_id, document_id, amount_minor, created_at)
                      SELECT gen_random_uuid(), account_id, payment_id, document_id, -amount_minor, now() FROM allocations";
    let taken_back = taken_back.to_owned();
    for sql in [&forged, &as_card, &gift, &of_payment, &of_nothing, &as_allocation, &taken_back] {
        Attempt::by(&db, &web).is_refused(sql, "23000").await;
    }
    assert_eq!(payments(&world).await.len(), 1);
    drop(world);
    web.gone(&db).await;
}
