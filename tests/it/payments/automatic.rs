//! When a saved card is charged by itself, and when it is not.

use chrono::TimeDelta;
use sayoo::base::ids::AccountId;
use sayoo::base::money::Currency;
use sayoo::billing::payments::{self, Method, Received};
use sayoo::i18n::Locale;
use sayoo::payments::Cards;
use sayoo::payments::wishes::{self, Kind};
use serde_json::json;
use sqlx::PgPool;

use super::{
    GROSS, at_the_door, booked, debtor, in_time, in_world, invoice_of, open, page_for, saves_card, stay, without_poll,
};
use crate::billing::world::{audit, mad, number, texts};
use crate::support::portal::{WEBHOOK_SECRET, World};

const STATES: &str =
    "SELECT attempt_no || ' ' || state || ' ' || failure_code FROM payment_attempts ORDER BY attempt_no";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_stripe_does_not_take_is_shown_to_staff_and_no_bank_is_said_to_have_refused(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    saves_card(&world, alice.account, 0, "pm_card_visa").await;
    standin.order(json!({ "do": "set", "other_account": true })).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["1 unknown resource_missing"]);
    let sam = world.staff().await;
    sam.get("/staff/payments?list=attempts").await.assert_says(200, "No such customer");
    // A day later nothing has arrived there: it is asked anew, again and again, and uses up none of the card's tries.
    for day in 1..=5 {
        world.wait(TimeDelta::hours(25));
        without_poll(&cards).await;
        let attempts = texts(&world.db, STATES).await;
        assert_eq!(attempts.len(), day + 1, "{attempts:?}");
        assert_eq!(attempts[day - 1], format!("{day} failed never_arrived"));
        assert_eq!(attempts[day], format!("{} unknown resource_missing", day + 1));
    }
    // Somebody puts it right: the attempt that is open goes through.
    standin.order(json!({ "do": "set", "other_account": false })).await;
    world.wait(TimeDelta::minutes(11));
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await.last().unwrap(), "6 succeeded ");
    assert_eq!((booked(&world.db).await, open(&world.db, alice.account).await), (1, 0));
    assert_eq!(standin.charged().await.len(), 1);
    let mails = world.mails_to(&alice.email).await;
    assert!(mails.iter().all(|mail| !mail.subject.contains("card was refused")), "no bank refused");
    audit(&world.db).await;
}

/// Money comes in by transfer, and whoever booked it did not see the invoice yet.
async fn comes_in(world: &World, account: AccountId, minor: i64) {
    let external_ref = format!("VIR-{minor}");
    let now = world.portal.clock.now();
    let received = Received {
        account,
        method: Method::Transfer,
        amount: mad(minor),
        received_on: now.date_naive(),
        external_ref: &external_ref,
    };
    let mut tx = world.db.begin().await.unwrap();
    payments::receive(&mut tx, &received, now).await.unwrap();
    tx.commit().await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn credit_pays_before_the_card_does(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    comes_in(&world, alice, GROSS).await;
    without_poll(&cards).await;
    assert!(standin.charged().await.is_empty());
    assert_eq!(open(&world.db, alice).await, 0);
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_card_is_charged_for_what_credit_leaves(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    comes_in(&world, alice, GROSS - 5_000).await;
    without_poll(&cards).await;
    let charged = standin.charged().await;
    assert_eq!((charged.len(), &charged[0]["amount"]), (1, &json!(5_000)));
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_page_asks_for_what_credit_leaves_and_there_is_none_where_it_leaves_nothing(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let pay = format!("/account/billing/invoices/{}/pay", invoice_of(&world.db, alice.account).await);
    comes_in(&world, alice.account, 4_000).await;
    page_for(&alice, &cards, &pay).await;
    assert_eq!(standin.state().await["sessions"][0]["amount_total"], json!(GROSS - 4_000));
    // It is left, and all the rest comes in.
    in_time(&world, &standin).await;
    world.wait(TimeDelta::minutes(61));
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    stay(&world).await;
    let here = alice.post(&pay, &[]).await.location;
    comes_in(&world, alice.account, GROSS).await;
    without_poll(&cards).await;
    alice.get(&here).await.assert_says(200, "Nothing is to be paid any more");
    assert_eq!(open(&world.db, alice.account).await, 0);
    assert_eq!(standin.state().await["sessions"].as_array().unwrap().len(), 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_too_little_for_a_card_is_asked_of_none(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    comes_in(&world, alice.account, GROSS - 500).await;
    saves_card(&world, alice.account, 0, "pm_card_visa").await;
    without_poll(&cards).await;
    assert_eq!(open(&world.db, alice.account).await, 500);
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);
    let invoice = format!("/account/billing/invoices/{}", invoice_of(&world.db, alice.account).await);
    alice.get(&invoice).await.assert_says(200, "Too little is open for a card payment");
    alice.post(&format!("{invoice}/pay"), &[]).await.assert_redirect(&invoice);
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_wishes").await, 0);
    assert!(standin.charged().await.is_empty());
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_billed_in_another_currency_than_the_account_at_stripe_pays_out_is_offered_transfers_only(db: PgPool) {
    let (world, standin, cards, alice) = in_world(World::paid_in(db, Currency::Eur).await).await;
    // A page that was asked for before the account was another one.
    let invoice = invoice_of(&world.db, alice.account).await;
    let asked = wishes::ask(&world.portal, (alice.account, alice.user), Kind::Pay(invoice), Locale::En).await.unwrap();
    let cards = Cards { currency: Currency::Eur, ..cards };
    saves_card(&world, alice.account, 0, "pm_card_visa").await;
    without_poll(&cards).await;
    alice.get(&format!("/account/billing/cards/{asked}")).await.assert_says(200, "pay by bank transfer");
    assert!(standin.charged().await.is_empty());
    assert!(standin.state().await["sessions"].as_array().unwrap().is_empty());
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);

    let page = alice.get(&format!("/account/billing/invoices/{invoice}")).await;
    page.assert_says(200, "RIB");
    assert!(!page.words().contains("Pay by card"), "{}", page.words());
    assert_eq!(alice.post(&format!("/account/billing/invoices/{invoice}/pay"), &[]).await.status, 404);
    alice.get("/account/billing/methods").await.assert_says(200, "Cards are not taken here");
    assert_eq!(alice.post("/account/billing/methods", &[]).await.status, 404);
    assert_eq!(open(&world.db, alice.account).await, GROSS);
}

/// A transfer that waits for somebody, of an unknown payer or of this one.
async fn reported(world: &World, account: Option<uuid::Uuid>, remittance: &str) {
    let staff = world.staff().await;
    drop(staff);
    sqlx::query(
        "INSERT INTO bank_receipts (id, seller_id, account_id, amount_minor, currency, value_on, bank_ref, remittance, source, entered_by, created_at)
         SELECT gen_random_uuid(), sellers.id, $1, 100, 'MAD', '2026-12-01', gen_random_uuid()::text, $2, 'camt', staff.id, now()
           FROM sellers, staff WHERE sellers.currency = 'MAD' LIMIT 1",
    )
    .bind(account)
    .bind(remittance.to_owned())
    .execute(&world.db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_a_transfer_waits_that_may_pay_it_an_invoice_is_not_charged(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    for (account, remittance) in [(Some(alice.uuid()), "thanks"), (None, "FACTURE ma-2026-000001 MERCI")] {
        reported(&world, account, remittance).await;
        without_poll(&cards).await;
        assert!(standin.charged().await.is_empty(), "{remittance}");
        sqlx::query(
            "UPDATE bank_receipts SET state = 'refused', refusal = 'not ours', ended_by = entered_by, ended_at = now() WHERE state = 'entered'",
        )
        .execute(&world.db)
        .await
        .unwrap();
    }
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_the_customer_s_bank_takes_something_back_nothing_is_charged(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let dispute = standin.order(json!({ "do": "dispute", "intent": intent })).await;
    let told = standin.events(&intent, &["charge.dispute.created"]).await;
    standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
    without_poll(&cards).await;
    // Another invoice comes.
    crate::billing::world::at(&world, "2027-01-01T03:00:00Z").await;
    assert!(open(&world.db, alice).await > 0);
    without_poll(&cards).await;
    assert_eq!(booked(&world.db).await, 1, "not now");
    standin.order(json!({ "do": "decide", "dispute": dispute["id"], "status": "won" })).await;
    let told = standin.events(&intent, &["charge.dispute.closed"]).await;
    standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (2, 0));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refusal_is_told_with_the_day_of_the_next_try_and_another_card_is_charged_at_once(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    saves_card(&world, alice.account, 0, "pm_card_chargeDeclinedInsufficientFunds").await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["1 failed insufficient_funds"]);
    let mails = world.mails_to(&alice.email).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("card was refused")).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text_body.contains("We try again on 4 December 2026"), "{}", told[0].text_body);

    // The customer has another card, which Stripe knows under the same customer.
    sqlx::query(
        "INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, created_at)
         VALUES (gen_random_uuid(), $1, 'cus_0', 'pm_card_visa', 'visa', '1111', '2030-12', now())",
    )
    .bind(alice.account.uuid())
    .execute(&world.db)
    .await
    .unwrap();
    let page = alice.get("/account/billing/methods").await;
    alice.post(&page.attribute("form[action$=\"/default\"]", "action"), &[]).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["1 failed insufficient_funds", "2 succeeded "]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice.account).await), (1, 0));
    assert_eq!(standin.charged().await[0]["amount"], json!(GROSS));
    // Nobody is told of what was paid meanwhile.
    world.wait(TimeDelta::days(10));
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 2);
    audit(&world.db).await;
}
