//! An invoice is paid from a saved card once, whatever becomes of the question and the answer.

use chrono::TimeDelta;
use sayoo::billing::payments::{self, Method, Received};
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, booked, debtor, invoice_of, open, without_poll};
use crate::billing::world::{audit, mad, number, texts};

const STATES: &str =
    "SELECT attempt_no || ' ' || state || ' ' || failure_code FROM payment_attempts ORDER BY attempt_no";

/// How a question about money can go wrong.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Nothing.
    None,
    /// It does not arrive.
    Away,
    /// It is done, and the answer is lost.
    Silence,
    /// The same, and we were killed before we wrote that down.
    Killed,
    /// We were killed before we asked.
    KilledBefore,
    /// The answer is lost, and we come back when Stripe has forgotten the key.
    Forgotten,
}

async fn goes_through(db: PgPool, trouble: Trouble) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    assert_eq!(open(&world.db, alice).await, GROSS);
    match trouble {
        Trouble::None => {}
        Trouble::Away | Trouble::KilledBefore => {
            standin.order(json!({ "do": "set", "away": 1 })).await;
        }
        Trouble::Silence | Trouble::Killed | Trouble::Forgotten => {
            standin.order(json!({ "do": "set", "silence": 1 })).await;
        }
    }
    without_poll(&cards).await;
    let paid_at_once = matches!(trouble, Trouble::None);
    assert_eq!(texts(&world.db, STATES).await, [if paid_at_once { "1 succeeded " } else { "1 unknown " }]);
    if matches!(trouble, Trouble::Killed | Trouble::KilledBefore) {
        let sql = "UPDATE payment_attempts SET state = 'created', next_at = created_at + interval '2 minutes'";
        sqlx::query(sql).execute(&world.db).await.unwrap();
    }
    if matches!(trouble, Trouble::Forgotten) {
        standin.order(json!({ "do": "forget_keys" })).await;
        world.wait(TimeDelta::hours(21));
    } else {
        // Nobody else asks while it is somebody's.
        without_poll(&cards).await;
        assert_eq!(booked(&world.db).await, i64::from(paid_at_once));
        world.wait(TimeDelta::minutes(11));
    }
    without_poll(&cards).await;
    world.wait(TimeDelta::days(30));
    without_poll(&cards).await;

    assert_eq!(texts(&world.db, STATES).await, ["1 succeeded "], "{trouble:?}");
    let charged = standin.charged().await;
    assert_eq!(charged.len(), 1, "{trouble:?}: one charge");
    assert_eq!((&charged[0]["amount"], &charged[0]["currency"]), (&json!(GROSS), &json!("mad")));
    assert_eq!(booked(&world.db).await, 1, "{trouble:?}: one payment");
    assert_eq!(open(&world.db, alice).await, 0, "{trouble:?}");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_is_paid_from_the_saved_card(db: PgPool) {
    goes_through(db, Trouble::None).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_question_that_does_not_arrive_is_asked_again(db: PgPool) {
    goes_through(db, Trouble::Away).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_answer_that_is_lost_is_asked_for_again_and_nothing_is_charged_twice(db: PgPool) {
    goes_through(db, Trouble::Silence).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_left_after_the_charge_is_followed_by_somebody_who_books_it(db: PgPool) {
    goes_through(db, Trouble::Killed).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_left_before_the_charge_is_followed_by_somebody_who_makes_it(db: PgPool) {
    goes_through(db, Trouble::KilledBefore).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn when_the_key_is_forgotten_the_charge_is_searched_for(db: PgPool) {
    goes_through(db, Trouble::Forgotten).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_refused_card_is_tried_after_three_five_and_seven_days_and_then_no_more(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_chargeDeclinedInsufficientFunds").await;
    for days in [3, 5, 7, 30] {
        without_poll(&cards).await;
        let before = number(&world.db, "SELECT count(*) FROM payment_attempts").await;
        world.wait(TimeDelta::days(days) - TimeDelta::seconds(1));
        without_poll(&cards).await;
        assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts").await, before, "not before {days} days");
        world.wait(TimeDelta::seconds(1));
    }
    without_poll(&cards).await;
    let all = [1, 2, 3, 4].map(|no| format!("{no} failed insufficient_funds"));
    assert_eq!(texts(&world.db, STATES).await, all);
    assert!(standin.charged().await.is_empty());
    assert_eq!(open(&world.db, alice).await, GROSS);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payment_that_takes_days_is_asked_about_until_it_is_there(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_slow").await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["1 processing "]);
    world.wait(TimeDelta::days(2));
    without_poll(&cards).await;
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (0, GROSS));
    let intent = standin.state().await["intents"][0]["id"].clone();
    standin.order(json!({ "do": "finish", "intent": intent })).await;
    world.wait(TimeDelta::minutes(11));
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, STATES).await, ["1 succeeded "]);
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_that_pays_what_a_transfer_paid_meanwhile_is_credit(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
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
    assert_eq!(
        texts(&world.db, "SELECT method || ' ' || amount_minor FROM payments ORDER BY method").await,
        [format!("card {GROSS}"), format!("transfer {GROSS}"),]
    );
    let free =
        "SELECT (SELECT sum(amount_minor) FROM payments)::bigint - (SELECT sum(amount_minor) FROM allocations)::bigint";
    assert_eq!(number(&world.db, free).await, GROSS);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_database_refuses_two_open_attempts_more_than_is_open_and_changes(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    let document = invoice_of(&world.db, alice).await;
    let insert = async |no: i32, amount: i64, key: &str| {
        sqlx::query(
            "INSERT INTO payment_attempts (id, document_id, account_id, attempt_no, idempotency_key, amount_minor, currency, request, created_at)
             VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, 'MAD', '[]', now())",
        )
        .bind(document.uuid())
        .bind(alice.uuid())
        .bind(no)
        .bind(key.to_owned())
        .bind(amount)
        .execute(&world.db)
        .await
    };
    assert!(insert(1, GROSS + 1, &format!("invoice-{document}-1")).await.is_err(), "more than is open");
    assert!(insert(1, GROSS, "another-key").await.is_err(), "a key that is not the attempt's");
    insert(1, GROSS, &format!("invoice-{document}-1")).await.unwrap();
    assert!(insert(2, GROSS, &format!("invoice-{document}-2")).await.is_err(), "two at once");
    without_poll(&cards).await;
    assert!(standin.charged().await.is_empty(), "nor does anybody begin another");
    for sql in [
        "UPDATE payment_attempts SET amount_minor = 1",
        "UPDATE payment_attempts SET request = '[1]'",
        "DELETE FROM payment_attempts",
        "TRUNCATE payment_attempts",
    ] {
        assert!(sqlx::query(sql).execute(&world.db).await.is_err(), "{sql}");
    }
}
