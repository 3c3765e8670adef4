//! Transfers that staff enter: booked once, large ones by two people, nobody else's business.

use chrono::NaiveDate;
use sayoo::base::ids::DocumentId;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Received};
use sqlx::PgPool;

use super::transfer;
use crate::support::invoices::{final_invoice, number, open, payments, seller, standing};
use crate::support::portal::World;

fn mad(minor: i64) -> Money {
    Money::new(minor, Currency::Mad)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_transfer_that_names_its_invoice_is_booked_at_once_and_pays_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), day("2026-12-07")).await;
    let company = seller(&world, "MAD").await.to_string();
    let sam = world.staff().await;

    let number = number(&world, invoice).await;
    let said = format!("facture {}", number.replace('-', " ").to_lowercase());
    let done = sam.post("/staff/transfers/new", &transfer(&company, "120,00", "B1", &said)).await;
    assert_eq!(done.status, 303, "{}", done.words());
    let page = sam.get(&done.location).await;
    for words in ["booked", "MAD 120.00", &number, "alice & Fils", "Sam"] {
        page.assert_says(200, words);
    }
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (0, (0, 0)));
    assert_eq!(world.audit().await, ["transfer.entered", "transfer.booked"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_57_the_same_receipt_is_booked_once_and_the_first_person_is_named(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    final_invoice(&world, alice.account, mad(12_000), day("2026-12-07")).await;
    let company = seller(&world, "MAD").await.to_string();
    let (sam, kim) = (world.staff().await, world.staff().await);
    let form = transfer(&company, "120.00", "B1", "MA-2026-000001");

    // Two people at once.
    let (first, second) =
        tokio::join!(sam.post("/staff/transfers/new", &form), kim.post("/staff/transfers/new", &form));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (303, 303), "{} {}", first.words(), second.words());
    assert_eq!(first.location, second.location, "both are led to the one receipt");
    // And once more, later.
    let again = sam.post("/staff/transfers/new", &form).await;
    assert_eq!(again.location, first.location);
    assert!(sam.get(&again.location).await.text("html").contains("entered before by Sam"));
    assert_eq!(payments(&world).await, [(alice.account.uuid(), 12_000)]);
    assert_eq!(standing(&world, alice.account).await, (0, 0));

    // Another reference, day or amount is another transfer.
    sam.post("/staff/transfers/new", &transfer(&company, "120.00", "B2", "MA-2026-000001")).await;
    assert_eq!(payments(&world).await.len(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_56_what_was_paid_by_card_meanwhile_becomes_credit(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), day("2026-12-07")).await;
    let company = seller(&world, "MAD").await.to_string();
    let now = world.portal.clock.now();
    let mut tx = db.begin().await.unwrap();
    let card = Received {
        account: alice.account,
        method: Method::Card,
        amount: mad(12_000),
        received_on: now.date_naive(),
        external_ref: "pi_1",
    };
    let card = payments::receive(&mut tx, &card, now).await.unwrap().unwrap();
    payments::allocate(&mut tx, card, invoice, mad(12_000), now).await.unwrap();
    tx.commit().await.unwrap();

    let sam = world.staff().await;
    let done = sam.post("/staff/transfers/new", &transfer(&company, "120", "B1", "MA-2026-000001")).await;
    sam.get(&done.location).await.assert_says(200, "booked");
    assert_eq!(payments(&world).await.len(), 2, "both are visible");
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (0, (0, 12_000)));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_a_transfer_has_beyond_its_invoice_pays_the_oldest_other_one_at_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let old = final_invoice(&world, alice.account, mad(5_000), day("2026-12-01")).await;
    let named = final_invoice(&world, alice.account, mad(12_000), day("2026-12-07")).await;
    let new = final_invoice(&world, alice.account, mad(5_000), day("2026-12-09")).await;
    let company = seller(&world, "MAD").await.to_string();
    let sam = world.staff().await;
    let number = number(&world, named).await;
    let done = sam.post("/staff/transfers/new", &transfer(&company, "180.00", "B1", &number)).await;
    if !sam.get(&done.location).await.text("html").contains("booked") {
        // More than the invoice says: a person chooses it, and nothing else.
        let account = alice.account.to_string();
        let invoice = named.to_string();
        let choice = [("account", account.as_str()), ("document", invoice.as_str())];
        sam.post(&format!("{}/book", done.location), &choice).await;
    }
    assert_eq!(payments(&world).await.len(), 1);
    let left = (open(&world, old).await, open(&world, named).await, open(&world, new).await);
    assert_eq!((left, standing(&world, alice.account).await), ((0, 0, 4_000), (4_000, 0)));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_transfer_is_confirmed_by_another_person_whatever_anybody_writes(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(2_000_000), day("2026-12-07")).await;
    let company = seller(&world, "MAD").await.to_string();
    let (sam, kim) = (world.staff().await, world.staff().await);
    let done = sam.post("/staff/transfers/new", &transfer(&company, "20 000,00", "B1", "MA-2026-000001")).await;
    let page = done.location;
    sam.get(&page).await.assert_says(200, "a colleague confirms");

    sam.post(&format!("{page}/book"), &[]).await.assert_redirect(&page);
    assert!(sam.get(&page).await.text("html").contains("a colleague confirms it"));
    // By SQL neither.
    let id = page.rsplit('/').next().unwrap();
    let alone = sqlx::query("UPDATE bank_receipts SET approved_by = entered_by WHERE id = $1::uuid");
    assert!(alone.bind(id).execute(&db).await.unwrap_err().to_string().contains("check"));
    for change in
        ["amount_minor = 1", "bank_ref = 'x'", "entered_by = (SELECT id FROM staff WHERE id <> entered_by LIMIT 1)"]
    {
        assert!(
            sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE bank_receipts SET {change}"))).execute(&db).await.is_err(),
            "{change}"
        );
    }
    assert!(sqlx::query("DELETE FROM bank_receipts").execute(&db).await.is_err());
    // The second person confirms what stands there, and changes nothing of it.
    let form = [("account", alice.account.to_string())];
    kim.post(&format!("{page}/book"), &[("account", form[0].1.as_str())]).await.assert_redirect(&page);
    assert!(kim.get(&page).await.text("html").contains("only the person who entered it"));
    assert_eq!(payments(&world).await, []);

    kim.post(&format!("{page}/book"), &[]).await.assert_redirect(&page);
    assert_eq!((open(&world, invoice).await, payments(&world).await.len()), (0, 1));
    kim.post(&format!("{page}/book"), &[]).await.assert_redirect(&page);
    assert!(kim.get(&page).await.text("html").contains("done with this transfer already"));
    assert_eq!(payments(&world).await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_58_short_over_two_invoices_no_reference_and_another_currency(db: PgPool) {
    let world = World::new(db.clone()).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let mut invoices: Vec<DocumentId> = Vec::new();
    for (account, gross) in
        [(alice.account, 10_000), (alice.account, 20_000), (alice.account, 10_000), (bob.account, 5_000)]
    {
        invoices.push(final_invoice(&world, account, mad(gross), day("2026-12-07")).await);
    }
    let company = seller(&world, "MAD").await.to_string();
    let sam = world.staff().await;
    let enter = async |amount: &str, bank_ref: &str, said: &str| {
        sam.post("/staff/transfers/new", &transfer(&company, amount, bank_ref, said)).await.location
    };

    // One hundredth short: it pays what came; one hundredth stays open.
    enter("99.99", "B1", "MA-2026-000001").await;
    assert_eq!(open(&world, invoices[0]).await, 1);
    // Two invoices in one transfer, and fifty over: the rest pays a part of the third.
    enter("250.01", "B2", "MA-2026-000001, MA-2026-000002").await;
    assert_eq!((open(&world, invoices[0]).await, open(&world, invoices[1]).await), (0, 0));
    assert_eq!(standing(&world, alice.account).await, (5_000, 0));

    // No reference, and two customers owe as much: nothing is proposed, both are listed.
    let page = enter("50", "B3", "merci").await;
    let shown = sam.get(&page).await;
    for words in ["whose is it?", "Several answers are possible", "alice & Fils", "bob & Fils"] {
        shown.assert_says(200, words);
    }
    sam.post(&format!("{page}/book"), &[]).await.assert_redirect(&page);
    assert_eq!(open(&world, invoices[3]).await, 5_000, "nobody said whose it is");
    let theirs = sam.get(&format!("{page}?customer={}", bob.account)).await;
    assert_eq!(theirs.attribute("input[name=document]", "value"), invoices[3].to_string());
    let (account, document) = (bob.account.to_string(), invoices[3].to_string());
    // Somebody else's invoice is not paid with it.
    let forged = [("account", account.as_str()), ("document", &invoices[2].to_string()), ("document", &document)];
    sam.post(&format!("{page}/book"), &forged).await.assert_redirect(&page);
    assert_eq!((open(&world, invoices[2]).await, open(&world, invoices[3]).await), (5_000, 0));

    // Another currency: a person says what arrived after the exchange.
    let mut euros = transfer(&company, "50", "B4", "MA-2026-000003");
    euros[2] = ("currency", "EUR");
    let page = sam.post("/staff/transfers/new", &euros).await.location;
    sam.get(&page).await.assert_says(200, "other currency");
    sam.post(&format!("{page}/book"), &[("account", account.as_str())]).await.assert_redirect(&page);
    assert!(sam.get(&page).await.text("html").contains("another currency"));

    // It is refused with a reason, and may be taken up again.
    sam.post(&format!("{page}/refuse"), &[("reason", "x")]).await.assert_redirect(&page);
    sam.get(&page).await.assert_says(200, "other currency");
    sam.post(&format!("{page}/refuse"), &[("reason", "Exchanged, see B5")]).await.assert_redirect(&page);
    sam.get(&page).await.assert_says(200, "Exchanged, see B5");
    sam.post(&format!("{page}/reopen"), &[]).await.assert_redirect(&page);
    sam.get(&page).await.assert_says(200, "other currency");
    assert_eq!(payments(&world).await.len(), 3);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_no_transfer_is_not_entered_and_nobody_else_sees_any(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let company = seller(&world, "MAD").await.to_string();
    let sam = world.staff().await;
    for (amount, bank_ref, day, words) in [
        ("-5", "B1", "2026-11-20", "amount above zero"),
        ("1.234", "B1", "2026-11-20", "amount above zero"),
        ("NaN", "B1", "2026-11-20", "amount above zero"),
        ("999999999999999999", "B1", "2026-11-20", "amount above zero"),
        ("5", " ", "2026-11-20", "bank’s reference"),
        ("5", "B1", "2026-12-20", "not in the future"),
        ("5", "B1", "yesterday", "not in the future"),
    ] {
        let mut form = transfer(&company, amount, bank_ref, "");
        form[3] = ("value_on", day);
        sam.post("/staff/transfers/new", &form).await.assert_says(422, words);
    }
    let mut form = transfer(&company, "5", "B1", "");
    form.push(("account", "nobody of this name"));
    sam.post("/staff/transfers/new", &form).await.assert_says(422, "No customer fits");
    assert_eq!(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM bank_receipts").fetch_one(&db).await.unwrap(), 0);

    let page = sam.post("/staff/transfers/new", &transfer(&company, "5", "B1", "")).await.location;
    let book = format!("{page}/book");
    for path in ["/staff/transfers", "/staff/transfers/new", "/staff/transfers/import", &page] {
        alice.get(path).await.assert_redirect("/staff/login");
        world.stranger().get(path).await.assert_redirect("/staff/login");
    }
    for path in ["/staff/transfers/new", &book] {
        alice.post(path, &transfer(&company, "5", "B9", "")).await.assert_redirect("/staff/login");
    }
    alice
        .browser
        .post_parts("/staff/transfers/import", &[("file", "date;montant")])
        .await
        .assert_redirect("/staff/login");
    assert_eq!(payments(&world).await, []);
}
