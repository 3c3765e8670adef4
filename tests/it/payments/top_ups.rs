//! Customers buy credit on a page of Stripe's: once for each page, and what their bank takes back was never theirs.

use chrono::TimeDelta;
use sayoo::billing::{documents, run};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use super::{GROSS, WORKS, at_the_door, booked, gives, in_time, invoice_of, open, stay, without_poll};
use crate::billing::world::{audit, mad, number, texts};
use crate::support::invoices::standing;
use crate::support::portal::{Person, WEBHOOK_SECRET, World};
use crate::support::stripe::StandIn;

const CREDIT: &str = "/account/billing/credit";
const LOTS: &str =
    "SELECT source || ' ' || amount_minor || ' ' || remaining_minor FROM credit_lots ORDER BY created_at, id";
const WISHES: &str = "SELECT kind || ' ' || state || ' ' || outcome FROM card_wishes ORDER BY created_at, id";

/// Somebody asks for a page for so much, and the worker makes it. Returns its address at Stripe, and ours.
async fn page_for(person: &Person, cards: &sayoo::payments::Cards, amount: &str) -> (String, String) {
    let here = person.post(CREDIT, &[("amount", amount)]).await;
    assert_eq!(here.status, 303, "{}", here.words());
    without_poll(cards).await;
    let page = person.get(&here.location).await;
    (page.attribute("a[data-go]", "href"), here.location)
}

/// Somebody buys so much, and their browser comes back.
async fn buys((world, standin, cards, alice): (&World, &StandIn, &sayoo::payments::Cards, &Person), amount: &str) {
    let (page, here) = page_for(alice, cards, amount).await;
    let back = gives(world, standin, &page, WORKS).await;
    alice.get(&back).await.assert_redirect(&format!("{here}?back=left"));
    without_poll(cards).await;
    alice.get(&here).await.assert_says(200, "Your credit is there");
}

/// The newest payment at Stripe.
async fn newest_intent(standin: &StandIn) -> String {
    standin.charged().await.last().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Stripe tells us of these, each twice, and the worker looks.
async fn hears(world: &World, standin: &StandIn, cards: &sayoo::payments::Cards, (intent, kinds): (&str, &[&str])) {
    for event in standin.events(intent, kinds).await {
        for _ in 0..2 {
            assert_eq!(standin.post(world, json!({ "event": event, "secret": WEBHOOK_SECRET })).await, 200);
            without_poll(cards).await;
        }
    }
}

/// The customer's bank takes all of a payment back.
async fn charges_back(world: &World, standin: &StandIn, cards: &sayoo::payments::Cards, intent: &str) {
    let dispute: Value = standin.order(json!({ "do": "dispute", "intent": intent })).await;
    standin.order(json!({ "do": "decide", "dispute": dispute["id"], "status": "lost" })).await;
    hears(world, standin, cards, (intent, &["charge.dispute.created", "charge.dispute.closed"])).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn credit_is_bought_once_however_often_we_hear_of_it_and_pays_what_is_open(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    alice.get(CREDIT).await.assert_says(200, "From MAD 50.00 to MAD 50,000.00");
    buys((&world, &standin, &cards, &alice), "500").await;
    let session = standin.state().await["sessions"][0].clone();
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(50_000), &json!("mad")));
    let intent = newest_intent(&standin).await;
    hears(&world, &standin, &cards, (&intent, &["payment_intent.succeeded", "charge.succeeded"])).await;
    assert_eq!(texts(&world.db, WISHES).await, ["top_up done topped_up"]);
    assert_eq!(texts(&world.db, LOTS).await, [format!("top_up 50000 {}", 50_000 - GROSS)]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice.account).await), (1, 0));
    assert_eq!(standing(&world, alice.account).await, (0, 50_000 - GROSS));
    let page = alice.get(CREDIT).await;
    page.assert_says(200, "Bought by card");
    page.assert_says(200, "Never MA-2026-000001");
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents").await, 1, "no VAT, and no paper, before it is used");
    assert_eq!(world.audit().await.iter().filter(|action| *action == "credit.bought").count(), 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_amounts_between_the_bounds_are_bought(db: PgPool) {
    let (world, _standin, cards, alice) = at_the_door(db).await;
    for amount in
        ["", "0", "-100", "49.99", "50000.01", "NaN", "1e4", "0.001", "99999999999999999999", "100 EUR", "1.234"]
    {
        alice
            .post(CREDIT, &[("amount", amount)])
            .await
            .assert_says(422, "Give an amount from MAD 50.00 to MAD 50,000.00");
    }
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_wishes").await, 0);
    // Neither by hand: too little, too much, another currency's coin, or none at all.
    for (minor, currency) in
        [("4999", "'MAD'"), ("5000001", "'MAD'"), ("500001", "'EUR'"), ("-1", "'EUR'"), ("NULL", "NULL")]
    {
        let sql = format!(
            "INSERT INTO card_wishes (id, account_id, asked_by, kind, amount_minor, currency, language, created_at)
             SELECT gen_random_uuid(), account_id, user_id, 'top_up', {minor}, {currency}, 'en', now() FROM members"
        );
        assert!(sqlx::query(AssertSqlSafe(sql)).execute(&world.db).await.is_err(), "{minor} {currency}");
    }
    let bob = world.customer("bob").await;
    let (_, here) = page_for(&alice, &cards, "100").await;
    assert_eq!(bob.get(&here).await.status, 404, "somebody else's page is not there");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_page_that_is_left_ends_by_itself_and_two_amounts_are_two_pages(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let (page, here) = page_for(&alice, &cards, "100").await;
    alice.post(CREDIT, &[("amount", "100.00")]).await.assert_redirect(&here);
    alice.get(&format!("{here}?back=left")).await.assert_says(200, "You have not finished yet");
    let (_, said) = standin.visit(&page, &[("card", "4000000000000002"), ("act", "give")]).await;
    assert!(said.contains("was declined"), "{said}");
    let intent = standin.state().await["intents"].as_array().unwrap().last().unwrap()["id"].clone();
    hears(&world, &standin, &cards, (intent.as_str().unwrap(), &["payment_intent.payment_failed"])).await;
    assert_eq!(texts(&world.db, WISHES).await, ["top_up ready "], "another card may be given");
    world.wait(TimeDelta::minutes(61));
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    alice.get(&here).await.assert_says(200, "time is over");
    assert_eq!((texts(&world.db, WISHES).await, booked(&world.db).await), (vec!["top_up ended expired".to_owned()], 0));

    let ((first, one), (second, other)) =
        (page_for(&alice, &cards, "100").await, page_for(&alice, &cards, "200").await);
    assert!(one != here && other != one, "each is a page of its own");
    for page in [&first, &second] {
        gives(&world, &standin, page, WORKS).await;
    }
    world.wait(TimeDelta::minutes(11));
    stay(&world).await;
    without_poll(&cards).await;
    assert_eq!(
        number(&world.db, "SELECT sum(amount_minor)::bigint FROM credit_lots WHERE source = 'top_up'").await,
        30_000
    );
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_62_a_top_up_whose_invoice_was_cancelled_is_charged_back_to_nothing(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    buys((&world, &standin, &cards, &alice), "500").await;
    let intent = newest_intent(&standin).await;
    let invoice = invoice_of(&world.db, alice.account).await;
    let net = number(&world.db, "SELECT net_minor FROM documents").await;
    documents::credit(
        &mut world.db.acquire().await.unwrap(),
        invoice,
        &[(1, mad(net))],
        "cancelled",
        world.portal.clock.now(),
    )
    .await
    .unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    assert_eq!(standing(&world, alice.account).await, (0, 50_000));
    charges_back(&world, &standin, &cards, &intent).await;
    assert_eq!(standing(&world, alice.account).await, (0, 0), "nothing is owed either way");
    assert_eq!(open(&world.db, alice.account).await, 0, "the credit note pays what the card pays no more");
    for role in ["receivable", "revenue", "vat", "card_clearing", "customer_credit"] {
        let sql = format!(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id WHERE l.role = '{role}'"
        );
        assert_eq!(number(&world.db, &sql).await, 0, "{role}");
    }
    assert_eq!(number(&world.db, "SELECT sum(remaining_minor)::bigint FROM credit_lots").await, 0);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_62_credit_that_was_used_before_the_chargeback_opens_its_invoice_again(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    buys((&world, &standin, &cards, &alice), "500").await;
    let intent = newest_intent(&standin).await;
    charges_back(&world, &standin, &cards, &intent).await;
    assert_eq!((open(&world.db, alice.account).await, standing(&world, alice.account).await), (GROSS, (GROSS, 0)));
    assert_eq!(texts(&world.db, LOTS).await, ["top_up 50000 0"]);
    alice.get(CREDIT).await.assert_says(200, "MAD 500.00 went back to you.");
    // Other credit pays at once what is open again.
    buys((&world, &standin, &cards, &alice), "200").await;
    assert_eq!((open(&world.db, alice.account).await, standing(&world, alice.account).await), (0, (0, 20_000 - GROSS)));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_give_back_what_is_not_used_and_no_more(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    buys((&world, &standin, &cards, &alice), "500").await;
    let payment = texts(&world.db, "SELECT id::text FROM payments").await.remove(0);
    let (sam, path) = (world.staff().await, format!("/staff/payments/{payment}"));
    for (amount, what) in [("500", "Nothing goes back"), ("100", "Being asked for")] {
        sam.post(&format!("{path}/refund"), &[("amount", amount), ("reason", "asked to")]).await.assert_redirect(&path);
        sam.get(&path).await.assert_says(200, what);
    }
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, LOTS).await, [format!("top_up 50000 {}", 40_000 - GROSS)]);
    assert_eq!(standin.state().await["refunds"].as_array().unwrap().len(), 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn money_for_a_wish_that_the_database_forgot_is_the_customer_s_all_the_same(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let (page, _) = page_for(&alice, &cards, "500").await;
    gives(&world, &standin, &page, WORKS).await;
    sqlx::raw_sql("DO $$ BEGIN SET LOCAL session_replication_role = replica; DELETE FROM card_wishes; END $$")
        .execute(&world.db)
        .await
        .unwrap();
    let intent = newest_intent(&standin).await;
    hears(&world, &standin, &cards, (&intent, &["payment_intent.succeeded"])).await;
    assert_eq!(texts(&world.db, LOTS).await, [format!("payment 50000 {}", 50_000 - GROSS)]);
    assert_eq!(standing(&world, alice.account).await, (0, 50_000 - GROSS));
    audit(&world.db).await;
}
