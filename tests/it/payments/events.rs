//! What Stripe says: in every order, many times, late, never, or not Stripe at all.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, booked, debtor, indebted, open, polled_now, without_poll};
use crate::billing::world::{audit, number, texts};
use crate::support::portal::{WEBHOOK_SECRET, World};
use crate::support::stripe::StandIn;
use sayoo::payments::{Cards, events};

/// Processes all that was kept, and nothing else.
async fn process(cards: &Cards) {
    while events::process_next(cards, cards.portal.clock.now()).await.unwrap() {}
}

fn orders(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(of - 1) {
        for place in 0..of {
            let mut order = shorter.clone();
            order.insert(place, of - 1);
            all.push(order);
        }
    }
    all
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn events_in_every_order_and_twice_come_to_the_same(db: PgPool) {
    let world = World::new(db).await;
    let standin = StandIn::start();
    let cards = standin.cards(&world);
    let orders = orders(4);
    let accounts = indebted(&world, orders.len(), "pm_card_visa").await;
    // The answers are all lost: events are all that there is.
    standin.order(json!({ "do": "set", "silence": orders.len() })).await;
    without_poll(&cards).await;
    assert_eq!(booked(&world.db).await, 0);
    let charged = standin.charged().await;
    assert_eq!(charged.len(), orders.len());
    let kinds = ["payment_intent.succeeded", "charge.refunded", "charge.dispute.created", "charge.dispute.closed"];
    for (intent, order) in charged.iter().zip(&orders) {
        let intent = intent["id"].as_str().unwrap();
        standin.order(json!({ "do": "refund", "intent": intent, "amount": 1000 })).await;
        let dispute = standin.order(json!({ "do": "dispute", "intent": intent, "amount": GROSS - 1000 })).await;
        standin.order(json!({ "do": "decide", "dispute": dispute["id"], "status": "lost" })).await;
        let told = standin.events(intent, &kinds).await;
        for event in order {
            for _ in 0..2 {
                let signed = json!({ "event": told[*event], "secret": WEBHOOK_SECRET });
                assert_eq!(standin.post(&world, signed).await, 200);
                process(&cards).await;
            }
        }
    }
    let count = i64::try_from(accounts.len()).unwrap();
    assert_eq!(booked(&world.db).await, count);
    let paybacks =
        "SELECT kind || ' ' || amount_minor || ' ' || count(*) FROM paybacks GROUP BY kind, amount_minor ORDER BY kind";
    assert_eq!(
        texts(&world.db, paybacks).await,
        [format!("dispute {} {count}", GROSS - 1000), format!("refund 1000 {count}"),]
    );
    assert_eq!(number(&world.db, "SELECT count(*) FROM card_disputes WHERE state = 'lost'").await, count);
    assert_eq!(number(&world.db, "SELECT count(*) FROM payment_attempts WHERE state = 'succeeded'").await, count);
    assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events WHERE note = 'done'").await, 4 * count);
    for account in accounts {
        assert_eq!(open(&world.db, account).await, GROSS, "all went back");
    }
    audit(&world.db).await;
    // What was given back is not taken again by itself.
    world.wait(TimeDelta::days(40));
    without_poll(&cards).await;
    assert_eq!(standin.charged().await.len(), orders.len());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn events_that_never_came_are_asked_for(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    standin.order(json!({ "do": "set", "silence": 1, "now": world.portal.clock.now().timestamp() })).await;
    without_poll(&cards).await;
    sqlx::query("DELETE FROM stripe_polls").execute(&world.db).await.unwrap();
    let done = cards.look().await.unwrap();
    assert_eq!(done.found, 3, "made, succeeded, charged: {done:?}");
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    world.wait(TimeDelta::minutes(9));
    assert_eq!(cards.look().await.unwrap().found, 0, "not yet again");
    // The same ones come three days late, too.
    world.wait(TimeDelta::days(3));
    let late = standin.state().await["events"][1]["id"].clone();
    assert_eq!(standin.post(&world, json!({ "event": late, "secret": "whsec_old" })).await, 200);
    cards.look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events").await, 3);
    assert_eq!(booked(&world.db).await, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_event_that_cannot_be_read_holds_up_nothing(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    for event in [
        json!({ "id": "evt_odd", "object": "event", "type": "odd", "created": "today", "livemode": false, "data": {} }),
        // What it is about has no id, and says so.
        json!({ "id": "evt_nameless", "object": "event", "type": "balance.available", "created": 1_900_000_000, "livemode": false,
                "data": { "object": { "id": null, "object": "balance" } } }),
    ] {
        standin.order(json!({ "do": "tell", "event": event })).await;
    }
    let done = cards.look().await.unwrap();
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0), "{done:?}");
    assert_eq!(
        texts(&world.db, "SELECT note FROM stripe_events WHERE event_id = 'evt_nameless'").await,
        ["ignored: not about money"]
    );
    assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events WHERE event_id = 'evt_odd'").await, 0);
    assert_eq!(
        number(&world.db, "SELECT count(*) FROM stripe_polls").await,
        1,
        "and what was asked is not asked again"
    );

    // One that was kept by another program, and that this one cannot read.
    sqlx::query(
        "INSERT INTO stripe_events (event_id, kind, created, livemode, payload, received_at, next_at)
         SELECT 'evt_kept', 'odd', $1, false, '{}', $1, $1",
    )
    .bind(world.portal.clock.now())
    .execute(&world.db)
    .await
    .unwrap();
    process(&cards).await;
    let kept = "SELECT count(*) FROM stripe_events WHERE event_id = 'evt_kept' AND processed_at IS NULL AND note <> ''";
    assert_eq!(number(&world.db, kept).await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn three_refunds_go_back_and_more_than_came_does_not(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let part = GROSS / 3;
    for amount in [part, part, part] {
        standin.order(json!({ "do": "refund", "intent": intent, "amount": amount })).await;
    }
    let refused = standin.order(json!({ "do": "refund", "intent": intent, "amount": part })).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("greater than"), "{refused}");
    let told = standin.events(&intent, &["charge.refunded"]).await;
    standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
    process(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM paybacks WHERE kind = 'refund'").await, 3);
    assert_eq!(open(&world.db, alice).await, 3 * part);
    audit(&world.db).await;

    // A dispute about more than is left: what is left goes back, and the rest is our loss, once.
    let dispute = standin.order(json!({ "do": "dispute", "intent": intent })).await;
    standin.order(json!({ "do": "decide", "dispute": dispute["id"], "status": "lost" })).await;
    let told = standin.events(&intent, &["charge.dispute.closed"]).await;
    let loss = "SELECT COALESCE(sum(p.amount_minor), 0)::bigint FROM postings p
                  JOIN ledger_accounts l ON l.id = p.ledger_account_id AND l.role = 'loss'";
    for _ in 0..2 {
        standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
        sqlx::query("UPDATE stripe_events SET again_at = now()").execute(&world.db).await.unwrap();
        process(&cards).await;
        assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events WHERE processed_at IS NULL").await, 0);
        assert_eq!(number(&world.db, loss).await, 3 * part);
        assert_eq!(number(&world.db, "SELECT sum(amount_minor)::bigint FROM paybacks").await, GROSS);
        assert_eq!(open(&world.db, alice).await, GROSS);
    }
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_dispute_that_is_won_changes_nothing(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    without_poll(&cards).await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let dispute = standin.order(json!({ "do": "dispute", "intent": intent })).await;
    let told = standin.events(&intent, &["charge.dispute.created"]).await;
    standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
    process(&cards).await;
    let states = "SELECT state || ' ' || reason FROM card_disputes";
    assert_eq!(texts(&world.db, states).await, ["open fraudulent"]);
    standin.order(json!({ "do": "decide", "dispute": dispute["id"], "status": "won" })).await;
    let told = standin.events(&intent, &["charge.dispute.closed"]).await;
    standin.post(&world, json!({ "event": told[0], "secret": WEBHOOK_SECRET })).await;
    process(&cards).await;
    assert_eq!(texts(&world.db, states).await, ["won fraudulent"]);
    assert_eq!(number(&world.db, "SELECT count(*) FROM paybacks").await, 0);
    assert_eq!(open(&world.db, alice).await, 0);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_nobody_we_know_signed_is_not_kept_and_what_is_none_of_ours_changes_nothing(db: PgPool) {
    let (world, standin, cards, alice) = debtor(db, "pm_card_visa").await;
    standin.order(json!({ "do": "set", "silence": 1 })).await;
    without_poll(&cards).await;
    polled_now(&world.db).await;
    let intent = standin.charged().await[0]["id"].as_str().unwrap().to_owned();
    let told = standin.events(&intent, &["payment_intent.succeeded"]).await.remove(0);
    let now = world.portal.clock.now().timestamp();

    let forged = standin.post(&world, json!({ "event": told, "secret": "whsec_guessed" })).await;
    let old = standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET, "at": now - 301 })).await;
    let early = standin.post(&world, json!({ "event": told, "secret": WEBHOOK_SECRET, "at": now + 301 })).await;
    let words = standin.post(&world, json!({ "body": "hello", "secret": WEBHOOK_SECRET })).await;
    assert_eq!([forged, old, early, words], [400; 4]);
    let made = standin.order(json!({ "do": "sign", "event": told, "secret": WEBHOOK_SECRET, "at": now })).await;
    let (header, body) = (made["header"].as_str().unwrap(), made["body"].as_str().unwrap());
    let changed = body.replace("\"livemode\": false", "\"livemode\": true");
    assert_ne!(changed, body);
    assert_eq!(standin.post_raw(&world, header, changed.clone()).await, 400);
    for header in ["", "t=,v1=", "v1=00", "t=1,t=2,v1=zz", "x"] {
        assert_eq!(standin.post_raw(&world, header, body.to_owned()).await, 400, "{header}");
    }
    let large = standin.post_raw(&world, header, "x".repeat(300 << 10)).await;
    assert!([400, 413].contains(&large), "{large}");
    assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events").await, 0, "nothing is kept");

    // Signed, and yet not ours: real money in a test, another account, a payment that is not at Stripe.
    let of = |id: &str, change: &[(&str, serde_json::Value)]| {
        let mut event: serde_json::Value = serde_json::from_str(body).unwrap();
        event["id"] = id.into();
        for (name, value) in change {
            event[*name] = value.clone();
        }
        json!({ "body": event.to_string(), "secret": WEBHOOK_SECRET })
    };
    let elsewhere = json!({ "object": { "id": "pi_elsewhere", "object": "payment_intent" } });
    for signed in [
        of("evt_a", &[("livemode", true.into())]),
        of("evt_b", &[("account", "acct_other".into())]),
        of("evt_c", &[("data", elsewhere)]),
        of("evt_d", &[("data", json!({ "object": { "id": "../v1/x", "object": "customer" } }))]),
    ] {
        assert_eq!(standin.post(&world, signed).await, 200);
    }
    process(&cards).await;
    assert_eq!(
        texts(&world.db, "SELECT note FROM stripe_events ORDER BY event_id").await,
        ["ignored: another mode", "ignored: another account", "unmatched", "ignored: not about money",]
    );
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (0, GROSS));

    // The real one, replayed within its time, is kept once.
    for _ in 0..5 {
        assert_eq!(standin.post_raw(&world, header, body.to_owned()).await, 200);
    }
    process(&cards).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM stripe_events").await, 5);
    assert_eq!((booked(&world.db).await, open(&world.db, alice).await), (1, 0));
    audit(&world.db).await;
}
