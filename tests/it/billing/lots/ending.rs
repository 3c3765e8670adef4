//! What was given ends at its instant: used until then, told before and after, booked out once; and what comes back to it gets time.

use chrono::TimeDelta;
use sayoo::base::ids::DocumentId;
use sayoo::billing::payments::{self, Method, Received};
use sayoo::billing::{documents, lots as credit, run};
use sqlx::PgPool;

use super::{booked, carries, gives, holds, lots, settles, waits};
use crate::billing::dunning::in_days;
use crate::billing::world::{CORE_HOUR, at, introduce, mad, number, sell, texts, used};
use crate::support::invoices::{final_invoice, open, standing};
use crate::support::portal::World;

const ENDED: &str = "SELECT amount_minor || ' ' || to_char(expired_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM credit_expiries ORDER BY created_at, id";

/// Subjects of the mails about credit, without what keeps words together.
async fn told(world: &World, address: &str) -> Vec<String> {
    let mails = world.mails_to(address).await;
    let plain = |text: &str| text.replace(['\u{2068}', '\u{2069}', '\u{202f}', '\u{a0}'], "");
    mails.iter().map(|mail| plain(&mail.subject)).filter(|subject| subject.contains("credit")).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_61_credit_is_used_until_its_instant_and_not_at_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let sam = world.staff().await;
    // The tenth ends at eleven in the evening in UTC, where our company is.
    gives(&world, &sam, alice.account, "100", "2026-12-10").await;
    waits(&world, "2026-11-26T22:59:59Z");
    run::look(&world.portal).await.unwrap();
    assert_eq!(told(&world, &alice.email).await, [""; 0], "that is more than 14 days before");
    waits(&world, "2026-11-26T23:00:10Z");
    for _ in 0..2 {
        run::look(&world.portal).await.unwrap();
    }
    let mails = told(&world, &alice.email).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].starts_with("MAD100.00 of your credit end on 11 Dec 2026"), "{mails:?}");

    let first = final_invoice(&world, alice.account, mad(3_000), in_days(&world, 60)).await;
    waits(&world, "2026-12-10T22:59:59Z");
    settles(&world, alice.account).await;
    assert_eq!((open(&world, first).await, lots(&world).await), (0, vec!["grant 10000 7000".to_owned()]));

    // At the instant, before any worker came: nobody can use it, by whatever way.
    waits(&world, "2026-12-10T23:00:00Z");
    let second = final_invoice(&world, alice.account, mad(2_000), in_days(&world, 60)).await;
    settles(&world, alice.account).await;
    assert_eq!(open(&world, second).await, 2_000);
    let now = world.portal.clock.now();
    let mut tx = db.begin().await.unwrap();
    assert_eq!(credit::usable(&mut tx, alice.account, sayoo::base::money::Currency::Mad, now).await.unwrap().minor, 0);
    let grant = sqlx::query_scalar("SELECT id FROM payments WHERE method = 'gift'").fetch_one(&mut *tx).await.unwrap();
    let forced = payments::allocate(&mut tx, grant, second, mad(2_000), now).await;
    assert!(format!("{:#}", forced.unwrap_err()).contains("insert an allocation"), "the database refuses it");
    drop(tx);

    // Two workers at once, and once more: it is booked out once.
    let looks = [run::look(&world.portal), run::look(&world.portal)];
    for done in futures_util::future::join_all(looks).await {
        done.unwrap();
    }
    run::look(&world.portal).await.unwrap();
    assert_eq!(texts(&db, ENDED).await, ["7000 2026-12-10 23:00:00"]);
    assert_eq!(standing(&world, alice.account).await, (2_000, 0));
    assert_eq!(booked(&db, "gifts").await, 3_000, "what was not used was no gift");
    assert_eq!(told(&world, &alice.email).await[1..], ["MAD70.00 of your credit have ended"]);
    let browser = world.again(&alice).await;
    browser.get("/account/billing/statement").await.assert_says(200, "Credit that ended unused");
    let page = browser.get("/account/billing/credit").await;
    page.assert_says(200, "MAD 70.00 ended unused.");
    page.assert_says(200, "Ended on");
    holds(&world).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_used_up_ends_in_silence_and_a_grant_that_is_over_is_not_given(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET four_eyes_minor = 5000").execute(&db).await.unwrap();
    let alice = world.customer("alice").await;
    let sam = world.staff().await;
    final_invoice(&world, alice.account, mad(5_000), in_days(&world, 60)).await;
    gives(&world, &sam, alice.account, "50", "2026-11-25").await;
    super::asks(&sam, alice.account, &[("amount", "70"), ("until", "2026-11-22")]).await;
    waits(&world, "2026-11-22T23:00:00Z");
    let mia = world.staff().await;
    let id = texts(&db, "SELECT id::text FROM credit_grants WHERE state = 'waiting'").await.remove(0);
    mia.post(&format!("/staff/credit/{id}/confirm"), &[]).await;
    carries(&world).await;
    assert_eq!(
        number(&db, "SELECT count(*) FROM credit_grants WHERE state = 'failed' AND payment_id IS NULL").await,
        1
    );
    mia.get(&format!("/staff/accounts/{}", alice.account)).await.assert_says(200, "Was over before it was given");
    waits(&world, "2026-11-26T00:00:00Z");
    run::look(&world.portal).await.unwrap();
    assert_eq!(told(&world, &alice.email).await, [""; 0]);
    assert_eq!((texts(&db, ENDED).await, lots(&world).await), (vec![], vec!["grant 5000 0".to_owned()]));
    holds(&world).await;
}

/// So much of the lines of an invoice that come to so much is given back, without VAT, and the note is final.
async fn notes(world: &World, invoice: DocumentId, parts: &[(i64, i64)]) {
    let mut db = world.db.acquire().await.unwrap();
    let mut lines = Vec::new();
    for (of, net) in parts {
        let sql =
            format!("SELECT line_no::bigint FROM document_lines WHERE document_id = '{invoice}' AND net_minor = {of}");
        let line = number(&world.db, &sql).await;
        lines.push((i32::try_from(line).unwrap(), mad(*net)));
    }
    documents::credit(&mut db, invoice, &lines, "an outage", world.portal.clock.now()).await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_credit_note_gives_money_back_first_and_what_was_given_goes_back_to_where_it_was(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    gives(&world, &world.staff().await, alice.account, "50", "2026-12-05").await;
    let now = world.portal.clock.now();
    let mut tx = db.begin().await.unwrap();
    let paid = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(20_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    payments::receive(&mut tx, &paid, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    at(&world, "2026-12-01T03:00:00Z").await;
    // 169.02 with VAT: 50.00 of them are given, and used before money.
    assert_eq!(lots(&world).await, ["grant 5000 0", "payment 20000 8098"]);
    let invoice: DocumentId = sqlx::query_scalar("SELECT id FROM documents").fetch_one(&db).await.unwrap();

    // The grant is over. 120.00 come back: 119.02 of money, and what is left of it to the grant, which gets thirty days.
    waits(&world, "2026-12-08T10:00:00Z");
    notes(&world, invoice, &[(11_842, 10_000)]).await;
    assert_eq!(lots(&world).await, ["grant 5000 98", "payment 20000 8098", "credit_note 12000 11902"]);
    let ends = "SELECT to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM credit_lots WHERE source = 'grant'";
    assert_eq!(texts(&db, ends).await, ["2027-01-07 10:00:00"]);
    holds(&world).await;
    waits(&world, "2026-12-20T10:00:00Z");
    notes(&world, invoice, &[(11_842, 1_842), (2_243, 2_243)]).await;
    assert_eq!(lots(&world).await[0], "grant 5000 5000");
    assert_eq!(open(&world, invoice).await, 0, "it is paid by what took it back");
    assert_eq!(texts(&db, ends).await, ["2027-01-19 10:00:00"]);
    let (owed, free) = standing(&world, alice.account).await;
    assert_eq!((owed, free), (0, 25_000), "all that was paid and all that was given is there again");
    holds(&world).await;

    // It ends again, and what is left is the money that was paid.
    let months = TimeDelta::days(60);
    world.wait(months);
    credit::look(&mut db.acquire().await.unwrap(), world.portal.clock.now()).await.unwrap();
    assert_eq!(texts(&db, ENDED).await, ["5000 2027-01-19 10:00:00"]);
    assert_eq!((standing(&world, alice.account).await.1, booked(&db, "gifts").await), (20_000, 0));
    holds(&world).await;
}
