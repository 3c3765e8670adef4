//! Reminders: one for each step, none after payment, never nearer to each other than announced.

use chrono::TimeDelta;
use sayoo::base::ids::PaymentId;
use sayoo::mail::store::Caught;
use sqlx::PgPool;

use super::{in_days, limits, look, mad, pass, pay, steps, suspended};
use crate::support::invoices::{final_invoice, open, standing};
use crate::support::portal::World;

/// What a mail says, however its lines are broken.
fn said(mail: &Caught) -> String {
    mail.text_body.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_65_each_step_is_mailed_once_however_often_and_by_how_many_it_is_looked_at(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    look(&world).await;
    assert_eq!(steps(&world).await, Vec::<String>::new(), "it has time until tonight");

    world.wait(TimeDelta::days(1));
    // Two workers at once, and once more.
    tokio::join!(look(&world), look(&world));
    world.wait(TimeDelta::seconds(11));
    look(&world).await;
    assert_eq!(steps(&world).await, ["warn"]);
    let mails = world.mails_to("alice@example.com").await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Invoice MA-2026-000001 is overdue");
    // 22 November and ten days.
    for words in ["MAD 120.00", "From 2 December 2026: development and test instances rest", "/account/billing"] {
        assert!(said(&mails[0]).contains(words), "{words}: {}", mails[0].text_body);
    }

    pass(&world, 8).await;
    assert_eq!(steps(&world).await, ["warn", "warn_again"]);
    assert_eq!(world.mails_to("alice@example.com").await.len(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_65_a_clock_that_jumps_a_month_sends_one_reminder_and_restricts_nobody_unwarned(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    world.wait(TimeDelta::days(60));
    for _ in 0..3 {
        look(&world).await;
        world.wait(TimeDelta::seconds(11));
    }
    assert_eq!(steps(&world).await, ["warn"]);
    assert_eq!(world.mails_to("alice@example.com").await.len(), 1);
    // Nine days lie between the first reminder and the first restriction, as announced.
    pass(&world, 8).await;
    assert_eq!(steps(&world).await, ["warn", "warn_again"]);
    pass(&world, 1).await;
    assert_eq!(steps(&world).await, ["warn", "warn_again", "sleep"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_65_nothing_is_sent_to_somebody_who_paid_before_it_was_written(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    world.wait(TimeDelta::days(1));
    look(&world).await;
    // The step is taken and its mail enqueued; then the money comes.
    assert_eq!(steps(&world).await, ["warn"]);
    pay(&world, alice.account, 12_000).await;
    assert_eq!(world.mails_to("alice@example.com").await.len(), 0);
    pass(&world, 60).await;
    assert_eq!(steps(&world).await, ["warn"]);
    assert_eq!(world.mails_to("alice@example.com").await.len(), 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_60_an_invoice_that_credit_covers_in_part_is_due_for_the_rest_and_dunned_for_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    pay(&world, alice.account, 5_000).await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    let mut tx = db.begin().await.unwrap();
    // Whoever settles once more changes nothing, and nothing fails.
    for _ in 0..2 {
        sayoo::billing::payments::settle(&mut tx, alice.account, world.portal.clock.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (7_000, (7_000, 0)));
    pass(&world, 1).await;
    let mails = world.mails_to("alice@example.com").await;
    assert!(said(&mails[0]).contains("MAD 70.00"), "{}", mails[0].text_body);
    let failed: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE attempts > 1").fetch_one(&db).await.unwrap();
    assert_eq!(failed, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_58_a_coin_that_a_transfer_is_short_stops_nothing_and_is_asked_for_with_the_next_invoice(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    pay(&world, alice.account, 11_999).await;
    assert_eq!(open(&world, invoice).await, 1);
    pass(&world, 60).await;
    assert_eq!((steps(&world).await, suspended(&world).await), (vec![], vec![]));
    assert_eq!(world.mails_to("alice@example.com").await.len(), 0);
    let page = world.again(&alice).await.get("/instances").await;
    assert!(!page.words().contains("have been due"), "no page says so: {}", page.words());

    final_invoice(&world, alice.account, mad(5_000), in_days(&world, 0)).await;
    pass(&world, 1).await;
    let mails = world.mails_to("alice@example.com").await;
    assert_eq!(mails.len(), 1);
    assert!(
        said(&mails[0]).contains("MAD 50.01") && said(&mails[0]).contains("MA-2027-000001"),
        "{}",
        mails[0].text_body
    );
    // What is asked for is paid, but for another coin: everything is taken back.
    pass(&world, 20).await;
    assert_eq!(steps(&world).await, ["warn", "warn_again", "sleep", "throttle"]);
    pay(&world, alice.account, 5_000).await;
    look(&world).await;
    let states: i64 = sqlx::query_scalar("SELECT count(*) FROM dunning_states").fetch_one(&db).await.unwrap();
    assert_eq!(states, 0);
    assert_eq!((suspended(&world).await, limits(&world).await), (vec![], vec![]));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_59_credit_for_one_of_two_invoices_at_once_is_given_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    pay(&world, alice.account, 15_000).await;
    let first = final_invoice(&world, alice.account, mad(10_000), in_days(&world, 5)).await;
    let second = final_invoice(&world, alice.account, mad(10_000), in_days(&world, 5)).await;
    let payment: PaymentId = sqlx::query_scalar("SELECT id FROM payments").fetch_one(&db).await.unwrap();
    let now = world.portal.clock.now();
    let take = async |document| {
        let mut tx = db.begin().await.unwrap();
        let taken = sayoo::billing::payments::allocate(&mut tx, payment, document, mad(10_000), now).await.unwrap();
        tx.commit().await.unwrap();
        taken.minor
    };
    let (one, other) = tokio::join!(take(first), take(second));
    assert_eq!((one + other, one.max(other)), (15_000, 10_000), "all of it, and not more");
    assert_eq!(standing(&world, alice.account).await, (5_000, 0), "I25: never below zero");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_customer_reads_on_every_page_what_comes_when_and_staff_may_give_more_time(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    super::has(&world, &alice, "development", "devel").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    assert!(!alice.get("/instances").await.body.contains("/account/billing\">See and pay"));
    pass(&world, 10).await;
    let browser = world.again(&alice).await;
    for path in ["/instances", "/account", "/account/security"] {
        let page = browser.get(path).await;
        for words in [
            "MAD 120.00 have been due since 22 November 2026",
            "Now: development and test instances rest",
            "From 12 December 2026: production instances become slow",
        ] {
            page.assert_says(200, words);
        }
        assert_eq!(page.attribute("main .notice a", "href"), "/account/billing");
    }
    assert_eq!(suspended(&world).await, [(false, "dunning".to_owned())]);

    let sam = world.staff().await;
    sam.get("/staff/dunning").await.assert_says(200, "alice & Fils");
    let account = alice.account.to_string();
    let form = |until: &'static str, reason: &'static str| {
        [("account", account.clone()), ("until", until.to_owned()), ("reason", reason.to_owned())]
    };
    let send = async |form: [(&'static str, String); 3]| {
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sam.post("/staff/dunning", &fields).await
    };
    send(form("2026-12-20", "x")).await.assert_says(422, "3 to 1,000 characters");
    send(form("2036-12-20", "He said so")).await.assert_says(422, "within a year");
    send(form("2026-12-20", "Promised for the 20th")).await.assert_redirect("/staff/dunning");
    sam.get("/staff/dunning").await.assert_says(200, "More time until 20 December 2026 (Sam: Promised for the 20th)");
    for stranger in [&browser, &world.stranger()] {
        stranger.get("/staff/dunning").await.assert_redirect("/staff/login");
        let fields = [("account", account.as_str()), ("until", "2026-12-30"), ("reason", "I say so")];
        stranger.post("/staff/dunning", &fields).await.assert_redirect("/staff/login");
    }
    world.wait(TimeDelta::seconds(11));
    look(&world).await;
    assert_eq!(
        (suspended(&world).await, limits(&world).await),
        (vec![], vec![]),
        "everything runs for as long as it lasts"
    );
    // From 2 December to 19: nothing. Then it goes on where it was.
    pass(&world, 17).await;
    assert_eq!((suspended(&world).await, steps(&world).await.len()), (vec![], 3));
    pass(&world, 1).await;
    assert_eq!(suspended(&world).await, [(false, "dunning".to_owned())]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_is_dunned_for_what_their_unused_credit_covers(db: PgPool) {
    use sayoo::billing::payments::{self, Method, Payback, Received};
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let invoice = final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    let now = world.portal.clock.now();
    // Money comes in, and whoever books it pays nothing from it.
    let mut tx = db.begin().await.unwrap();
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(12_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let payment = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    world.wait(TimeDelta::days(2));
    let browser = world.again(&alice).await;
    let page = browser.get("/instances").await;
    assert!(!page.words().contains("have been due"), "no page says so: {}", page.words());
    pass(&world, 20).await;
    assert_eq!(steps(&world).await, Vec::<String>::new());
    assert_eq!(open(&world, invoice).await, 0, "it paid the invoice instead");

    // It goes back: the invoice is due again. The bank sends it back to us: it is paid again, at once.
    let now = world.portal.clock.now();
    let mut tx = db.begin().await.unwrap();
    payments::take_back(&mut tx, payment, mad(12_000), "re_1", now).await.unwrap();
    assert!(payments::pay_back(&mut tx, payment, Payback::Refund, mad(12_000), "re_1", now).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (12_000, (12_000, 0)));
    let mut tx = db.begin().await.unwrap();
    for _ in 0..2 {
        payments::take_back(&mut tx, payment, mad(12_000), "re_1", now).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!((open(&world, invoice).await, standing(&world, alice.account).await), (0, (0, 0)));
    crate::billing::world::audit(&db).await;
}
