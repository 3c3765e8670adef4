//! The database was put back to a copy that is older than a payment: nobody pays twice.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use super::{GROSS, booked, debtor, in_time, invoice_of, open, without_poll};
use crate::billing::world::{audit, number, texts};
use crate::support::portal::World;

const NOTES: &str = "SELECT note FROM stripe_events ORDER BY event_id";

/// Does something behind the back of every trigger and constraint between tables.
async fn behind_its_back(world: &World, what: &str) {
    let sql = format!("DO $$ BEGIN SET LOCAL session_replication_role = replica; {what} END $$");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&world.db).await.unwrap();
}

/// Everything about payments is as it was before the first one.
async fn put_back(world: &World) {
    behind_its_back(
        world,
        "DELETE FROM postings WHERE entry_id IN (SELECT id FROM journal_entries WHERE source_kind IN ('payment', 'allocation'));
         DELETE FROM journal_entries WHERE source_kind IN ('payment', 'allocation');
         UPDATE journal_counters c
            SET last_seq = COALESCE((SELECT max(e.seq) FROM journal_entries e WHERE e.seller_id = c.seller_id), 0);
         DELETE FROM allocations;
         DELETE FROM credit_lots;
         DELETE FROM payments;
         DELETE FROM payment_attempts;
         DELETE FROM stripe_events;
         DELETE FROM stripe_polls;
         INSERT INTO open_invoices (document_id, account_id, due_on, finalised_at)
         SELECT id, account_id, due_on, finalised_at FROM documents
          WHERE kind = 'invoice' AND state = 'final' AND left_of(documents) > 0
             ON CONFLICT DO NOTHING;",
    )
    .await;
}

/// Staff have every event looked at again.
async fn again(world: &World) {
    sqlx::query("UPDATE stripe_events SET again_at = now()").execute(&world.db).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payment_that_the_copy_does_not_know_is_booked_and_nothing_is_charged_again(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    // Stripe has forgotten the key when the copy comes.
    standin.order(json!({ "do": "forget_keys" })).await;
    world.wait(TimeDelta::hours(25));
    put_back(&world).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (0, GROSS));
    audit(&world.db).await;

    let done = cards.look().await.unwrap();
    assert_eq!((done.found, done.events, done.attempts), (3, 3, 0), "made, succeeded, charged: {done:?}");
    assert_eq!(texts(&world.db, NOTES).await, ["done"; 3]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(texts(&world.db, "SELECT external_ref FROM payments").await, [intent]);

    again(&world).await;
    without_poll(&cards).await;
    world.wait(TimeDelta::days(30));
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, standin.charged().await.len()), (1, 1), "once here, and once there");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payment_of_another_customer_or_for_an_invoice_that_is_lost_stays_unmatched(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    world.wait(TimeDelta::hours(25));
    put_back(&world).await;
    behind_its_back(
        &world,
        "DELETE FROM payment_methods; UPDATE stripe_customers SET customer_id = 'cus_other' WHERE customer_id = 'cus_0';",
    )
    .await;
    cards.look().await.unwrap();
    assert_eq!(texts(&world.db, NOTES).await, ["unmatched"; 3], "the account is another customer there");
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (0, GROSS));

    // Who the customer is there may be lost, too.
    behind_its_back(&world, "DELETE FROM stripe_customers;").await;
    again(&world).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, NOTES).await, ["done"; 3]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    audit(&world.db).await;

    // Were the invoice not there: all that is known of it is its id.
    put_back(&world).await;
    behind_its_back(
        &world,
        "DELETE FROM open_invoices; UPDATE documents SET id = gen_random_uuid() WHERE kind = 'invoice';",
    )
    .await;
    cards.look().await.unwrap();
    assert_eq!(texts(&world.db, NOTES).await, ["unmatched"; 3]);
    assert_eq!(booked(&world.db).await, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_70_a_payment_of_an_invoice_that_is_lost_pays_the_one_that_was_billed_again(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    assert_eq!(standin.charged().await.len(), 1);
    world.wait(TimeDelta::hours(25));
    put_back(&world).await;
    // The month was billed again: the invoice is another one, and all that Stripe knows of the first is its id.
    behind_its_back(
        &world,
        "DECLARE known text; other uuid := gen_random_uuid();
         BEGIN
             FOR known IN SELECT c.table_name FROM information_schema.columns c
                            JOIN information_schema.tables t USING (table_schema, table_name)
                           WHERE c.table_schema = 'public' AND c.column_name = 'document_id' AND t.table_type = 'BASE TABLE'
             LOOP
                 EXECUTE format('UPDATE %I SET document_id = $1 WHERE document_id IS NOT NULL', known) USING other;
             END LOOP;
             UPDATE journal_entries SET source_id = other WHERE source_kind = 'document';
             UPDATE documents SET id = other;
         END;",
    )
    .await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (0, GROSS));
    audit(&world.db).await;

    cards.look().await.unwrap();
    assert_eq!(texts(&world.db, NOTES).await, ["done"; 3]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0), "the first payment pays it");
    world.wait(TimeDelta::days(30));
    without_poll(&cards).await;
    assert_eq!(standin.charged().await.len(), 1, "and nothing is charged again");
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_stripe_told_something_of_a_customer_that_is_not_understood_their_card_waits(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    let now = world.portal.clock.now();
    sqlx::query(
        "INSERT INTO stripe_events (event_id, kind, created, livemode, payload, received_at, next_at)
         VALUES ('evt_waits', 'payment_intent.succeeded', $1, false, $2, $1, $1 + interval '1 hour')",
    )
    .bind(now)
    .bind(json!({ "data": { "object": { "customer": "cus_0", "metadata": { "document": "of an invoice that is lost" } } } }))
    .execute(&world.db)
    .await
    .unwrap();
    without_poll(&cards).await;
    assert!(standin.charged().await.is_empty());
    sqlx::query("UPDATE stripe_events SET processed_at = $1").bind(now).execute(&world.db).await.unwrap();
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_is_charged_before_stripe_has_told_what_happened(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    // It has told of this invoice, and what it means could not be asked yet.
    let document = invoice_of(&world.db, alice).await;
    let now = world.portal.clock.now();
    sqlx::query(
        "INSERT INTO stripe_events (event_id, kind, created, livemode, payload, received_at, next_at)
         VALUES ('evt_waits', 'payment_intent.succeeded', $1, false, $2, $1, $1 + interval '1 hour')",
    )
    .bind(now)
    .bind(json!({ "data": { "object": { "metadata": { "document": document.to_string() } } } }))
    .execute(&world.db)
    .await
    .unwrap();
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);
    sqlx::query("UPDATE stripe_events SET processed_at = $1").bind(now).execute(&world.db).await.unwrap();

    // It cannot be asked at all.
    sqlx::query("DELETE FROM stripe_polls").execute(&world.db).await.unwrap();
    drop(standin);
    cards.look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, 0);
    assert_eq!(open(&world.db, alice).await, GROSS);
}
