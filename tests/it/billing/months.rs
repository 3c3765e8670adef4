//! From usage to an invoice that is paid: the story of some months.

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Received};
use sayoo::billing::{documents, ledger, run};
use sqlx::PgPool;

use super::world::{CORE_HOUR, at, audit, introduce, mad, number, sell, texts, used};
use crate::support::portal::World;

/// November's part that is left at noon of the 22nd in Casablanca (UTC+1), of 42,000 centimes.
fn november() -> i64 {
    let (left, whole) = (8 * 86_400 + 11 * 3_600, 30 * 86_400_i64);
    (2 * 42_000 * left + whole) / (2 * whole)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_is_billed_once_paid_and_its_rest_pays_the_next(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let began = world.portal.clock.now();
    // 500 core-hours are included in a month; of this month's part 200 are far beyond.
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;

    assert_eq!(at(&world, "2026-11-30T22:00:00Z").await.finalised, 0, "November is not over");
    assert_eq!(at(&world, "2026-12-01T00:00:00Z").await.rated, 0, "what is late by an hour still belongs to it");
    let done = at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!((done.rated, done.finalised), (1, 1), "{done:?}");

    let mut db = world.db.acquire().await.unwrap();
    let listed = documents::list(&mut db, alice.account).await.unwrap();
    assert_eq!(listed.len(), 1);
    let invoice = documents::find(&mut db, Some(alice.account), listed[0].id).await.unwrap().unwrap();
    assert_eq!(invoice.listed.number, "MA-2026-000001");
    assert_eq!(invoice.listed.issued_on, NaiveDate::from_ymd_opt(2026, 12, 1).unwrap());
    assert_eq!(invoice.listed.due_on, NaiveDate::from_ymd_opt(2026, 12, 16).unwrap());
    // What is included is rounded up to the ten-thousandth, what is beyond it down.
    let active = (8 * 86_400 + 11 * 3_600) * 10_000_i64;
    let included = (500 * active + 30 * 86_400 - 1) / (30 * 86_400);
    let seconds_of_start =
        (began - "2026-11-22T12:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()).num_seconds();
    assert_eq!(seconds_of_start, 0, "the world began at noon");
    let beyond = 200 * 10_000 - included;
    let usage = (beyond * 38 + 5_000) / 10_000;
    assert_eq!(invoice.paper.lines[0].net, mad(november()).exact());
    assert_eq!(invoice.paper.lines[1].net, mad(usage).exact(), "{:?}", invoice.paper.lines[1]);
    let net = november() + usage;
    let vat = (2 * net * 20 + 100) / 200;
    assert_eq!(invoice.listed.gross, mad(net + vat));
    assert_eq!(invoice.paper.totals.gross, mad(net + vat).exact());
    assert!(invoice.paper.lines[0].text.contains("abonnement"), "in the customer's language");
    audit(&world.db).await;

    // Looking again does nothing again.
    let again = run::look(&world.portal).await.unwrap();
    assert_eq!((again.rated, again.finalised, again.parked), (0, 0, 0));
    assert_eq!(documents::list(&mut db, alice.account).await.unwrap().len(), 1);

    // A transfer that is too much pays it, and the rest is credit; booked twice it is booked once.
    let now = world.portal.clock.now();
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(net + vat + 5_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let mut tx = world.db.begin().await.unwrap();
    let payment = payments::receive(&mut tx, &received, now).await.unwrap();
    assert!(payment.is_some());
    assert_eq!(payments::receive(&mut tx, &received, now).await.unwrap(), None);
    payments::settle(&mut tx, alice.account, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(payments::open_invoices(&mut db, alice.account).await.unwrap(), []);
    audit(&world.db).await;

    // The rest pays a part of December's at once, and the paper says so.
    at(&world, "2027-01-01T03:00:00Z").await;
    let newest = documents::list(&mut db, alice.account).await.unwrap().remove(0);
    let december = documents::find(&mut db, Some(alice.account), newest.id).await.unwrap().unwrap();
    assert_eq!(december.listed.number, "MA-2027-000001", "another year begins at one");
    assert_eq!(december.previous_sha256, invoice.sha256, "and the chain goes on");
    assert_eq!(december.paper.totals.paid, mad(5_000).exact());
    assert_eq!(december.listed.open, mad(42_000 * 12 / 10 - 5_000));
    let credit = ledger::balance(&mut db, alice.account, ledger::Role::CustomerCredit, mad(0).currency).await.unwrap();
    assert_eq!(credit, mad(0));
    audit(&world.db).await;

    // Taking the money back opens both again.
    let payment = payment.unwrap();
    let back = mad(net + vat + 5_000);
    let mut tx = world.db.begin().await.unwrap();
    assert!(payments::pay_back(&mut tx, payment, payments::Payback::Refund, back, "RET-1", now).await.unwrap());
    assert!(!payments::pay_back(&mut tx, payment, payments::Payback::Refund, back, "RET-1", now).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(payments::open_invoices(&mut db, alice.account).await.unwrap().len(), 2);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_comes_late_is_billed_with_the_next_month_and_what_was_too_much_is_given_back(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(&world, shop, "cpu", hour, 200 * CORE_HOUR).await;
    at(&world, "2026-12-01T03:00:00Z").await;

    // Ten core-hours of November come to light in December: 3.80 dirhams at November's price.
    used(&world, shop, "cpu", hour, 210 * CORE_HOUR).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    let lines = texts(
        &world.db,
        "SELECT l.kind || ' ' || quantity || ' ' || l.net_minor FROM document_lines l JOIN documents d ON d.id = l.document_id
          WHERE d.number = 'MA-2027-000001' ORDER BY line_no",
    );
    assert_eq!(lines.await, ["correction 10.0000 380", "base_fee 1.0000 42000"]);
    audit(&world.db).await;

    // In January it is found that December's were counted twice... of which there were none: nothing changes.
    assert_eq!(at(&world, "2027-02-01T03:00:00Z").await.finalised, 1);

    // Of January 600 core-hours are billed, and February finds that it was 550.
    let hour = "2027-02-10T10:00:00Z".parse().unwrap();
    used(&world, shop, "cpu", hour, 600 * CORE_HOUR).await;
    at(&world, "2027-03-01T03:00:00Z").await;
    used(&world, shop, "cpu", hour, 550 * CORE_HOUR).await;
    at(&world, "2027-04-01T03:00:00Z").await;
    let notes = texts(
        &world.db,
        "SELECT n.kind || ' of ' || i.number || ': ' || n.net_minor FROM documents n JOIN documents i ON i.id = n.corrects_id",
    );
    assert_eq!(notes.await, ["credit_note of MA-2027-000003: 1900"], "50 core-hours at 0.38");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_waits_for_what_has_to_stand_on_it_and_takes_no_number_meanwhile(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, false).await;
    let alice = world.customer("alice").await;
    alice.has_running(&world, "shop").await;
    let done = at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!((done.finalised, done.parked), (0, 1));
    let mut db = world.db.acquire().await.unwrap();
    assert_eq!(run::list_waiting(&mut db).await.unwrap()[0].reason, "seller");
    assert_eq!(number(&world.db, "SELECT count(*) FROM document_series WHERE last_no > 0").await, 0);

    sell(&world, true).await;
    run::look(&world.portal).await.unwrap();
    assert_eq!(run::list_waiting(&mut db).await.unwrap()[0].reason, "buyer");
    introduce(&world, alice.account, "MA").await;
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    assert!(run::list_waiting(&mut db).await.unwrap().is_empty());
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_trial_is_told_and_not_billed_and_uses_no_number(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET trial_days = 14").execute(&world.db).await.unwrap();
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents").await, 0, "all of November was in the trial");
    assert_eq!(number(&world.db, "SELECT net_minor FROM charges WHERE class = 'trial'").await, november());
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods WHERE state = 'closed'").await, 1);

    // It ended on the 6th of December at noon: 25 days and 11 hours of 31 days are to be paid.
    at(&world, "2027-01-01T03:00:00Z").await;
    let (left, whole) = (25 * 86_400 + 11 * 3_600, 31 * 86_400_i64);
    let paid = (2 * 42_000 * left + whole) / (2 * whole);
    assert_eq!(number(&world.db, "SELECT net_minor FROM documents").await, paid);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_deleted_costs_nothing_from_then_on_and_again_when_that_is_taken_back(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let pass = async |days| {
        world.wait(TimeDelta::days(days));
        // Logins that nobody uses for so long end.
        sqlx::query("UPDATE sessions SET seen_at = $1")
            .bind(world.portal.clock.now())
            .execute(&world.db)
            .await
            .unwrap();
    };
    pass(1).await;
    let name: Vec<String> = texts(&world.db, "SELECT name FROM subdomains WHERE environment_id IS NOT NULL").await;
    alice.browser.post(&format!("/instances/{shop}/delete"), &[("typed", name[0].as_str())]).await;
    pass(2).await;
    alice.browser.post(&format!("/instances/{shop}/undo-delete"), &[]).await;
    let spans = texts(
        &world.db,
        "SELECT extract(epoch FROM COALESCE(until_at, '2026-11-30T23:00:00Z') - from_at)::bigint::text
           FROM environment_segments ORDER BY from_at",
    );
    let rest = 8 * 86_400 + 11 * 3_600 - 3 * 86_400;
    assert_eq!(spans.await, [(86_400).to_string(), rest.to_string()]);
    at(&world, "2026-12-01T03:00:00Z").await;
    let (active, whole) = (i64::from(rest) + 86_400, 30 * 86_400_i64);
    assert_eq!(number(&world.db, "SELECT net_minor FROM documents").await, (2 * 42_000 * active + whole) / (2 * whole));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_workers_bill_thirty_customers_without_a_hole_or_a_twin(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    for number in 0..30 {
        let customer = world.customer(&format!("customer{number}")).await;
        introduce(&world, customer.account, "MA").await;
        customer.has_running(&world, &format!("shop{number}")).await;
    }
    world.wait("2026-12-01T03:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.portal.clock.now());
    let (one, other) = (world.portal.clone(), world.portal.clone());
    let looks = tokio::join!(run::look(&one), run::look(&other));
    let done = [looks.0.unwrap(), looks.1.unwrap()];
    run::look(&world.portal).await.unwrap();
    assert!(done.iter().map(|done| done.finalised).sum::<u64>() <= 30);
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents WHERE state = 'final'").await, 30);
    assert_eq!(number(&world.db, "SELECT max(no) FROM documents").await, 30);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_that_is_much_more_than_usual_waits_for_a_person(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    for month in ["2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z", "2027-02-01T03:00:00Z", "2027-03-01T03:00:00Z"] {
        at(&world, month).await;
    }
    used(&world, shop, "cpu", "2027-03-10T10:00:00Z".parse().unwrap(), 9_000 * CORE_HOUR).await;
    let done = at(&world, "2027-04-01T03:00:00Z").await;
    assert_eq!((done.finalised, done.parked), (0, 0), "it was held before");
    let mut db = world.db.acquire().await.unwrap();
    let waiting = run::list_waiting(&mut db).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].reason.as_str()), (1, "unusual"));
    assert!(run::release_draft(&mut db, waiting[0].document.unwrap()).await.unwrap());
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_first_invoice_that_only_a_faulty_meter_can_explain_waits_for_a_person(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let mut shops = Vec::new();
    for name in ["alice", "bob"] {
        let customer = world.customer(name).await;
        introduce(&world, customer.account, "MA").await;
        shops.push(customer.has_running(&world, name).await);
    }
    // The plan costs 420.00 a month; a core-hour beyond what is included 0.38.
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(&world, shops[0], "cpu", hour, 2_600_000 * CORE_HOUR).await;
    used(&world, shops[1], "cpu", hour, 10_000 * CORE_HOUR).await;
    let done = at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(done.finalised, 1, "much, but not beyond belief: {done:?}");
    let mut db = world.db.acquire().await.unwrap();
    let waiting = run::list_waiting(&mut db).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].reason.as_str()), (1, "unusual"));
    assert!(waiting[0].problems[0].ends_with("is one of the first invoices, and the base prices are 420.00 MAD"));
    assert!(run::release_draft(&mut db, waiting[0].document.unwrap()).await.unwrap());
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_lives_elsewhere_in_the_union_or_has_a_strange_name_is_invoiced_all_the_same(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    sqlx::query("UPDATE accounts SET currency = 'EUR', country = 'DE'").execute(&world.db).await.unwrap();
    introduce(&world, alice.account, "DE").await;
    let strange = "UPDATE billing_profiles SET street = E'Hof 3\n2. Stock\n\nTor B\nKlingel 7'";
    sqlx::query(strange).execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    sqlx::query("UPDATE environments SET name = U&'shop\\202Eevil'").execute(&world.db).await.unwrap();
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list(&mut db, alice.account).await.unwrap().remove(0);
    let paper = documents::find(&mut db, None, invoice.id).await.unwrap().unwrap().paper;
    assert_eq!(paper.vat[0].rate, 19.into(), "nobody checked a number: Germany's own rate");
    assert_eq!(paper.buyer.address.lines, ["Hof 3", "2. Stock", "Tor B, Klingel 7"]);
    assert_eq!(paper.lines[0].detail.as_deref(), Some("shopevil"));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_lives_on_reunion_pays_the_rate_of_reunion(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    sqlx::query("UPDATE accounts SET currency = 'EUR', country = 'FR'").execute(&world.db).await.unwrap();
    introduce(&world, alice.account, "FR").await;
    let there = "UPDATE billing_profiles SET postcode = '97400', city = 'Saint-Denis', is_business = false";
    sqlx::query(there).execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list(&mut db, alice.account).await.unwrap().remove(0);
    let vat = documents::find(&mut db, None, invoice.id).await.unwrap().unwrap().paper.vat.remove(0);
    let expected = Money::rounded(vat.base * Decimal::new(85, 3), Currency::Eur);
    assert_eq!((vat.rate, vat.amount), (Decimal::new(85, 1), expected.exact()));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_begins_where_the_one_before_ended(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    alice.has_running(&world, "shop").await;
    at(&world, "2026-11-23T00:00:00Z").await;
    // As if November had been opened under other rules of clocks, an hour longer than it is by today's.
    let longer = "UPDATE billing_periods SET until_at = until_at + interval '1 hour'";
    sqlx::query("ALTER TABLE billing_periods DISABLE TRIGGER billing_periods_stay_closed")
        .execute(&world.db)
        .await
        .unwrap();
    sqlx::query(longer).execute(&world.db).await.unwrap();
    at(&world, "2026-12-02T00:00:00Z").await;
    let bounds =
        texts(&world.db, "SELECT from_at::text || ' ' || until_at::text FROM billing_periods ORDER BY from_at").await;
    assert_eq!(bounds.len(), 2, "no month is skipped");
    let (first, second) = (bounds[0].split_once(' ').unwrap().1, &bounds[1]);
    assert!(
        bounds[0].ends_with("2026-12-01 00:00:00+00") && second.starts_with("2026-12-01 00:00:00+00"),
        "{first} {second}"
    );
}
