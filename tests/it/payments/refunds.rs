//! Staff give card payments back: what is free of them, or what a credit note gave back, once, large ones by two people.

use chrono::TimeDelta;
use sayoo::base::ids::AccountId;
use sayoo::billing::payments::{self, Method, Received};
use sayoo::billing::{documents, run};
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, debtor, invoice_of, open, without_poll};
use crate::billing::lots::gives;
use crate::billing::world::{audit, mad, number, texts};
use crate::support::portal::{WEBHOOK_SECRET, World};
use crate::support::staff::StaffPerson;
use crate::support::stripe::StandIn;

const STATES: &str = "SELECT state || ' ' || failure FROM card_refunds ORDER BY state";
const PAYBACKS: &str = "SELECT kind || ' ' || amount_minor FROM paybacks ORDER BY created_at, id";

/// Somebody who paid an invoice by card, and the path of the payment.
async fn paid(db: PgPool) -> (World, StandIn, sayoo::payments::Cards, AccountId, String) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    let id = texts(&world.db, "SELECT id::text FROM payments WHERE method = 'card'").await.remove(0);
    (world, standin, cards, alice, format!("/staff/payments/{id}"))
}

/// A credit note about a part of the invoice, with its VAT.
async fn credit(world: &World, account: AccountId, net: i64) {
    let invoice = invoice_of(&world.db, account).await;
    let mut db = world.db.acquire().await.unwrap();
    documents::credit(&mut db, invoice, &[(1, mad(net))], "an outage", world.portal.clock.now()).await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
}

async fn ask(staff: &StaffPerson, payment: &str, amount: &str) -> String {
    let page = staff.post(&format!("{payment}/refund"), &[("amount", amount), ("reason", "an outage")]).await;
    page.assert_redirect(payment);
    staff.get(payment).await.words()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn after_a_credit_note_the_money_goes_back_and_the_invoice_stays_paid(db: PgPool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    let sam = world.staff().await;
    sam.get(&payment).await.assert_says(200, "Can go back MAD 0.00");
    assert!(ask(&sam, &payment, "10").await.contains("Nothing goes back"), "nothing is free");
    credit(&world, alice, 1_000).await;
    sam.get(&payment).await.assert_says(200, "Can go back MAD 12.00");
    assert!(ask(&sam, &payment, "12.01").await.contains("Nothing goes back"), "more than is free");
    assert!(ask(&sam, &payment, "12").await.contains("Being asked for"));
    without_poll(&cards).await;
    sam.get(&payment).await.assert_says(200, "Given back");
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 1200"]);
    assert_eq!(open(&world.db, alice).await, 0, "the credit note pays what the card pays no more");
    let refunds = standin.state().await["refunds"].clone();
    assert_eq!((refunds.as_array().unwrap().len(), &refunds[0]["amount"]), (1, &json!(1_200)));
    audit(&world.db).await;

    // Stripe's events change nothing, and the card is not charged again.
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let told = standin.events(&intent, &["charge.refunded", "refund.created"]).await;
    for event in told {
        standin.post(&world, json!({ "event": event, "secret": WEBHOOK_SECRET })).await;
    }
    world.wait(TimeDelta::days(30));
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 1200"]);
    assert_eq!(standin.charged().await.len(), 1);
    assert!(world.audit().await.contains(&"refund.asked".to_owned()));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_given_does_not_become_money_by_a_refund(db: PgPool) {
    let (world, _standin, cards, alice, payment) = paid(db).await;
    let sam = world.staff().await;
    credit(&world, alice, 1_000).await;
    gives(&world, &sam, alice, "12", "2027-12-31").await;
    assert!(ask(&sam, &payment, "12").await.contains("Being asked for"));
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 1200"]);
    assert_eq!(open(&world.db, alice).await, 0);
    let left = "SELECT source || ' ' || remaining_minor FROM credit_lots WHERE source IN ('grant', 'credit_note') ORDER BY source";
    assert_eq!(
        texts(&world.db, left).await,
        ["credit_note 0", "grant 1200"],
        "the note pays, though the grant ends first"
    );
    sam.get(&payment).await.assert_says(200, "Can go back MAD 0.00");
    ask(&sam, &payment, "12").await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_refunds").await, 1, "not a second time");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_refund_is_confirmed_by_a_second_person_or_withdrawn(db: PgPool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    sqlx::query("UPDATE sellers SET four_eyes_minor = 1000").execute(&world.db).await.unwrap();
    credit(&world, alice, 1_000).await;
    let (sam, mia) = (world.staff().await, world.staff().await);
    assert!(ask(&sam, &payment, "12").await.contains("Waits for a second person"));
    without_poll(&cards).await;
    assert!(standin.state().await["refunds"].as_array().unwrap().is_empty());
    let refund = texts(&world.db, "SELECT id::text FROM card_refunds").await.remove(0);
    let confirm = format!("/staff/payments/refunds/{refund}/confirm");
    sam.post(&confirm, &[]).await.assert_redirect("/staff/payments?list=refunds");
    assert_eq!(texts(&world.db, STATES).await, ["waiting "], "not by the same person");
    for sql in [
        "UPDATE card_refunds SET state = 'wanted'",
        "UPDATE card_refunds SET state = 'wanted', approved_by = asked_by",
        "UPDATE card_refunds SET amount_minor = 1",
        "UPDATE card_refunds SET state = 'done', ended_at = now()",
        "DELETE FROM card_refunds",
        "TRUNCATE card_refunds",
    ] {
        assert!(sqlx::query(sql).execute(&world.db).await.is_err(), "{sql}");
    }
    mia.post(&format!("/staff/payments/refunds/{refund}/withdraw"), &[]).await.assert_redirect(&payment);
    assert_eq!(texts(&world.db, STATES).await, ["withdrawn "]);

    ask(&sam, &payment, "12").await;
    let sql = "SELECT id::text FROM card_refunds WHERE state = 'waiting'";
    let refund = texts(&world.db, sql).await.remove(0);
    mia.get("/staff/payments?list=refunds").await.assert_says(200, "Waits for a second person");
    mia.post(&format!("/staff/payments/refunds/{refund}/confirm"), &[]).await.assert_redirect(&payment);
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 1200"]);
    mia.post(&format!("/staff/payments/refunds/{refund}/withdraw"), &[]).await;
    assert_eq!(texts(&world.db, STATES).await, ["done ", "withdrawn "]);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_refund_in_parts_is_confirmed_by_a_second_person_too(db: PgPool) {
    let (world, _standin, cards, alice, payment) = paid(db).await;
    sqlx::query("UPDATE sellers SET four_eyes_minor = 1000").execute(&world.db).await.unwrap();
    credit(&world, alice, 2_000).await;
    let (sam, mia) = (world.staff().await, world.staff().await);
    assert!(ask(&sam, &payment, "6").await.contains("Being asked for"), "a small one");
    without_poll(&cards).await;
    assert!(ask(&sam, &payment, "6").await.contains("Waits for a second person"), "12 in all");
    let refund = texts(&world.db, "SELECT id::text FROM card_refunds WHERE state = 'waiting'").await.remove(0);
    // Nor past the pages: the database counts as well.
    let alone = "UPDATE card_refunds SET state = 'withdrawn', ended_at = now() WHERE state = 'waiting'";
    let mut tx = world.db.begin().await.unwrap();
    sqlx::query(alone).execute(&mut *tx).await.unwrap();
    let again = "INSERT INTO card_refunds (id, payment_id, account_id, amount_minor, currency, reason, state, asked_by, created_at)
                 SELECT gen_random_uuid(), payment_id, account_id, 600, currency, reason, 'wanted', asked_by, now() FROM card_refunds LIMIT 1";
    assert!(sqlx::query(again).execute(&mut *tx).await.is_err());
    tx.rollback().await.unwrap();
    mia.post(&format!("/staff/payments/refunds/{refund}/confirm"), &[]).await.assert_redirect(&payment);
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 600", "refund 600"]);
    // What two people agreed on does not count again: 6 alone and 4 more are no more than the limit.
    assert!(ask(&sam, &payment, "4").await.contains("Being asked for"));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refund_whose_answer_is_lost_is_found_and_not_given_twice(db: PgPool) {
    refund_in(db, "silence", false).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refund_that_did_not_arrive_is_asked_for_again(db: PgPool) {
    refund_in(db, "away", false).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refund_is_found_when_its_key_is_forgotten(db: PgPool) {
    refund_in(db, "silence", true).await;
}

async fn refund_in(db: PgPool, trouble: &str, forgotten: bool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    credit(&world, alice, 1_000).await;
    let sam = world.staff().await;
    ask(&sam, &payment, "12").await;
    standin.order(json!({ "do": "set", trouble: 1 })).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["unknown "]);
    sam.get(&payment).await.assert_says(200, "Not known");
    if forgotten {
        standin.order(json!({ "do": "forget_keys" })).await;
        world.wait(TimeDelta::hours(21));
    } else {
        world.wait(TimeDelta::minutes(11));
    }
    without_poll(&cards).await;
    world.wait(TimeDelta::days(2));
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["done "]);
    assert_eq!(standin.state().await["refunds"].as_array().unwrap().len(), 1);
    assert_eq!(texts(&world.db, PAYBACKS).await, ["refund 1200"]);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refund_that_takes_days_and_one_that_the_bank_sends_back(db: PgPool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    credit(&world, alice, 1_000).await;
    let sam = world.staff().await;
    standin.order(json!({ "do": "set", "refund_status": "pending" })).await;
    ask(&sam, &payment, "12").await;
    without_poll(&cards).await;
    sam.get(&payment).await.assert_says(200, "On its way");
    assert!(texts(&world.db, PAYBACKS).await.is_empty(), "it is not gone yet");
    let refund = standin.state().await["refunds"][0]["id"].clone();
    standin.order(json!({ "do": "settle_refund", "refund": refund, "status": "succeeded" })).await;
    world.wait(TimeDelta::minutes(61));
    without_poll(&cards).await;
    assert_eq!(
        (texts(&world.db, STATES).await, texts(&world.db, PAYBACKS).await),
        (vec!["done ".to_owned()], vec!["refund 1200".to_owned()])
    );

    // The customer's account at the bank is closed.
    standin
        .order(json!({ "do": "settle_refund", "refund": refund, "status": "failed", "reason": "lost_or_stolen_card" }))
        .await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let told = standin.events(&intent, &["refund.failed"]).await.remove(0);
    for _ in 0..2 {
        standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET })).await;
        without_poll(&cards).await;
    }
    assert_eq!(texts(&world.db, STATES).await, ["failed lost_or_stolen_card"]);
    let back = "SELECT amount_minor::text FROM payments WHERE external_ref LIKE '%-returned'";
    assert_eq!(texts(&world.db, back).await, ["1200"], "it is the customer's credit again, once");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn credit_that_paid_an_invoice_meanwhile_does_not_go_back(db: PgPool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    credit(&world, alice, 1_000).await;
    let sam = world.staff().await;
    ask(&sam, &payment, "12").await;
    // The next month is billed before the worker gets there.
    crate::billing::world::at(&world, "2027-01-01T03:00:00Z").await;
    without_poll(&cards).await;
    let sam = world.staff().await;
    sam.get("/staff/payments?list=refunds").await.assert_says(200, "Failed");
    assert_eq!(texts(&world.db, STATES).await, ["failed not_free"]);
    assert!(standin.state().await["refunds"].as_array().unwrap().is_empty());
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_free_of_a_card_payment_goes_back_and_what_a_bank_disputes_does_not(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    // The charge happens, its answer is lost, and a transfer pays meanwhile: the card's money is credit.
    standin.order(json!({ "do": "set", "silence": 1 })).await;
    without_poll(&cards).await;
    let now = world.portal.clock.now();
    let received = Received {
        account: alice,
        method: Method::Transfer,
        amount: mad(GROSS),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let mut tx = world.db.begin().await.unwrap();
    payments::receive(&mut tx, &received, now).await.unwrap();
    payments::settle(&mut tx, alice, now).await.unwrap();
    tx.commit().await.unwrap();
    world.wait(TimeDelta::minutes(11));
    without_poll(&cards).await;
    let id = texts(&world.db, "SELECT id::text FROM payments WHERE method = 'card'").await.remove(0);
    let payment = format!("/staff/payments/{id}");
    let sam = world.staff().await;
    let most = sam.get(&payment).await.attribute("input[name=amount]", "value");
    ask(&sam, &payment, &most).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, PAYBACKS).await, [format!("refund {GROSS}")]);
    assert_eq!(open(&world.db, alice).await, 0);
    audit(&world.db).await;
    assert_eq!(number(&world.db, "SELECT refundable_of(payments) FROM payments WHERE method = 'card'").await, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_a_bank_has_the_word_nothing_goes_back(db: PgPool) {
    let (world, standin, cards, alice, payment) = paid(db).await;
    credit(&world, alice, 1_000).await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    standin.order(json!({ "do": "dispute", "intent": intent })).await;
    let told = standin.events(&intent, &["charge.dispute.created"]).await.remove(0);
    standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET })).await;
    without_poll(&cards).await;
    let sam = world.staff().await;
    sam.get("/staff/payments?list=disputes").await.assert_says(200, "fraudulent");
    assert!(ask(&sam, &payment, "12").await.contains("Nothing goes back"));
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_refunds").await, 0);
}
