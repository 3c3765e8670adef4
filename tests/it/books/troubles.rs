//! An Odoo that does not answer, answers and is not heard, computes something else, or says no.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use super::{GROSS, carried, debtor, later, minor, pays, waiting};
use crate::billing::world::{audit, number, texts};
use crate::staff::records::{Attempt, Somebody};
use crate::support::odoo;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_lost_answer_makes_nothing_twice(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    pays(&world, alice, GROSS, "VIR-1").await;
    let books = odoo::books(&world, sayoo::config::books::Books { post: true, ..standin.configured() });
    let lost = [
        "res.partner/load",
        "account.move/load",
        "account.move/action_post",
        "account.payment/load",
        "account.payment/action_post",
        "account.move.line/reconcile",
    ];
    let silent: BTreeMap<_, _> = lost.into_iter().map(|name| (name, 2)).collect();
    standin.order(json!({ "do": "set", "silent": silent })).await;
    for _ in 0..16 {
        later(&world, &books).await;
    }
    assert_eq!(waiting(&world.db).await, [""; 0]);
    assert_eq!(carried(&world.db).await, 4);
    for model in ["res.partner", "account.move", "account.payment", "account.partial.reconcile"] {
        assert_eq!(standin.records(model).await.len(), 1, "{model}");
    }
    let lines = standin.records("account.move.line").await;
    assert!(lines.iter().all(|line| minor(&line["amount_residual_currency"]) == 0), "{lines:?}");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_odoo_that_is_away_is_left_alone_longer_each_time_until_somebody_asks(db: PgPool) {
    let (world, standin, _) = debtor(db).await;
    let books = odoo::books(&world, standin.configured());
    standin.order(json!({ "do": "set", "down": true })).await;
    for _ in 0..12 {
        books.look().await.unwrap();
        world.wait(TimeDelta::minutes(10));
    }
    // At 0, 10, … minutes: the pauses grow to half an hour.
    let calls = standin.calls().await;
    assert!((5..=8).contains(&calls), "{calls} calls in two hours");

    let sam = world.staff().await;
    let page = sam.get("/staff/books").await;
    for said in ["does not answer", "answered with 502", "waits", "Left alone until"] {
        page.assert_says(200, said);
    }
    let ask = page.attribute("form[action$='/ask']", "action");
    sam.post(&ask, &[]).await.assert_redirect("/staff/books");
    assert!(sam.get("/staff/books").await.text("html").contains("It is tried within a minute"));
    books.look().await.unwrap();
    assert_eq!(standin.calls().await, calls + 1, "the one that was asked for is tried at once");
    assert_eq!(world.audit().await.iter().filter(|action| *action == "books.asked").count(), 1);

    standin.order(json!({ "do": "set", "down": false })).await;
    later(&world, &books).await;
    later(&world, &books).await;
    assert_eq!(waiting(&world.db).await, [""; 0]);
    let sam = world.staff().await;
    let page = sam.get("/staff/books").await;
    page.assert_says(200, "answers");
    page.assert_says(200, "Everything is there.");
    sam.post(&ask, &[]).await.assert_redirect("/staff/books");
    assert_eq!(world.audit().await.iter().filter(|action| *action == "books.asked").count(), 1, "it is there already");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn sums_that_are_not_ours_wait_for_a_person_with_both_of_them(db: PgPool) {
    let (world, standin, _) = debtor(db).await;
    let mistaken =
        sayoo::config::books::Books { taxes: [("S20".to_owned(), 10)].into(), post: true, ..standin.configured() };
    let books = odoo::books(&world, mistaken);
    books.look().await.unwrap();
    later(&world, &books).await;
    let there = &standin.records("account.move").await[0];
    assert_eq!(there["state"], "draft", "it is not posted with another sum");
    let sums =
        [&there["amount_untaxed"], &there["amount_tax"], &there["amount_total"]].map(ToString::to_string).join(", ");
    let here = texts(
        &world.db,
        "SELECT concat_ws(', ', round(net_minor / 100.0, 2), round(vat_minor / 100.0, 2), round(gross_minor / 100.0, 2)) FROM documents",
    )
    .await
    .remove(0);
    assert_eq!(
        waiting(&world.db).await,
        [format!("document parked: net, VAT and total are {sums} in Odoo, and {here} here")]
    );
    let calls = standin.calls().await;
    later(&world, &books).await;
    assert_eq!(standin.calls().await, calls, "nobody asked for it");

    // The draft is thrown away there, the tax is set right, and somebody asks for another try.
    let sam = world.staff().await;
    let page = sam.get("/staff/books").await;
    page.assert_says(200, "waits for you");
    page.assert_says(200, &here);
    standin.order(json!({ "do": "unlink", "model": "account.move", "ids": [there["id"]] })).await;
    sam.post(&page.attribute("form[action$='/ask']", "action"), &[]).await.assert_redirect("/staff/books");
    let books = odoo::books(&world, sayoo::config::books::Books { post: true, ..standin.configured() });
    books.look().await.unwrap();
    assert_eq!(waiting(&world.db).await, [""; 0]);
    let moves = standin.records("account.move").await;
    assert_eq!((moves.len(), &moves[0]["state"], minor(&moves[0]["amount_total"])), (1, &json!("posted"), GROSS));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_odoo_refuses_waits_with_its_words_and_holds_up_nothing_else(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;
    pays(&world, alice, GROSS, "VIR-1").await;
    let books = odoo::books(&world, standin.configured());
    standin.order(json!({ "do": "set", "broken": { "account.move/load": 3 } })).await;
    books.look().await.unwrap();
    let waits = waiting(&world.db).await;
    assert_eq!(waits[0], "document due: Odoo refused: 'a bug of this Odoo'");
    assert_eq!(standin.records("account.payment").await.len(), 1, "the payment is there all the same");
    for _ in 0..4 {
        later(&world, &books).await;
    }
    standin.posted().await;
    later(&world, &books).await;
    assert_eq!(waiting(&world.db).await, [""; 0]);

    // A key that is not known any more is everybody's trouble, not a document's.
    let mut other = standin.configured();
    other.database = "elsewhere".to_owned();
    pays(&world, alice, 1_000, "VIR-2").await;
    odoo::books(&world, other).look().await.unwrap();
    assert_eq!(number(&world.db, "SELECT count(*) FROM book_links WHERE problem LIKE '%404%'").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_journal_that_is_not_there_waits_for_a_person(db: PgPool) {
    let (world, standin, alice) = debtor(db).await;

    pays(&world, alice, 1_000, "VIR-1").await;
    let config = sayoo::config::books::Books { bank_journal: "BNK9".to_owned(), ..standin.configured() };
    let books = odoo::books(&world, config);
    books.look().await.unwrap();
    let waits = waiting(&world.db).await;
    assert_eq!(waits[0], "payment parked: there is no account.journal with the code BNK9 in Odoo");
    assert_eq!(standin.records("account.payment").await.len(), 0);
    // Set right, and tried by hand.
    odoo::books(&world, standin.configured()).look_at_all().await.unwrap();
    assert_eq!(standin.records("account.payment").await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_web_process_asks_for_another_try_and_writes_nothing_else(db: PgPool) {
    let (world, standin, _) = debtor(db).await;
    standin.order(json!({ "do": "set", "down": true })).await;
    odoo::books(&world, standin.configured()).look().await.unwrap();
    let web = Somebody::like_web(&world.db).await;
    for sql in [
        "UPDATE book_pushes SET state = 'due', done_at = NULL",
        "UPDATE book_pushes SET odoo_id = 1",
        "DELETE FROM book_pushes",
        "INSERT INTO book_links (seller_id, address, database) SELECT id, 'http://evil', 'x' FROM sellers",
        "UPDATE book_links SET address = 'http://evil'",
    ] {
        Attempt::by(&world.db, &web).is_refused(sql, "42501").await;
    }
    let mut tx = world.db.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("SET LOCAL ROLE {}", web.name()))).execute(&mut *tx).await.unwrap();
    let asked = sqlx::query("UPDATE book_pushes SET asked_at = now()").execute(&mut *tx).await.unwrap();
    assert_eq!(asked.rows_affected(), 2, "the customer and the invoice");
    tx.rollback().await.unwrap();
    web.gone(&world.db).await;
}
