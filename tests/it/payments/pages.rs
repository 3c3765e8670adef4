//! Customers give cards on Stripe's own pages: to save one, and to pay an invoice.

use chrono::TimeDelta;
use sayoo::billing::payments::{self, Method, Received};
use serde_json::json;
use sqlx::PgPool;

use super::{
    ASKS, GROSS, WORKS, at_the_door, booked, gives, in_time, invoice_of, open, owing, page_for, saves_card, stay,
    without_poll,
};
use crate::billing::world::{audit, mad, number, texts};
use crate::support::portal::{Person, WEBHOOK_SECRET, World};
use crate::support::stripe::StandIn;

const METHODS: &str = "/account/billing/methods";
const WISHES: &str = "SELECT kind || ' ' || state || ' ' || outcome FROM card_wishes ORDER BY created_at, id";
const ATTEMPTS: &str =
    "SELECT attempt_no || ' ' || kind || ' ' || state || ' ' || failure_code FROM payment_attempts ORDER BY attempt_no";

/// How we hear that a page was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hear {
    Return,
    Event,
    ReturnThenEvents,
    EventsThenReturn,
    Nothing,
}

/// Tells us in this way, and lets the worker look.
async fn hear(
    (world, standin, cards, alice): (&World, &StandIn, &sayoo::payments::Cards, &Person),
    how: Hear,
    (back, here): (&str, &str),
) {
    let comes_back = async || {
        let left = format!("{here}?back=left");
        alice.get(back).await.assert_redirect(&left);
        // The same again, as when somebody loads it twice.
        alice.get(back).await.assert_redirect(&left);
        alice.get(&left).await
    };
    let session = standin.state().await["sessions"].as_array().unwrap().last().unwrap()["id"].clone();
    let event = standin.events(session.as_str().unwrap(), &["checkout.session.completed"]).await.remove(0);
    let tells = async || {
        for _ in 0..2 {
            let signed = json!({ "event": event, "secret": WEBHOOK_SECRET });
            assert_eq!(standin.post(world, signed).await, 200);
            without_poll(cards).await;
        }
    };
    match how {
        Hear::Return => {
            comes_back().await.assert_says(200, "we ask what became of it");
            without_poll(cards).await;
        }
        Hear::Event => tells().await,
        Hear::ReturnThenEvents => {
            comes_back().await;
            tells().await;
        }
        Hear::EventsThenReturn => {
            tells().await;
            comes_back().await;
            without_poll(cards).await;
        }
        Hear::Nothing => {
            without_poll(cards).await;
            assert!(texts(&world.db, WISHES).await[0].contains(" ready "), "nobody asks all the time");
            world.wait(TimeDelta::minutes(11));
            without_poll(cards).await;
        }
    }
}

async fn is_saved(db: PgPool, how: Hear) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    alice.get(METHODS).await.assert_says(200, "No card is saved");
    let (page, here) = page_for(&alice, &cards, METHODS).await;
    // Whoever asks again comes to the same page.
    alice.post(METHODS, &[]).await.assert_redirect(&here);
    alice.get(&here).await.assert_says(200, "provider is ready");
    let back = gives(&world, &standin, &page, ASKS).await;
    hear((&world, &standin, &cards, &alice), how, (&back, &here)).await;

    alice.get(&here).await.assert_says(200, "The card is saved");
    let page = alice.get(METHODS).await;
    page.assert_says(200, "Visa ending in 3155 Charged for invoices 12/2030");
    assert_eq!(texts(&world.db, WISHES).await, ["save done saved"]);
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_methods WHERE is_default").await, 1);
    let calls = standin.state().await["calls"].clone();
    let sessions: Vec<_> =
        calls.as_array().unwrap().iter().filter(|it| it["path"] == "/v1/checkout/sessions").collect();
    assert_eq!(sessions.len(), 1, "one page");
    assert!(sessions[0]["body"].as_str().unwrap().contains("mode=setup"));
    assert!(!calls.to_string().contains(ASKS), "no card passes us: {calls}");
    assert_eq!(world.audit().await.iter().filter(|action| *action == "card.saved").count(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_is_saved_and_the_browser_s_return_says_so(db: PgPool) {
    is_saved(db, Hear::Return).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_is_saved_and_an_event_says_so(db: PgPool) {
    is_saved(db, Hear::Event).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_is_saved_once_whichever_comes_first(db: PgPool) {
    is_saved(db.clone(), Hear::ReturnThenEvents).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_is_saved_once_when_events_come_first(db: PgPool) {
    is_saved(db, Hear::EventsThenReturn).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_card_is_saved_although_nobody_says_so(db: PgPool) {
    is_saved(db, Hear::Nothing).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_lost_answer_makes_no_second_page_and_one_that_is_left_ends_by_itself(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    standin.order(json!({ "do": "set", "silence": 3 })).await;
    let here = alice.post(METHODS, &[]).await.location;
    for _ in 0..4 {
        without_poll(&cards).await;
        world.wait(TimeDelta::seconds(11));
    }
    alice.get(&here).await.assert_says(200, "provider is ready");
    let state = standin.state().await;
    assert_eq!(state["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(state["customers"].as_array().unwrap().len(), 1);
    alice.get(&format!("{here}?back=left")).await.assert_says(200, "You have not finished yet");
    world.wait(TimeDelta::minutes(61));
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    alice.get(&here).await.assert_says(200, "time is over");
    assert_eq!(texts(&world.db, WISHES).await, ["save ended expired"]);
    // The next click is another page.
    assert_ne!(alice.post(METHODS, &[]).await.location, here);

    // One that cannot be made is given up, and says so.
    standin.order(json!({ "do": "set", "away": 1000 })).await;
    for _ in 0..4 {
        without_poll(&cards).await;
        world.wait(TimeDelta::minutes(10));
    }
    assert_eq!(texts(&world.db, WISHES).await, ["save ended expired", "save ended refused"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn another_card_is_chosen_and_one_that_is_removed_is_forgotten_at_stripe_too(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    for card in [WORKS, ASKS] {
        let (page, _) = page_for(&alice, &cards, METHODS).await;
        let back = gives(&world, &standin, &page, card).await;
        alice.get(&back).await;
        without_poll(&cards).await;
    }
    let defaults = "SELECT last4 FROM payment_methods WHERE is_default";
    assert_eq!(texts(&world.db, defaults).await, ["4242"], "the first one is charged until another is chosen");
    assert_eq!(open(&world.db, alice.account).await, 0, "and it paid what was open");
    let page = alice.get(METHODS).await;
    alice.post(&page.attribute("form[action$=\"/default\"]", "action"), &[]).await.assert_redirect(METHODS);
    assert_eq!(texts(&world.db, defaults).await, ["3155"]);

    // Stripe says that a card was renewed.
    let method = texts(&world.db, "SELECT provider_id FROM payment_methods WHERE last4 = '3155'").await.remove(0);
    let card = json!({ "exp_month": 1, "exp_year": 2027 });
    standin.order(json!({ "do": "renew", "method": method, "card": card })).await;
    let event = standin.events(&method, &["payment_method.automatically_updated"]).await.remove(0);
    standin.post(&world, json!({ "event": event, "secret": WEBHOOK_SECRET })).await;
    without_poll(&cards).await;
    let page = alice.get(METHODS).await;
    page.assert_says(200, "Expires soon");
    page.assert_says(200, "expires soon. Add the new one");

    let remove = page.attribute("dialog form[action$=\"/remove\"]", "action");
    alice.post(&remove, &[]).await.assert_redirect(METHODS);
    alice.get(METHODS).await.assert_says(200, "No card is charged for invoices");
    assert_eq!(alice.post(&remove, &[]).await.status, 404, "it is not there any more");
    standin.order(json!({ "do": "set", "away": 1 })).await;
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_methods WHERE detached_at IS NOT NULL").await, 0);
    without_poll(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_methods WHERE detached_at IS NOT NULL").await, 1);
    let methods = standin.state().await["methods"].clone();
    let attached: Vec<_> = methods.as_array().unwrap().iter().filter(|it| !it["customer"].is_null()).collect();
    assert_eq!(attached.len(), 1);
    assert_eq!(attached[0]["card"]["last4"], "4242");
    let back = sqlx::query("UPDATE payment_methods SET removed_at = NULL").execute(&world.db).await;
    assert!(back.is_err(), "what was removed stays removed");
}

async fn pays(db: PgPool, how: Hear) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let invoice = format!("/account/billing/invoices/{}", invoice_of(&world.db, alice.account).await);
    alice.get(&invoice).await.assert_says(200, "Pay now by card");
    // How much is paid stands in the books, whatever a form says.
    let here = alice.post(&format!("{invoice}/pay"), &[("amount", "1"), ("currency", "eur")]).await.location;
    without_poll(&cards).await;
    let page = alice.get(&here).await.attribute("a[data-go]", "href");
    let session = standin.state().await["sessions"][0].clone();
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(GROSS), &json!("mad")));
    alice.get(&invoice).await.assert_says(200, "Go on with the payment");

    // Refused, then not proved, then paid, all on one page.
    let (back, said) = standin.visit(&page, &[("card", "4000000000000002"), ("act", "give")]).await;
    assert_eq!((back.as_str(), said.contains("was declined")), ("", true));
    standin.visit(&page, &[("card", ASKS), ("act", "no")]).await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, ATTEMPTS).await, ["1 page created "], "it is not over");
    let back = gives(&world, &standin, &page, ASKS).await;
    hear((&world, &standin, &cards, &alice), how, (&back, &here)).await;

    alice.get(&here).await.assert_says(200, "The payment has arrived");
    alice.get(&invoice).await.assert_says(200, "Paid by card");
    assert_eq!(texts(&world.db, WISHES).await, ["pay done paid"]);
    assert_eq!(texts(&world.db, ATTEMPTS).await, ["1 page succeeded "]);
    assert_eq!(standin.charged().await.len(), 1);
    assert_eq!((booked(&world.db).await, open(&world.db, alice.account).await), (1, 0));
    let again = alice.post(&format!("{invoice}/pay"), &[]).await;
    again.assert_redirect(&invoice);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_is_paid_on_a_page_and_the_browser_s_return_says_so(db: PgPool) {
    pays(db, Hear::Return).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_is_paid_on_a_page_once_when_events_come_first(db: PgPool) {
    pays(db, Hear::EventsThenReturn).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_is_paid_on_a_page_although_nobody_says_so(db: PgPool) {
    pays(db, Hear::Nothing).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_63_what_the_bank_asks_about_is_given_up_and_paid_later_from_the_mail_once(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    saves_card(&world, alice.account, 0, "pm_card_authenticationRequired").await;
    without_poll(&cards).await;
    assert_eq!(texts(&world.db, ATTEMPTS).await, ["1 saved failed authentication_required"]);
    let mails = world.mails_to(&alice.email).await;
    let asks: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("asks you to confirm")).collect();
    assert_eq!(asks.len(), 1, "one mail");
    let invoice = format!("/account/billing/invoices/{}", invoice_of(&world.db, alice.account).await);
    assert!(asks[0].text_body.contains(&format!("{}{invoice}", world.url)), "{}", asks[0].text_body);

    // Begun, and given up.
    in_time(&world, &standin).await;
    let (_, here) = page_for(&alice, &cards, &format!("{invoice}/pay")).await;
    world.wait(TimeDelta::minutes(61));
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    alice.get(&here).await.assert_says(200, "time is over");
    // Days later from the link; the saved card is not charged meanwhile, as its bank would ask again.
    world.wait(TimeDelta::days(9));
    in_time(&world, &standin).await;
    without_poll(&cards).await;
    stay(&world).await;
    let (page, _) = page_for(&alice, &cards, &format!("{invoice}/pay")).await;
    let back = gives(&world, &standin, &page, ASKS).await;
    alice.get(&back).await;
    without_poll(&cards).await;
    assert_eq!(
        texts(&world.db, ATTEMPTS).await,
        ["1 saved failed authentication_required", "2 page failed expired", "3 page succeeded "]
    );
    assert_eq!(standin.charged().await.len(), 1);
    assert_eq!((booked(&world.db).await, open(&world.db, alice.account).await), (1, 0));
    audit(&world.db).await;
}

/// A transfer pays everything.
async fn transfer(world: &World, alice: &Person) {
    let now = world.portal.clock.now();
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(GROSS),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let mut tx = world.db.begin().await.unwrap();
    payments::receive(&mut tx, &received, now).await.unwrap();
    payments::settle(&mut tx, alice.account, now).await.unwrap();
    tx.commit().await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_page_for_what_was_paid_meanwhile_is_closed(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let invoice = format!("/account/billing/invoices/{}", invoice_of(&world.db, alice.account).await);
    let (page, here) = page_for(&alice, &cards, &format!("{invoice}/pay")).await;
    transfer(&world, &alice).await;
    without_poll(&cards).await;
    let (_, said) = standin.visit(&page, &[("card", WORKS), ("act", "give")]).await;
    assert!(said.contains("its time is over"), "{said}");
    alice.get(&here).await.assert_says(200, "time is over");
    assert_eq!((booked(&world.db).await, standin.charged().await.len()), (0, 0));
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_56_who_pays_on_a_page_what_a_transfer_pays_at_the_same_time_has_credit(db: PgPool) {
    let (world, standin, cards, alice) = at_the_door(db).await;
    let invoice = format!("/account/billing/invoices/{}", invoice_of(&world.db, alice.account).await);
    let (page, here) = page_for(&alice, &cards, &format!("{invoice}/pay")).await;
    let back = gives(&world, &standin, &page, WORKS).await;
    transfer(&world, &alice).await;
    alice.get(&back).await;
    without_poll(&cards).await;
    alice.get(&here).await.assert_says(200, "the amount is your credit");
    let free = "SELECT sum(left_of(payments))::bigint FROM payments WHERE method = 'card'";
    assert_eq!(number(&world.db, free).await, GROSS);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_else_s_cards_pages_and_payments_are_there(db: PgPool) {
    let world = World::new(db).await;
    let standin = StandIn::start();
    let cards = standin.cards(&world);
    let people = owing(&world, 1).await;
    in_time(&world, &standin).await;
    let alice = &people[0];
    saves_card(&world, alice.account, 0, "pm_card_chargeDeclined").await;
    without_poll(&cards).await;
    let document = invoice_of(&world.db, alice.account).await;
    let (_, here) = page_for(alice, &cards, &format!("/account/billing/invoices/{document}/pay")).await;
    let method = texts(&world.db, "SELECT id::text FROM payment_methods").await.remove(0);
    let before = texts(&world.db, WISHES).await;
    for role in ["owner", "billing", "developer", "member"] {
        let eve = world.person(&format!("eve-{role}"), role).await;
        for path in [here.clone(), format!("{here}?back=done"), format!("{here}/events")] {
            assert_eq!(eve.get(&path).await.status, 404, "{role}: {path}");
        }
        for path in [
            format!("{METHODS}/{method}/default"),
            format!("{METHODS}/{method}/remove"),
            format!("/account/billing/invoices/{document}/pay"),
        ] {
            assert_eq!(eve.post(&path, &[]).await.status, 404, "{role}: {path}");
        }
        let may = ["owner", "billing"].contains(&role);
        assert_eq!(eve.get(METHODS).await.status, if may { 200 } else { 403 }, "{role}");
        assert_eq!(eve.post(METHODS, &[]).await.status, if may { 303 } else { 403 }, "{role}");
        assert!(!eve.get(METHODS).await.words().contains("4242"));
    }
    sqlx::query("DELETE FROM card_wishes WHERE account_id <> $1")
        .bind(alice.account.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    assert_eq!(texts(&world.db, WISHES).await, before, "nothing was done");
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_methods WHERE removed_at IS NULL").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_open_page_hears_at_once_what_became_of_a_wish(db: PgPool) {
    let (_world, standin, cards, alice) = at_the_door(db).await;
    let here = alice.post(METHODS, &[]).await.location;
    let live = alice.get(&here).await.attribute("#wish", "data-live");
    let mut stream = alice.browser.stream(&live, None).await;
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&first).contains("data: changed"), "nothing has changed yet");
    without_poll(&cards).await;
    let mut heard = String::new();
    while !heard.contains("data: changed") {
        heard += &String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap());
    }
    alice.get(&here).await.assert_says(200, "provider is ready");
    drop(standin);
}
