//! What the web process may write of cards, and what it may not: its login is all that a thief would have.

use sqlx::PgPool;

use super::{WORKS, gives, in_world, invoice_of, open, page_for, without_poll};
use crate::billing::world::{mad, texts};
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::World;
use sayoo::billing::{documents, run};

const METHODS: &str = "/account/billing/methods";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pages_ask_with_the_web_s_own_rights_and_only_the_worker_writes_what_is_true(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let (world, standin, cards, alice) = in_world(World::served_by(db.clone(), web.name()).await).await;

    // Everything that pages do.
    let (page, _) = page_for(&alice, &cards, METHODS).await;
    let back = gives(&world, &standin, &page, WORKS).await;
    assert_eq!(alice.get(&back).await.status, 303);
    sqlx::query("UPDATE payment_methods SET is_default = false").execute(&db).await.unwrap();
    let invoice = invoice_of(&db, alice.account).await;
    let (page, _) = page_for(&alice, &cards, &format!("/account/billing/invoices/{invoice}/pay")).await;
    let back = gives(&world, &standin, &page, WORKS).await;
    assert_eq!(alice.get(&back).await.status, 303);
    without_poll(&cards).await;
    assert_eq!(open(&db, alice.account).await, 0);
    let page = alice.get(METHODS).await;
    alice.post(&page.attribute("dialog form[action$=\"/remove\"]", "action"), &[]).await.assert_redirect(METHODS);
    let mut conn = db.acquire().await.unwrap();
    documents::credit(&mut conn, invoice, &[(1, mad(1_000))], "an outage", world.portal.clock.now()).await.unwrap();
    run::look(&world.portal).await.unwrap();
    let payment = texts(&db, "SELECT id::text FROM payments").await.remove(0);
    let (sam, mia) = (world.staff().await, world.staff().await);
    sqlx::query("UPDATE sellers SET four_eyes_minor = 1000").execute(&db).await.unwrap();
    let path = format!("/staff/payments/{payment}");
    sam.post(&format!("{path}/refund"), &[("amount", "12"), ("reason", "an outage")]).await.assert_redirect(&path);
    let refund = texts(&db, "SELECT id::text FROM card_refunds").await.remove(0);
    mia.post(&format!("/staff/payments/refunds/{refund}/confirm"), &[]).await.assert_redirect(&path);
    assert_eq!(texts(&db, "SELECT state FROM card_refunds").await, ["wanted"]);
    without_poll(&cards).await;

    // And what they never do.
    for sql in [
        "UPDATE card_wishes SET state = 'ready'",
        "UPDATE card_wishes SET page_url = 'https://elsewhere.example'",
        "DELETE FROM card_wishes",
        "INSERT INTO payment_methods SELECT * FROM payment_methods",
        "UPDATE payment_methods SET provider_id = 'pm_mine'",
        "UPDATE payment_methods SET account_id = account_id",
        "INSERT INTO stripe_customers SELECT * FROM stripe_customers",
        "UPDATE stripe_customers SET customer_id = 'cus_mine'",
        "INSERT INTO payment_attempts SELECT * FROM payment_attempts",
        "UPDATE payment_attempts SET state = 'succeeded'",
        "UPDATE card_refunds SET amount_minor = 1",
        "UPDATE card_refunds SET provider_id = 're_mine'",
        "INSERT INTO card_payouts SELECT * FROM card_payouts",
        "INSERT INTO paybacks SELECT * FROM paybacks",
        "UPDATE stripe_events SET payload = '{}'",
        "UPDATE stripe_events SET processed_at = now()",
        "INSERT INTO card_disputes SELECT * FROM card_disputes",
    ] {
        Attempt::by(&db, &web).is_refused(sql, "42501").await;
    }
    drop(conn);
    drop(world);
    web.gone(&db).await;
}
