//! Staff give credit: once, large amounts by two people, nothing that is no amount, and nobody else.

use sqlx::PgPool;

use super::{LOTS, asks, booked, carries, gives, holds, lots};
use crate::billing::dunning::in_days;
use crate::billing::world::{mad, number, sell, texts};
use crate::staff::records::{Attempt, Somebody};
use crate::support::invoices::{final_invoice, open, standing};
use crate::support::portal::World;

const GRANTS: &str = "SELECT state || ' ' || amount_minor FROM credit_grants ORDER BY created_at, id";
const PAGE: &str = "/account/billing/credit";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_given_pays_what_is_open_and_both_sides_read_where_it_went(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), in_days(&world, 20)).await;
    alice.get(PAGE).await.assert_says(200, "There is none.");
    let sam = world.staff().await;
    gives(&world, &sam, alice.account, "50", "2026-12-31").await;
    assert_eq!(lots(&world).await, ["grant 5000 0"]);
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (7_000, (7_000, 0)));
    gives(&world, &sam, alice.account, "100,00", "").await;
    assert_eq!((open(&world, invoice).await, lots(&world).await.pop().unwrap()), (0, "grant 10000 3000".to_owned()));
    assert_eq!(booked(&world.db, "gifts").await, 15_000);
    holds(&world).await;

    let page = alice.get(PAGE).await;
    page.assert_says(200, "You can use MAD 30.00");
    page.assert_says(200, "Given by us 22 November 2026 MAD 100.00 MAD 30.00 Never MA-2026-000001 MAD 70.00");
    assert!(!page.words().contains("an outage"), "why it was given is ours");
    assert_eq!(page.attribute("main table a", "href"), format!("/account/billing/invoices/{invoice}"));
    let overview = alice.get("/account/billing").await;
    assert_eq!(overview.attribute(&format!("a.stat[href=\"{PAGE}\"]"), "href"), PAGE);
    alice.get("/account/billing/statement").await.assert_says(200, "Credit that we gave");
    let page = sam.get(&format!("/staff/accounts/{}", alice.account)).await;
    page.assert_says(200, "an outage");
    page.assert_says(200, "Your credit MAD 30.00");
    for action in ["credit.asked", "credit.given"] {
        assert_eq!(world.audit().await.iter().filter(|done| *done == action).count(), 2, "{action}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_form_that_is_sent_twice_and_a_job_that_runs_twice_give_once(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let sam = world.staff().await;
    let account = format!("/staff/accounts/{}", alice.account);
    let id = sam.get(&account).await.attribute("#credit input[name=grant]", "value");
    let form = [("grant", id.as_str()), ("amount", "50"), ("why", "an outage"), ("priority", "50")];
    for _ in 0..2 {
        sam.post(&format!("{account}/credit"), &form).await.assert_redirect(&format!("{account}#credit"));
    }
    let job = "SELECT count(*) FROM jobs WHERE kind = 'give_credit'";
    assert_eq!(number(&world.db, job).await, 1);
    let grant = id.parse().unwrap();
    let twice = [
        sayoo::billing::lots::grants::give(&world.portal, grant),
        sayoo::billing::lots::grants::give(&world.portal, grant),
    ];
    for done in futures_util::future::join_all(twice).await {
        done.unwrap();
    }
    carries(&world).await;
    assert_eq!(lots(&world).await, ["grant 5000 5000"]);
    assert_eq!(world.audit().await.iter().filter(|done| *done == "credit.given").count(), 1);
    holds(&world).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_grant_is_given_by_two_people_or_by_nobody(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET four_eyes_minor = 1000").execute(&world.db).await.unwrap();
    let alice = world.customer("alice").await;
    let (sam, mia) = (world.staff().await, world.staff().await);
    asks(&sam, alice.account, &[("amount", "10.01")]).await;
    carries(&world).await;
    assert_eq!((texts(&world.db, GRANTS).await, lots(&world).await), (vec!["waiting 1001".to_owned()], vec![]));
    let id = texts(&world.db, "SELECT id::text FROM credit_grants").await.remove(0);
    let (confirm, withdraw) = (format!("/staff/credit/{id}/confirm"), format!("/staff/credit/{id}/withdraw"));
    sam.post(&confirm, &[]).await.assert_redirect("/staff/payments?list=credit");
    sam.get("/staff/payments?list=credit").await.assert_says(200, "You asked for it: somebody else has to confirm it");
    for sql in [
        "UPDATE credit_grants SET state = 'wanted'",
        "UPDATE credit_grants SET state = 'wanted', approved_by = asked_by",
        "UPDATE credit_grants SET amount_minor = 1000000",
        "UPDATE credit_grants SET state = 'done', ended_at = now()",
        "DELETE FROM credit_grants",
        "TRUNCATE credit_grants",
        // Neither around it: no credit comes into the books that nobody gave.
        "INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
         SELECT gen_random_uuid(), account_id, sellers.id, 'gift', 1001, 'MAD', now(), 'credit-' || g.id, now()
           FROM credit_grants g, sellers WHERE sellers.currency = 'MAD'",
        "INSERT INTO credit_grants (id, account_id, amount_minor, currency, reason, state, asked_by, created_at)
         SELECT gen_random_uuid(), account_id, 1001, 'MAD', 'because', 'wanted', asked_by, now() FROM credit_grants",
        "INSERT INTO credit_grants (id, account_id, amount_minor, currency, reason, state, asked_by, created_at)
         SELECT gen_random_uuid(), account_id, 10, 'EUR', 'because', 'wanted', asked_by, now() FROM credit_grants",
    ] {
        assert!(sqlx::query(sql).execute(&world.db).await.is_err(), "{sql}");
    }
    mia.get("/staff/payments?list=credit").await.assert_says(200, "Waits for a second person");
    mia.post(&confirm, &[]).await.assert_redirect(&format!("/staff/accounts/{}", alice.account));
    mia.post(&withdraw, &[]).await.assert_redirect("/staff/payments?list=credit");
    carries(&world).await;
    assert_eq!(texts(&world.db, GRANTS).await, ["done 1001"]);
    assert_eq!(lots(&world).await, ["grant 1001 1001"]);

    asks(&sam, alice.account, &[("amount", "99")]).await;
    let id = texts(&world.db, "SELECT id::text FROM credit_grants WHERE state = 'waiting'").await.remove(0);
    sam.post(&format!("/staff/credit/{id}/withdraw"), &[]).await;
    mia.post(&format!("/staff/credit/{id}/confirm"), &[]).await.assert_redirect("/staff/payments?list=credit");
    carries(&world).await;
    assert_eq!(lots(&world).await, ["grant 1001 1001"]);
    // Ten is not more than the limit: one person gives it.
    gives(&world, &sam, alice.account, "10", "").await;
    assert_eq!(lots(&world).await.len(), 2);
    holds(&world).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_is_given_that_is_no_amount_no_day_to_come_or_without_a_reason(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let sam = world.staff().await;
    let page = format!("/staff/accounts/{}", alice.account);
    let amounts =
        ["", "0", "-5", "0.001", "NaN", "inf", "1e3", "1.234", "1000000.01", "9223372036854775808", "5 USD", "0x10"];
    for amount in amounts {
        asks(&sam, alice.account, &[("amount", amount)]).await.assert_redirect(&format!("{page}#credit"));
        sam.get(&page).await.assert_says(200, "Give an amount from 0.01");
    }
    for until in ["2026-11-21", "2037-01-01", "tomorrow", "2026-02-30", "9999-12-31"] {
        asks(&sam, alice.account, &[("amount", "5"), ("until", until)]).await;
        sam.get(&page).await.assert_says(200, "Give a day to come");
    }
    for priority in ["", "0", "100", "-1", "high", "70000"] {
        asks(&sam, alice.account, &[("amount", "5"), ("priority", priority)]).await;
        sam.get(&page).await.assert_says(200, "The order is a number from 1 to 99");
    }
    asks(&sam, alice.account, &[("amount", "5"), ("why", "x")]).await;
    sam.get(&page).await.assert_says(200, "3 to 1,000 characters");
    let nobody = uuid::Uuid::new_v4();
    let form = [
        ("grant", nobody.to_string()),
        ("amount", "5".to_owned()),
        ("why", "an outage".to_owned()),
        ("priority", "9".to_owned()),
    ];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(sam.post(&format!("/staff/accounts/{nobody}/credit"), &form).await.status, 404);
    assert_eq!(sam.post(&format!("/staff/credit/{nobody}/confirm"), &[]).await.status, 404);
    for (path, person) in [(format!("{page}/credit"), &alice.browser), (format!("{page}/credit"), &world.stranger())] {
        person.post(&path, &form).await.assert_redirect("/staff/login");
    }
    carries(&world).await;
    assert_eq!((texts(&world.db, GRANTS).await, texts(&world.db, LOTS).await), (vec![], vec![]));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pages_ask_with_the_web_s_own_rights_and_never_say_what_is_left(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let world = World::served_by(db.clone(), web.name()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let (sam, mia) = (world.staff().await, world.staff().await);
    gives(&world, &sam, alice.account, "50", "2026-12-31").await;
    sqlx::query("UPDATE sellers SET four_eyes_minor = 1000").execute(&db).await.unwrap();
    asks(&sam, alice.account, &[("amount", "20")]).await;
    let id = texts(&db, "SELECT id::text FROM credit_grants WHERE state = 'waiting'").await.remove(0);
    mia.post(&format!("/staff/credit/{id}/confirm"), &[])
        .await
        .assert_redirect(&format!("/staff/accounts/{}", alice.account));
    carries(&world).await;
    assert_eq!(lots(&world).await, ["grant 5000 5000", "grant 2000 2000"]);
    for sql in [
        "UPDATE credit_lots SET remaining_minor = 0",
        "UPDATE credit_lots SET expires_at = now() + interval '9 years'",
        "INSERT INTO credit_lots SELECT * FROM credit_lots",
        "DELETE FROM credit_lots",
        "INSERT INTO credit_expiries (id, account_id, lot_id, amount_minor, expired_at, created_at)
         SELECT gen_random_uuid(), account_id, id, remaining_minor, expires_at, now() FROM credit_lots",
        "UPDATE credit_grants SET amount_minor = 1",
        "UPDATE credit_grants SET payment_id = NULL",
        "UPDATE credit_grants SET expires_at = NULL",
    ] {
        Attempt::by(&db, &web).is_refused(sql, "42501").await;
    }
    drop(world);
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_database_keeps_lots_and_books_alike_whoever_writes(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    gives(&world, &world.staff().await, alice.account, "50", "2026-12-31").await;
    for sql in [
        "UPDATE credit_lots SET remaining_minor = -1",
        "UPDATE credit_lots SET remaining_minor = amount_minor + 1",
        "UPDATE credit_lots SET amount_minor = amount_minor + 1, remaining_minor = remaining_minor + 1",
        // Within the bounds, but not what the books say: refused when the transaction ends.
        "UPDATE credit_lots SET remaining_minor = remaining_minor - 1",
        "UPDATE credit_lots SET expires_at = expires_at - interval '1 day'",
        "UPDATE credit_lots SET expires_at = NULL",
        "DELETE FROM credit_lots",
        "TRUNCATE credit_lots CASCADE",
        // Before its time, in part, and without an entry.
        "INSERT INTO credit_expiries (id, account_id, lot_id, amount_minor, expired_at, created_at)
         SELECT gen_random_uuid(), account_id, id, remaining_minor, expires_at, expires_at - interval '1 second' FROM credit_lots",
        "INSERT INTO credit_expiries (id, account_id, lot_id, amount_minor, expired_at, created_at)
         SELECT gen_random_uuid(), account_id, id, remaining_minor - 1, expires_at, expires_at FROM credit_lots",
        "INSERT INTO credit_expiries (id, account_id, lot_id, amount_minor, expired_at, created_at)
         SELECT gen_random_uuid(), account_id, id, remaining_minor, expires_at, expires_at FROM credit_lots",
    ] {
        assert!(sqlx::query(sql).execute(&db).await.is_err(), "{sql}");
    }
    assert_eq!(lots(&world).await, ["grant 5000 5000"]);
    holds(&world).await;
}
