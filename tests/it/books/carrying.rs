//! What is carried, and how it looks there.

use chrono::TimeDelta;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Payback, Received};
use sayoo::billing::{documents, run};
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, NET, carried, debtor, invoice_of, later, minor, pays, waiting};
use crate::billing::world::{audit, introduce, number, texts};
use crate::support::odoo::{self, StandIn};
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_is_there_once_as_drafts_though_it_is_carried_thrice(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    pays(&world, alice, GROSS, "VIR-1").await;
    let books = odoo::books(&world, standin.configured());
    for _ in 0..3 {
        books.look().await.unwrap();
        later(&world, &books).await;
    }
    let state = standin.order(json!({ "do": "state" })).await;
    let [customer] = state["records"]["res.partner"].as_array().unwrap().as_slice() else { panic!("one customer") };
    let said = ["name", "street", "zip", "city", "country_id", "is_company", "company_registry"]
        .map(|field| customer[field].clone());
    assert_eq!(json!(said), json!(["Alice & Fils", "3 rue du Port", "20250", "Casablanca", 1, "1", "001234567000092"]));
    assert_eq!(state["xids"][format!("sayoo.account_{alice}")], customer["id"]);

    let [invoice] = state["records"]["account.move"].as_array().unwrap().as_slice() else { panic!("one invoice") };
    assert_eq!((&invoice["move_type"], &invoice["state"]), (&json!("out_invoice"), &json!("draft")));
    assert_eq!((&invoice["name"], &invoice["payment_reference"]), (&json!("MA-2026-000001"), &json!("MA-2026-000001")));
    assert_eq!((&invoice["invoice_date"], &invoice["invoice_date_due"]), (&json!("2026-12-01"), &json!("2026-12-16")));
    assert_eq!(
        (&invoice["partner_id"], &invoice["journal_id"], &invoice["currency_id"]),
        (&customer["id"], &json!(7), &json!(2))
    );
    assert_eq!((minor(&invoice["amount_untaxed"]), minor(&invoice["amount_total"])), (NET, GROSS));
    assert_eq!(invoice["lines"][0]["tax_ids"], json!([21]), "of two taxes at 20 %, the one on services");
    let id = invoice_of(&world.db, alice).await;
    assert_eq!(state["xids"][format!("sayoo.document_{id}")], invoice["id"]);

    let [payment] = state["records"]["account.payment"].as_array().unwrap().as_slice() else { panic!("one payment") };
    assert_eq!(
        (&payment["payment_type"], &payment["memo"], &payment["journal_id"]),
        (&json!("inbound"), &json!("VIR-1"), &json!(8))
    );
    assert_eq!(minor(&payment["amount"]), GROSS);
    assert_eq!(waiting(&world.db).await, ["match due: one of the two is a draft in Odoo"]);

    // The accountant looks it through and posts it: now the payment pays the invoice.
    standin.posted().await;
    later(&world, &books).await;
    assert_eq!(waiting(&world.db).await, [""; 0]);
    let matched = standin.records("account.partial.reconcile").await;
    assert_eq!(matched.iter().map(|partial| minor(&partial["debit_amount_currency"])).collect::<Vec<_>>(), [GROSS]);
    let calls = standin.calls().await;
    later(&world, &books).await;
    assert_eq!(standin.calls().await, calls, "what is there is not asked about again");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_credit_note_and_what_went_back_stand_there_as_they_are_here(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    let books = odoo::books(&world, sayoo::config::books::Books { post: true, ..standin.configured() });
    let payment = pays(&world, alice, 5_000, "VIR-1").await;
    books.look().await.unwrap();
    assert_eq!(waiting(&world.db).await, [""; 0]);

    // A part of the invoice is taken back, which pays a part of it; then the transfer goes back.
    let id = invoice_of(&world.db, alice).await;
    let (ten, now) = (Money::new(1_000, Currency::Mad), world.portal.clock.now());
    documents::credit(&mut world.db.acquire().await.unwrap(), id, &[(1, ten)], "an outage", now).await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    let mut tx = world.db.begin().await.unwrap();
    assert!(
        payments::pay_back(&mut tx, payment, Payback::Refund, Money::new(2_000, Currency::Mad), "VIR-2", now)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    later(&world, &books).await;
    later(&world, &books).await;

    let moves = standin.records("account.move").await;
    let note = moves.iter().find(|one| one["move_type"] == "out_refund").unwrap();
    assert_eq!((minor(&note["amount_untaxed"]), minor(&note["amount_total"])), (1_000, 1_200));
    assert_eq!((&note["name"], &note["ref"]), (&json!("MA-2026-000002"), &json!("MA-2026-000001")));
    assert_eq!(note["reversed_entry_id"], moves[0]["id"]);
    assert!(moves.iter().all(|one| one["state"] == "posted"));
    let paid = standin.records("account.payment").await;
    let told = paid.iter().map(|one| format!("{} {}", one["payment_type"].as_str().unwrap(), minor(&one["amount"])));
    assert_eq!(told.collect::<Vec<_>>(), ["inbound 5000", "outbound 2000"]);

    // What is open there is what is open here, on both sides.
    assert_eq!(waiting(&world.db).await, [""; 0]);
    let lines = standin.records("account.move.line").await;
    let open: i64 = lines.iter().map(|line| minor(&line["amount_residual_currency"])).sum();
    assert_eq!(open, GROSS - 1_200 - 3_000);
    assert_eq!(open, number(&world.db, "SELECT left_of(documents) FROM documents WHERE kind = 'invoice'").await);
    assert_eq!(lines.iter().filter(|line| minor(&line["amount_residual_currency"]) != 0).count(), 1, "{lines:?}");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_customer_is_called_there_as_on_its_newest_document(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    let books = odoo::books(&world, standin.configured());
    books.look().await.unwrap();
    sqlx::query("UPDATE billing_profiles SET legal_name = 'Alice SA' WHERE account_id = $1")
        .bind(alice.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    later(&world, &books).await;
    assert_eq!(standin.records("res.partner").await[0]["name"], "Alice & Fils", "no document says so yet");
    crate::billing::world::at(&world, "2027-01-01T03:00:00Z").await;
    later(&world, &books).await;
    let partners = standin.records("res.partner").await;
    assert_eq!((partners.len(), &partners[0]["name"]), (1, &json!("Alice SA")));
    assert_eq!(standin.records("account.move").await.len(), 2);
    assert_eq!(carried(&world.db).await, 3);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn between_two_looks_only_what_is_new_is_looked_at_and_once_a_day_everything(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    let books = odoo::books(&world, standin.configured());
    books.look().await.unwrap();
    // A payment as it was written down hours ago, by a clock that was wrong or before a copy was put back.
    let now = world.portal.clock.now();
    let late = async |reference: &str, hours: i64| {
        let mut tx = world.db.begin().await.unwrap();
        let written_at = now - TimeDelta::hours(hours);
        let received = Received {
            account: alice,
            method: Method::Transfer,
            amount: Money::new(1_000, Currency::Mad),
            received_on: now.date_naive(),
            external_ref: reference,
        };
        payments::receive(&mut tx, &received, written_at).await.unwrap().unwrap();
        payments::settle(&mut tx, alice, written_at).await.unwrap();
        tx.commit().await.unwrap();
    };
    let kinds =
        "SELECT concat_ws(' ', p.kind, y.external_ref) FROM book_pushes p LEFT JOIN payments y ON y.id = p.payment_id
                  WHERE p.kind IN ('payment', 'match') ORDER BY p.rank, y.external_ref";
    late("OF-NOW", 0).await;
    late("OF-ITS-TRANSACTION", 2).await;
    late("OF-LONG-AGO", 5).await;
    books.look().await.unwrap();
    let found = ["payment OF-ITS-TRANSACTION", "payment OF-NOW"];
    // The invoice has news: all that pays it is counted, of what is in the list.
    assert_eq!(texts(&world.db, kinds).await, [&found[..], &["match OF-ITS-TRANSACTION", "match OF-NOW"]].concat());
    world.wait(TimeDelta::hours(23));
    books.look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes WHERE kind = 'payment'").await, 2);
    world.wait(TimeDelta::hours(1));
    books.look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes WHERE kind = 'payment'").await, 3);
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes WHERE kind = 'match'").await, 3);
    // Whoever asks for everything need not wait, and a worker that starts looks at everything.
    late("OF-LONG-AGO-TOO", 30).await;
    books.look_at_all().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes WHERE kind = 'payment'").await, 4);
    late("OF-LAST-WEEK", 170).await;
    odoo::books(&world, standin.configured()).look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes WHERE kind = 'payment'").await, 5);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_older_than_is_wanted_stays_here_and_without_books_nothing_happens(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    let nothing = sayoo::books::Books::new(world.portal.clone(), &std::collections::BTreeMap::new()).unwrap();
    assert_eq!(nothing.look().await.unwrap(), sayoo::books::Done::default());
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_pushes").await, 0);

    let since = "2026-12-02".parse().ok();
    let books = odoo::books(&world, sayoo::config::books::Books { since, ..standin.configured() });
    let id = invoice_of(&world.db, alice).await;
    world.wait(chrono::TimeDelta::days(2));
    let (ten, now) = (Money::new(1_000, Currency::Mad), world.portal.clock.now());
    documents::credit(&mut world.db.acquire().await.unwrap(), id, &[(1, ten)], "an outage", now).await.unwrap();
    run::look(&world.portal).await.unwrap();
    books.look().await.unwrap();
    assert_eq!(texts(&world.db, "SELECT kind FROM book_pushes ORDER BY rank").await, ["customer", "document"]);
    let note = &standin.records("account.move").await[0];
    assert_eq!(
        (&note["move_type"], &note["ref"], &note["reversed_entry_id"]),
        (&json!("out_refund"), &json!("MA-2026-000001"), &json!(false))
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn lines_of_one_rate_become_one_where_odoo_rounds_by_line(db: PgPool) {
    let world = World::new(db).await;
    crate::billing::world::sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    for name in ["shop", "lab", "till", "desk"] {
        alice.has_running(&world, name).await;
    }
    crate::billing::world::at(&world, "2026-12-01T03:00:00Z").await;
    let standin = StandIn::start();
    standin.order(json!({ "do": "set", "rounding": "round_per_line" })).await;
    let config = standin.configured();
    let accounts =
        sayoo::config::books::Books { revenue_account: Some("712400".to_owned()), one_line_per_rate: true, ..config };
    odoo::books(&world, accounts).look().await.unwrap();
    assert_eq!(waiting(&world.db).await, [""; 0]);
    let invoice = &standin.records("account.move").await[0];
    let [line] = invoice["lines"].as_array().unwrap().as_slice() else { panic!("one line") };
    assert_eq!(line["account_id"], 70);
    for name in ["shop", "lab", "till", "desk"] {
        assert!(line["name"].as_str().unwrap().contains(name), "{line}");
    }
}
