//! What Stripe pays out to our bank is booked once, with what it keeps; what it tells us and nobody understands is shown.

use sayoo::base::money::Currency;
use sayoo::payments::Cards;
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, debtor, without_poll};
use crate::billing::world::{audit, number, texts};
use crate::support::portal::WEBHOOK_SECRET;

const BALANCES: &str =
    "SELECT l.role || ' ' || sum(p.amount_minor) FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id
     WHERE l.role IN ('bank', 'card_clearing', 'fees') GROUP BY l.role ORDER BY l.role";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payout_moves_what_stripe_held_to_the_bank_less_its_fees_and_back_when_the_bank_sends_it_back(db: PgPool) {
    let (world, standin, cards, _) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, BALANCES).await, [format!("card_clearing {GROSS}")]);
    let payout = standin.order(json!({ "do": "payout", "currency": "mad" })).await;
    let (id, fee) = (payout["id"].as_str().unwrap(), GROSS * 15 / 1000 + 25);
    let told = standin.events(id, &["payout.paid"]).await.remove(0);
    for _ in 0..2 {
        standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET })).await;
        without_poll(&cards).await;
    }
    let after = [format!("bank {}", GROSS - fee), "card_clearing 0".to_owned(), format!("fees {fee}")];
    assert_eq!(texts(&world.db, BALANCES).await, after);
    let sam = world.staff().await;
    sam.get("/staff/payments?list=payouts").await.assert_says(200, "At the bank");
    audit(&world.db).await;

    standin.order(json!({ "do": "return_payout", "payout": id })).await;
    let told = standin.events(id, &["payout.failed"]).await.remove(0);
    for _ in 0..2 {
        standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET })).await;
        without_poll(&cards).await;
    }
    let held = ["bank 0".to_owned(), format!("card_clearing {}", GROSS - fee), format!("fees {fee}")];
    assert_eq!(texts(&world.db, BALANCES).await, held);
    sam.get("/staff/payments?list=payouts").await.assert_says(200, "Sent back by the bank");
    for sql in ["UPDATE card_payouts SET fees_minor = 0", "DELETE FROM card_payouts", "TRUNCATE card_payouts"] {
        assert!(sqlx::query(sql).execute(&world.db).await.is_err(), "{sql}");
    }
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payout_of_money_that_was_exchanged_or_in_another_currency_is_booked_by_nobody(db: PgPool) {
    let (world, standin, cards, _) = debtor(db, "pm_card_visa").await;
    // The account at Stripe has no dirhams: it makes euros of them.
    standin.order(json!({ "do": "set", "settles": "eur" })).await;
    without_poll(&cards).await;
    let held = [format!("card_clearing {GROSS}")];
    assert_eq!(texts(&world.db, BALANCES).await, held);
    let payout = standin.order(json!({ "do": "payout", "currency": "eur" })).await;
    let told = standin.events(payout["id"].as_str().unwrap(), &["payout.paid"]).await.remove(0);
    standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET })).await;
    without_poll(&cards).await;
    let note = "SELECT note FROM stripe_events WHERE processed_at IS NULL";
    let said = texts(&world.db, note).await.remove(0);
    assert!(said.contains("the account at Stripe pays out in MAD"), "{said}");
    // It is the other company's account, and yet this money is not its customers'.
    let cards = Cards { currency: Currency::Eur, ..cards };
    sqlx::query("UPDATE stripe_events SET again_at = now()").execute(&world.db).await.unwrap();
    without_poll(&cards).await;
    let said = texts(&world.db, note).await.remove(0);
    assert!(said.contains("exchanged from another currency"), "{said}");
    assert_eq!(texts(&world.db, BALANCES).await, held);
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_payouts").await, 0);
    let sam = world.staff().await;
    sam.get("/staff/payments?list=events").await.assert_says(200, "exchanged from another currency");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_nobody_understands_is_shown_and_looked_at_again_when_somebody_says_so(db: PgPool) {
    let (world, standin, cards, _) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    let odd = json!({ "id": "evt_odd", "object": "event", "type": "payout.paid", "created": 1, "livemode": false,
                      "data": { "object": { "id": "po_elsewhere", "object": "payout" } } });
    let signed = json!({ "body": odd.to_string(), "secret": WEBHOOK_SECRET });
    assert_eq!(standin.post(&world, signed).await, 200);
    without_poll(&cards).await;
    let sam = world.staff().await;
    let page = sam.get("/staff/payments?list=events").await;
    page.assert_says(200, "Belongs to nothing here");
    let tries = "SELECT tries::bigint FROM stripe_events WHERE event_id = 'evt_odd'";
    assert_eq!(number(&world.db, tries).await, 1);
    let retry = page.attribute("form[action$=\"/retry\"]", "action");
    sam.post(&retry, &[]).await.assert_redirect("/staff/payments?list=events");
    without_poll(&cards).await;
    assert_eq!(number(&world.db, tries).await, 2);
    assert_eq!(sam.post("/staff/payments/events/evt_none/retry", &[]).await.status, 404);
    sam.get("/staff/payments?list=attempts").await.assert_says(200, "saved card");
    sam.get("/staff/payments").await.assert_says(200, "Pays invoices");
}
